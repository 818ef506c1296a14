"""Each error of the gateway, from its wire to what operators are shown: whose trouble it is, and that it ends no job."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from service import Stage, stage, told, until
from submitted import states, store, submitted

import sandbox
from operators.submitting import Wishes
from sandbox.scenarios import STATUS_FAULTS
from schemas.tables import JobRow, SubmissionRow
from storage.rows import fetch, table

EXAMPLE = Path(sandbox.__file__).parent / "examples" / "requests.jsonl"

# What the first three answers about such a job are taken for.
TROUBLES: dict[str, set[str | None]] = {
    "status_429": {"rate_limited"},
    "status_429_bare": {"rate_limited"},
    "status_429_date": {"rate_limited"},
    "status_500": {"gateway"},
    "status_gateway_502": {"gateway"},
    "status_malformed": {"unreadable", "wrong_job"},
    "status_provider_401": {"upstream"},
    "status_provider_403": {"upstream"},
    "status_provider_404": {"upstream"},
    "status_denied": {None},  # the provider denied the job, which is an answer: three of them end nothing
}


def test_the_table_knows_every_fault() -> None:
    """A fault that the stand-in learns has to be given its trouble here."""
    assert TROUBLES.keys() == set(STATUS_FAULTS)


@pytest.mark.both_stores
def test_errors_of_status_answers() -> None:
    """Each error is our trouble with one job, under its own word; the source stays well, and each job comes to its end."""

    async def flow() -> None:
        async with stage() as on:
            jobs = {await on.watched(f"{word},webhook_lost"): word for word in TROUBLES}
            views = {jobs[view["job_id"]]: view for view in await on.service.settles(*jobs)}

            assert {word: (view["status"], told(view)) for word, view in views.items()} == {
                word: ("completed", {("delivery", "never_attempted")}) for word in TROUBLES
            }
            seen = {word: _troubles(view) for word, view in views.items()}
            assert seen == TROUBLES
            assert "404: not_found: batch_not_found_or_not_owned" in _denial(views["status_denied"])
            assert all(view["trouble"] is None for view in views.values())
            assert (await on.service.source())["trouble"] is None

    asyncio.run(flow())


def _troubles(view: dict[str, Any]) -> set[str | None]:
    """What went wrong with the questions about a job that brought no status."""
    return {one["trouble"] for one in view["observations"] if one["status"] is None}


def _denial(view: dict[str, Any]) -> str:
    return next(f"{one['http_status']}: {one['message']}" for one in view["observations"] if one["status"] is None)


@pytest.mark.parametrize(
    ("fault", "trouble", "words"),
    [
        ("key_refused", "key_refused", "key_not_found_or_revoked"),
        ("key_limit", "rate_limited", "key_limit_exceeded"),
        ("feature_disabled", "key_refused", "batch_api_feature_flag_disabled"),
    ],
)
def test_errors_of_the_whole_account(fault: str, trouble: str, words: str) -> None:
    """What every question would meet is the source's trouble and no job's: it waits, says why, and goes on by itself."""

    async def flow() -> None:
        async with stage(speed=100) as on:
            job = await on.watched()
            await on.service.reaches(job, "pending", "running")
            await spoil(on, fault)

            async def in_trouble() -> dict[str, Any] | None:
                source = await on.service.source()
                return source if source["trouble"] else None

            source = await until(in_trouble, "the source to be in trouble")
            assert (source["trouble"], source["circuit"] in ("open", "trying")) == (trouble, True)
            assert words in source["trouble_message"]
            assert (await on.service.view(job))["trouble"] is None

            await spoil(on, "none")
            await on.service.poll(job)
            (view,) = await on.service.settles(job)
            assert (view["status"], told(view)) == ("completed", set())
            assert (await on.service.source())["trouble"] is None

    asyncio.run(flow())


async def spoil(on: Stage, fault: str) -> None:
    answer = await on.client.post("/sandbox/fault", json={"fault": fault})
    assert answer.status_code == 200, answer.text


async def submit(on: Stage, **metadata: str) -> JobRow:
    return await submitted(on.service, EXAMPLE, **metadata)


async def submissions(on: Stage) -> list[tuple[str, bool]]:
    """The state of each submission, and whether its job is known."""
    async with on.service.store.reading() as connection:
        rows = await fetch(connection, SubmissionRow, table(SubmissionRow).select())
    return [(row.state, row.job_id is not None) for row in rows]


@pytest.mark.parametrize("word", ["create_unknown", "create_unstored"])
def test_a_create_that_may_have_worked(word: str) -> None:
    """A create that is answered with an error and a batch's id is believed to have made it: it is watched, and completes."""

    async def flow() -> None:
        async with stage() as on:
            job = await submit(on, scenario=word)
            (view,) = await on.service.settles(job.job_id)

            assert (view["kind"], view["status"], told(view)) == ("batch", "completed", set())
            assert await submissions(on) == [("created", True)]
            assert len(await on.truth()) == 1

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("scenario", "fault", "words", "state"),
    [
        ("create_refused", "none", "HTTP 400|invalid", "refused"),
        ("", "insufficient_funds", "insufficient_funds", "refused"),
        ("create_unavailable", "none", "batch_submission_persistence_failed.*; the provider's list", "unclear"),
        ("", "upload_quota", "waits for the quota of uploads: HTTP 429.*batch_file_hourly_quota_exceeded", "stored"),
        ("", "key_refused", "HTTP 401: unauthorised: key_not_found_or_revoked", "stored"),
        ("", "feature_disabled", "batch_api_feature_flag_disabled", "stored"),
    ],
)
def test_a_submission_that_comes_to_nothing_yet(scenario: str, fault: str, words: str, state: str) -> None:
    """What the gateway says is kept with the submission in its own words. What it refuses is over, what it will not have now
    waits, and nothing is watched that is not there."""

    async def flow() -> None:
        async with stage() as on:
            await spoil(on, fault)
            stored = await store(on.service, EXAMPLE, Wishes({"scenario": scenario} if scenario else {}))

            async def told() -> SubmissionRow | None:
                (row,) = await states(on.service, stored)
                return row if row.message else None

            row = await until(told, "the submission to come to something")
            assert re.search(words, row.message), row.message
            assert (row.state, row.job_id) == (state, None)
            assert (row.due_at is None) == (state == "refused")

    asyncio.run(flow())
