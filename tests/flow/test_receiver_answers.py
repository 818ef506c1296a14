"""What the receiver answers, case by case, over real connections."""

import asyncio
import json
import re
import sqlite3
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from receiving import OTHER_SECRET, SECRET, House, house, locked, raw, read_reply, sample, settled, signed, wire

from schemas.ids import RECEIPT_PATTERN
from schemas.times import MINUTE, SECOND


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


class TestAccepted:
    def test_stored_for_the_first_time(self, tmp_path: Path) -> None:
        """A new delivery is answered 202 with the ids of its receipt and delivery, which then stand in the database."""

        async def story() -> None:
            async with house(tmp_path) as here:
                reply = await here.deliver()
                answer = json.loads(reply.body)

                assert reply.status == 202
                assert list(answer) == ["receipt", "delivery", "duplicate"]
                assert RECEIPT_PATTERN.fullmatch(answer["receipt"])
                assert re.fullmatch("dlv_[0-9a-z]{13}", answer["delivery"])
                assert answer["duplicate"] is False
                assert here.count("receipts") == here.count("deliveries") == here.count("bodies") == 1
                assert here.rows("SELECT body FROM bodies") == [(sample(),)]
                assert here.wakes == [0]

        run(story())

    def test_known_already(self, tmp_path: Path) -> None:
        """The same delivery again is answered 200: a new receipt of a delivery that we have."""

        async def story() -> None:
            async with house(tmp_path) as here:
                first, second = json.loads((await here.deliver()).body), await here.deliver()
                answer = json.loads(second.body)

                assert second.status == 200
                assert answer["duplicate"] is True
                assert answer["delivery"] == first["delivery"]
                assert answer["receipt"] != first["receipt"]
                assert here.rows("SELECT times_received FROM deliveries") == [(2,)]

        run(story())

    def test_the_answer_fits_a_provider_s_preview(self, tmp_path: Path) -> None:
        """The acknowledgement is ASCII and well under the 500 bytes that a provider keeps of it."""

        async def story() -> None:
            async with house(tmp_path) as here:
                replies = [await here.deliver(), await here.deliver(b"not json"), await here.deliver(b"not json")]

                assert all(reply.body.isascii() and len(reply.body) < 250 for reply in replies)
                assert all(reply.headers["content-type"] == "application/json" for reply in replies)

        run(story())

    def test_authentic_but_unreadable(self, tmp_path: Path) -> None:
        """What is signed and cannot be read is kept whole, answered 202, and 200 when the same bytes come again."""

        async def story() -> None:
            async with house(tmp_path) as here:
                first, second = await here.deliver(b"\xff\xfe"), await here.deliver(b"\xff\xfe")

                assert (first.status, second.status) == (202, 200)
                assert json.loads(first.body)["unreadable"] is json.loads(second.body)["unreadable"] is True
                assert here.rows("SELECT DISTINCT unreadable FROM receipts") == [("not UTF-8",)]
                assert here.rows("SELECT body FROM bodies") == [(b"\xff\xfe",)]

        run(story())

    @pytest.mark.parametrize(
        ("path", "submission"),
        [
            ("/webhooks/phaseo", None),
            ("/webhooks/phaseo/", None),
            ("/webhooks/phaseo/sub_0123456789abc", "sub_0123456789abc"),
            ("/webhooks/phaseo/sub_0123456789abc/", "sub_0123456789abc"),
            ("/webhooks/phaseo?from=gateway", None),
            ("/webhooks/phaseo/" + "x" * 256, "x" * 256),
        ],
    )
    def test_paths_that_are_taken(self, tmp_path: Path, path: str, submission: str | None) -> None:
        """A slash at the end and a further part are taken as they are, and never redirected."""

        async def story() -> None:
            async with house(tmp_path) as here:
                assert (await here.deliver(path=path)).status == 202
                assert here.rows("SELECT submission FROM receipts") == [(submission,)]

        run(story())

    def test_several_requests_on_one_connection(self, tmp_path: Path) -> None:
        """A connection stays open from one delivery to the next, whatever the answers."""

        async def story() -> None:
            async with house(tmp_path) as here, wire(here.port) as (reader, writer):
                for body, status in ((sample("a"), 202), (sample("a"), 200), (b"?", 202), (sample("b"), 202)):
                    writer.write(signed(here.clock(), body))
                    assert (await read_reply(reader)).status == status
                writer.write(signed(here.clock(), secret=OTHER_SECRET))
                assert (await read_reply(reader)).status == 401
                writer.write(signed(here.clock(), sample("c")))
                assert (await read_reply(reader)).status == 202

        run(story())


class TestRefused:
    def test_not_authentic(self, tmp_path: Path) -> None:
        """Whatever is wrong with a signature, a timestamp or a header, the answer is the same 401 to the byte."""

        async def story() -> None:
            async with house(tmp_path) as here:
                now, body = here.clock(), sample()
                doubled = signed(now).replace(b"x-phaseo-timestamp", b"x-phaseo-timestamp: 1\r\nx-phaseo-timestamp", 1)
                requests = {
                    "signature_missing": signed(now, without=["x-phaseo-signature"]),
                    "signature_malformed": signed(now, x_phaseo_signature="zz"),
                    "signature_wrong": signed(now, secret=OTHER_SECRET),
                    "timestamp_missing": signed(now, without=["x-phaseo-timestamp"]),
                    "timestamp_doubled": doubled,
                    "timestamp_malformed": signed(now, x_phaseo_timestamp="1e9"),
                    "timestamp_stale": signed(now - 6 * MINUTE),
                    "timestamp_future": signed(now + 6 * MINUTE),
                    "header_contradicts": signed(now, body, x_phaseo_delivery_key="batch.failed"),
                }
                replies = [await here.send(request) for request in requests.values()]
                await settled(here)

                assert {(reply.status, reply.body) for reply in replies} == {(401, b'{"error":"not authentic"}')}
                assert [reason for (reason,) in here.rows("SELECT reason FROM refusals ORDER BY id")] == list(requests)
                assert here.count("deliveries") == here.count("receipts") == here.count("bodies") == 0

        run(story())

    @pytest.mark.parametrize(
        "path",
        [
            "/", "/webhooks", "/webhooks/", "/webhooks/nobody", "/webhooks/Phaseo", "/webhooks/phaseo//",
            "/webhooks/phaseo/a/b", "/webhooks/phaseo/" + "x" * 257, "//webhooks/phaseo", "/webhooks//phaseo",
            "/x/../webhooks/phaseo", "/webhooks/phaseo/..", "/webhooks/phaseo/.", "/webhooks/%70haseo",
            "/webhooks/phaseo%00", "/webhooks/phaseo%2F", "/webhooks/phaseo/%ff", "/webhooks/" + "p" * 8_000,
            "/webhooks/phaseo;a=b", "http://localhost/webhooks/phaseo", "*", "/livez/", "/webhooks/silent",
            "/webhooks/phaseo#part",
        ],
    )  # fmt: skip
    def test_threat_40_no_such_path(self, tmp_path: Path, path: str) -> None:
        """A path that is not exactly one of ours is a 404, never a redirect, and a source without webhooks has none."""

        async def story() -> None:
            async with house(tmp_path) as here:
                reply = await here.deliver(path=path)
                await settled(here)

                assert (reply.status, reply.body) == (404, b'{"error":"not found"}')
                assert "location" not in reply.headers
                assert here.rows("SELECT source, reason FROM refusals") == [("", "unknown_source")]

        run(story())

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
    def test_other_methods(self, tmp_path: Path, method: str) -> None:
        """Only POST is taken, and the answer says so."""

        async def story() -> None:
            async with house(tmp_path) as here, wire(here.port) as (reader, writer):
                writer.write(raw(method, "/webhooks/phaseo", {"host": "localhost"}))
                head = await reader.readuntil(b"\r\n\r\n")

                assert head.startswith(b"HTTP/1.1 405 ")
                assert b"\r\nallow: POST\r\n" in head

        run(story())

    def test_threat_28_too_large_by_its_own_word(self, tmp_path: Path) -> None:
        """An announced body over the cap is refused before it is read, and the answer arrives although it is still sent."""

        async def story() -> None:
            async with house(tmp_path, max_body_bytes=2_000) as here:
                assert (await here.deliver(b"x" * 2_000)).status == 202
                assert (await here.deliver(b"x" * 2_001)).status == 413
                assert (await here.deliver(b"x" * 3_000_000)).status == 413
                await settled(here)
                assert (
                    here.rows("SELECT source, reason, http_status FROM refusals") == [("phaseo", "too_large", 413)] * 2
                )

        run(story())

    def test_threat_28_too_large_in_chunks(self, tmp_path: Path) -> None:
        """A body without an announced length is counted while it comes."""

        async def story() -> None:
            async with house(tmp_path, max_body_bytes=100_000) as here:
                head = signed(here.clock(), without=["content-length"], transfer_encoding="chunked")
                head = head.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                chunk = b"2710\r\n" + b"x" * 10_000 + b"\r\n"
                assert (await here.send(head + 11 * chunk)).status == 413
                assert (await here.send(head + 3 * chunk + b"0\r\n\r\n")).status == 401

        run(story())

    @pytest.mark.parametrize(
        ("coding", "status"), [("gzip", 415), ("br", 415), ("identity, gzip", 415), ("identity", 202)]
    )
    def test_threat_31_encoded_content(self, tmp_path: Path, coding: str, status: int) -> None:
        """Nothing is ever decoded: content that is encoded is refused unread."""

        async def story() -> None:
            async with house(tmp_path) as here:
                assert (await here.deliver(content_encoding=coding)).status == status

        run(story())

    def test_threat_22_a_flood_of_the_unauthentic(self, tmp_path: Path) -> None:
        """Whoever has used up the budget of refusals gets 429, and authentic requests from there pass all the same."""

        async def story() -> None:
            async with house(tmp_path, refusals_per_minute=3) as here:
                forged = [(await here.deliver(secret=OTHER_SECRET)) for _ in range(5)]
                elsewhere = await here.deliver(path="/webhooks/other")
                authentic = await here.deliver()
                await settled(here)

                assert [reply.status for reply in forged] == [401, 401, 401, 429, 429]
                assert forged[-1].headers["retry-after"] == "60"
                assert elsewhere.status == 401
                assert authentic.status == 202
                assert here.rows("SELECT count FROM tallies WHERE what = 'refused.flood'") == [(2,)]
                assert here.rows("SELECT count(*) FROM refusals WHERE reason = 'flood'") == [(0,)]

        run(story())


class TestNotStored:
    def assert_come_again(self, status: int, headers: dict[str, str]) -> None:
        assert status == 503
        assert 1 <= int(headers["retry-after"]) <= 60

    def test_a_full_queue(self, tmp_path: Path) -> None:
        """When too many wait for a commit the next is told to come again, and those that waited are stored."""

        async def story() -> None:
            async with house(tmp_path, queue_limit=2) as here:
                async with locked(here):
                    waiting = [asyncio.create_task(here.deliver(sample(f"batch_{number}"))) for number in range(3)]
                    [refused], _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                    self.assert_come_again(refused.result().status, refused.result().headers)
                statuses = sorted([(await task).status for task in waiting])

                assert statuses == [202, 202, 503]
                assert here.count("deliveries") == 2

        run(story())

    def test_the_store_is_away(self, tmp_path: Path) -> None:
        """What cannot be committed is not acknowledged; afterwards the same request is taken as new."""

        async def story() -> None:
            async with house(tmp_path) as here:
                away = here.path.with_suffix(".away")
                here.path.rename(away)
                reply = await here.deliver()
                self.assert_come_again(reply.status, reply.headers)
                away.rename(here.path)
                assert (await here.deliver()).status == 202
                await settled(here)
                assert here.rows("SELECT reason FROM refusals") == [("not_stored",)]

        run(story())

    def test_threat_71_a_clock_that_cannot_be_right(self, tmp_path: Path) -> None:
        """With a clock in 1970 nobody can be judged stale or fresh: 503 and not 401, until the clock is sane."""

        async def story() -> None:
            async with house(tmp_path) as here:
                request = signed(here.clock())
                here.clock.fixed = 5 * SECOND
                reply = await here.send(request)
                self.assert_come_again(reply.status, reply.headers)
                here.clock.fixed = None
                assert (await here.send(request)).status == 202

        run(story())

    def test_threat_10_a_source_without_a_secret(self, tmp_path: Path) -> None:
        """A source that nothing can be checked with is closed, not open."""

        async def story() -> None:
            async with house(tmp_path) as here:
                for secret in ("", SECRET):
                    reply = await here.deliver(path="/webhooks/open_door", secret=secret)
                    self.assert_come_again(reply.status, reply.headers)
                assert here.count("deliveries") == 0

        run(story())


async def ask(here: House, path: str) -> tuple[int, Any]:
    reply = await here.send(raw("GET", path, {"host": "localhost"}))
    return reply.status, json.loads(reply.body)


class TestProbes:
    def test_alive_and_ready(self, tmp_path: Path) -> None:
        """A receiver that can commit says so, and has just committed something to know it."""

        async def story() -> None:
            async with house(tmp_path) as here:
                assert await ask(here, "/livez") == (200, {"alive": True})
                assert await ask(here, "/readyz") == (200, {"ready": True})
                assert here.rows("SELECT count FROM tallies WHERE what = 'probe'") == [(1,)]

        run(story())

    def test_many_who_ask_cost_one_commit(self, tmp_path: Path) -> None:
        """The question stands open to the internet, so one look serves all who ask within a second."""

        async def story() -> None:
            async with house(tmp_path) as here:
                here.clock.fixed = here.clock()
                answers = await asyncio.gather(*[ask(here, "/readyz") for _ in range(30)])
                assert answers == [(200, {"ready": True})] * 30
                assert here.rows("SELECT count FROM tallies WHERE what = 'probe'") == [(1,)]

        run(story())

    def test_not_ready_while_the_ledger_cannot_commit(self, tmp_path: Path) -> None:
        """Alive, and not ready: somebody else keeps the store locked."""

        async def story() -> None:
            async with house(tmp_path, patience=0.2) as here:
                async with locked(here):
                    assert await ask(here, "/livez") == (200, {"alive": True})
                    assert (await ask(here, "/readyz"))[0] == 503
                here.clock.off += 2 * SECOND
                assert await ask(here, "/readyz") == (200, {"ready": True})

        run(story())

    def test_not_ready_with_tables_of_another_version(self, tmp_path: Path) -> None:
        """Alive, and not ready: somebody else has changed the tables."""

        async def story() -> None:
            async with house(tmp_path) as here:
                connection = sqlite3.connect(here.path, isolation_level=None)
                connection.execute("UPDATE alembic_version SET version_num = 'of_tomorrow'")
                connection.close()
                status, answer = await ask(here, "/readyz")
                assert (status, answer["ready"]) == (503, False)
                assert "tables" in answer["reason"]

        run(story())
