"""From what was counted to samples: the counters as they are, and what there is now as a difference of them. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from operators.metrics.catalogue import METRICS, OTHER
from operators.metrics.samples import Lags, Samples
from schemas.times import SECOND
from schemas.words import (
    ActionState,
    ActionVerb,
    AttemptOutcome,
    Category,
    Code,
    HandoffState,
    Origin,
    RefusalReason,
    Status,
    Verdict,
)
from storage.counting import Tally

Words = Collection[str] | None  # None: any word of ours

_STATUSES, _CATEGORIES, _CODES = tuple(Status), tuple(Category), tuple(Code)
_WORD = re.compile(r"[a-z][a-z_]{0,39}")

# For each first part of what is counted: its counter, and which words may follow, one for each further label.
COUNTERS: Mapping[str, tuple[str, tuple[Words, ...]]] = MappingProxyType(
    {
        "accepted": ("receipts_total", ()),
        "duplicate": ("receipts_duplicate_total", ()),
        "unreadable": ("receipts_unreadable_total", ()),
        "refused": ("refusals_total", (tuple(RefusalReason),)),
        "taken_in": ("receipts_taken_in_total", ()),
        "judged": ("receipts_judged_total", (tuple(Verdict),)),
        "attempts": ("provider_attempts_total", (tuple(AttemptOutcome),)),
        "born": ("jobs_born_total", (tuple(Origin),)),
        "moved": ("job_moves_total", (_STATUSES, _STATUSES)),
        "began": ("failures_began_total", (_CATEGORIES, _CODES)),
        "cleared": ("failures_cleared_total", (_CATEGORIES, _CODES)),
        "heard": ("ends_heard_total", (None,)),
        "healed": ("ends_healed_total", (None,)),
        "asked": ("questions_total", (None, None)),
        "acted": ("actions_total", (tuple(ActionVerb), tuple(ActionState), ("yes", "no", "unknown"))),
    }
)
LAG = "lag"
HANDOFF = "handoff"  # then target, the state before, and the state that it came to
NOT_SHOWN = frozenset({"probe"})  # a look at the ledger by whoever asks whether it is ready


def add_counted(
    samples: Samples, counted: Iterable[Tally], sources: Collection[str], targets: Collection[str] = ()
) -> None:
    """Take over everything that was ever counted. What is of no configured source or target is of `other`."""
    for source in sources:
        _begin_at_nothing(samples, source)
    for tally in counted:
        source = tally.source if tally.source in sources else OTHER
        head, *rest = tally.what.split(".", 3)
        if head == LAG:
            _add_lag(samples.lags.setdefault((source,), Lags()), tally)
        elif head == HANDOFF:
            came_to = _bounded(rest, 2, tuple(HandoffState))
            samples.add("handoff_moves_total", (_bounded(rest, 0, targets), came_to), tally.count)
        elif head in COUNTERS:
            metric, words = COUNTERS[head]
            labels = [_bounded(rest, place, known) for place, known in enumerate(words)]
            samples.add(metric, (source, *labels), tally.count)
            _add_what_follows(samples, head, (source, *labels), tally)


def _begin_at_nothing(samples: Samples, source: str) -> None:
    """What a source has had none of is 0 and not absent, where the words are few: a first one then shows as a rise."""
    for metric, words in COUNTERS.values():
        if not words:
            samples.add(metric, (source,), 0)
        elif len(words) == 1 and words[0] is not None:
            for word in words[0]:
                samples.add(metric, (source, word), 0)
    for status in Status:
        samples.add("jobs", (source, status), 0)
    for category in Category:
        samples.latest("failure_last_timestamp_seconds", (source, category), 0)
    for metric in ("receipt_last_timestamp_seconds", "refusal_last_timestamp_seconds"):
        samples.latest(metric, (source,), 0)


def _add_what_follows(samples: Samples, head: str, labels: tuple[str, ...], tally: Tally) -> None:
    """What there is now, and when it was last."""
    source, at = labels[0], tally.at / SECOND
    match head:
        case "accepted":
            samples.latest("receipt_last_timestamp_seconds", (source,), at)
        case "refused":
            samples.latest("refusal_last_timestamp_seconds", (source,), at)
        case "born":
            samples.add("jobs", (source, Status.UNKNOWN), tally.count)
        case "moved":
            samples.add("jobs", (source, labels[1]), -tally.count)
            samples.add("jobs", (source, labels[2]), tally.count)
        case "began":
            samples.add("failures", labels, tally.count)
            samples.latest("failure_last_timestamp_seconds", labels[:2], at)
        case "cleared":
            samples.add("failures", labels, -tally.count)


def _add_lag(lags: Lags, tally: Tally) -> None:
    """`lag.le.SECONDS` counts what took at most so long, `lag.count` all, and `lag.sum` adds up milliseconds."""
    match tally.what.split(".", 2)[1:]:
        case ["count"]:
            lags.count += tally.count
        case ["sum"]:
            lags.sum += tally.count / 1000
        case ["le", seconds]:
            bound = float(seconds)
            lags.within[bound] = lags.within.get(bound, 0) + tally.count


def _bounded(rest: list[str], place: int, known: Words) -> str:
    word = rest[place] if place < len(rest) else ""
    is_ours = _WORD.fullmatch(word) is not None if known is None else word in known
    return word if is_ours else OTHER


def is_shown(what: str) -> bool:
    """Whether something that is counted has a metric."""
    head = what.partition(".")[0]
    return head in (LAG, HANDOFF) or (head in COUNTERS and COUNTERS[head][0] in METRICS)
