"""Which statuses a listing is narrowed to: our own words, and those that the gateway's list takes for them. Pure.

The gateway drops a word that it does not know, and shows everything when none is left (contract 3.3). Here such a word is
refused, so that no filter switches itself off.
"""

from collections.abc import Iterable, Mapping

from operators.errors import BadInput
from schemas.config.suggest import nearest
from schemas.texts import clean
from schemas.words import Status

# The gateway's filter words that are not ours. Its others mean here what they mean there, by contract 3.3 and 3.8.
ALIASES: Mapping[str, Status] = {
    "queued": Status.PENDING,
    "in_progress": Status.RUNNING,
    "processing": Status.RUNNING,
    "canceled": Status.CANCELLED,
}
# Words that a job's native status may be, and that filter nothing: neither at the gateway nor here.
NATIVE: Mapping[str, Status] = {
    "validating": Status.PENDING,
    "submitting": Status.PENDING,
    "submission_unknown": Status.PENDING,
    "finalizing": Status.RUNNING,
    "cancelling": Status.RUNNING,
    "canceling": Status.RUNNING,
}
KNOWN: Mapping[str, Status] = {**{status.value: status for status in Status}, **ALIASES}
HELP = (
    "Only in this status; may be repeated, or hold several with commas: unknown (not asked about yet), pending or queued "
    "(also what is being created or validated), running, in_progress or processing (also finalizing and cancelling), "
    "paused, completed, failed, cancelled or canceled, expired."
)


def read_statuses(written: Iterable[str], name: str) -> tuple[Status, ...]:
    """The statuses that are meant by some texts, each of one word or of several with commas, in any case.

    Each is named once. No text at all means no filter, and comes back empty. `name` is how a refusal calls the texts.

    Raises:
        BadInput: a word is empty or unknown.
    """
    words = [word.strip() for text in written for word in text.split(",")]
    return tuple(dict.fromkeys(_meant(word, name) for word in words))


def _meant(word: str, name: str) -> Status:
    status = KNOWN.get(word.lower())
    if status is None:
        raise BadInput(f"{name}: {_refusal(word)} Known are {', '.join(KNOWN)}")
    return status


def _refusal(word: str) -> str:
    if not word:
        return "a word is missing."
    shown = clean(word, 60)
    if word.lower() in NATIVE:
        return f"{shown} is a native status, which filters nothing; such jobs are {NATIVE[word.lower()].value} here."
    guess = nearest(word, KNOWN)
    return f"there is no status {shown}{f'; did you mean {guess}?' if guess else '.'}"
