"""The receiver from its start to its end, and under a storm."""

import asyncio
import itertools
import json
import socket
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from receiving import House, configured, house, locked, raw, read_reply, rest_of, sample, signed, wire

from receiver import server as server_module
from receiver.app import build_app
from receiver.server import Server
from schemas.ids import shown


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


async def storm(here: House, requests: list[bytes], connections: int) -> list[tuple[int, Any]]:
    """Send all of them over so many connections, each as soon as its connection is free."""
    left = iter(requests)
    answers: list[tuple[int, Any]] = []
    start = asyncio.Barrier(connections)

    async def one() -> None:
        async with wire(here.port) as (reader, writer):
            await start.wait()
            for request in left:
                writer.write(request)
                reply = await read_reply(reader)
                answers.append((reply.status, json.loads(reply.body)))

    await asyncio.gather(*[one() for _ in range(connections)])
    return answers


class TestStorm:
    def test_one_delivery_a_thousand_times_at_once(self, tmp_path: Path) -> None:
        """Over 64 connections: one row, every answer 2xx, and exactly one is told that it is the first."""

        async def story() -> None:
            async with house(tmp_path) as here:
                answers = await storm(here, [signed(here.clock())] * 1_000, 64)

                assert len(answers) == 1_000
                assert sorted(status for status, _ in answers) == [200] * 999 + [202]
                assert [answer["duplicate"] for _, answer in answers].count(False) == 1
                assert len({answer["receipt"] for _, answer in answers}) == 1_000
                assert here.rows("SELECT times_received FROM deliveries") == [(1_000,)]
                assert (here.count("receipts"), here.count("bodies")) == (1_000, 1)

        run(story())

    def test_ten_deliveries_a_hundred_times_each(self, tmp_path: Path) -> None:
        """Different deliveries at once keep apart, and each is new exactly once."""

        async def story() -> None:
            async with house(tmp_path) as here:
                requests = [signed(here.clock(), sample(f"batch_{number}")) for number in range(10)]
                answers = await storm(here, list(itertools.chain(*[requests] * 100)), 64)

                new = [answer["delivery"] for _, answer in answers if not answer["duplicate"]]
                assert len(new) == len(set(new)) == 10
                assert here.rows("SELECT DISTINCT times_received FROM deliveries") == [(100,)]
                assert here.count("bodies") == 10

        run(story())

    def test_every_answer_is_true(self, tmp_path: Path) -> None:
        """Each receipt that was acknowledged stands in the database under the id that was told."""

        async def story() -> None:
            async with house(tmp_path) as here:
                requests = [signed(here.clock(), sample(f"batch_{number % 150}")) for number in range(300)]
                answers = await storm(here, requests, 32)

                kept = {
                    (shown("rcp", receipt), shown("dlv", delivery))
                    for receipt, delivery in here.rows("SELECT id, delivery_id FROM receipts")
                }
                assert {(answer["receipt"], answer["delivery"]) for _, answer in answers} == kept

        run(story())


class TestStop:
    def test_a_half_sent_body_does_not_hold_it_up(self, tmp_path: Path) -> None:
        """F11: with a body that never ends, the receiver is gone within ten seconds, and says to come again."""

        async def story() -> None:
            async with house(tmp_path, read_timeout_seconds=300) as here, wire(here.port) as (reader, writer):
                writer.write(signed(here.clock())[:-5])
                await here.deliver()  # by its answer the half-sent one has arrived too
                began = time.monotonic()
                await here.server.stop()
                took = time.monotonic() - began
                answer = await rest_of(reader)

                assert took < 9
                assert answer.startswith(b"HTTP/1.1 503 ")
                assert b"retry-after" in answer

        run(story())

    def test_a_half_sent_head_does_not_either(self, tmp_path: Path) -> None:
        """Whoever is in the middle of a head is told to come again, at once."""

        async def story() -> None:
            async with house(tmp_path, read_timeout_seconds=300) as here, wire(here.port) as (reader, writer):
                writer.write(b"POST /webhooks/phaseo HTTP/1.1\r\nhost:")
                await here.deliver()
                began = time.monotonic()
                await here.server.stop()

                assert time.monotonic() - began < 4
                assert (await rest_of(reader)).startswith(b"HTTP/1.1 503 ")

        run(story())

    def test_silent_and_idle_connections_do_not_either(self, tmp_path: Path) -> None:
        """Connections that are between requests are closed."""

        async def story() -> None:
            async with (
                house(tmp_path, read_timeout_seconds=300) as here,
                wire(here.port) as (silent, _),
                wire(here.port) as (idle, writer),
            ):
                writer.write(signed(here.clock()))
                await read_reply(idle)
                began = time.monotonic()
                await here.server.stop()
                assert time.monotonic() - began < 2
                assert await rest_of(idle) == await rest_of(silent) == b""

        run(story())

    def test_what_was_taken_is_finished(self, tmp_path: Path) -> None:
        """A request whose commit is under way when the end comes gets its answer, and it is true."""

        async def story() -> None:
            async with house(tmp_path) as here:
                async with locked(here):
                    asked = asyncio.create_task(here.deliver())
                    await asyncio.wait({asked}, timeout=0.3)
                    stopping = asyncio.create_task(here.server.stop())
                    done, _ = await asyncio.wait({asked}, timeout=0.3)
                    assert not done
                assert (await asked).status == 202
                await stopping
                assert here.count("receipts") == 1

        run(story())

    def test_while_draining_new_requests_are_sent_away(self, tmp_path: Path) -> None:
        """On a connection that is still open, a new request is answered 503 and the connection is closed."""

        async def story() -> None:
            async with house(tmp_path) as here, wire(here.port) as (reader, writer):
                here.app.drain()
                writer.write(signed(here.clock()))
                reply = await read_reply(reader)

                assert (reply.status, reply.headers["connection"]) == (503, "close")
                assert "retry-after" in reply.headers
                ready = await here.send(raw("GET", "/readyz", {"host": "localhost"}))
                assert (ready.status, json.loads(ready.body)["reason"]) == (503, "draining")
                assert here.count("receipts") == 0

        run(story())

    def test_stopping_what_never_started(self, tmp_path: Path) -> None:
        """A server that was not started stops at once, and one that was stops twice."""

        async def story() -> None:
            async with house(tmp_path) as here:
                await Server(here.app, here.config.receiver).stop()
                await here.server.stop()

        run(story())


class TestStart:
    def test_a_port_in_use(self, tmp_path: Path) -> None:
        """A port that somebody has is a clear error with its number and the way out, and not an exit."""

        async def story() -> None:
            async with house(tmp_path) as here:
                settings = here.config.receiver.model_copy(update={"port": here.port})
                with pytest.raises(OSError, match=rf"port {here.port}: .*in use.*\[receiver\]"):
                    await Server(here.app, settings).start()
                assert (await here.deliver()).status == 202

        run(story())

    def test_an_address_that_is_not_ours(self, tmp_path: Path) -> None:
        """A host that cannot be listened on is an error of the same kind."""

        async def story() -> None:
            async with house(tmp_path) as here:
                settings = here.config.receiver.model_copy(update={"host": "192.0.2.1"})
                with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1"):
                    await Server(here.app, settings).start()

        run(story())

    @pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
    def test_ipv6(self, tmp_path: Path) -> None:
        """It listens on an address of IPv6 as well."""

        async def story() -> None:
            async with house(tmp_path) as here:
                server = Server(here.app, here.config.receiver.model_copy(update={"host": "::1"}))
                port = await server.start()
                reader, writer = await asyncio.open_connection("::1", port)
                writer.write(signed(here.clock()))
                assert (await read_reply(reader)).status == 202
                writer.close()
                await writer.wait_closed()
                await server.stop()

        run(story())


class TestFaults:
    def test_an_error_of_ours_is_a_503(self, tmp_path: Path) -> None:
        """Whatever goes wrong inside, the sender hears to come again, and the log holds nothing of the request."""

        async def story() -> None:
            async with house(tmp_path) as here:
                broken = build_app(here.config, here.ledger, lambda: 1 // 0, here.store)
                server = Server(broken, here.config.receiver)
                port = await server.start()
                async with wire(port) as (reader, writer):
                    writer.write(signed(here.clock()))
                    reply = await read_reply(reader)
                assert (reply.status, reply.headers["retry-after"]) == (503, "5")
                assert here.count("receipts") == 0
                await server.stop()

        run(story())

    def test_few_descriptors_leave_room_for_the_rest(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """F38: connections never take the descriptors that the store needs."""
        monkeypatch.setattr(server_module.resource, "getrlimit", lambda _what: (256, 4_096))
        assert server_module._most_connections() == 156

    def test_a_config_of_no_sources_serves_probes(self, tmp_path: Path) -> None:
        """Without any source every webhook is a 404."""

        async def story() -> None:
            async with house(tmp_path) as here:
                empty = configured(here.path).model_copy(update={"sources": {}})
                server = Server(build_app(empty, here.ledger, here.clock, here.store), empty.receiver)
                port = await server.start()
                async with wire(port) as (reader, writer):
                    writer.write(signed(here.clock()))
                    assert (await read_reply(reader)).status == 404
                await server.stop()

        run(story())


def test_the_log_holds_nothing_that_was_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows 62 and 73: a line a minute for each source, of our own words and numbers; no values, no secrets, no bodies."""

    async def story() -> None:
        async with house(tmp_path) as here:
            for number in range(5):
                await here.deliver(
                    b"body-in-the-log", secret=f"whsec_wrong_{number}_wrong_wrong", x_evil="evil-in-the-log"
                )
            await here.deliver(path="/webhooks/evil-in-the-log")

    run(story())
    log = "".join(capsys.readouterr())
    assert log.count("requests_refused") == 2
    assert "signature_wrong=5" in log
    assert not any(word in log for word in ("in-the-log", "whsec", "evil"))
