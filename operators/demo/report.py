"""The demo's last word: what the sandbox says is true, beside what we have recorded. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from operators.cli.present import Columns
from operators.demo.truths import Truth
from operators.views import View

ENDS = ("completed", "failed", "cancelled", "expired")


def report_job(story: str, truth: Truth, ours: View, events: Sequence[View], outcomes: list[str] | None) -> View:
    """One job of the report: our view of it, with the sandbox's truth, the traffic between the two, and what downstream was
    told. `outcomes` is what came of each row; None where nobody read that."""
    rows = _rows(ours["row_match"])
    each = None if truth.outcomes is None else list(truth.outcomes)
    return {
        **{name: value for name, value in ours.items() if name in _OURS},
        "story": story,
        "true_status": truth.status,
        "as_it_should_be": (ours["status"], rows, outcomes) == (truth.status, truth.rows, each),
        "rows": rows,
        "outcomes": outcomes,
        "handed_on": len({event["id"] for event in events}),
        "sent": dict(truth.sent),
        "arrived": _arrived(ours["deliveries"]),
        "healed_by_poll": healed_by_poll(ours),
    }


def _arrived(deliveries: Sequence[View]) -> View:
    """How often which event came."""
    counts: Counter[str] = Counter()
    for row in deliveries:
        counts[row["event_type"] or row["delivery_key"]] += row["times_received"]
    return dict(counts)


def _rows(match: Mapping[str, Any] | None) -> View | None:
    """Our own count of a job's rows, in the sandbox's words."""
    if match is None:
        return None
    return {**{name: match[name] for name in ("asked", "failed", "missing")}, "answered": match["succeeded"]}


_FIELDS = "id source kind job_id status native_status progress ready settled created_at updated_at failures"
_OURS = frozenset(_FIELDS.split())


def healed_by_poll(ours: View) -> bool:
    """The end was found by asking, and no webhook about it has come. A thin one tells of it by its event alone."""
    told = any(row["reported_status"] in ENDS or _short(row["event_type"] or "") in ENDS for row in ours["deliveries"])
    return ours["status"] in ENDS and not told


def is_right(jobs: Sequence[View]) -> bool:
    """Every job has ended as the sandbox says, with the rows that it says, and downstream was told of it under one id."""
    return bool(jobs) and all(
        job["as_it_should_be"] and job["status"] in ENDS and job["handed_on"] == 1 for job in jobs
    )


def _counted(counts: Mapping[str, int]) -> str:
    """Events without the kind: `completed ×3`."""
    return ", ".join(_short(key) if count == 1 else f"{_short(key)} ×{count}" for key, count in counts.items()) or "-"


def _short(key: str) -> str:
    return key.partition(".")[2] or key


def _state(job: View) -> str:
    return str(
        job["true_status"] if job["status"] == job["true_status"] else f"{job['true_status']}, but {job['status']} here"
    )


def _of_rows(name: str) -> Callable[[View], Any]:
    return lambda job: (job["rows"] or {}).get(name)


def _answered(job: View) -> str | None:
    rows = job["rows"]
    return None if rows is None else f"{rows['answered']}/{rows['asked']}"


COLUMNS: Columns = {
    "source": lambda job: job["source"],
    "what was played": lambda job: job["story"],
    "true state": _state,
    "sent": lambda job: _counted(job["sent"]),
    "arrived": lambda job: _counted(job["arrived"]),
    "answered": _answered,
    "failed": _of_rows("failed"),
    "missing": _of_rows("missing"),
    "healed": lambda job: "by poll" if job["healed_by_poll"] else "",
    "failures": lambda job: ", ".join(f"{one['category']}: {one['code']}" for one in job["failures"]) or "none",
}
# From how many characters of a terminal on there is room for these.
WIDTHS = dict.fromkeys(("sent", "arrived", "failed", "missing", "healed"), 130)
