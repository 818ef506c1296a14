"""What comes from Thunderbit as nobody wishes: webhooks that are odd, old or contradictory, and answers that go wrong."""

import asyncio
from datetime import datetime
from pathlib import Path

import pytest
from beside_thunderbit import (
    DISTILL,
    EXTRACT,
    all_judged,
    body_about,
    matched,
    one_job,
    pages,
    post,
    submit,
    suspended,
    switch,
    thunderbit,
)
from service import secret_of, told, until
from submitted import made

from sandbox.server import DEFAULT_THUNDERBIT_KEY

KEY = {"Authorization": f"Bearer {DEFAULT_THUNDERBIT_KEY}"}
ENDS = ("completed", "failed", "cancelled", "expired")
SLOW = 4  # a job of some pages takes 7.5 seconds of the wall


# --- webhooks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("takes", "sent", "is_taken"),
    [
        ("v2", "v2", True),
        ("v2", "v1", False),
        ("v1", "v1", True),
        ("v1", "v2", False),
        ("v2+v1", "v1", True),
        ("v2+v1", "v2", True),
    ],
)
def test_the_older_payload_and_schemes_of_signing(takes: str, sent: str, is_taken: bool, tmp_path: Path) -> None:
    """The older payload is read as the current one. Either scheme is taken where the source says so and nowhere else, and the
    job ends as it does either way."""

    async def flow() -> None:
        switches = {"signature": sent, "payload": "old"}
        async with thunderbit(options={"signature": takes}, switches=switches) as on:
            job_id = await one_job(on, tmp_path)
            view = await on.service.shows(job_id, lambda view: view["ready_at"] and view["row_match"], "ready")
            heard = await until(on.service.deliveries if is_taken else on.service.refusals, "a webhook")

            assert (view["status"], matched(view), told(view)) == ("completed", (2, 2, 0, 0), set())
            assert bool(await on.service.deliveries()) is is_taken
            assert {one.get("reason") for one in heard} == {None if is_taken else "signature_malformed"}

    asyncio.run(flow())


def test_retries_with_the_timestamp_of_the_first(tmp_path: Path) -> None:
    """The last attempt comes 44 minutes after the event: what was signed then is taken, what was signed an hour ago is not."""

    async def flow() -> None:
        async with thunderbit(speed=SLOW) as on:
            job_id = await one_job(on, tmp_path)
            taken = await post(on, body_about(job_id), age=44 * 60)
            stale = await post(on, body_about(job_id, "FAILED"), age=61 * 60)

            assert (taken.is_success, stale.status_code) == (True, 401)
            (delivery,) = await all_judged(on, 1)
            assert (delivery["reported_status"], delivery["verdict"]) == ("completed", "disagrees")
            refusals = await until(on.service.refusals, "a refusal")
            assert [refusal["reason"] for refusal in refusals] == ["timestamp_stale"]

    asyncio.run(flow())


def test_an_event_that_is_not_on_the_list(tmp_path: Path) -> None:
    """Its name is not signed: a request that comes again under another one is kept, and has no effect on any job."""

    async def flow() -> None:
        async with thunderbit(speed=SLOW) as on:
            job_id = await one_job(on, tmp_path)
            answer = await post(on, body_about(job_id, "FAILED"), **{"x-webhook-event": "batch.paused"})
            assert answer.status_code == 202
            (delivery,) = await all_judged(on, 1)
            view = await on.service.view(job_id)

            assert (delivery["verdict"], delivery["job_id"] == job_id) == ("unreadable", False)
            assert (view["deliveries"], view["reported"]["status"], view["asking"]["wanted_at"]) == ([], None, None)

    asyncio.run(flow())


def test_webhooks_that_contradict_each_other(tmp_path: Path) -> None:
    """Both are well signed. What the job itself is asked decides, and the other stays on record as a conflict."""

    async def flow() -> None:
        async with thunderbit(switches={"scenario": "webhook_conflicting"}) as on:
            stored = await submit(on, tmp_path, pages(2))
            (job,) = await made(on.service, stored)
            await all_judged(on, 2)
            await on.service.settles(job.job_id)
            assert (
                await post(on, body_about(job.job_id, "FAILED"))
            ).is_success  # it comes again, now that the end is known

            async def both() -> dict[str, str]:
                rows = await on.service.deliveries()
                verdicts = {row["reported_status"]: row["verdict"] for row in rows}
                return verdicts if verdicts.get("failed") == "conflict" else {}

            verdicts = await until(both, "a conflict")
            (view,) = await on.service.settles(job.job_id)
            assert verdicts.keys() == {"completed", "failed"}
            assert (view["status"], view["revision"], matched(view)) == ("completed", 1, (2, 2, 0, 0))

    asyncio.run(flow())


def test_a_job_of_the_other_endpoint(tmp_path: Path) -> None:
    """A stranger's webhook in its older form does not tell under which endpoint the job stands: the second question finds it,
    and from then on it is asked there alone."""

    async def flow() -> None:
        async with thunderbit(switches={"payload": "old"}) as on:
            hook = {"url": f"{on.service.receiver_url}/webhooks/thunderbit", "secret": secret_of("thunderbit")}
            order = {"urls": pages(2), "schema": {"name": {"type": "TEXT"}}, "webhook": hook}
            answer = await on.client.post("/thunderbit/openapi/v1/batch/extract", json=order, headers=KEY)
            job_id = answer.json()["data"]["id"]
            (view,) = await on.service.settles(job_id)

            assert (view["origin"], view["status"], view["rows"]["completed"]) == ("delivery", "completed", 2)
            assert view["polling_url"].endswith(f"{EXTRACT}/{job_id}")

    asyncio.run(flow())


# --- answers that go wrong --------------------------------------------------------------------------------------------


def test_denials_soon_after_the_create(tmp_path: Path) -> None:
    """A job that is denied three times before it is shown has not ended, and is not told of as if it had."""

    async def flow() -> None:
        async with thunderbit(speed=20, switches={"scenario": "status_404"}) as on:
            (job,) = await made(on.service, await submit(on, tmp_path, pages(2)))
            (view,) = await on.service.settles(job.job_id)

            denials = [one["times_seen"] for one in view["observations"] if one["http_status"] == 404]
            assert sum(denials) == 3
            assert [one["to"] for one in view["transitions"] if one["to"] in ENDS] == ["completed"]
            assert (view["status"], told(view)) == ("completed", set())

    asyncio.run(flow())


@pytest.mark.parametrize("how", ["key", "credits"])
def test_an_account_that_may_not_ask(how: str, tmp_path: Path) -> None:
    """A key that was revoked, or a status answer of 402: nobody asks meanwhile, no job changes; once mended it goes on."""

    async def flow() -> None:
        async with thunderbit(speed=SLOW, switches={"faulty_answers": 1}) as on:
            job_id = await one_job(on, tmp_path, "" if how == "key" else "status_402")
            if how == "key":
                await on.service.reaches(job_id, "pending", "running")
                await switch(on, key="revoked")
            await suspended(on, "key_refused")
            view = await on.service.view(job_id)
            assert view["status"] in ("unknown", "pending", "running")
            assert (view["trouble"], told(view)) == (None, set())

            await switch(on, key="live")
            await on.service.poll(job_id)
            (view,) = await on.service.settles(job_id)
            source = await on.service.source("thunderbit")
            assert (view["status"], source["trouble"], told(view)) == ("completed", None, set())

    asyncio.run(flow())


@pytest.mark.parametrize("unit", ["s", "ms"])
def test_the_account_s_limit(unit: str, tmp_path: Path) -> None:
    """A 429 tells when the account's minute is over, in one unit or the other: until then nobody asks."""

    async def flow() -> None:
        async with thunderbit(speed=10, switches={"rate_limit_unit": unit}) as on:
            job_id = await one_job(on, tmp_path, "webhook_lost")
            await switch(on, rate_limit=1)
            source = await suspended(on, "rate_limited")
            answer = await on.client.get(f"/thunderbit/openapi/v1{DISTILL}/{job_id}", headers=KEY)
            over = int(answer.headers["x-ratelimit-reset"]) / (1 if unit == "s" else 1_000)
            await switch(on, rate_limit=10_000)
            assert answer.status_code == 429
            assert 0 <= at(source["asking_again_at"]) - over < 2

            asked = (await on.truth())[job_id].asks
            view = await on.service.shows(job_id, lambda view: view["status"] == "completed", "completed")
            assert (at(view["asking"]["answered_at"]) >= over, (await on.truth())[job_id].asks > asked) == (True, True)

    asyncio.run(flow())


def at(shown_: str) -> float:
    """Unix seconds of a time as operators see it."""
    return datetime.fromisoformat(shown_).timestamp()
