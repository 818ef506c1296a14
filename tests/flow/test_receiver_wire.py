"""What a connection may do: framing tricks, slowness and size, over real sockets."""

import asyncio
import json
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from receiving import House, house, locked, raw, read_reply, rest_of, sample, settled, signed, wire

from receiver import server


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


async def until_closed(here: House, *parts: bytes) -> bytes:
    """Send, and read what comes until the receiver closes."""
    async with wire(here.port) as (reader, writer):
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await rest_of(reader)


def without_length(request: bytes) -> tuple[bytes, bytes]:
    """Its head with no announced length, still open for more fields; and its body."""
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"content-length")]
    return b"\r\n".join(lines) + b"\r\n", body


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


class TestFraming:
    @pytest.mark.parametrize(
        "fields",
        [
            b"content-length: 3\r\ntransfer-encoding: chunked\r\n",
            b"transfer-encoding: chunked\r\ncontent-length: 3\r\n",
            b"content-length: 3\r\ncontent-length: 3\r\n",
            b"content-length: 3\r\ncontent-length: 4\r\n",
            b"content-length: 3, 3\r\n",
            b"content-length: +3\r\n",
            b"content-length: 0x3\r\n",
            b"content-length: -3\r\n",
            b"content-length: 99999999999999999999999\r\n",
            b"transfer-encoding: xchunked\r\n",
            b"transfer-encoding: gzip, chunked\r\n",
            b"transfer-encoding: chunked, identity\r\n",
            b"transfer-encoding: identity\r\n",
            b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            b"transfer-encoding: chunked\r\ntrailer: x-phaseo-signature\r\n",
            b"content-length: 3\r\ntrailer: x-phaseo-signature\r\n",
            b"content-length : 3\r\n",
            b"a: b\r\n folded: c\r\ncontent-length: 3\r\n",
            b"a b: c\r\ncontent-length: 3\r\n",
            b"a: b\x00c\r\ncontent-length: 3\r\n",
            b"content-length: 3\r\n\xff\xff: 1\r\n",
        ],
    )
    def test_threat_24_two_ways_to_tell_the_end(self, tmp_path: Path, fields: bytes) -> None:
        """Where the end of a body could be read in two ways, the answer is one 400 and the connection is closed."""

        async def story() -> None:
            async with house(tmp_path) as here:
                smuggled = signed(here.clock())
                head = b"POST /webhooks/phaseo HTTP/1.1\r\nhost: localhost\r\n" + fields + b"\r\n"
                answer = await until_closed(here, head + b"0\r\n\r\n" + smuggled)
                await settled(here)

                assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
                assert answer.count(b"HTTP/1.1") == 1
                assert b"connection: close\r\n" in answer
                assert here.count("deliveries") == 0
                assert here.rows("SELECT reason, http_status FROM refusals") == [("framing", 400)]

        run(story())

    @pytest.mark.parametrize(
        "request_",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"POST /webhooks/phaseo HTTP/1.1\nhost: localhost\ncontent-length: 0\n\n",
            b"POST /webhooks/phaseo HTTP/3.7\r\n\r\n",
            b"POST /web hooks/phaseo HTTP/1.1\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"nonsense\r\n\r\n",
            b"POST /webhooks/phaseo HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\r\n",
        ],
    )
    def test_no_http(self, tmp_path: Path, request_: bytes) -> None:
        """What is no HTTP/1.1 is answered 400 and closed."""

        async def story() -> None:
            async with house(tmp_path) as here:
                answer = await until_closed(here, request_)
                assert answer.startswith(b"HTTP/1.1 400 ")
                assert answer.count(b"HTTP/1.1") == 1

        run(story())

    def test_chunks_are_as_good_as_a_length(self, tmp_path: Path) -> None:
        """A chunked body is verified over the bytes that it consists of, however it was cut."""

        async def story() -> None:
            async with house(tmp_path) as here, wire(here.port) as (reader, writer):
                head, body = without_length(signed(here.clock()))
                pieces = b"".join(chunked(body[start : start + 7]) for start in range(0, len(body), 7))
                writer.write(head + b"transfer-encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n")
                assert (await read_reply(reader)).status == 202
                writer.write(signed(here.clock()))
                assert (await read_reply(reader)).status == 200

        run(story())

    def test_threat_26_a_trailer_is_no_header(self, tmp_path: Path) -> None:
        """A signature in a trailer signs nothing, whether it comes in the same packet or later."""

        async def story() -> None:
            async with house(tmp_path) as here:
                head, body = without_length(signed(here.clock()))
                lines = head.split(b"\r\n")
                signature = next(line for line in lines if line.startswith(b"x-phaseo-signature"))
                head = b"\r\n".join(line for line in lines if line != signature)
                request = (
                    head + b"transfer-encoding: chunked\r\n\r\n" + chunked(body) + b"0\r\n" + signature + b"\r\n\r\n"
                )
                assert (await here.send(request)).status == 401
                assert here.count("deliveries") == 0

        run(story())

    def test_a_doubled_signature_in_a_trailer_changes_nothing(self, tmp_path: Path) -> None:
        """What follows the body cannot spoil what came before it either."""

        async def story() -> None:
            async with house(tmp_path) as here:
                head, body = without_length(signed(here.clock()))
                trailer = b"x-phaseo-signature: " + b"0" * 64
                request = (
                    head + b"transfer-encoding: chunked\r\n\r\n" + chunked(body) + b"0\r\n" + trailer + b"\r\n\r\n"
                )
                assert (await here.send(request)).status == 202

        run(story())

    @pytest.mark.parametrize("protocol", ["h2c", "websocket"])
    def test_no_other_protocol_is_spoken(self, tmp_path: Path, protocol: str) -> None:
        """A request to go on in another protocol is refused: what follows it could be read in two ways."""

        async def story() -> None:
            async with house(tmp_path) as here:
                answer = await until_closed(here, signed(here.clock(), connection="Upgrade", upgrade=protocol))
                assert answer.startswith(b"HTTP/1.1 400 ")
                assert here.count("deliveries") == 0

        run(story())

    def test_a_sender_that_asks_before_it_sends(self, tmp_path: Path) -> None:
        """`Expect: 100-continue` is granted to a request that may be taken, and not to one that is too large."""

        async def story() -> None:
            async with house(tmp_path, max_body_bytes=5_000) as here:
                head, _, body = signed(here.clock(), expect="100-continue").partition(b"\r\n\r\n")
                async with wire(here.port) as (reader, writer):
                    writer.write(head + b"\r\n\r\n")
                    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
                    writer.write(body)
                    assert (await read_reply(reader)).status == 202
                large = raw("POST", "/webhooks/phaseo", {"content-length": "6000", "expect": "100-continue"})
                assert (await here.send(large)).status == 413

        run(story())

    def test_pipelined_requests_are_answered_in_order(self, tmp_path: Path) -> None:
        """Two requests in one packet get two answers, and garbage behind them does not cost the first its own."""

        async def story() -> None:
            async with house(tmp_path) as here, wire(here.port) as (reader, writer):
                writer.write(signed(here.clock(), sample("a")) + signed(here.clock(), sample("b")))
                replies = [await read_reply(reader), await read_reply(reader)]
                assert [reply.status for reply in replies] == [202, 202]
                assert replies[0].body != replies[1].body
                writer.write(signed(here.clock(), sample("c")) + b"\x00\x01garbage\r\n\r\n")
                assert (await read_reply(reader)).status == 202
                assert await rest_of(reader) == b""

        run(story())


class TestSize:
    @pytest.mark.parametrize(
        "fields",
        [
            b"".join(b"a%d: b\r\n" % number for number in range(2_000)),
            b"".join(b"a%d: b\r\n" % number for number in range(65)),
            b"a: " + b"x" * 100_000 + b"\r\n",
            b"a: " + b"x" * 17_000 + b"\r\n",
            b"x" * 20_000 + b": a\r\n",
            b"a: " + b"x" * 5_000_000 + b"\r\n",
        ],
    )
    def test_threat_30_heads_are_small(self, tmp_path: Path, fields: bytes) -> None:
        """More than 64 headers or 16 KiB of them are answered 431 and closed."""

        async def story() -> None:
            async with house(tmp_path) as here:
                answer = await until_closed(here, b"POST /webhooks/phaseo HTTP/1.1\r\n" + fields + b"\r\n")
                await settled(here)
                assert answer.startswith(b"HTTP/1.1 431 ")
                assert here.rows("SELECT http_status FROM refusals") == [(431,)]

        run(story())

    def test_a_head_without_an_end(self, tmp_path: Path) -> None:
        """A header that never ends is cut off at the cap, and not kept in memory until the deadline."""

        async def story() -> None:
            async with house(tmp_path) as here, wire(here.port) as (reader, writer):
                writer.write(b"POST /webhooks/phaseo HTTP/1.1\r\na: ")
                for _ in range(3):
                    writer.write(b"x" * 10_000)
                    await writer.drain()
                assert (await read_reply(reader)).status == 431

        run(story())

    def test_as_many_headers_as_may_be(self, tmp_path: Path) -> None:
        """A head just within the caps is taken."""

        async def story() -> None:
            async with house(tmp_path) as here:
                more = {f"a{number}": "x" * 200 for number in range(50)}
                assert (await here.deliver(**more)).status == 202

        run(story())

    def test_threat_28_chunks_of_nothing(self, tmp_path: Path) -> None:
        """Bytes that are no body, such as a chunk's extensions, are bounded too."""

        async def story() -> None:
            async with house(tmp_path, max_body_bytes=1_024) as here, wire(here.port) as (reader, writer):
                head, _ = without_length(signed(here.clock()))
                writer.write(head + b"transfer-encoding: chunked\r\n\r\n1;")
                for _ in range(50):
                    writer.write(b"x" * 10_000)
                    await writer.drain()
                assert (await read_reply(reader)).status == 413

        run(story())


class TestSlowness:
    """Row 29. The deadline is for the whole request, from its first byte."""

    def test_threat_29_half_sent_headers(self, tmp_path: Path) -> None:
        """A head that is not finished in time is answered 408 and closed."""

        async def story() -> None:
            async with house(tmp_path, read_timeout_seconds=0.3) as here:
                answer = await until_closed(here, signed(here.clock())[:60])
                await settled(here)
                assert answer.startswith(b"HTTP/1.1 408 ")
                assert here.rows("SELECT source, reason FROM refusals") == [("phaseo", "too_slow")]

        run(story())

    def test_threat_29_a_half_sent_body(self, tmp_path: Path) -> None:
        """A body that stops half-way is answered 408 and closed, and nothing of it is kept."""

        async def story() -> None:
            async with house(tmp_path, read_timeout_seconds=0.3) as here:
                answer = await until_closed(here, signed(here.clock())[:-5])
                await settled(here)
                assert answer.startswith(b"HTTP/1.1 408 ")
                assert answer.count(b"HTTP/1.1") == 1
                assert here.count("bodies") == 0
                assert here.rows("SELECT source, reason FROM refusals") == [("phaseo", "too_slow")]

        run(story())

    @pytest.mark.parametrize("start", [0, -300])
    def test_threat_29_drops_do_not_move_the_deadline(self, tmp_path: Path, start: int) -> None:
        """A byte now and then buys no time, neither in the head nor in the body."""

        async def story() -> None:
            async with house(tmp_path, read_timeout_seconds=0.5) as here, wire(here.port) as (reader, writer):
                request = signed(here.clock())
                answer = asyncio.create_task(rest_of(reader))
                writer.write(request[:start])
                began = time.monotonic()
                for position in range(len(request) + start if start else 0, len(request)):
                    writer.write(request[position : position + 1])
                    done, _ = await asyncio.wait({answer}, timeout=0.05)
                    if done:
                        break
                assert (await answer).startswith(b"HTTP/1.1 408 ")
                assert time.monotonic() - began < 2

        run(story())

    @pytest.mark.parametrize("opening", [b"", b"\r\n\r\n"])
    def test_threat_29_a_silent_connection(self, tmp_path: Path, opening: bytes) -> None:
        """Whoever connects and asks nothing is closed without a word."""

        async def story() -> None:
            async with house(tmp_path, read_timeout_seconds=0.3) as here:
                assert await until_closed(here, opening) == b""

        run(story())

    def test_an_idle_connection(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A connection that was used once and is not used again is closed after a while."""
        monkeypatch.setattr(server, "KEEP_ALIVE_SECONDS", 1)

        async def story() -> None:
            async with house(tmp_path, read_timeout_seconds=0.3) as here, wire(here.port) as (reader, writer):
                writer.write(signed(here.clock()))
                assert (await read_reply(reader)).status == 202
                assert await rest_of(reader) == b""

        run(story())

    def test_blank_lines_between_requests_hold_nothing_open(self, tmp_path: Path) -> None:
        """Line breaks after a request are no request: the connection still ends."""

        async def story() -> None:
            async with house(tmp_path, read_timeout_seconds=0.3) as here, wire(here.port) as (reader, writer):
                writer.write(signed(here.clock()))
                assert (await read_reply(reader)).status == 202
                writer.write(b"\r\n")
                assert await rest_of(reader) == b""

        run(story())

    def test_whoever_is_slow_to_be_stored_is_not_slow_to_send(self, tmp_path: Path) -> None:
        """The deadline is the sender's: a commit that takes longer is no 408."""

        async def story() -> None:
            async with house(tmp_path, read_timeout_seconds=0.2) as here:
                async with locked(here):
                    asked = asyncio.create_task(here.deliver())
                    done, _ = await asyncio.wait({asked}, timeout=0.6)
                    assert not done
                assert (await asked).status == 202

        run(story())

    def test_a_sender_that_goes_away(self, tmp_path: Path) -> None:
        """Who hangs up half-way leaves nothing behind, and the next is served."""

        async def story() -> None:
            async with house(tmp_path) as here:
                async with wire(here.port) as (_, writer):
                    writer.write(signed(here.clock())[:-5])
                    await writer.drain()
                assert (await here.deliver()).status == 202
                assert here.count("receipts") == 1

        run(story())

    def test_threat_29_more_connections_than_may_be(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """One connection too many is told to come again; the others are served."""
        monkeypatch.setattr(server, "MOST_CONNECTIONS", 3)

        async def story() -> None:
            async with house(tmp_path) as here, wire(here.port), wire(here.port), wire(here.port) as (reader, writer):
                async with wire(here.port) as (fourth, _):
                    refused = await read_reply(fourth)
                assert refused.status == 503
                assert "retry-after" in refused.headers
                writer.write(signed(here.clock()))
                assert json.loads((await read_reply(reader)).body)["duplicate"] is False

        run(story())
