"""The demo's last word: what the sandbox says is true, beside what we have recorded. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from operators.cli.present import Columns
from operators.demo.plan import Batch
from operators.views import View

ENDS = ("completed", "failed", "cancelled", "expired")


def report_job(batch: Batch, truth: Mapping[str, Any], ours: View, events: Sequence[View]) -> View:
    """One job of the report: our view of it, with the sandbox's truth, the traffic between the two, and what downstream was
    told."""
    rows = _rows(ours["row_match"])
    return {
        **{name: value for name, value in ours.items() if name in _OURS},
        "scenario": batch.scenario,
        "story": batch.story,
        "true_status": truth["status"],
        "as_it_should_be": ours["status"] == truth["status"] and rows == truth["rows"],
        "rows": rows,
        "handed_on": len({event["id"] for event in events}),
        "sent": dict(Counter(entry["delivery_key"] for entry in truth["sent"])),
        "arrived": {row["delivery_key"]: row["times_received"] for row in ours["deliveries"]},
        "healed_by_poll": healed_by_poll(ours),
    }


def _rows(match: Mapping[str, Any] | None) -> View | None:
    """Our own count of a job's rows, in the sandbox's words."""
    if match is None:
        return None
    return {**{name: match[name] for name in ("asked", "failed", "missing")}, "answered": match["succeeded"]}


_FIELDS = "id source kind job_id status native_status progress ready settled created_at updated_at failures"
_OURS = frozenset(_FIELDS.split())


def healed_by_poll(ours: View) -> bool:
    """The end was found by asking, and no webhook about it has come."""
    told = any(row["reported_status"] in ENDS for row in ours["deliveries"])
    return ours["status"] in ENDS and not told


def is_right(jobs: Sequence[View]) -> bool:
    """Every job has ended as the sandbox says, with the rows that it says, and downstream was told of it under one id."""
    return bool(jobs) and all(
        job["as_it_should_be"] and job["status"] in ENDS and job["handed_on"] == 1 for job in jobs
    )


def _counted(counts: Mapping[str, int]) -> str:
    """Keys without the kind, which is the same for all: `completed ×3`."""
    return ", ".join(_short(key) if count == 1 else f"{_short(key)} ×{count}" for key, count in counts.items()) or "-"


def _short(key: str) -> str:
    return key.removeprefix("batch.")


def _state(job: View) -> str:
    return str(
        job["true_status"] if job["status"] == job["true_status"] else f"{job['true_status']}, but {job['status']} here"
    )


def _of_rows(name: str) -> Callable[[View], Any]:
    return lambda job: (job["rows"] or {}).get(name)


COLUMNS: Columns = {
    "what was played": lambda job: job["story"],
    "true state": _state,
    "sent": lambda job: _counted(job["sent"]),
    "arrived": lambda job: _counted(job["arrived"]),
    "rows asked": _of_rows("asked"),
    "answered": _of_rows("answered"),
    "failed": _of_rows("failed"),
    "missing": _of_rows("missing"),
    "healed": lambda job: "by poll" if job["healed_by_poll"] else "",
    "failures": lambda job: ", ".join(f"{one['category']}: {one['code']}" for one in job["failures"]) or "none",
}
