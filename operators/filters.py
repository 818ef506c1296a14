"""Filters: by what each listing can be narrowed, and which of that go together. The same words for every face.

Each combination is one that an index answers in order. Any other is refused, with those that there are. `since` and `until`
go with every combination but a prefix, which is listed by that id and not by time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from operators.durations import duration
from operators.errors import BadInput
from operators.statuses import read_statuses
from schemas.ids import parse, shown
from schemas.texts import clean
from schemas.times import parse_rfc3339
from schemas.words import (
    ActionState,
    ActionVerb,
    Category,
    Code,
    HandoffState,
    RefusalReason,
    SubmissionState,
)
from storage.deliveries import ODD_VERDICTS
from storage.listing import Part

LIMIT, MOST = 50, 1000
TIMES = ("since", "until")

# What each filter takes, as help and the API's description say it.
MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "source": "only of this source",
        "kind": "only jobs of this kind, such as batch or video",
        "status": "only in this status; several with commas",
        "category": "only with a failure of this category",
        "code": "only with a failure of this code",
        "trouble": "only what our own asking has trouble with",
        "label": "only with this label, written key=value",
        "group": "only of this group",
        "job": "only about this job: our id, SOURCE/JOB_ID, or the provider's id",
        "job_id": "only with this provider's id",
        "job_id_prefix": "only where the provider's id begins so; listed by that id",
        "verdict": "only with this odd verdict",
        "delivery": "only of this delivery",
        "reason": "only refused for this reason",
        "target": "only for this target",
        "state": "only in this state",
        "verb": "only with this verb",
        "cleared": "also those that no longer hold",
        "since": "only from this time on: RFC 3339, or how long ago, such as 6h",
        "until": "only from before this time: RFC 3339, or how long ago",
    }
)

_WORDS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "category": [word.value for word in Category],
        "code": [word.value for word in Code],
        "verdict": [word.value for word in ODD_VERDICTS],
        "reason": [word.value for word in RefusalReason],
        "verb": [word.value for word in ActionVerb],
        "trouble": ["true"],
        "cleared": ["true"],
    }
)


def _subsets(*texts: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(text.split()) for text in texts)


@dataclass(frozen=True, slots=True)
class Noun:
    """One listing: the prefix of its rows' ids, and the combinations of filters. `beside`: those that go with all of them."""

    name: str
    prefix: str
    combinations: tuple[frozenset[str], ...]
    states: Sequence[str] = ()
    beside: tuple[str, ...] = ()
    several: tuple[str, ...] = ()  # filters that take several words, with commas

    @property
    def filters(self) -> tuple[str, ...]:
        """Every filter, in the order in which they are explained."""
        ours = frozenset().union(*self.combinations) | set(self.beside) | set(TIMES)
        return tuple(name for name in MEANINGS if name in ours)

    def words(self, name: str) -> Sequence[str]:
        """The closed set that a filter's value is of; empty for one that is free."""
        return self.states if name == "state" else _WORDS.get(name, ())


JOBS = Noun(
    "jobs",
    "job",
    _subsets(
        "", "source", "status", "kind", "source status", "source kind", "kind status", "source kind status",
        "category", "code", "source category", "source code", "trouble", "source trouble", "label", "group",
        "job_id", "source job_id", "job_id_prefix", "source job_id_prefix",
    ),
)  # fmt: skip
DELIVERIES = Noun(
    "deliveries",
    "dlv",
    _subsets(
        "", "source", "verdict", "source verdict", "job",
        "job_id", "source job_id", "source kind job_id", "source kind job_id_prefix",
    ),
)  # fmt: skip
RECEIPTS = Noun("receipts", "rcp", _subsets("", "delivery"))
FAILURES = Noun(
    "failures",
    "fail",
    _subsets("", "source", "category", "code", "source category", "source code", "job"),
    beside=("cleared",),
)
REFUSALS = Noun("refusals", "ref", _subsets("", "source", "reason", "source reason"))
GROUPS = Noun("groups", "grp", _subsets("", "source", "label"))
SUBMISSIONS = Noun(
    "submissions",
    "sub",
    _subsets("", "source", "state", "source state"),
    [word.value for word in SubmissionState],
    several=("state",),
)
HANDOFFS = Noun(
    "handoffs",
    "hnd",
    _subsets("", "source", "target", "state", "target state", "source state", "job"),
    [word.value for word in HandoffState],
)
ACTIONS = Noun(
    "actions",
    "act",
    _subsets("", "source", "verb", "state", "source verb", "source state", "job"),
    [word.value for word in ActionState],
)
NOUNS: Mapping[str, Noun] = MappingProxyType(
    {
        noun.name: noun
        for noun in (JOBS, DELIVERIES, RECEIPTS, FAILURES, REFUSALS, GROUPS, SUBMISSIONS, HANDOFFS, ACTIONS)
    }
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What part of a listing somebody asked for, checked. `by` holds the filters but for times and statuses."""

    noun: Noun
    part: Part
    by: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[str, ...] = ()

    @property
    def is_filtered(self) -> bool:
        return bool(self.by or self.statuses)

    def label(self) -> tuple[str, str] | None:
        """The label as key and value."""
        key, sign, value = self.by.get("label", "").partition("=")
        return (key, value) if sign else None


def read(
    noun: Noun,
    given: Mapping[str, Iterable[str]],
    now: int,
    limit: int | None = LIMIT,
    cursor: str | None = None,
) -> Asked:
    """Check what was given for each filter. A filter that is given empty counts as not given.

    Raises:
        BadInput: a filter is unknown, or its value is, or there is no such combination. The message says which there are.
    """
    values = {name: [text for text in texts if text] for name, texts in given.items()}
    values = {name: texts for name, texts in values.items() if texts}
    strange = sorted(values.keys() - set(noun.filters))
    if strange:
        raise BadInput(f"{noun.name} have no filter {clean(strange[0], 40)}; there are {', '.join(noun.filters)}")
    statuses = read_statuses(values.pop("status", ()), "status")
    times = {name: _time(name, _only(name, values.pop(name)), now) for name in TIMES if name in values}
    by = {name: _values(noun, name, texts) for name, texts in values.items()}
    _must_go_together(noun, frozenset(by) | ({"status"} if statuses else set()), bool(times))
    part = Part(limit, None if cursor is None else _cursor(noun, cursor), times.get("since"), times.get("until"))
    return Asked(noun, part, by, tuple(status.value for status in statuses))


def everything(noun: Noun) -> Asked:
    """A whole listing, for those who have use for that."""
    return Asked(noun, Part())


def written(noun: Noun, number: int) -> str:
    """The cursor that goes on after a row: its id."""
    return shown(noun.prefix, number)


def _only(name: str, texts: Sequence[str]) -> str:
    if len(set(texts)) > 1:
        raise BadInput(f"{name} is given more than once, and differently")
    return texts[0]


def _values(noun: Noun, name: str, texts: Sequence[str]) -> str:
    """A filter's value; of several words each is checked alone."""
    if name not in noun.several:
        return _value(noun, name, _only(name, texts))
    return ",".join(_value(noun, name, word.strip()) for text in texts for word in text.split(","))


def _value(noun: Noun, name: str, text: str) -> str:
    words = noun.words(name)
    if words and text not in words:
        raise BadInput(f"{name} is {words[0]}" if len(words) == 1 else f"{name} is one of {', '.join(words)}")
    if name == "label" and text.find("=") < 1:
        raise BadInput("label is written key=value")
    for filter_, prefix in (("group", "grp"), ("delivery", "dlv")):
        if name == filter_ and parse(text, prefix) is None:
            raise BadInput(f"{name} is an id such as {shown(prefix, 1)}")
    if not (text.isascii() and text.isprintable() and len(text) <= 600):
        raise BadInput(f"{name} is printable ASCII, 600 characters at most")
    return text


def _time(name: str, text: str, now: int) -> int:
    at = parse_rfc3339(text)
    if at is not None:
        return at
    try:
        return now - duration(name, text)
    except BadInput:
        raise BadInput(
            f"{name} is a time such as 2026-11-22T06:00:00Z, or how long ago, such as 90s, 20m, 6h or 2d"
        ) from None


def _cursor(noun: Noun, text: str) -> int:
    number = parse(text, noun.prefix)
    if number is None:
        raise BadInput(f"cursor is what an earlier answer gave as next, such as {shown(noun.prefix, 1)}")
    return number


def _must_go_together(noun: Noun, names: frozenset[str], with_times: bool) -> None:
    asked = names - set(noun.beside)
    if asked not in noun.combinations:
        known = "; ".join(" and ".join(sorted(one)) for one in noun.combinations if one)
        raise BadInput(f"{' and '.join(sorted(asked))} cannot be combined for {noun.name}. What can: {known}")
    if with_times and "job_id_prefix" in asked:
        raise BadInput("a prefix is listed by id and not by time, so since and until do not go with it")
