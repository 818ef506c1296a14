"""Watched jobs over real sockets: what a socket says is shown, an end that it claims is asked about, and without one we poll."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from live import Gateway, Talk, nothing, pushed
from service import Asked, Service, batch, file_of, reconciling, said, service, until
from websockets.asyncio.server import ServerConnection

from operators.clock import now
from operators.store import opened
from operators.watching import look, watching
from reconciler.daemon import Reconciler
from reconciler.rounds.watching import MOST_SOCKETS
from schemas.tables import ObservationRow
from schemas.times import SECOND
from storage import jobs, leases, observations, watches
from storage.store import Store

# Nobody is asked about by routine while a test lasts: whatever is asked is asked for a reason.
SELDOM = {"poll_seconds": 600, "poll_cap_seconds": 3600, "first_poll_seconds": 600}
PLAIN = {"webhook": "none", "adopt": "none"}

on_both_stores = pytest.mark.both_stores


@asynccontextmanager
async def watched(running: Service, *job_ids: str) -> AsyncIterator[None]:
    """Jobs that are known and open, and watched by an operator with a store of their own."""
    async with opened(running.config) as store, AsyncExitStack() as stack:
        for job_id in job_ids:
            if await running.row(job_id) is None:
                await running.track(job_id)
            row = await running.reaches(job_id, "pending", "running")
            await stack.enter_async_context(watching(store, row))
        yield


async def is_open(gateway: Gateway, *job_ids: str) -> None:
    async def all_open() -> bool:
        return gateway.open.keys() >= set(job_ids)

    await until(all_open, f"sockets about {', '.join(job_ids)}")


async def is_closed(gateway: Gateway, *job_ids: str) -> None:
    async def none_open() -> bool:
        return not gateway.open.keys() & set(job_ids)

    await until(none_open, f"no socket about {', '.join(job_ids)}")


async def socket_rows(store: Store, job_id: str) -> list[ObservationRow]:
    """What the sockets of a job said, the oldest first."""
    async with store.reading() as connection:
        [job] = await jobs.named(connection, job_id)
        seen = await observations.of_job(connection, job.id, 100)
    return [row for row in reversed(seen) if row.asked == "socket"]


def counted(completed: int) -> dict[str, int]:
    return {"total": 10, "completed": completed, "failed": 0}


@on_both_stores
def test_live_progress_before_any_further_poll() -> None:
    """What the socket says of progress and rows is shown as it comes, and nobody is asked for that."""

    async def flow() -> None:
        began = asyncio.get_running_loop().time()
        gateway = Gateway()
        async with gateway.listening(), service(gateway.base_url, SELDOM, more=PLAIN) as running:
            async with watched(running, "batch_a"):
                await is_open(gateway, "batch_a")
                await gateway.tell("batch_a", "in_progress", "job.snapshot", request_counts=counted(0))
                for done in (3, 7):
                    counts = counted(done)
                    await gateway.tell("batch_a", "in_progress", request_counts=counts)
                    view = await running.shows("batch_a", lambda job, n=done: job["rows"]["completed"] == n, "rows")
                    assert (view["progress"], view["status"]) == (10 * done, "running")
                took = asyncio.get_running_loop().time() - began
                assert len(gateway.about("batch_a")) <= 1 + took / 15
                seen = await look(running.store, (await running.reaches("batch_a", "running")).id)
                assert (seen["newest"]["by"], seen["newest"]["native_status"]) == ("socket", "in_progress")
            await is_closed(gateway, "batch_a")
        assert len(gateway.upgrades) == 1

    asyncio.run(flow())


def test_only_what_differs_is_kept() -> None:
    """An observation for each word that says something new; none for one that moves nothing but the provider's bookkeeping."""

    async def flow() -> None:
        gateway = Gateway()
        async with gateway.listening(), service(gateway.base_url, SELDOM, more=PLAIN) as running:
            async with watched(running, "batch_a"):
                await is_open(gateway, "batch_a")
                for progress in (10, 20, 20, 20, 30):
                    times = {"updated_at": now(), "last_polled_at": f"2026-08-12T01:00:00.{now() % 1000:03d}Z"}
                    await gateway.tell("batch_a", "in_progress", progress=progress, **times)
                    await running.shows("batch_a", lambda job, n=progress: job["progress"] == n, "progress")
            rows = await socket_rows(running.store, "batch_a")
            assert [(row.progress, row.times_seen) for row in rows] == [(10, 1), (20, 1), (30, 1)]
            assert not any("updated_at" in row.details for row in rows)

    asyncio.run(flow())


@on_both_stores
def test_a_claimed_end_is_asked_about_at_once() -> None:
    """A terminal word makes us ask, and the answer ends the job: never the socket itself."""

    async def flow() -> None:
        gateway = Gateway()
        async with (
            gateway.listening(),
            service(gateway.base_url, SELDOM, more=PLAIN) as running,
            watched(running, "batch_a"),
        ):
            await is_open(gateway, "batch_a")
            gateway.statuses["batch_a"] = "completed"
            await gateway.tell("batch_a", "completed", progress=100)
            row = await running.reaches("batch_a", "completed")
            assert row.ended_by == "poll"
            await is_closed(gateway, "batch_a")

    asyncio.run(flow())


def test_a_lie_about_the_end_ends_nothing() -> None:
    """What its status endpoint does not confirm stays a claim: the job is open, and asked about."""

    async def flow() -> None:
        gateway = Gateway()
        async with (
            gateway.listening(),
            service(gateway.base_url, SELDOM, more=PLAIN) as running,
            watched(running, "batch_a"),
        ):
            await is_open(gateway, "batch_a")
            await gateway.tell("batch_a", "expired")

            async def asked() -> bool:
                row = await running.row("batch_a")
                return row is not None and row.wanted_at is None and row.claim_asks >= 1

            await until(asked, "the claim to be asked about")
            row = await running.reaches("batch_a", "running")
            assert (row.wanted_status, row.basis) == ("expired", None)

    asyncio.run(flow())


def test_a_deleted_job_is_asked_about() -> None:
    """`job.deleted` is a reason to ask, and counts for no denial."""

    async def flow() -> None:
        gateway = Gateway()
        async with gateway.listening(), service(gateway.base_url, SELDOM, more=PLAIN) as running:
            async with watched(running, "batch_a"):
                await is_open(gateway, "batch_a")
                await gateway.open["batch_a"].send('{"type":"job.deleted","data":{"id":"batch_a","kind":"batch"}}')

                async def asked() -> bool:
                    return len(gateway.about("batch_a")) > 1

                await until(asked, "a second question")
                row = await running.reaches("batch_a", "running")
                [kept] = await socket_rows(running.store, "batch_a")
            assert (row.denials, kept.status, kept.http_status) == (0, None, None)
            assert kept.message == "its socket says that the provider holds it no more"

    asyncio.run(flow())


@on_both_stores
def test_nobody_watches() -> None:
    """No socket is ever opened for a job that nobody watches, or has ended; one whose watch was not renewed is closed."""

    async def flow() -> None:
        gateway = Gateway()
        gateway.statuses["batch_ended"] = "failed"
        async with gateway.listening(), service(gateway.base_url, {"poll_seconds": 0.2}, more=PLAIN) as running:
            for job_id in ("batch_a", "batch_ended", "batch_b"):
                await running.track(job_id)
            ended = await running.reaches("batch_ended", "failed")
            row = await running.reaches("batch_b", "running")
            async with running.store.writing() as connection:
                clock = running.store.engine.lease_clock(now())
                await watches.begin(connection, running.store.new_id(), ended, 600 * SECOND, clock)
                await watches.begin(connection, running.store.new_id(), row, 2 * SECOND, clock)
            await is_open(gateway, "batch_b")
            await is_closed(gateway, "batch_b")

            async def often() -> bool:
                return len(gateway.about("batch_a")) > 5

            await until(often, "several questions about the job that nobody watches")
            assert {asked.target for asked in gateway.upgrades} == {"/v1/async/batch/batch_b/ws"}

    asyncio.run(flow())


def test_who_comes_once_does_not_listen() -> None:
    """`reconcile --once` asks about what is due, watched or not, and opens no socket."""

    async def flow() -> None:
        gateway = Gateway()
        async with (
            gateway.listening(),
            service(gateway.base_url, SELDOM, more=PLAIN, reconciles=False) as running,
        ):
            await running.track("batch_a")
            row = await running.row("batch_a")
            assert row is not None
            async with watching(running.store, row):
                assert (await running.reconciler.run_once())["gateway"]
            assert (len(gateway.about("batch_a")), gateway.upgrades) == (1, [])

    asyncio.run(flow())


def test_no_more_than_a_few_sockets() -> None:
    """A few jobs have a socket, in the order of their ids; the next gets one when one of those is watched no more."""
    most = 0

    async def counted_talk(gateway: Gateway, socket: ServerConnection) -> None:
        nonlocal most
        most = max(most, len(gateway.open))
        await nothing(gateway, socket)

    async def flow() -> None:
        names = [f"batch_{number}" for number in range(MOST_SOCKETS + 2)]
        gateway = Gateway(counted_talk)
        async with gateway.listening(), service(gateway.base_url, SELDOM, more=PLAIN) as running:
            async with watched(running, *names[1:]):
                async with watched(running, names[0]):
                    await is_open(gateway, *names[1 : MOST_SOCKETS + 1])
                await is_open(gateway, *names[1 : MOST_SOCKETS + 1])
                assert gateway.sockets_of(names[-1]) == []
                await gateway.tell(names[1], "in_progress")
            async with watched(running, names[-1]):
                await is_open(gateway, names[-1])
        assert most <= MOST_SOCKETS

    asyncio.run(flow())


# --- without a socket -------------------------------------------------------------------------------------------------


async def drops(_: Gateway, socket: ServerConnection) -> None:
    socket.transport.abort()


async def says_goodbye(gateway: Gateway, socket: ServerConnection) -> None:
    await socket.send(pushed("batch_goodbye", "in_progress"))


async def is_deaf(_: Gateway, socket: ServerConnection) -> None:
    await socket.wait_closed()


def says(*messages: str | bytes) -> Talk:
    async def talk(gateway: Gateway, socket: ServerConnection) -> None:
        for message in messages:
            await socket.send(message)
        await socket.wait_closed()

    return talk


HARM: dict[str, Talk] = {
    "batch_dropped": drops,
    "batch_goodbye": says_goodbye,
    "batch_silent": is_deaf,
    "batch_huge": says("x" * (10 << 20)),
    "batch_garbage": says("", "{", "[1]", '{"type":"job.updated"}', '{"type":"job.updated","data":[]}', "\x00" * 1000),
    "batch_deep": says("[" * 100_000, '{"a":' * 100_000, '{"type":"job.updated","data":{"id":"batch_deep","id":"b"}}'),
    "batch_strange": says(
        pushed("batch_of_another", "completed"), '{"type":"job.deleted","data":{"id":"batch_of_another"}}', b"\xff"
    ),
}
REFUSALS: dict[str, Callable[[Gateway], bytes]] = {
    "batch_refused": lambda other: said({"error": "not_found"}, 404),
    "batch_no_upgrade": lambda other: said({"error": {"code": "websocket_upgrade_required"}}, 426),
    "batch_redirected": lambda other: said(status=302, location=other.socket_url()),
}


class Harmful(Gateway):
    """Does each job's harm. By answers to questions a job ends with the second, when its socket has been tried."""

    def __init__(self, other: Gateway) -> None:
        super().__init__(lambda gateway, socket: HARM[job_of(socket)](gateway, socket), self.answer)
        self.other = other

    def answer(self, asked: Asked) -> bytes:
        is_over = len(self.about(asked.job_id)) > 1 and self.sockets_of(asked.job_id)
        return file_of(asked) or said(batch(asked.job_id, "completed" if is_over else "in_progress"))

    def _answer(self, socket: ServerConnection, request: Any) -> Any:
        job_id = request.path.split("/")[-2]
        self.refusal = REFUSALS[job_id](self.other) if job_id in REFUSALS else None
        return super()._answer(socket, request)


def job_of(socket: ServerConnection) -> str:
    assert socket.request is not None
    return socket.request.path.split("/")[-2]


WHY = {
    "batch_dropped": "the socket was dropped",
    "batch_goodbye": "the socket was closed (1000)",
    "batch_huge": "a message over the socket was too large",
    "batch_refused": "HTTP 404 in place of a socket",
    "batch_no_upgrade": "HTTP 426 in place of a socket",
    "batch_redirected": "HTTP 302 in place of a socket: redirects are not followed",
}


def test_without_a_good_socket_there_are_polls() -> None:
    """Refused, dropped, silent, hostile: every watched job is asked about after a few seconds all the same, and ends. Nothing is
    taken from a socket that tells of another job, leads elsewhere or cannot be read, and why it ended is kept."""

    async def flow() -> None:
        names = [*HARM, *REFUSALS]
        async with (
            Gateway().listening() as other,
            Harmful(other).listening() as gateway,
            service(gateway.base_url, SELDOM, more=PLAIN) as running,
            watched(running, *names),
        ):
            for job_id in names:
                row = await running.reaches(job_id, "completed")
                kept = await socket_rows(running.store, job_id)
                assert (row.ended_by, row.trouble) == ("poll", None)
                assert {one.status for one in kept} <= {"running", None}
                assert {one.status for one in kept} <= {None} or job_id == "batch_goodbye"
                assert job_id not in WHY or WHY[job_id] in {one.message for one in kept}
            assert await running.row("batch_of_another") is None
            assert other.upgrades == []

    asyncio.run(flow())


def test_a_source_that_cannot_be_asked_is_not_listened_to() -> None:
    """While the circuit is open, no socket is opened and no question brought forward: the key was refused."""
    asked_again = asyncio.Event()

    def refuse(asked: Asked) -> bytes:
        if asked.job_id == "batch_b" and len(gateway.about("batch_b")) == 1:
            return said({"error": "unauthorised", "reason": "invalid_secret", "error_origin": "user"}, 401)
        if asked.job_id == "batch_b":
            asked_again.set()
        return said(batch(asked.job_id))

    gateway = Gateway(script=refuse)

    async def flow() -> None:
        async with gateway.listening(), service(gateway.base_url, SELDOM, more=PLAIN) as running:
            await running.track("batch_a")
            await running.reaches("batch_a", "running")
            await running.track("batch_b")

            async def is_troubled() -> bool:
                return (await running.source())["trouble"] == "key_refused"

            await until(is_troubled, "the source to be in trouble")
            async with watched(running, "batch_a"):
                await asked_again.wait()
                assert gateway.upgrades == []
                await is_open(gateway, "batch_a")

    asyncio.run(flow())


# --- who owns the source ----------------------------------------------------------------------------------------------


@on_both_stores
def test_whoever_takes_over_listens_anew() -> None:
    """The socket is closed with the reconciler that goes, and opened by the one that comes; what it says is shown on."""

    async def flow() -> None:
        gateway = Gateway()
        async with (
            gateway.listening(),
            service(gateway.base_url, SELDOM, more=PLAIN, reconciles=False) as running,
            opened(running.config) as another,
        ):
            await running.track("batch_a")
            async with AsyncExitStack() as stack:
                async with reconciling(running.reconciler):
                    row = await running.reaches("batch_a", "running")
                    await stack.enter_async_context(watching(another, row))
                    await is_open(gateway, "batch_a")
                    before = gateway.open["batch_a"]
                await before.wait_closed()
                async with reconciling(Reconciler(running.config, another, now)):
                    await is_open(gateway, "batch_a")
                    await gateway.tell("batch_a", "in_progress", progress=55)
                    await running.shows("batch_a", lambda job: job["progress"] == 55, "progress by the second socket")
            assert len(gateway.upgrades) == 2

    asyncio.run(flow())


@on_both_stores
def test_a_lost_lease_closes_the_sockets() -> None:
    """Whoever does not own a source any more listens to nobody, and writes nothing of what was said."""

    async def flow() -> None:
        gateway = Gateway()
        knobs = {**SELDOM, "lease_seconds": 1.5}
        async with (
            gateway.listening(),
            service(gateway.base_url, knobs, more=PLAIN) as running,
            watched(running, "batch_a"),
        ):
            await is_open(gateway, "batch_a")
            before = gateway.open["batch_a"]
            async with running.store.writing() as connection:
                clock = running.store.engine.lease_clock(now())
                name, other = "source:gateway", "somebody else"
                assert await leases.acquire(connection, name, other, 2 * SECOND, clock, holder_is_gone=True)
            await gateway.tell("batch_a", "in_progress", progress=66)
            await before.wait_closed()
            row = await running.reaches("batch_a", "running")
            assert row.progress != 66
            await is_open(gateway, "batch_a")

    asyncio.run(flow())
