"""Whatever bytes arrive: a clear refusal, no crash, and nothing left behind that was not authentic."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from receiving import OTHER_SECRET, House, house, signed

pytestmark = pytest.mark.both_stores

PATIENCE = 10


@dataclass
class Running:
    here: House

    def ask(self, request: bytes) -> bytes:
        """Send, say that this is all, and read until the other side closes."""
        with socket.create_connection(("127.0.0.1", self.here.port), timeout=PATIENCE) as wire:
            answer = b""
            try:
                wire.sendall(request)
                while part := wire.recv(65_536):
                    answer += part
                    if answer.count(b"\r\n\r\n") and b"connection: close" not in answer:
                        break
            except ConnectionError:
                pass
            return answer

    def rows(self) -> tuple[int, ...]:
        return tuple(self.here.count(table) for table in ("deliveries", "receipts", "bodies"))


@contextmanager
def started(folder: Path) -> Iterator[Running]:
    """A receiver in a thread of its own, so that plain sockets can ask it; quick to give up on slow senders."""
    up = threading.Event()
    found: list[House] = []
    ends: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        async with house(folder, read_timeout_seconds=0.1, refusals_per_minute=1_000_000) as here:
            end = asyncio.Event()
            found.append(here)
            ends.append((asyncio.get_running_loop(), end))
            up.set()
            await end.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(PATIENCE)
    yield Running(found[0])
    loop, end = ends[0]
    loop.call_soon_threadsafe(end.set)
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with started(tmp_path_factory.mktemp("unauthentic")) as receiver:
        yield receiver


@pytest.fixture(scope="module")
def filling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Another one, whose database may fill."""
    with started(tmp_path_factory.mktemp("authentic")) as receiver:
        yield receiver


def status_of(answer: bytes) -> int | None:
    return int(answer[9:12]) if answer else None


NAMES = st.sampled_from(
    ["x-phaseo-signature", "x-phaseo-timestamp", "x-phaseo-delivery-key", "content-type", "content-encoding", "expect",
     "transfer-encoding", "connection", "x-forwarded-for", "trailer", "upgrade", "te", "cookie", "host", "content-length"]
)  # fmt: skip
VALUES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"chunked", b"gzip", b"identity", b"close", b"keep-alive", b"100-continue", b"0" * 64, b"1790000000", b"5"]
    ),
)
PATHS = st.one_of(
    st.just(b"/webhooks/phaseo"),
    st.binary(max_size=40).map(lambda part: b"/webhooks/" + part),
    st.binary(max_size=40).map(lambda part: b"/webhooks/phaseo/" + part),
    st.binary(min_size=1, max_size=40),
)
METHODS = st.one_of(st.just(b"POST"), st.sampled_from([b"GET", b"HEAD", b"PUT", b"BREW", b"CONNECT", b"post"]))
MANY = settings(max_examples=150, deadline=None)


@MANY
@given(st.binary(max_size=300))
def test_random_bytes(running: Running, request_: bytes) -> None:
    """Bytes that are anything at all never get a 5xx, and leave no row."""
    status = status_of(running.ask(request_))
    assert status is None or status < 500
    assert running.rows() == (0, 0, 0)


@MANY
@given(METHODS, PATHS, st.lists(st.tuples(NAMES, VALUES), max_size=8), st.binary(max_size=100))
def test_random_requests(
    running: Running, method: bytes, path: bytes, fields: list[tuple[str, bytes]], body: bytes
) -> None:
    """Requests with any path, any fields and any body never get a 5xx or a redirect, and leave no row."""
    head = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in fields)
    status = status_of(running.ask(method + b" " + path + b" HTTP/1.1\r\n" + head + b"\r\n" + body))
    assert status is None or status in (100, 200, 400, 401, 404, 405, 408, 413, 415, 431)
    assert status != 200 or path in (b"/livez", b"/readyz")
    assert running.rows() == (0, 0, 0)


@MANY
@given(st.data())
def test_authentic_requests_that_were_touched(running: Running, data: st.DataObject) -> None:
    """A signed request with a byte of its head or body changed, dropped or doubled is never an error of ours."""
    request = signed(
        running.here.clock(), secret=OTHER_SECRET
    )  # of another source: it must not be taken, whatever happens
    position = data.draw(st.integers(0, len(request) - 1))
    change = data.draw(st.binary(max_size=3))
    status = status_of(running.ask(request[:position] + change + request[position + 1 :]))
    assert status is None or 400 <= status < 500
    assert running.rows() == (0, 0, 0)


@MANY
@given(st.binary(max_size=200))
def test_authentic_bodies(filling: Running, body: bytes) -> None:
    """Any bytes at all, signed, are kept and answered 2xx."""
    request = signed(filling.here.clock(), body)
    assert status_of(filling.ask(request)) in (200, 202)
