"""What a verdict means, in a plain sentence: the word alone compares with what we knew when the request was judged."""

from schemas.words import TERMINAL, Verdict

_SENTENCES = {
    Verdict.AGREES: "agreed with what we knew when it came",
    Verdict.STALE: "told of a time before the end that we knew already, so nothing followed",
    Verdict.CONFLICT: "told of another end than the one that we knew, so we asked once more; the provider's answer stands",
    Verdict.UNKNOWN_JOB: "told of a job that nobody had told us of before",
    Verdict.UNREADABLE: "its content cannot be read: it is kept whole and had no effect",
}


def sentence(verdict: str | None, reported_status: str | None, was_refused: bool = False) -> str:
    """A verdict of a delivery or a receipt, said so that nobody is alarmed by good news. One that was refused when it came is
    judged when it is taken in."""
    if verdict is None:
        return "not judged yet"
    if verdict == Verdict.AGREES and was_refused:
        return "agreed with what we knew when it was taken in, later than it came"
    if verdict != Verdict.DISAGREES:
        return _SENTENCES[Verdict(verdict)]
    if reported_status in TERMINAL:
        return "told of an end before we knew it, so we asked"
    if reported_status is None:
        return "told that something happened, and not what, so we asked"
    return "told of something else than we knew, so we asked"
