"""The sentence that the page of a job begins with: what its result waits for, or what went wrong, or that all is done. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from operators.dashboard.failure_words import is_as_asked
from operators.views import View
from schemas.words import SourceRule, Status

_BAD_ENDS = frozenset({Status.FAILED, Status.EXPIRED, Status.CANCELLED})
# What is found of a whole source and does not keep us from asking: news is late for it, and no result is.
_OF_NEWS = frozenset(SourceRule) - {SourceRule.ASKING_FAILS}


@dataclass(frozen=True, slots=True)
class Headline:
    """One sentence and its tone: a kind of trouble, `waiting`, `good`, or `note` for what came true as asked. `beside`: findings
    that stand against its whole source and are not why its result is late, each a sentence of its own."""

    tone: str
    text: str
    beside: Sequence[View] = ()


def headline(found: View, findings: Sequence[View]) -> Headline:
    """Of a job as `queries.account_of` gives it."""
    beside = tuple(one for one in findings if one["rule"] in _OF_NEWS)
    wrong = [one for one in findings if one["tone"] in ("failure", "trouble") and one not in beside]
    tone, text = _ready(wrong) if found["ready"] else _waiting(found, findings, wrong)
    return Headline(tone, text, () if found["settled"] else beside)


def _ready(wrong: Sequence[View]) -> tuple[str, str]:
    """What our own asking has trouble with cannot take away what is here."""
    of_job = [one for one in wrong if one["axis"] != "asking"]
    worst = min(of_job, key=_worst_first, default=None)
    return ("good", "Its result is here.") if worst is None else (_tone(worst), str(worst["message"]))


def _waiting(found: View, findings: Sequence[View], wrong: Sequence[View]) -> tuple[str, str]:
    """Questions that come to nothing keep a result away, and so does whatever is missing. That rows failed, or a cancel, does
    not; but a job that ended badly is told of by its end."""
    status = Status(found["status"])
    if status in _BAD_ENDS:
        ends = [one for one in wrong if one["axis"] in ("execution", "cancellation")]
        if ends:
            return _tone(ends[0]), f"No result yet: {ends[0]['message']}"
    asking = next((one for one in wrong if one["axis"] == "asking"), None)
    if asking is not None:
        return "asking", f"No result yet: {asking['message']}"
    if not status.is_terminal:
        return "waiting", f"No result yet: {'; '.join(_goes_on(found, findings))}"
    if found["missing"]:
        longest = "; ".join(f"{one['condition']}, for {one['age']}" for one in found["missing"])
        return "waiting", f"No result yet: {longest}"
    return "waiting", "No result yet: its end is being worked up."


def _goes_on(found: View, findings: Sequence[View]) -> Iterator[str]:
    """Since when it has been waited for, and what the provider says of it."""
    yield from (f"it has not ended in {one['age']}" for one in found["missing"][:1])
    yield from (str(one["message"]) for one in findings if one["axis"] == "execution" and one["rule"] == "status")


def _worst_first(one: View) -> tuple[bool, bool]:
    return is_as_asked(one["rule"]), bool(one["tone"] != "failure")


def _tone(one: View) -> str:
    """A job that was cancelled as somebody here asked is not trouble."""
    return "note" if is_as_asked(one["rule"]) else str(one["axis"])
