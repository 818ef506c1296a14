"""The WebSocket client over real sockets: where the key goes, what is put up with, and that nothing is ever raised."""

import asyncio
import logging
import time
from collections.abc import Callable

import pytest
import structlog
from live import Gateway, serving
from service import KEY, Provider, batch, environment, said
from websockets.asyncio.server import ServerConnection
from websockets.utils import accept_key

from reconciler.authorization import KeyShown
from reconciler.websocket import Bounds, WebSocketClient
from schemas.config import Secret
from schemas.dialects.phaseo import Phaseo
from schemas.readings import Question, Troubled
from schemas.times import SECOND
from schemas.words import Trouble

# For tests that wait for a bound to be reached. In all others it must not be, however busy the machine.
SHORT = Bounds(opening=0.3, silence=0.3, pause=0)
LONG = Bounds(opening=60, silence=60, pause=0)


async def listen(
    base_url: str, url: str, bounds: Bounds = LONG, ping: str | None = "ping"
) -> tuple[Troubled, list[str]]:
    """Listen until it ends: why it did, and what was said."""
    heard: list[str] = []
    client = WebSocketClient(base_url, KeyShown(Phaseo(), Secret(KEY)), bounds)
    return await client.listen(Question("GET", url), ping, heard.append), heard


def ending(gateway: Gateway, bounds: Bounds = LONG) -> tuple[Troubled, list[str]]:
    """How listening to a gateway ends."""

    async def flow() -> tuple[Troubled, list[str]]:
        async with gateway.listening():
            return await listen(gateway.base_url, gateway.socket_url(), bounds)

    return asyncio.run(flow())


# --- where the key goes -----------------------------------------------------------------------------------------------


def test_the_key_comes_with_the_upgrade() -> None:
    """As a bearer token in its header, on the path of the question; nothing compressed is offered."""

    async def bye(_: Gateway, socket: ServerConnection) -> None:
        await socket.send("hello")

    gateway = Gateway(bye)
    ended, heard = ending(gateway)
    [upgrade] = gateway.upgrades
    assert (upgrade.target, upgrade.headers["authorization"]) == ("/v1/async/batch/batch_a/ws", f"Bearer {KEY}")
    assert "sec-websocket-extensions" not in upgrade.headers
    assert (heard, ended) == (["hello"], Troubled(Trouble.UNREACHABLE, "the socket was closed (1000)"))


ELSEWHERE: dict[str, Callable[[int, int], str]] = {
    "another_port": lambda own, other: f"ws://127.0.0.1:{other}/v1/async/batch/a/ws",
    "another_scheme": lambda own, other: f"wss://127.0.0.1:{own}/v1/async/batch/a/ws",
    "no_socket": lambda own, other: f"http://127.0.0.1:{own}/v1/async/batch/a/ws",
    "another_name_of_this_host": lambda own, other: f"ws://localhost:{own}/v1/async/batch/a/ws",
    "a_user": lambda own, other: f"ws://me:you@127.0.0.1:{own}/v1/async/batch/a/ws",
    "our_host_as_user": lambda own, other: f"ws://127.0.0.1:{own}@127.0.0.1:{other}/v1/async/batch/a/ws",
    "a_fragment": lambda own, other: f"ws://127.0.0.1:{own}/v1/async/batch/a/ws#there",
    "not_a_port": lambda own, other: "ws://127.0.0.1:port/",
    "no_host": lambda own, other: "ws:///v1/async/batch/a/ws",
    "not_a_url": lambda own, other: "ws://[::1",
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_another_origin_is_not_visited(name: str) -> None:
    """A URL that is not on the source's own origin is not opened, whoever asks for it."""

    async def flow() -> Troubled:
        async with Gateway().listening() as own, Gateway().listening() as other:
            ended, _ = await listen(own.base_url, ELSEWHERE[name](own.port, other.port))
            assert (own.upgrades, other.upgrades) == ([], [])
            return ended

    assert asyncio.run(flow()).trouble is Trouble.REQUEST


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    """Not to another origin, nor on the same one: the library would follow both."""

    async def flow() -> None:
        async with Gateway().listening() as other:
            for target in (other.socket_url(), "/v1/async/batch/batch_b/ws"):
                gateway = Gateway(refusal=said(status=status, location=target))
                async with gateway.listening():
                    ended, _ = await listen(gateway.base_url, gateway.socket_url())
                assert (ended.trouble, ended.http_status) == (Trouble.REDIRECTED, status)
                assert len(gateway.upgrades) == 1
            assert other.upgrades == []

    asyncio.run(flow())


@pytest.mark.parametrize("names", [("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), ("http_proxy", "all_proxy", "ws_proxy")])
def test_proxies_of_the_environment_are_ignored(names: tuple[str, ...]) -> None:
    """The upgrade goes straight to the source, whatever proxy the environment names: it would see the key."""

    async def flow() -> None:
        async with Provider(lambda asked: said(batch("batch_a"))).listening() as proxy:
            with environment(dict.fromkeys(names, proxy.url)):
                async with Gateway(refusal=said(status=500)).listening() as gateway:
                    await listen(gateway.base_url, gateway.socket_url())
            assert (len(gateway.upgrades), proxy.asked) == (1, [])

    asyncio.run(flow())


def test_the_key_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """Not even in the library's own, turned up as far as it goes; nor in how it ended, when the other side says it back."""
    caplog.set_level(logging.DEBUG)
    refusals = [
        said({"you_sent": KEY}, 401, you_sent=KEY, www_authenticate=KEY),
        said(KEY.encode(), 101, upgrade="websocket", connection="Upgrade", sec_websocket_accept=KEY),
        f"HTTP/1.1 999 {KEY}\r\n\r\n".encode(),
    ]

    async def flow() -> list[Troubled]:
        ends = []
        for refusal in refusals:

            async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: bytes = refusal) -> None:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(raw)
                await writer.drain()

            async with serving(answer) as port:
                ends.append((await listen(f"http://127.0.0.1:{port}/v1", f"ws://127.0.0.1:{port}/v1/a"))[0])
        return ends

    with structlog.testing.capture_logs() as logged:
        ends = asyncio.run(flow())
    assert [end.trouble for end in ends] == [Trouble.KEY_REFUSED, Trouble.UNREACHABLE, Trouble.UNREACHABLE]
    assert KEY not in caplog.text + repr(ends) + repr(logged)


# --- what refuses, and what it means ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (200, Trouble.REQUEST),
        (400, Trouble.REQUEST),
        (401, Trouble.KEY_REFUSED),
        (403, Trouble.KEY_REFUSED),
        (404, Trouble.NOT_FOUND),
        (426, Trouble.REQUEST),
        (429, Trouble.RATE_LIMITED),
        (500, Trouble.GATEWAY),
        (503, Trouble.GATEWAY),
    ],
)
def test_refusals(status: int, trouble: Trouble) -> None:
    """A refused upgrade is told by its status, and by none of the words that come with it."""
    ended, heard = ending(Gateway(refusal=said({"error": "some words"}, status)))
    assert heard == []
    assert ended == Troubled(trouble, f"HTTP {status} in place of a socket", status)


@pytest.mark.parametrize(
    ("headers", "wish"),
    [
        (["Retry-After: 7"], 7 * SECOND),
        (["Retry-After: soon"], None),
        (["Retry-After: -1"], None),
        ([f"Retry-After: {'9' * 400}"], None),
        (["Retry-After: 1", "Retry-After: 2"], None),
    ],
)
def test_retry_after(headers: list[str], wish: int | None) -> None:
    """A wish of so many seconds is passed on; any other is none."""
    ended, _ = ending(Gateway(refusal="\r\n".join(["HTTP/1.1 503 No", *headers, "", ""]).encode()))
    assert ended.retry_after == wish


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"\x00" * 100_000,
    ],
    ids=["nothing", "blank", "ssh", "no_accept", "wrong_accept", "chunks", "long_header", "long_body", "zeros"],
)
def test_what_is_no_upgrade_is_trouble(answer: bytes) -> None:
    """Whatever comes in place of an upgrade, listening ends as a value."""

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async def flow() -> None:
        async with serving(answering) as port:
            ended, heard = await listen(f"http://127.0.0.1:{port}/v1", f"ws://127.0.0.1:{port}/v1/async/batch/a/ws")
        assert (heard, ended.trouble) == ([], Trouble.UNREACHABLE)

    asyncio.run(flow())


def test_nobody_there() -> None:
    """A port that nobody listens on is trouble, too."""

    async def flow() -> Troubled:
        async with Gateway().listening() as gateway:
            pass
        return (await listen(gateway.base_url, gateway.socket_url()))[0]

    assert asyncio.run(flow()) == Troubled(Trouble.UNREACHABLE, "no socket was opened: ConnectionRefusedError")


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_an_upgrade_has_its_time() -> None:
    """A server that takes the connection and never answers, or drips its answer, is given up after `opening`."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nX: ")
        while True:
            writer.write(b"y")
            await writer.drain()
            await asyncio.sleep(0.01)

    async def flow() -> Troubled:
        async with serving(drip) as port:
            return (await listen(f"http://127.0.0.1:{port}/v1", f"ws://127.0.0.1:{port}/v1/a", SHORT))[0]

    assert asyncio.run(flow()).trouble is Trouble.TIMED_OUT


def test_silence_is_asked_about_and_then_given_up() -> None:
    """A socket that says nothing is pinged with the dialect's bare string; one that does not answer that is given up."""

    async def deaf(gateway: Gateway, socket: ServerConnection) -> None:
        async for message in socket:
            gateway.heard.append(message)

    gateway = Gateway(deaf)
    ended, heard = ending(gateway, SHORT)
    assert (gateway.heard, heard) == (["ping"], [])
    assert ended == Troubled(Trouble.TIMED_OUT, "the socket said nothing for 0.6 s")


def test_a_dialect_without_pings() -> None:
    """Where there is nothing to ask for a sign of life with, silence ends it at once."""

    async def flow() -> None:
        async with Gateway().listening() as gateway:
            ended, _ = await listen(gateway.base_url, gateway.socket_url(), SHORT, ping=None)
        assert (gateway.heard, ended.trouble) == ([], Trouble.TIMED_OUT)

    asyncio.run(flow())


def test_a_pong_is_a_sign_of_life() -> None:
    """Whoever answers each ping is listened to for as long as they like."""

    async def patient(gateway: Gateway, socket: ServerConnection) -> None:
        for _ in range(3):
            gateway.heard.append(await socket.recv())
            await socket.send('{"type":"pong"}')

    gateway = Gateway(patient)
    ended, heard = ending(gateway, SHORT)
    assert (gateway.heard, heard) == (["ping"] * 3, ['{"type":"pong"}'] * 3)
    assert ended.message == "the socket was closed (1000)"


def test_frames_that_never_become_a_message_are_silence() -> None:
    """The library's own pings, and pieces of a message without end, are no sign of life."""

    async def trickle(_: Gateway, socket: ServerConnection) -> None:
        async def pieces():  # type: ignore[no-untyped-def]
            while True:
                yield "x"
                await socket.ping()
                await asyncio.sleep(0.01)

        await socket.send(pieces())

    ended, heard = ending(Gateway(trickle), SHORT)
    assert (ended.trouble, heard) == (Trouble.TIMED_OUT, [])


@pytest.mark.parametrize("size", [(1 << 20) + 1, 10 << 20])
def test_a_message_that_is_too_large_ends_it(size: int) -> None:
    """In one piece or in many: it is not read to its end."""

    async def whole(_: Gateway, socket: ServerConnection) -> None:
        await socket.send("x" * size)
        await socket.wait_closed()

    async def in_pieces(_: Gateway, socket: ServerConnection) -> None:
        await socket.send(["x" * 100_000] * (size // 100_000 + 1))
        await socket.wait_closed()

    for talk in (whole, in_pieces):
        ended, heard = ending(Gateway(talk))
        assert (ended.trouble, heard) == (Trouble.TOO_LARGE, [])


def test_a_message_of_just_that_size_is_read() -> None:
    """A mebibyte is not too much."""

    async def whole(_: Gateway, socket: ServerConnection) -> None:
        await socket.send("x" * (1 << 20))

    _, heard = ending(Gateway(whole))
    assert [len(message) for message in heard] == [1 << 20]


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"\xed\xa0\xbd"])
def test_what_is_no_text_ends_it(raw: bytes) -> None:
    """Bytes that are not UTF-8, as text or not, end it; those that are read as text."""

    async def binary(_: Gateway, socket: ServerConnection) -> None:
        await socket.send(b"{}")
        await socket.send(raw)
        await socket.wait_closed()

    ended, heard = ending(Gateway(binary))
    assert (ended.trouble, heard) == (Trouble.UNREACHABLE, ["{}"])


async def send_for_ever(frame: bytes, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(frame * 100)
        await writer.drain()


async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    key = next(line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key"))
    upgraded = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept_key(key)}
    fields = "".join(f"{name}: {value}\r\n" for name, value in upgraded.items())
    writer.write(f"HTTP/1.1 101 Switching Protocols\r\n{fields}\r\n".encode())


def test_a_flood_of_pings_is_broken_off() -> None:
    """The library answers each, and nobody counts them: it ends by how much came within a minute."""

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        sending = asyncio.create_task(send_for_ever(bytes([0x89, 125]) + b"p" * 125, writer))
        while await reader.read(1 << 16):
            pass
        sending.cancel()

    async def flow() -> Troubled:
        async with serving(flood) as port:
            return (await listen(f"http://127.0.0.1:{port}/v1", f"ws://127.0.0.1:{port}/v1/a"))[0]

    assert asyncio.run(flow()) == Troubled(Trouble.TOO_LARGE, "too much came over the socket within a minute")


def test_what_is_not_taken_is_not_kept() -> None:
    """Whoever lets what we answer pile up is broken off, and so is not what our memory fills with."""

    async def upgrade_alone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        await asyncio.Event().wait()

    async def flow() -> Troubled:
        async with serving(upgrade_alone) as port:
            url = f"ws://127.0.0.1:{port}/v1/a"
            return (await listen(f"http://127.0.0.1:{port}/v1", url, SHORT, ping="x" * (32 << 20)))[0]

    assert asyncio.run(flow()) == Troubled(Trouble.TOO_LARGE, "what we sent over the socket was not taken")


def test_a_flood_of_messages_has_to_wait() -> None:
    """Who sends faster than we take is held up, and we hold no more than a few messages meanwhile."""
    sent: list[int] = []

    async def flood(_: Gateway, socket: ServerConnection) -> None:
        for number in range(100):
            await socket.send(f"{number:07d}" + "x" * 100_000)
            sent.append(number)

    heard: list[str] = []
    enough = asyncio.Event()

    def take(message: str) -> None:
        heard.append(message[:7])
        if len(heard) == 3:
            enough.set()

    async def flow() -> None:
        async with Gateway(flood).listening() as gateway:
            client = WebSocketClient(gateway.base_url, KeyShown(Phaseo(), Secret(KEY)), Bounds(pause=0.05))
            task = asyncio.create_task(client.listen(Question("GET", gateway.socket_url()), "ping", take))
            await enough.wait()
            assert len(sent) < 100
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(flow())
    assert heard[:3] == ["0000000", "0000001", "0000002"]
    assert Bounds().bytes_a_minute < 100 * 100_000


def test_whoever_stops_listening_is_gone_at_once() -> None:
    """The socket is closed when nobody listens any more; a server that does not answer the closing is not waited for."""
    closed = asyncio.Event()

    async def stubborn(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        try:
            await send_for_ever(b"\x81\x02{}", writer)
        finally:
            closed.set()

    async def flow() -> float:
        async with serving(stubborn) as port:
            client = WebSocketClient(
                f"http://127.0.0.1:{port}/v1", KeyShown(Phaseo(), Secret(KEY)), Bounds(closing=0.2)
            )
            taken = asyncio.Event()
            listening = client.listen(
                Question("GET", f"ws://127.0.0.1:{port}/v1/a"), "ping", lambda message: taken.set()
            )
            task = asyncio.create_task(listening)
            await taken.wait()
            began = time.monotonic()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            took = time.monotonic() - began
            await closed.wait()
        return took

    assert asyncio.run(flow()) < 30
