"""The pages about one thing: a job, a group, a hand-off; and the sources."""

from itertools import groupby

from operators import fan_out, handed_on, queries, standing, things
from operators.cli.told import money
from operators.dashboard.acting import possible
from operators.dashboard.headline import headline
from operators.dashboard.lists import ROWS
from operators.dashboard.rejected import rejected
from operators.dashboard.timeline import timeline
from operators.dashboard.visit import Page, Visit
from operators.find import find_job
from operators.refused import show_refusal
from operators.status import sources_health
from operators.views import View
from schemas.words import ActionState, ActionVerb, Code, Status
from storage import labels

_UNDER_WAY = frozenset({ActionState.ASKED, ActionState.ACCEPTED})
CLOSED = 5  # findings about a source that stand no more
_KINDS = {"failure": 0, "trouble": 1, "note": 2, "good": 3}


async def job(visit: Visit) -> Page:
    """A job: what is known and why on top, then everything that happened."""
    name, config = visit.path["job"], visit.config
    async with visit.store.reading() as connection:
        row = await find_job(connection, name)
        found, explained = await queries.account_of(connection, config, row, visit.now, visit.lease_clock())
        given = await labels.of(connection, row.id)
        is_rejected = any(one["code"] == Code.REJECTED for one in found["failures"])
        of_source = await standing.of_source(connection, row.source) if is_rejected else []
    axes = [
        (axis, sorted(findings, key=lambda one: _KINDS[one["tone"]]))
        for axis, findings in groupby(explained["findings"], key=lambda one: str(one["axis"]))
    ]
    cancelling = _is_being_cancelled(found)
    done = next((one for one in found["actions"] if one["id"] == visit.query.get("done")), None)
    return Page(
        "job.html",
        {
            "job": found,
            "axes": axes,
            "headline": headline(found, explained["findings"]),
            "entries": timeline(found),
            "labels": given,
            "cost": money(found["cost"]["nanos"], str(found["cost"]["currency"] or "").upper()),
            "verbs": possible(config, row, cancelling) if visit.may_act else (),
            "cancelling": cancelling,
            "rejected": rejected(found, of_source),
            "done": done,
        },
    )


def _is_being_cancelled(job: View) -> bool:
    """A cancel is on its way or was taken, or the provider says that it is at it; and it does not take too long."""
    is_stuck = any(one["code"] == Code.STUCK for one in job["failures"])
    asked = any(one["verb"] == ActionVerb.CANCEL and one["state"] in _UNDER_WAY for one in job["actions"])
    is_said = str(job["native_status"] or "").lower() in ("cancelling", "canceling")
    return not (is_stuck or Status(job["status"]).is_terminal) and (asked or is_said)


async def group(visit: Visit) -> Page:
    async with visit.store.reading() as connection:
        cursor = visit.query.get("cursor") or None
        found = await fan_out.show_group(connection, visit.path["group"], ROWS, cursor)
    costs = (found["cost"] or {"nanos": {}})["nanos"]
    told = ", ".join(filter(None, (money(nanos, str(currency).upper()) for currency, nanos in costs.items())))
    return Page("group.html", {"group": found, "cost": told or None, "is_first": cursor is None})


async def handoff(visit: Visit) -> Page:
    async with visit.store.reading() as connection:
        found = await handed_on.show_handoff(connection, visit.config, visit.path["handoff"])
    return Page("handoff.html", {"handoff": found, "done": "done" in visit.query})


async def submission(visit: Visit) -> Page:
    """What was submitted: how far it came, what it waits for, and the job that came of it."""
    async with visit.store.reading() as connection:
        found = await things.show_submission(connection, visit.path["submission"])
    return Page("submission.html", {"submission": found})


async def sources(visit: Visit) -> Page:
    async with visit.store.reading() as connection:
        found = await queries.list_sources(connection, visit.config, visit.now, visit.lease_clock())
        health = await sources_health(connection, visit.store, visit.config, visit.now)
    return Page(
        "sources.html", {"sources": _with_findings_first(found), "health": {one["name"]: one for one in health}}
    )


def _with_findings_first(found: list[View]) -> list[View]:
    return sorted(found, key=lambda one: not (one["findings"] or one["trouble"] or one["owner"] is None))


async def source(visit: Visit) -> Page:
    name, now, clock = visit.path["source"], visit.now, visit.lease_clock()
    async with visit.store.reading() as connection:
        found = await things.show_source(connection, visit.config, name, now, clock)
        health = await sources_health(connection, visit.store, visit.config, now)
        stood = await standing.of_source(connection, name)
    may_reverify = visit.may_act and bool(visit.config.sources[name].webhook_secrets)
    values = {"source": found, "health": next(each for each in health if each["name"] == name)}
    closed = [one for one in stood if one["closed_at"] is not None][:CLOSED]
    return Page("source.html", {**values, "may_reverify": may_reverify, "closed": closed})


async def refusal(visit: Visit) -> Page:
    """A request that was not accepted: why, what it presented, and what can be done."""
    async with visit.store.reading() as connection:
        found = await show_refusal(connection, visit.path["refusal"])
    is_kept = found["request"] is not None and found["taken_in"] is None
    return Page("refusal.html", {"refusal": found, "may_reverify": visit.may_act and is_kept})
