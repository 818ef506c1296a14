"""A service with a source at the document tagger, beside the sandbox's stand-in."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from providers import Beside, Tagger, beside
from service import until
from sqlalchemy import inspect, select, table
from submitted import states

from operators import acts, queries, views
from operators.clock import now
from operators.submitting import Submitted
from schemas.tables import JobRow
from schemas.words import ActionVerb

STEADY = {"lease_seconds": 3_600}  # for tests that set the reconciler's clock forward
SELDOM = {
    "poll_seconds": 3_600,
    "poll_cap_seconds": 3_600,
}  # jobs are asked about once, and then only when something wants it


@asynccontextmanager
async def tagger(speed: float = 60, switches: Mapping[str, Any] | None = None, **more: Any) -> AsyncIterator[Beside]:
    """At speed 60 a row takes a seventeenth of a second of the wall."""
    async with beside(Tagger(), speed=speed, **more) as on:
        await switch(on, **(switches or {}))
        yield on


async def switch(on: Beside, **switches: Any) -> None:
    answer = await on.client.post("/tagger/sandbox/switches", json=switches)
    assert answer.status_code == 200, answer.text


async def control(on: Beside, what: str) -> None:
    answer = await on.client.post(f"/tagger/sandbox/{what}")
    assert answer.status_code == 200, answer.text


async def truth(on: Beside) -> dict[str, Any]:
    told: dict[str, Any] = (await on.client.get("/tagger/sandbox/truth")).json()
    return told


async def true_job(on: Beside, job_id: str) -> dict[str, Any]:
    return next(one for one in (await truth(on))["jobs"] if one["job_id"] == job_id)


async def truly(on: Beside, job_id: str, **wanted: Any) -> dict[str, Any]:
    """The truth about a job, once it is so."""

    async def so() -> dict[str, Any] | None:
        true = await true_job(on, job_id)
        return true if all(true[name] == value for name, value in wanted.items()) else None

    found: dict[str, Any] = await until(so, f"{job_id} to be {wanted} at the stand-in")
    return found


async def handled(on: Beside, job_id: str, count: int) -> None:
    """Wait until so many rows more than now have been handled at the stand-in."""
    before = await true_job(on, job_id)

    async def so() -> bool:
        true = await true_job(on, job_id)
        return bool(true["succeeded"] + true["failed"] >= before["succeeded"] + before["failed"] + count)

    await until(so, f"{count} rows more")


async def one_job(on: Beside, folder: Path, good: int = 3, bad: int = 1) -> JobRow:
    return await on.job(await on.submit(folder, good=good, bad=bad))


async def hold(on: Beside, verb: ActionVerb, job_id: str) -> None:
    """Ask for a pause or for its end, as `batchkeeper pause` and `resume` do."""
    running = on.service
    async with running.store.writing() as connection:
        await acts.hold(connection, running.config, verb, job_id, "to be seen", running.store.new_id, now())
    running.reconciler.wake()


async def came_of(on: Beside, job_id: str, verb: ActionVerb) -> dict[str, Any]:
    """The newest action of a sort, once it is over."""

    def over(view: dict[str, Any]) -> list[dict[str, Any]]:
        found = [one for one in view["actions"] if one["verb"] == verb]
        return [one for one in found[-1:] if one["state"] not in ("asked", "accepted")]

    return over(await on.service.shows(job_id, over, f"the {verb} to be over"))[0]


async def accepted(on: Beside, job_id: str, verb: ActionVerb) -> None:
    def so(view: dict[str, Any]) -> bool:
        return any(one["verb"] == verb and one["state"] == "accepted" for one in view["actions"])

    await on.service.shows(job_id, so, f"the {verb} to be accepted")


async def everything_shown(on: Beside, stored: Submitted) -> list[Any]:
    """Whatever operators are shown of a submission, its job and its source."""
    running = on.service
    (row,) = await states(running, stored)
    async with running.store.reading() as connection:
        clock = running.store.engine.lease_clock(now())
        explained = await queries.explain_job(connection, running.config, row.job_id or "", now(), clock)
    seen = [await running.view(row.job_id or ""), await running.source("tagger"), explained]
    return [*seen, views.submission(row), running.config]


async def everything_stored(on: Beside) -> list[Any]:
    """All that stands in any table."""
    async with on.service.store.reading() as connection:
        names = await connection.run_sync(lambda one: inspect(one).get_table_names())
        return [(name, (await connection.execute(select("*").select_from(table(name)))).all()) for name in names]
