"""Findings about a source, from what happens on the wire to what operators and downstream are told, and back."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import formatdate
from hashlib import sha256
from hmac import new as mac
from typing import Any

import pytest
from downstream import Downstream, ended, program
from service import SECRET, Provider, Script, Service, account, batch, event, file_of, said, service, stage, until

from operators.clock import now
from operators.happenings import Follower
from schemas.times import MINUTE, SECOND, parse_rfc3339
from storage import findings, handoffs, sources
from storage.listing import Part

OF_US = {"webhook": account()}  # a webhook of ours, and no attempt yet


class Clock:
    """The reconciler's clock, which a test sets forward. The receiver's and the provider's stay as they are."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return now() + self.ahead

    def forward(self, service: Service, micros: int) -> None:
        self.ahead += micros
        service.reconciler.wake()


@asynccontextmanager
async def beside(
    script: Script, target: Mapping[str, Any] | None = None, **more: Any
) -> AsyncIterator[tuple[Service, Clock]]:
    clock = Clock()
    targets = {"alarm": {"on": "finding", **target}} if target else None
    async with (
        Provider(script).listening() as provider,
        service(provider.base_url, handoffs=targets, clock=clock, more=more or None) as running,
    ):
        yield running, clock


async def found(running: Service, *rules: str) -> list[dict[str, Any]]:
    """Wait until just these findings stand."""

    async def so() -> list[dict[str, Any]] | None:
        standing = (await running.source())["findings"]
        return standing if [one["rule"] for one in standing] == list(rules) else None

    async def found_so() -> tuple[list[dict[str, Any]]] | None:
        standing = await so()
        return None if standing is None else (standing,)

    (standing,) = await until(found_so, f"the findings {rules}")
    return list(standing)


def signed_otherwise(body: bytes, secret: str = SECRET, seconds_ago: int = 0) -> Mapping[str, str]:
    stamp = str(int(time.time()) - seconds_ago)
    digest = mac(secret.encode(), stamp.encode() + b"." + body, sha256).hexdigest()
    return {"content-type": "application/json", "x-phaseo-timestamp": stamp, "x-phaseo-signature": digest}


async def refuse(running: Service, count: int, headers: Mapping[str, str] | None = None, **signing: Any) -> None:
    """Have requests refused, and wait until that is on record."""
    before = len(await running.refusals())
    for number in range(count):
        body = event(f"batch_{number}", "completed")
        shown = signed_otherwise(body, **signing) if headers is None else headers
        answer = await running.client.post(f"{running.receiver_url}/webhooks/gateway", content=body, headers=shown)
        assert answer.status_code == 401

    async def recorded() -> bool:
        return len(await running.refusals()) == before + count

    await until(recorded, "the refusals to be on record")


@pytest.mark.both_stores
def test_a_rotated_secret() -> None:
    """Requests signed with another secret are a finding at the next look, within a quarter of a minute; one that is accepted,
    and none refused for a minute, closes it. Downstream is told of each once."""

    async def flow() -> None:
        down = Downstream()
        async with down.listening(), beside(ended(), down.table) as (running, clock):
            await found(running)
            await refuse(running, 2, secret="the one before last")
            clock.forward(running, 16 * SECOND)
            await found(running)
            await refuse(running, 1, secret="the one before last")
            clock.forward(running, 16 * SECOND)
            (one,) = await found(running, "wrong_secret")
            assert one["message"].startswith("3 requests were refused in the last 5 min, and none was accepted: their")
            assert {fact["name"]: fact["value"] for fact in one["facts"]}["refused.signature_wrong"] == 3

            await running.deliver(event("batch_9", "completed"))
            clock.forward(running, 16 * SECOND)
            await running.reaches("batch_9", "completed")
            (still,) = await found(running, "wrong_secret")
            assert still["revision"] == 1
            clock.forward(running, MINUTE)
            await found(running)

            async def told() -> bool:
                return len(down.events) == 2

            await until(told, "downstream to be told twice")
            sources = [one for one in down.events if one["type"] == "batchkeeper.finding.source"]
            assert [(one["subject"], one["data"]["finding"]["state"]) for one in sources] == [
                ("gateway", "began"),
                ("gateway", "closed"),
            ]
            assert len(set(down.ids())) == 2
            async with running.store.reading() as connection:
                happened, _ = await Follower(now() - MINUTE).look(connection)
            about = [
                (one["source"], one["about"]["rule"], one["about"]["state"])
                for one in happened
                if one["what"] == "finding"
            ]
            assert about == [("gateway", "wrong_secret", "opened"), ("gateway", "wrong_secret", "closed")]

    asyncio.run(flow())


@pytest.mark.both_stores
def test_a_secret_that_is_rotated_on_a_busy_source() -> None:
    """However many were accepted before, and whatever came twice: three refused requests after the last that was accepted are a
    finding at the next look. Ends that nobody announced meanwhile are no silence."""

    async def flow() -> None:
        def script(asked: Any) -> bytes:
            return file_of(asked) or said(batch(asked.job_id, "completed", **OF_US))

        async with beside(script, delivery_window_seconds=3600) as (running, clock):
            for number in range(30):
                await running.deliver(event(f"batch_{number % 10}", "completed"))
            for number in range(10):
                await running.reaches(f"batch_{number}", "completed")
            await refuse(running, 3, secret="another")
            clock.forward(running, 16 * SECOND)
            (one,) = await found(running, "wrong_secret")
            assert (
                "3 requests were refused in the last 5 min, and the last one that was accepted came" in one["message"]
            )
            for number in range(20, 23):
                await running.track(f"batch_{number}")
                await running.reaches(f"batch_{number}", "completed")
            clock.forward(running, 6 * MINUTE)

            async def looked_again() -> list[str] | None:
                standing = (await running.source())["findings"]
                is_seen = all(parse_rfc3339(one["seen_at"]) > now() + 5 * MINUTE for one in standing)
                return [one["rule"] for one in standing] if is_seen else None

            assert await until(looked_again, "another look") == ["wrong_secret"]

    asyncio.run(flow())


def test_told_once_an_hour() -> None:
    """A finding that comes back within the hour is not told again before that is over; then it is, if it still stands."""

    async def flow() -> None:
        # A program, and no server: that would find our signature too fresh when our clock is an hour ahead.
        async with beside(ended(), program("")) as (running, clock):

            async def states(count: int) -> list[str] | None:
                async with running.store.reading() as connection:
                    rows = await handoffs.newest(connection, Part())
                told = [json.loads(row.event)["data"]["finding"]["state"] for row in reversed(rows)]
                return told if len(told) >= count else None

            await refuse(running, 3, secret="another")
            clock.forward(running, 16 * SECOND)
            await found(running, "wrong_secret")
            await running.deliver(event("batch_1", "completed"))
            await running.reaches("batch_1", "completed")
            clock.forward(running, MINUTE + 16 * SECOND)
            await found(running)
            await refuse(running, 3, secret="another")
            clock.forward(running, 16 * SECOND)
            (again,) = await found(running, "wrong_secret")
            assert again["revision"] == 2
            assert await states(2) == ["began", "closed"]

            clock.forward(running, 61 * MINUTE)
            assert await until(lambda: states(3), "the third") == ["began", "closed", "began"]

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("signing", "rule", "words"),
    [
        ({"seconds_ago": 1000}, "clock_skew", "signed too long ago ("),
        ({"seconds_ago": -1000}, "clock_skew", "at a time that is still to come ("),
        ({"headers": {"content-type": "application/json"}}, "other_scheme", "another scheme is used"),
    ],
)
def test_the_likely_cause(signing: dict[str, Any], rule: str, words: str) -> None:
    """What requests are refused for tells the likely cause: a clock, or another scheme than the dialect's."""

    async def flow() -> None:
        async with beside(ended()) as (running, clock):
            await refuse(running, 3, **signing)
            clock.forward(running, 16 * SECOND)
            (one,) = await found(running, rule)
            assert words in one["message"]

    asyncio.run(flow())


def test_one_forged_request() -> None:
    """A single request that nobody can have signed is refused, and is no finding."""

    async def flow() -> None:
        async with beside(ended()) as (running, clock):
            await refuse(running, 1, secret="guessed")
            clock.forward(running, 10 * MINUTE)
            await running.track("batch_1")
            await running.settles("batch_1")
            assert (await running.source())["findings"] == []

    asyncio.run(flow())


@pytest.mark.both_stores
def test_silence_while_jobs_move() -> None:
    """Three jobs that ended unannounced are a finding after five minutes, also for who takes the source over meanwhile; one
    webhook closes it."""

    async def flow() -> None:
        def script(asked: Any) -> bytes:
            return file_of(asked) or said(batch(asked.job_id, "completed", **OF_US))

        async with beside(script, delivery_window_seconds=3600) as (running, clock):
            for number in range(3):
                await running.track(f"batch_{number}")
                await running.reaches(f"batch_{number}", "completed")
            clock.forward(running, 20 * SECOND)

            async def recorded() -> bool:
                async with running.store.reading() as connection:
                    row = await sources.get(connection, "gateway")
                return row is not None and row.unheard_ends == 3

            await until(recorded, "what was not heard to be on record")
            clock.forward(running, 6 * MINUTE)
            (one,) = await found(running, "webhooks_silent")
            assert "3 jobs have ended" in one["message"]

            await running.deliver(event("batch_1", "completed"))

            async def judged() -> bool:
                return [one["verdict"] for one in await running.deliveries()] == ["agrees"]

            await until(judged, "the webhook to be judged")
            clock.forward(running, 16 * SECOND)
            await found(running)

    asyncio.run(flow())


def test_our_own_clock() -> None:
    """A provider whose answers bear a date far from our clock is a finding, which says which way; one that agrees closes it."""

    async def flow() -> None:
        late = [600.0]

        def script(asked: Any) -> bytes:
            date = formatdate(time.time() + late[0], usegmt=True)
            return said(batch(asked.job_id, "in_progress"), date=date)

        async with beside(script) as (running, clock):
            await running.track("batch_1")
            await running.reaches("batch_1", "running")
            clock.forward(running, 16 * SECOND)
            (one,) = await found(running, "own_clock")
            assert "behind" in one["message"]
            late[0] = 0

            async def agrees() -> bool:
                clock.forward(running, SECOND)
                return abs((await running.source())["clock"]["ahead_seconds"] or 99) < 60

            await until(agrees, "the clocks to agree")
            clock.forward(running, 16 * SECOND)
            await found(running)

    asyncio.run(flow())


def test_what_an_open_job_will_bring() -> None:
    """An open job's view names the news of each end that it may come to, and of the end that it came to what came of that."""

    async def flow() -> None:
        status = ["in_progress"]

        def script(asked: Any) -> bytes:
            return file_of(asked) or said(batch(asked.job_id, status[0], **OF_US))

        async with beside(script, delivery_window_seconds=3600) as (running, _):
            await running.track("batch_1")
            await running.reaches("batch_1", "running")
            coming = (await running.view("batch_1"))["expected_deliveries"]
            assert {one["key"]: one["state"] for one in coming}.items() >= {
                ("batch.completed", "not_due"),
                ("batch.cancelled", "not_due"),
            }
            status[0] = "completed"
            await running.poll("batch_1")
            await running.reaches("batch_1", "completed")
            (one,) = (await running.view("batch_1"))["expected_deliveries"]
            assert (one["key"], one["state"], one["expected_by"] is not None) == ("batch.completed", "awaited", True)
            await running.deliver(event("batch_1", "completed"))
            (view,) = await running.settles("batch_1")
            assert [one["state"] for one in view["expected_deliveries"]] == ["received"]

    asyncio.run(flow())


def test_a_good_day_has_no_finding() -> None:
    """Jobs that go as they should, announced by webhooks: nothing is found of their source."""

    async def flow() -> None:
        async with stage() as on:
            jobs = [await on.watched() for _ in range(8)]
            await on.service.settles(*jobs)
            async with on.service.store.reading() as connection:
                assert await findings.of_source(connection, "gateway") == []

    asyncio.run(flow())
