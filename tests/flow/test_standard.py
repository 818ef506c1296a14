"""A provider by configuration: the service beside a stand-in that signs by Standard Webhooks, over real sockets."""

import asyncio
import base64
import secrets
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from commands import SCRIPT, environment
from providers import STANDARD_OPTIONS as OPTIONS
from service import DEADLINE, Service, SourceAt, read_config, service, told, until, write_config

from operators.clock import now
from operators.errors import NotPossible
from operators.submitting import Wishes, check
from sandbox.server import RunningSandbox, SandboxSettings
from sandbox.standard.account import API_KEY, WEBHOOK_SECRET
from sandbox.standard_webhooks import signed_headers
from schemas.times import MINUTE

SOURCE = "runs"
THIN: dict[str, Any] = {name: value for name, value in OPTIONS.items() if name not in ("status", "expected_events")}
SPEED = 20.0  # a task lives a second
# Routine does not ask within a test: what moves a job is its deliveries.
SLOW = {"first_poll_seconds": 600, "poll_seconds": 600, "poll_cap_seconds": 600}


def source_at(url: str, options: Mapping[str, Any]) -> SourceAt:
    more = {"dialect": "standard", "webhook_endpoint_id": None}
    return SourceAt(f"{url}/standard", more, API_KEY, WEBHOOK_SECRET, options)


@dataclass
class Beside:
    """The stand-in and the service."""

    box: RunningSandbox
    service: Service
    client: httpx.AsyncClient

    async def task(self, **order: Any) -> str:
        """Have a task made, by somebody else than the service."""
        answer = await self.client.post("/standard/v1/tasks", json=order)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def truth(self, task: str) -> dict[str, Any]:
        listed = (await self.client.get("/standard/sandbox/truth")).json()["tasks"]
        found: dict[str, Any] = next(one for one in listed if one["task_id"] == task)
        return found

    async def over(self, task: str) -> dict[str, Any]:
        """The truth about a task of which nothing is left to send."""

        async def settled() -> dict[str, Any] | None:
            true = await self.truth(task)
            return true if true["settled"] else None

        found: dict[str, Any] = await until(settled, f"{task} to be over")
        return found

    async def deliver(self, body: bytes, secret: str = WEBHOOK_SECRET, source: str = SOURCE) -> httpx.Response:
        """Post a delivery by hand, signed now by the sandbox's own code."""
        signed = signed_headers(secret, f"msg_{secrets.token_hex(8)}", int(time.time()), body)
        return await self.client.post(f"{self.service.receiver_url}/webhooks/{source}", content=body, headers=signed)


@asynccontextmanager
async def beside(
    options: Mapping[str, Any] = OPTIONS,
    knobs: Mapping[str, Any] | None = None,
    clock: Callable[[], int] = now,
) -> AsyncIterator[Beside]:
    async with (
        RunningSandbox(SandboxSettings(0, SPEED)) as box,
        httpx.AsyncClient(
            base_url=box.url, headers={"authorization": f"Bearer {API_KEY}"}, trust_env=False, timeout=DEADLINE
        ) as client,
        service({SOURCE: source_at(box.url, options)}, knobs, clock=clock) as running,
    ):
        url = f"{running.receiver_url}/webhooks/{SOURCE}"
        (await client.put("/standard/sandbox/webhook", content=url)).raise_for_status()
        yield Beside(box, running, client)


def verdicts(view: Mapping[str, Any]) -> list[str | None]:
    return [receipt["verdict"] for delivery in view["deliveries"] for receipt in delivery["receipts"]]


@pytest.mark.parametrize(
    ("ends", "failures"),
    [
        ("completed", set()),
        ("failed", {("execution", "failed")}),
        ("cancelled", {("cancellation", "cancelled_elsewhere")}),
    ],
)
def test_adopted_and_ended(ends: str, failures: set[tuple[str, str]]) -> None:
    """A signed delivery brings a job, its status endpoint ends it, and nothing is missed that was expected."""

    async def flow() -> None:
        async with beside() as on:
            task = await on.task(ends=ends, rows=3)
            (view,) = await on.service.settles(task)

            assert (view["kind"], view["status"], view["basis"]) == ("task", ends, "observed")
            assert view["origin"] == "delivery"
            assert told(view) - {("execution", "rows_failed")} == failures
            assert view["rows"]["total"] == 3
            assert (view["error_message"] == "It was ordered to fail.") == (ends == "failed")
            keys = {delivery["delivery_key"] for delivery in view["deliveries"]}
            assert f"task.{ends}" in keys
            assert (await on.truth(task))["status"] == ends

    asyncio.run(flow())


def test_all_webhooks_lost() -> None:
    """A tracked job comes to its end by polls alone; that the delivery of it never came is said, and nothing else."""
    ahead = [0]  # microseconds

    async def flow() -> None:
        async with beside(clock=lambda: now() + ahead[0]) as on:
            task = await on.task(webhooks=["lost"])
            await on.service.track(task, SOURCE, kind=None)  # the only one that there is
            job = await on.service.reaches(task, "completed")
            assert job.kind == "task"
            assert (job.basis, job.ended_by, job.settled_at) == ("observed", "poll", None)

            ahead[0] = MINUTE  # the window is over
            on.service.reconciler.wake()
            (view,) = await on.service.settles(task)
            assert (view["status"], view["deliveries"]) == ("completed", [])
            assert told(view) == {("delivery", "missing")}
            assert (await on.over(task))["sent"] == []

    asyncio.run(flow())


def test_tracked_when_it_is_over() -> None:
    """Of a job that had ended before anybody asked, no delivery is expected: it may have come before we listened."""

    async def flow() -> None:
        async with beside() as on:
            task = await on.task(webhooks=["lost"], seconds=0)
            await on.over(task)
            await on.service.track(task, SOURCE, "task")
            (view,) = await on.service.settles(task)

            assert (view["status"], told(view)) == ("completed", set())

    asyncio.run(flow())


def test_thin_events() -> None:
    """Without a path to a status and without expected events, each delivery makes us ask, and none can be missing."""

    async def flow() -> None:
        async with beside(THIN, SLOW) as on:
            (view,) = await on.service.settles(await on.task())
            assert (view["status"], told(view)) == ("completed", set())
            assert {delivery["event_type"] for delivery in view["deliveries"]} == {"task.started", "task.completed"}
            assert all(delivery["delivery_key"].startswith("msg_") for delivery in view["deliveries"])

            unheard = await on.task(webhooks=["lost"], seconds=0)
            await on.over(unheard)
            await on.service.track(unheard, SOURCE, "task")
            (view,) = await on.service.settles(unheard)
            assert (view["status"], told(view)) == ("completed", set())

    asyncio.run(flow())


def test_repeated_late_and_out_of_order() -> None:
    """However often, late and in which order deliveries come: each is recorded once, and the end stands as it was observed."""

    async def flow() -> None:
        async with beside() as on:
            task = await on.task(webhooks=["duplicated", "reordered"])
            await on.service.track(task, SOURCE, "task")
            true = await on.over(task)
            (view,) = await on.service.settles(task)

            assert [one["event"] for one in true["sent"]] == ["task.completed"] * 3 + ["task.started"] * 3
            assert {one["outcome"] for one in true["sent"]} == {"delivered"}
            assert (view["status"], told(view)) == ("completed", set())
            heard = {one["event_type"]: len(one["receipts"]) for one in view["deliveries"]}
            assert heard == {"task.completed": 3, "task.started": 3}

            started = b'{"type":"task.started","data":{"id":"%s","status":"running"}}' % task.encode()
            ended = b'{"type":"task.completed","data":{"id":"%s","status":"completed"}}' % task.encode()
            assert [(await on.deliver(body)).status_code for body in (started, ended)] == [202, 200]

            def judged(view: dict[str, Any]) -> bool:
                return len(verdicts(view)) == 8 and None not in verdicts(view)

            late = await on.service.shows(task, judged, "the late ones to be judged")
            assert (late["status"], late["revision"], told(late)) == (view["status"], view["revision"], set())
            assert len(late["deliveries"]) == 3
            assert verdicts(late).count("stale") >= 1

    asyncio.run(flow())


def test_told_too_early() -> None:
    """An end that is told before its status says so moves nothing: the status is asked, and has the word."""

    async def flow() -> None:
        async with beside(THIN | {"status": "data.status"}, SLOW) as on:
            task = await on.task(seconds=3_600)
            await on.service.track(task, SOURCE, "task")
            before = await on.service.reaches(task, "pending")
            body = b'{"type":"task.completed","data":{"id":"%s","status":"completed"}}' % task.encode()
            assert (await on.deliver(body)).status_code == 202

            async def asked_again() -> Any:
                row = await on.service.row(task)
                return row if row is not None and row.asks > before.asks else None

            job = await until(asked_again, "the claimed end to be asked about")
            assert (job.status, job.reported_status, job.wanted_status) == ("pending", "completed", "completed")
            assert verdicts(await on.service.view(task)) == ["disagrees"]

    asyncio.run(flow())


def test_signed_with_another_secret() -> None:
    """What is not signed with this source's secret is refused and does nothing, though it be about a real job."""

    async def flow() -> None:
        async with beside() as on:
            task = await on.task(webhooks=["missigned"], seconds=0)

            async def refused() -> bool:
                return bool(await on.service.refusals())

            await until(refused, "a refusal to be recorded")

            async def answered() -> set[int]:
                sent = (await on.truth(task))["sent"]
                return {one["response_status"] for one in sent if one["response_status"] is not None}

            assert await until(answered, "the stand-in to have our answer") == {401}
            assert {one["reason"] for one in await on.service.refusals()} == {"signature_wrong"}
            assert await on.service.row(task) is None
            assert await on.service.deliveries() == []

    asyncio.run(flow())


def test_another_sources_secret() -> None:
    """Two sources of this dialect: what one's provider signs is refused at the other's door."""
    other = "whsec_" + base64.b64encode(b"the secret of another account.").decode()
    body = b'{"type":"task.completed","data":{"id":"task_1","status":"completed"}}'

    async def flow() -> None:
        async with RunningSandbox(SandboxSettings(0, SPEED)) as box:
            mine = source_at(box.url, OPTIONS)
            theirs = SourceAt(mine.base_url, mine.more, API_KEY, other, OPTIONS)
            async with (
                service({SOURCE: mine, "others": theirs}) as running,
                httpx.AsyncClient(base_url=box.url, trust_env=False, timeout=DEADLINE) as client,
            ):
                on = Beside(box, running, client)
                assert (await on.deliver(body, other, SOURCE)).status_code == 401
                assert (await on.deliver(body, WEBHOOK_SECRET, "others")).status_code == 401
                assert await running.row("task_1") is None
                assert (await on.deliver(body, other, "others")).status_code == 202
                assert (await on.deliver(body, WEBHOOK_SECRET, SOURCE)).status_code == 202

    asyncio.run(flow())


def test_a_cancel() -> None:
    """A cancel is sent where the options say; the status endpoint has the last word about what came of it."""

    async def flow() -> None:
        async with beside() as on:
            task = await on.task(seconds=3_600)
            await on.service.track(task, SOURCE, "task")
            await on.service.reaches(task, "pending", "running")
            await on.service.cancel(task)
            (view,) = await on.service.settles(task)

            job = await on.service.row(task)
            assert job is not None
            assert (job.status, job.ended_by) == ("cancelled", "poll")
            assert told(view) == {("cancellation", "cancelled_by_operator")}
            assert view["actions"][0]["state"] == "accepted"
            assert (await on.truth(task))["deletes"] == 1

    asyncio.run(flow())


def test_no_cancel() -> None:
    """Without a cancel_url nothing is sent, and it is said that such jobs cannot be cancelled."""
    plain = {name: value for name, value in OPTIONS.items() if not name.startswith("cancel_")}

    async def flow() -> None:
        async with beside(plain) as on:
            task = await on.task(seconds=3_600)
            await on.service.track(task, SOURCE, "task")
            await on.service.reaches(task, "pending", "running")
            await on.service.cancel(task)
            view = await on.service.shows(task, told, "that it could not be cancelled")

            assert told(view) == {("cancellation", "not_cancellable")}
            assert view["actions"][0]["state"] == "not_cancellable"
            assert (await on.truth(task))["deletes"] == 0

    asyncio.run(flow())


def test_events_about_nothing_that_we_know() -> None:
    """An authentic body without a job is kept and shown, answered 202, and makes no job."""

    async def flow() -> None:
        async with beside() as on:
            answer = await on.deliver(b'{"type":"account.updated","data":{"plan":"large"}}')
            assert answer.status_code == 202

            async def shown() -> list[dict[str, Any]]:
                return [one for one in await on.service.deliveries() if one["verdict"] == "unreadable"]

            (kept,) = await until(shown, "the delivery to be judged")
            assert kept["source"] == SOURCE

    asyncio.run(flow())


def typed(folder: Path, environ: Mapping[str, str], *words: str) -> tuple[int, str]:
    """Type a verb: its exit code, and all that it printed."""
    done = subprocess.run(
        [SCRIPT, "--config", str(folder / "batchkeeper.toml"), *words],
        cwd=folder, env=environment(environ), capture_output=True, text=True, timeout=DEADLINE,
        check=False,
    )  # fmt: skip
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_the_verbs(tmp_path: Path) -> None:
    """`submit` says why not, before it looks at a row; `config check --online` says how much of the key can be seen."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text("this is no row")

    async def flow() -> None:
        async with RunningSandbox(SandboxSettings(0, SPEED)) as box:
            path, environ = write_config(tmp_path, {SOURCE: source_at(box.url, OPTIONS)})
            config = read_config(path, environ)
            source = config.sources[SOURCE]
            with pytest.raises(
                NotPossible, match="nothing can be submitted to runs: its options tell how jobs are asked"
            ):
                check(config, source, Wishes())

            words = ("submit", str(rows), "--source", SOURCE)
            code, text = await asyncio.to_thread(typed, tmp_path, environ, *words)
            assert (code, "`batchkeeper track` it here" in text) == (1, True), text
            code, text = await asyncio.to_thread(typed, tmp_path, environ, "config", "check", "--online")
            assert (code, "works; it was not refused when a job was asked about" in text) == (0, True), text
            assert "look there by hand: active, URL" in text

    asyncio.run(flow())
