"""What each stand-in says really became of its jobs, in one shape. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Truth:
    """What became of one job.

    `is_settled`: it is over, and nothing is left to send. `rows` counts how many were asked, answered, failed and are missing;
    None where there are none yet, or none at all. `outcomes` has succeeded, failed or missing for each row in the order of the
    input; None where the stand-in only counts. `sent` counts the webhooks that went out, by event.
    """

    status: str
    is_settled: bool
    rows: Mapping[str, int] | None
    outcomes: tuple[str, ...] | None
    sent: Mapping[str, int]


def of_gateway(document: Any) -> dict[str, Truth]:
    return {
        one["job_id"]: Truth(one["status"], one["settled"], one["rows"], None, _counted(one["sent"], "delivery_key"))
        for one in document["batches"]
    }


def of_openai(document: Any) -> dict[str, Truth]:
    return {
        one["job_id"]: Truth(
            one["status"], one["settled"], one["rows"], _each(one["outcomes"]), _counted(one["sent"], "event")
        )
        for one in document["batches"]
    }


def of_thunderbit(document: Any) -> dict[str, Truth]:
    """Each of its webhooks is of one event, whatever the end was."""
    return {
        one["job_id"]: _by_rows(
            one, [row["outcome"] for row in one["rows"]], dict(Counter("batch.completed" for _ in one["sent"]))
        )
        for one in document["jobs"]
    }


def of_tagger(document: Any) -> dict[str, Truth]:
    """It sends nothing."""
    return {one["job_id"]: _by_rows(one, one["rows"], {}) for one in document["jobs"]}


def of_anthropic(document: Any) -> dict[str, Truth]:
    """It sends nothing. A batch that goes on has no status yet."""
    return {one["job_id"]: _by_rows(one, [row["outcome"] for row in one["rows"]], {}) for one in document["batches"]}


def of_standard(document: Any) -> dict[str, Truth]:
    """It counts rows, and has none to fetch."""
    return {
        one["task_id"]: Truth(one["status"], one["settled"], None, None, _counted(one["sent"], "event"))
        for one in document["tasks"]
    }


def _by_rows(one: Mapping[str, Any], words: Sequence[str], sent: Mapping[str, int]) -> Truth:
    """A job of whose rows the stand-in has a word for each. What sends no webhooks is settled once it is done."""
    status, is_settled = str(one["status"]).lower(), one.get("settled", one["done"])
    if not one["done"]:
        return Truth(status, is_settled, None, None, sent)
    outcomes = tuple(_OUTCOMES.get(word.lower(), "missing") for word in words)
    counts = Counter(outcomes)
    rows = {"asked": len(outcomes), **{_COUNTED[name]: counts[name] for name in _COUNTED}}
    return Truth(status, is_settled, rows, outcomes, sent)


_OUTCOMES = {"succeeded": "succeeded", "success": "succeeded", "failed": "failed", "errored": "failed"}
_COUNTED = {"succeeded": "answered", "failed": "failed", "missing": "missing"}


def _each(outcomes: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if outcomes is None else tuple(outcomes)


def _counted(sent: Iterable[Mapping[str, Any]], name: str) -> dict[str, int]:
    return dict(Counter(entry[name] for entry in sent))
