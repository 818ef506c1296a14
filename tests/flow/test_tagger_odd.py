"""What happens to a tagger that nobody wishes: it is stopped, killed, loses what it knew, or answers nobody for a while."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from beside_tagger import (
    SELDOM,
    STEADY,
    accepted,
    control,
    handled,
    one_job,
    switch,
    tagger,
    true_job,
    truly,
    truth,
)
from providers import Beside
from receiving import Clock
from service import told, until
from submitted import made, states

from operators.clock import now
from operators.queries import explain_job
from schemas.times import MINUTE
from schemas.words import ActionVerb

MANY = 400  # rows, of a job that has to be at work until the test is over


def matched(view: dict[str, Any]) -> tuple[int, int, int, int]:
    match = view["row_match"]
    return match["asked"], match["succeeded"], match["failed"], match["missing"]


async def put_forward(on: Beside, clock: Clock, by: int) -> None:
    clock.off += by
    on.service.reconciler.wake()


async def denied(on: Beside, job_id: str, times: int) -> None:
    """Have a job asked about so often, one after the other, that it has been denied so many times."""
    for _ in range(times):
        before = (await on.service.view(job_id))["asking"]["answers"]
        await on.service.poll(job_id)
        await on.service.shows(job_id, lambda view, least=before: view["asking"]["answers"] > least, "an answer")
    assert (await on.service.view(job_id))["trouble"] == "not_found"


async def findings(on: Beside, job_id: str) -> str:
    running = on.service
    async with running.store.reading() as connection:
        clock = running.store.engine.lease_clock(now())
        return repr((await explain_job(connection, running.config, job_id, now(), clock))["findings"])


# --- servers that go --------------------------------------------------------------------------------------------------


def test_a_graceful_stop(tmp_path: Path) -> None:
    """The job reads cancelled, and nobody here has cancelled it: it says so, and that a shutdown looks the same."""

    async def flow() -> None:
        async with tagger() as on:
            job = await one_job(on, tmp_path, good=MANY)
            await handled(on, job.job_id, 2)
            await control(on, "stop")
            (view,) = await on.service.settles(job.job_id)

            true = await true_job(on, job.job_id)
            assert (view["status"], true["status"]) == ("cancelled", "cancelled")
            assert ("cancellation", "cancelled_elsewhere") in told(view)
            assert matched(view) == (MANY + 1, true["succeeded"], 0, MANY + 1 - true["succeeded"])
            assert "shut down" in await findings(on, job.job_id)

    asyncio.run(flow())


def test_a_hard_kill(tmp_path: Path) -> None:
    """The job says that it is at work for as long as the tagger keeps its state: no end is made up, and a cancel is stuck. Once
    the state is gone, and history does not know an end either, it has expired."""

    async def flow() -> None:
        clock = Clock()
        async with tagger(knobs=STEADY, clock=clock) as on:
            job = await one_job(on, tmp_path, good=MANY)
            await handled(on, job.job_id, 2)
            await control(on, "kill")
            await on.service.cancel(job.job_id)
            await accepted(on, job.job_id, ActionVerb.CANCEL)
            stuck = await on.service.shows(job.job_id, lambda view: ("cancellation", "stuck") in told(view), "stuck")
            assert (stuck["status"], (await true_job(on, job.job_id))["status"]) == ("running", "dead")

            await control(on, f"expire/{job.job_id}")
            await denied(on, job.job_id, 3)
            await put_forward(on, clock, 5 * MINUTE)
            (view,) = await on.service.settles(job.job_id)
            assert (view["status"], view["basis"]) == ("expired", "inferred")
            assert told(view) >= {("execution", "expired"), ("cancellation", "too_late")}

    asyncio.run(flow())


# --- state that is lost -----------------------------------------------------------------------------------------------


def test_a_lost_state_whose_history_tells_the_end(tmp_path: Path) -> None:
    """Where its history stands was told while the job ran: that has the last word, and the rows."""

    async def flow() -> None:
        async with tagger(more=SELDOM) as on:
            job = await one_job(on, tmp_path)
            await on.service.shows(job.job_id, lambda view: view["polling_url"], "the place of its history is known")
            await truly(on, job.job_id, done=True)
            await control(on, f"lose/{job.job_id}")
            await on.service.poll(job.job_id)
            (view,) = await on.service.settles(job.job_id)

            assert (await true_job(on, job.job_id))["told"] is None
            assert (view["status"], view["basis"], matched(view)) == ("completed", "observed", (4, 3, 1, 0))

    asyncio.run(flow())


def test_a_lost_state_whose_history_tells_nothing(tmp_path: Path) -> None:
    """Three denials over five minutes, and not before: then it has expired, by inference."""

    async def flow() -> None:
        clock = Clock()
        async with tagger(more=SELDOM, knobs=STEADY, clock=clock) as on:
            job = await one_job(on, tmp_path, good=MANY)
            await on.service.shows(job.job_id, lambda view: view["polling_url"], "the place of its history is known")
            await control(on, "kill")
            await control(on, f"lose/{job.job_id}")
            await denied(on, job.job_id, 4)
            before = await on.service.view(job.job_id)
            await put_forward(on, clock, 5 * MINUTE)
            (view,) = await on.service.settles(job.job_id)

            assert before["status"] in ("pending", "running")
            assert (view["status"], view["basis"]) == ("expired", "inferred")
            assert ("execution", "expired") in told(view)

    asyncio.run(flow())


def test_a_state_of_which_only_the_rest_is_left(tmp_path: Path) -> None:
    """A job that lost its state while it ran reads unknown and without a total; it is running, and ends as it truly does."""

    async def flow() -> None:
        async with tagger() as on:
            job = await one_job(on, tmp_path, good=120)
            # Without it nobody could find what it had told before its state was lost.
            await on.service.shows(job.job_id, lambda view: view["polling_url"], "the place of its history is known")
            await handled(on, job.job_id, 2)
            await control(on, f"lose/{job.job_id}")
            view = await on.service.shows(job.job_id, lambda view: view["native_status"] == "unknown", "called unknown")
            assert (view["status"], view["rows"]["total"]) == ("running", 121)
            (view,) = await on.service.settles(job.job_id)

            true = await true_job(on, job.job_id)
            assert (view["status"], view["rows"]["total"], true["lost"]) == ("completed", 121, True)
            assert matched(view) == (121, true["succeeded"], true["failed"], 0)

    asyncio.run(flow())


# --- starts -----------------------------------------------------------------------------------------------------------


@pytest.mark.both_stores
def test_a_start_whose_answer_is_lost(tmp_path: Path) -> None:
    """It was carried out, under the id that we gave it: that is asked for, and nothing is posted twice."""

    async def flow() -> None:
        async with tagger(switches={"starts_lost": 1}) as on:
            stored = await on.submit(tmp_path)
            own = stored.submissions[0].own_job_id
            (job,) = await made(on.service, stored)
            (view,) = await on.service.settles(job.job_id)

            asked = await truth(on)
            assert (job.job_id, [one["job_id"] for one in asked["jobs"]], asked["asks"]["start"]) == (own, [own], 1)
            assert (view["status"], matched(view)) == ("completed", (4, 3, 1, 0))

    asyncio.run(flow())


def test_a_start_that_was_not_accepted(tmp_path: Path) -> None:
    """The job is denied for three minutes: then it has failed, with the reason, and nothing is posted twice."""

    async def flow() -> None:
        clock = Clock()
        async with tagger(more=SELDOM, switches={"starts_not_accepted": 1}, knobs=STEADY, clock=clock) as on:
            stored = await on.submit(tmp_path)
            (job,) = await made(on.service, stored)
            await denied(on, job.job_id, 5)
            before = await on.service.view(job.job_id)
            await put_forward(on, clock, 3 * MINUTE)
            view = await on.service.shows(job.job_id, lambda view: view["status"] == "failed", "failed")

            asked = await truth(on)
            assert (asked["jobs"], asked["ghosts"], asked["asks"]["start"]) == ([], [], 1)
            assert (before["status"], view["basis"]) == ("unknown", "inferred")
            assert ("execution", "failed") in told(view)
            assert "start that it did not accept" in await findings(on, job.job_id)
            assert [row.state for row in await states(on.service, stored)] == ["created"]

    asyncio.run(flow())


# --- answers that take long, or are large -----------------------------------------------------------------------------


def test_a_server_that_answers_nobody_for_a_while(tmp_path: Path) -> None:
    """Questions that are not answered in time are no outage: however many there are, the source is asked on, and no job ends."""

    async def flow() -> None:
        async with tagger(more={"request_timeout_seconds": 1}) as on:
            jobs = [await one_job(on, tmp_path, good=MANY) for _ in range(6)]
            for job in jobs:
                await on.service.reaches(job.job_id, "pending", "running")
            await switch(on, blocking=True, row_seconds=100_000)

            async def all_in_trouble() -> bool:
                rows = [await on.service.row(job.job_id) for job in jobs]
                return all(row is not None and row.trouble == "timed_out" for row in rows)

            await until(all_in_trouble, "every job to have been asked about in vain")
            source = await on.service.source("tagger")
            assert (source["circuit"], source["trouble"]) == ("closed", None)
            assert {(await on.service.view(job.job_id))["status"] for job in jobs} <= {"pending", "running"}

            await control(on, "kill")
            await switch(on, blocking=False)
            await on.service.poll(jobs[0].job_id)
            view = await on.service.shows(jobs[0].job_id, lambda view: view["trouble"] is None, "answered again")
            assert view["status"] in ("pending", "running")

    asyncio.run(flow())


def test_results_larger_than_a_message_usually_is(tmp_path: Path) -> None:
    """All rows come in one frame of several MiB."""

    async def flow() -> None:
        async with tagger(switches={"catchup_padding": 3 << 20}) as on:
            job = await one_job(on, tmp_path)
            (view,) = await on.service.settles(job.job_id)

            (output,) = view["outputs"]
            assert (view["status"], matched(view)) == ("completed", (4, 3, 1, 0))
            assert output["bytes"] > 3 << 20

    asyncio.run(flow())
