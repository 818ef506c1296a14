"""Sums of a group: how many of its members are where and what came of them, from what was counted. Pure."""

from collections import Counter
from collections.abc import Mapping

from operators.outcomes import Outcome, of_job, without_job, worst
from operators.views import View

Counted = Mapping[str, int]  # by the words of `storage.group_tallies`


def sums(counted: Counted, size: int) -> View:
    """What a group's view tells of its members together."""
    where, outcomes = Counter[str](), Counter[Outcome | None]()
    for what, number in counted.items():
        match what.split("."):
            case ["without", state]:
                where[state] += number
                outcomes[without_job(state)] += number
            case ["job", status, end]:
                where[status] += number
                outcomes[None if end == "waits" else of_job(status, end == "lacks")] += number
    outcome = worst(outcomes)
    return {
        "where": dict(sorted(where.items())),
        "done": f"{outcomes.total() - outcomes[None]} of {size}",
        "outcome": None if outcome is None else outcome.name.lower(),
        "rows": {name: counted.get(f"rows.{name}", 0) for name in ("asked", "succeeded", "failed", "missing")},
        "cost": _cost(counted),
    }


def _cost(counted: Counted) -> View | None:
    """What all of it costs as far as the provider has told, by currency, in billionths; and of how many jobs that is."""
    told = counted.get("cost.jobs", 0)
    if not told:
        return None
    nanos = {what.removeprefix(NANOS): number for what, number in counted.items() if what.startswith(NANOS)}
    return {"nanos": nanos, "jobs_told": told, "jobs_settled": counted.get("cost.settled", 0)}


NANOS = "cost.nanos."
