"""The whole service with a source at the document tagger, beside the sandbox's stand-in, over real sockets: what only it has."""

import asyncio
import stat
from pathlib import Path
from typing import Any

import pytest
from beside_tagger import (
    SELDOM,
    STEADY,
    accepted,
    came_of,
    control,
    everything_shown,
    everything_stored,
    handled,
    hold,
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

from operators import acts
from operators.clock import now
from sandbox.server import DEFAULT_TAGGER_PASSWORD
from schemas.tables import JobRow
from schemas.times import MINUTE, SECOND
from schemas.words import ActionVerb

LLM_KEY = "sk-or-not-to-be-shown"
MANY = 400  # rows, of a job that has to be at work until the test is over


def matched(view: dict[str, Any]) -> tuple[int, int, int, int]:
    match = view["row_match"]
    return match["asked"], match["succeeded"], match["failed"], match["missing"]


async def put_forward(on: Beside, clock: Clock, by: int) -> None:
    clock.off += by
    on.service.reconciler.wake()


# --- commands ---------------------------------------------------------------------------------------------------------


def test_a_pause_that_does_not_pause(tmp_path: Path) -> None:
    """The tagger takes it, says paused from then on, and works on: the job is shown running, and the pause had no effect."""

    async def flow() -> None:
        clock = Clock()
        async with tagger(more=SELDOM, knobs=STEADY, clock=clock) as on:
            job = await one_job(on, tmp_path, good=MANY)
            await on.service.reaches(job.job_id, "pending", "running")
            await hold(on, ActionVerb.PAUSE, job.job_id)
            await accepted(on, job.job_id, ActionVerb.PAUSE)
            await truly(on, job.job_id, told="paused")
            await handled(on, job.job_id, 5)
            await put_forward(on, clock, MINUTE + SECOND)
            action = await came_of(on, job.job_id, ActionVerb.PAUSE)
            view = await on.service.view(job.job_id)

            assert (action["state"], view["status"], view["native_status"]) == ("no_effect", "running", "paused")
            assert "the job went on" in action["message"]
            assert "paused_and_moving" in {one["flag"] for one in view["observations"]}
            assert "paused" not in {one["to"] for one in view["transitions"]}

    asyncio.run(flow())


def test_a_pause_as_the_page_has_it(tmp_path: Path) -> None:
    """Where the tagger does hold the job, the pause is done once the rows stand still, and so is its end once it goes on."""

    async def flow() -> None:
        clock = Clock()
        async with tagger(switches={"mode": "as-documented"}, knobs=STEADY, clock=clock) as on:
            job = await one_job(on, tmp_path, good=40)
            await on.service.reaches(job.job_id, "running")
            await hold(on, ActionVerb.PAUSE, job.job_id)
            await on.service.shows(job.job_id, lambda view: view["native_status"] == "paused", "called paused")
            await put_forward(on, clock, 6 * SECOND)
            paused = await came_of(on, job.job_id, ActionVerb.PAUSE)
            held = await on.service.view(job.job_id)
            await hold(on, ActionVerb.RESUME, job.job_id)
            resumed = await came_of(on, job.job_id, ActionVerb.RESUME)
            (view,) = await on.service.settles(job.job_id)

            assert (paused["state"], held["status"], resumed["state"]) == ("done", "paused", "done")
            assert (view["status"], matched(view)) == ("completed", (41, 40, 1, 0))

    asyncio.run(flow())


def test_a_cancel_between_two_rows(tmp_path: Path) -> None:
    """It ends the job before the next row: what was handled is here, the rest is missing, and it was us."""

    async def flow() -> None:
        async with tagger() as on:
            job = await one_job(on, tmp_path, good=MANY)
            await handled(on, job.job_id, 3)
            await on.service.cancel(job.job_id)
            (view,) = await on.service.settles(job.job_id)

            true = await true_job(on, job.job_id)
            assert view["status"] == true["status"] == "cancelled"
            assert matched(view) == (MANY + 1, true["succeeded"], 0, MANY + 1 - true["succeeded"])
            assert true["succeeded"] >= 3
            assert ("cancellation", "cancelled_by_operator") in told(view)

    asyncio.run(flow())


def test_commands_to_jobs_that_are_not_there() -> None:
    """Neither an id that is not known nor a ghost is sent a command: the job is looked at before, and no ghost is made."""

    async def flow() -> None:
        async with tagger() as on:
            headers = {"Authorization": f"Bearer {await a_token(on)}"}
            (await on.client.post("/tagger/api/batch/jobs/ghost/cancel", headers=headers)).raise_for_status()
            for job_id in ("nobody", "ghost"):
                await on.service.track(job_id, "tagger")
                await on.service.cancel(job_id)
                await hold(on, ActionVerb.PAUSE, job_id)
                for verb in (ActionVerb.CANCEL, ActionVerb.PAUSE):
                    assert (await came_of(on, job_id, verb))["state"] == "refused"

            asked = await truth(on)
            assert (asked["ghosts"], asked["asks"].get("cancel"), asked["asks"].get("pause")) == (["ghost"], 1, None)

    asyncio.run(flow())


async def a_token(on: Beside) -> str:
    source = on.service.config.sources["tagger"]
    account = {"email": source.options.email, "password": DEFAULT_TAGGER_PASSWORD}  # type: ignore[union-attr]
    answer = await on.client.post("/tagger/api/auth/login", json=account)
    return str(answer.raise_for_status().json()["tokens"]["access_token"])


# --- the account ------------------------------------------------------------------------------------------------------


async def jobs_at_work(on: Beside, folder: Path, count: int) -> list[JobRow]:
    jobs = [await one_job(on, folder, good=MANY) for _ in range(count)]
    for job in jobs:
        await on.service.reaches(job.job_id, "pending", "running")
    return jobs


async def asked_again(on: Beside, jobs: list[JobRow]) -> None:
    """Have all of them asked about now, and wait for their answers."""
    before = {job.job_id: (await on.service.view(job.job_id))["asking"]["answers"] for job in jobs}
    running = on.service
    async with running.store.writing() as connection:
        for job in jobs:
            await acts.poll(connection, job.job_id, running.store.new_id, now())
    running.reconciler.wake()
    for job_id, count in before.items():
        await on.service.shows(job_id, lambda view, least=count: view["asking"]["answers"] > least, "an answer")


def test_one_question_at_a_time(tmp_path: Path) -> None:
    """However many jobs there are, and whatever is due, the tagger has one request of ours at a time; we log in once."""

    async def flow() -> None:
        async with tagger() as on:
            jobs = [await one_job(on, tmp_path) for _ in range(5)]
            views = await on.service.settles(*(job.job_id for job in jobs))

            asked = await truth(on)
            assert {(view["status"], matched(view)) for view in views} == {("completed", (4, 3, 1, 0))}
            assert set(asked["most_at_once"].values()) == {1}
            assert (asked["logins"], asked["refreshes"]) == (1, 0)

    asyncio.run(flow())


def test_a_spent_token_is_renewed_once(tmp_path: Path) -> None:
    """Several questions meet a token that is good no more: one question brings a new one for all of them, and nobody logs in."""

    async def flow() -> None:
        async with tagger(more={**SELDOM, "concurrency": 4}) as on:
            jobs = await jobs_at_work(on, tmp_path, 4)
            await switch(on, blocking=True, row_seconds=10)  # so that all of them are in flight before one is answered
            await handled(on, jobs[-1].job_id, 1)
            await control(on, "revoke/access")
            await asked_again(on, jobs)

            asked = await truth(on)
            assert asked["most_at_once"]["status"] > 1
            assert (asked["logins"], asked["refreshes"]) == (1, 1)
            assert {(await on.service.view(job.job_id))["trouble"] for job in jobs} == {None}

    asyncio.run(flow())


def test_a_spent_refresh_token(tmp_path: Path) -> None:
    """Where the refresh token is good no more either, the password is shown again."""

    async def flow() -> None:
        async with tagger(more=SELDOM) as on:
            jobs = await jobs_at_work(on, tmp_path, 1)
            await control(on, "revoke/refresh")
            await control(on, "revoke/access")
            await asked_again(on, jobs)

            asked = await truth(on)
            assert (asked["logins"], asked["refreshes"]) == (2, 0)
            assert (await on.service.source("tagger"))["trouble"] is None

    asyncio.run(flow())


def test_a_disabled_account(tmp_path: Path) -> None:
    """The source waits and says why; no job changes. Once the account is enabled it goes on."""

    async def flow() -> None:
        async with tagger() as on:
            job = await one_job(on, tmp_path, good=20)
            await on.service.reaches(job.job_id, "running")
            await switch(on, account="disabled")

            async def waits() -> dict[str, Any] | None:
                source = await on.service.source("tagger")
                return source if source["asking_again_at"] else None

            source = await until(waits, "the source to wait")
            view = await on.service.view(job.job_id)
            assert (source["trouble"], view["status"], view["trouble"]) == ("key_refused", "running", None)
            assert "disabled" in source["trouble_message"]

            await switch(on, account="active")
            await on.service.poll(job.job_id)
            (view,) = await on.service.settles(job.job_id)
            assert (view["status"], told(view)) == ("completed", {("execution", "rows_failed")})

    asyncio.run(flow())


@pytest.mark.both_stores
def test_what_is_secret_stays_so(tmp_path: Path) -> None:
    """On good and on bad days the password and the LLM's key stand in no table, no file, no log and nothing that is shown; of
    the tokens only the one for the next refresh is kept, in a file that nobody else can read."""

    async def flow() -> None:
        async with tagger(switches={"status_failures": 1, "starts_lost": 1}) as on:
            stored = await on.submit(tmp_path)
            job = await on.job(stored)
            await on.service.reaches(job.job_id, "running", "completed")
            await switch(on, account="disabled")
            await control(on, "revoke/access")
            await on.service.poll(job.job_id)
            await until(lambda: waits_for_account(on), "the source to wait")
            await switch(on, account="active")
            await on.service.poll(job.job_id)
            await on.service.settles(job.job_id)

            data = Path(on.service.config.data.dir)
            kept = data / "logins" / "tagger"
            refresh = kept.read_text()
            assert stat.S_IMODE(kept.stat().st_mode) == 0o600
            seen = repr([await everything_shown(on, stored), await everything_stored(on), on.service.logged])
            files = b"".join(path.read_bytes() for path in data.parent.rglob("*") if path.is_file() and path != kept)
            assert job.job_id in seen
            assert b"https://files.example/0.pdf" in files
            for secret in (LLM_KEY, DEFAULT_TAGGER_PASSWORD, refresh, "Bearer ey"):
                assert secret not in seen
                assert secret.encode() not in files
            assert not {LLM_KEY, DEFAULT_TAGGER_PASSWORD} & set(refresh.split())

    asyncio.run(flow())


async def waits_for_account(on: Beside) -> bool:
    return bool((await on.service.source("tagger"))["asking_again_at"])
