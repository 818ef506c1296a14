"""The whole service with a Thunderbit source, beside the sandbox's stand-in, over real sockets: what only this provider has."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from beside_thunderbit import (
    DISTILL,
    EXTRACT,
    STEADY,
    all_judged,
    body_about,
    deliver,
    done,
    matched,
    one_job,
    pages,
    post,
    rows_of,
    submit,
    switch,
    theirs,
    thunderbit,
)
from providers import Beside
from receiving import Clock
from service import ever_told, told, until
from submitted import come_to, made, states

from operators.clock import now
from operators.errors import NotPossible
from operators.fan_out import resubmit
from operators.online.so_far import rows_so_far
from operators.parts import parts_of
from operators.submitting import Submitted
from schemas.ids import shown
from schemas.times import MINUTE

FAILS = "?sandbox=SCRAPE_SSL_ERROR"
SLOW = 4  # a job of some pages takes 7.5 seconds of the wall


# --- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.both_stores
@pytest.mark.parametrize(("endpoint", "count", "sizes"), [(DISTILL, 120, [100, 20]), (EXTRACT, 60, [50, 10])])
def test_more_urls_than_one_job_takes(endpoint: str, count: int, sizes: list[int], tmp_path: Path) -> None:
    """They become a group of two jobs, none of whose rows is lost; of a URL that was asked for several times, in one job or in
    both, each row has a page of its own, in the order of the input."""
    urls = pages(count - 20) + ["https://shop.example/again"] * 20
    urls[7] = urls[3] = urls[-1]

    async def flow() -> None:
        async with thunderbit() as on:
            jobs = await made(on.service, await submit(on, tmp_path, urls, endpoint))
            views = await on.service.settles(*(job.job_id for job in jobs))

            assert sorted(len(one["rows"]) for one in await theirs(on)) == sorted(sizes)
            assert [matched(view) for view in views] == [(size, size, 0, 0) for size in sizes]
            assert len({job.group_id for job in jobs} - {None}) == 1
            rows = [row for job in jobs for row in await rows_of(on, job.job_id)]
            assert rows == [(f"row-{number}", url) for number, url in enumerate(urls)]

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("scenario", "bad", "rows", "failures"),
    [
        ("", 1, (4, 3, 1, 0), {("execution", "rows_failed")}),
        ("all_rows_fail", 0, (4, 0, 4, 0), {("execution", "rows_failed")}),
    ],
)
def test_rows_that_fail(
    scenario: str, bad: int, rows: tuple[int, ...], failures: set[tuple[str, str]], tmp_path: Path
) -> None:
    """Some or all: the job has completed, and not failed; the rows' own error is shown."""

    async def flow() -> None:
        async with thunderbit(switches={"scenario": scenario}) as on:
            urls = pages(4 - bad) + [f"https://shop.example/bad{FAILS}"] * bad
            (job,) = await made(on.service, await submit(on, tmp_path, urls))
            (view,) = await on.service.settles(job.job_id)

            assert (view["status"], matched(view), told(view)) == ("completed", rows, failures)
            assert view["error_code"] is None
            (example, *_) = view["row_match"]["examples"]["failed"]
            assert example["code"].startswith("SCRAPE_")

    asyncio.run(flow())


@pytest.mark.parametrize("page_size", [100, 2])
def test_the_rows_of_a_job_that_runs(page_size: int, tmp_path: Path) -> None:
    """What is finished is shown under its custom ids while the rest is read, however many pages that takes; nothing is kept."""

    async def flow() -> None:
        async with thunderbit(speed=4, options={"page_size": page_size}) as on:
            job_id = await one_job(on, tmp_path, count=100)

            async def some() -> list[Any]:
                async with on.service.store.reading() as connection:
                    parts = await parts_of(connection, on.service.config, job_id, now())
                found = await rows_so_far(on.service.config, on.service.store, parts, now)
                return [row for rows in found.values() for row in rows]

            await on.service.reaches(job_id, "running")
            found = await until(some, "some rows")
            view = await on.service.view(job_id)
            assert 0 < len(found) < 100
            assert [one.row.custom_id for one in found] == [f"row-{number}" for number in range(len(found))]
            assert {one.outcome for one in found} == {"succeeded"}
            assert (view["status"], view["outputs"]) == ("running", [])

    asyncio.run(flow())


# --- creates ----------------------------------------------------------------------------------------------------------


@pytest.mark.both_stores
def test_a_webhook_before_the_create_is_answered(tmp_path: Path) -> None:
    """By its path it is known whose job it is about: one job, of its submission, and no stranger that was adopted."""

    async def flow() -> None:
        async with thunderbit(switches={"scenario": "webhook_early"}) as on:
            stored = await submit(on, tmp_path, pages(3))
            (job,) = await made(on.service, stored)
            (view,) = await on.service.settles(job.job_id)

            (true,) = await theirs(on)
            assert (true["job_id"], true["status"]) == (job.job_id, "COMPLETED")
            assert (view["status"], matched(view), ever_told(view)) == ("completed", (3, 3, 0, 0), set())
            assert view["submission"] == shown("sub", stored.submissions[0].id)
            assert [one["job_id"] for one in await on.service.deliveries()] == [job.job_id]

    asyncio.run(flow())


@pytest.mark.both_stores
def test_a_create_of_which_nothing_is_heard(tmp_path: Path) -> None:
    """Neither answered nor told of by webhook, it is given up for a person to decide, and nothing is sent twice. Who is sure
    has it sent again, under a token of its own; what comes of the first is another job, which is not taken for the second."""

    async def flow() -> None:
        clock = Clock()
        async with thunderbit(switches={"scenario": "create_lost,webhook_lost"}, knobs=STEADY, clock=clock) as on:
            stored = await submit(on, tmp_path, pages(2))
            await come_to(on.service, stored, "unclear")
            clock.off += 16 * MINUTE
            (row,) = await come_to(on.service, stored, "unconfirmed")
            (lost,) = await theirs(on)
            assert "no webhook of it has come" in (row.message or "")

            await switch(on, scenario="")
            with pytest.raises(NotPossible, match="--yes"):
                await again(on, stored, sure=False)
            await again(on, stored, sure=True)
            (job,) = await made(on.service, stored)
            lost, second = await theirs(on)
            assert (job.job_id, lost["webhook_url"] != second["webhook_url"]) == (second["job_id"], True)

            await done(on, lost["job_id"])
            await deliver(on, lost["job_id"])
            first, late = await on.service.settles(job.job_id, lost["job_id"])
            assert [first["submission"], late["submission"]] == [shown("sub", row.id), None]
            assert [one.job_id for one in await states(on.service, stored)] == [job.job_id]
            assert len(await theirs(on)) == 2

    asyncio.run(flow())


async def again(on: Beside, stored: Submitted, sure: bool) -> None:
    async with on.service.store.writing() as connection:
        await resubmit(connection, stored.name, sure, now())
    on.service.reconciler.wake()


def test_deliveries_on_the_path_of_another_submission(tmp_path: Path) -> None:
    """One about a job of ours, or with a token that is not the submission's, takes no submission; its own webhook does."""

    async def flow() -> None:
        async with thunderbit(switches={"scenario": "create_lost,webhook_lost"}) as on:
            waiting = await submit(on, tmp_path, pages(2))
            (row,) = await come_to(on.service, waiting, "unclear")
            (lost,) = await theirs(on)
            known = await one_job(on, tmp_path, "webhook_lost")
            token = str(row.path_token)

            assert (await post(on, body_about(known), f"/{token}")).is_success
            assert (await post(on, body_about("batch_strange"), f"/{token[:-4]}AAAA")).is_success
            assert (await post(on, body_about("batch_stranger"), "/sub_0.token")).is_success
            await all_judged(on, 3)
            assert [(one.state, one.job_id) for one in await states(on.service, waiting)] == [("unclear", None)]
            assert (await on.service.view(known))["submission"] != waiting.name

            await done(on, lost["job_id"])
            await deliver(on, lost["job_id"])
            (job,) = await made(on.service, waiting)
            assert job.job_id == lost["job_id"]

    asyncio.run(flow())


def test_a_submission_that_has_its_job_takes_no_other(tmp_path: Path) -> None:
    """What comes well signed on its path about a stranger is a stranger's, which is adopted as any other."""

    async def flow() -> None:
        async with thunderbit() as on:
            (job,) = await made(on.service, stored := await submit(on, tmp_path, pages(2)))
            (row,) = await states(on.service, stored)
            assert (await post(on, body_about("batch_strange"), f"/{row.path_token}")).is_success
            await on.service.shows("batch_strange", lambda view: view["submission"] is None, "adopted")
            (view,) = await on.service.settles(job.job_id)

            assert (view["submission"], view["status"]) == (stored.name, "completed")
            assert [one.job_id for one in await states(on.service, stored)] == [job.job_id]

    asyncio.run(flow())


def test_without_credits(tmp_path: Path) -> None:
    """Nothing can be submitted, and it says so and waits; jobs that run are asked about as ever. With credits it is sent."""

    async def flow() -> None:
        clock = Clock()
        async with thunderbit(knobs=STEADY, clock=clock) as on:
            running = await one_job(on, tmp_path)
            await switch(on, credits="exhausted")
            stored = await submit(on, tmp_path, pages(2))

            async def turned_away() -> bool:
                (row,) = await states(on.service, stored)
                return row.tries > 0 and "INSUFFICIENT_CREDITS" in (row.message or "")

            await until(turned_away, "the create to be turned away")
            (view,) = await on.service.settles(running)
            source = await on.service.source("thunderbit")
            assert (view["status"], source["circuit"], len(await theirs(on))) == ("completed", "closed", 1)

            await switch(on, credits="enough")
            clock.off += 11 * MINUTE
            on.service.reconciler.wake()
            (job,) = await made(on.service, stored)
            assert job.job_id == (await theirs(on))[1]["job_id"]

    asyncio.run(flow())


# --- cancels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("http_status", [409, 400, 200])
def test_a_cancel_that_comes_after_the_end(http_status: int, tmp_path: Path) -> None:
    """How such a cancel is answered is written nowhere: in each way the job has completed, and the cancel came too late."""

    async def flow() -> None:
        async with thunderbit(speed=SLOW, switches={"delete_after_end": http_status}) as on:
            job_id = await one_job(on, tmp_path, "cancel_too_late")
            await on.service.cancel(job_id)
            (view,) = await on.service.settles(job_id)

            assert (view["status"], matched(view)) == ("completed", (2, 2, 0, 0))
            assert told(view) == {("cancellation", "too_late")}
            (action,) = view["actions"]
            state = "accepted" if http_status == 200 else "refused"
            assert (action["http_status"], action["state"]) == (http_status, state)

    asyncio.run(flow())


def test_a_cancel_whose_answer_is_lost(tmp_path: Path) -> None:
    """It was carried out: the job is cancelled, and by us."""

    async def flow() -> None:
        async with thunderbit(speed=SLOW) as on:
            job_id = await one_job(on, tmp_path, "cancel_unheard")
            await on.service.cancel(job_id)
            (view,) = await on.service.settles(job_id)

            (true,) = await theirs(on)
            assert (view["status"], true["status"]) == ("cancelled", "CANCELLED")
            assert told(view) == {("cancellation", "cancelled_by_operator")}

    asyncio.run(flow())
