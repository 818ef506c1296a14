"""Rows 33 to 41 of the threat model: what may stand in a body. What is signed is kept, and what is not is not read."""

import asyncio
import hashlib
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from receiving import OTHER_SECRET, House, Reply, house, sample

pytestmark = pytest.mark.both_stores


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


async def unreadable(here: House, body: bytes) -> Reply:
    """An authentic request with this body is kept whole and said to be unreadable."""
    reply = await here.deliver(body)
    assert reply.status == 202
    assert json.loads(reply.body).get("unreadable") is True
    assert here.rows("SELECT body FROM bodies ORDER BY id DESC LIMIT 1") == [(body,)]
    return reply


def body_with(**changes: Any) -> bytes:
    """A readable body, but for what is changed in its data, its delivery, or itself."""
    document = json.loads(sample())
    for name, value in changes.items():
        inside, _, member = name.rpartition("__")
        (document[inside] if inside else document)[member] = value
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def of_no_job(tmp_path: Path, *jobs: str) -> None:
    async def story() -> None:
        async with house(tmp_path) as here:
            for job in jobs:
                document = json.loads(sample())
                document["data"]["id"] = job
                await unreadable(here, json.dumps(document).encode())
            assert here.rows("SELECT DISTINCT kind, job_id FROM deliveries") == [("unreadable", "")]
            assert here.count("deliveries") == len(jobs)

    run(story())


class TestBodies:
    @pytest.mark.parametrize(
        "body",
        [
            sample().decode().encode("utf-16"), sample().decode().encode("utf-32-le"), b"\xef\xbb\xbf" + sample(),
            sample().replace(b"batch_1", b"batch_\xff"), sample().replace(b"batch_1", b"batch_\xed\xa0\x80"),
        ],
    )  # fmt: skip
    def test_threat_33_no_utf_8(self, tmp_path: Path, body: bytes) -> None:
        """Other encodings, a byte order mark and broken sequences are kept and not guessed at."""

        async def story() -> None:
            async with house(tmp_path) as here:
                await unreadable(here, body)

        run(story())

    def test_threat_34_ids_with_what_no_store_likes(self, tmp_path: Path) -> None:
        """An id is 1 to 256 printable ASCII characters; a body with another is kept whole, under no job."""
        of_no_job(tmp_path, "", "a\0b", "a\nb", "a b", "\x1b[31m", "\ud800", "\u202e")

    def test_threat_39_ids_that_are_none(self, tmp_path: Path) -> None:
        """Look-alikes, very long ones and those that climb are no ids: the body is kept whole, under no job."""
        of_no_job(tmp_path, "é", "e\u0301", "a" * 257, "a" * 12_000, "..", "\N{FIRE}")

    def test_threat_35_nested_too_deep(self, tmp_path: Path) -> None:
        """A hundred thousand brackets break nothing: signed, they are kept; unsigned, they are not even read."""

        async def story() -> None:
            async with house(tmp_path) as here:
                for depth in (1_000, 100_000):
                    await unreadable(here, b"[" * depth)
                    deep = sample()[:-1] + b',"deep":' + b"[" * depth + b"]" * depth + b"}"
                    assert (await here.deliver(deep)).status in (200, 202)
                assert (await here.deliver(b"[" * 100_000, secret=OTHER_SECRET)).status == 401

        run(story())

    @pytest.mark.parametrize("number", ["1" * 5_000, "9223372036854775808", "1e999", "NaN", "-Infinity", "-0.0", "1.5"])
    def test_threat_36_numbers_beyond_measure(self, tmp_path: Path, number: str) -> None:
        """Whatever number stands in a body, it is stored, and nothing overflows."""

        async def story() -> None:
            async with house(tmp_path) as here:
                for member in (b'"progress":100', b'"attempt":1'):
                    name = member.split(b":")[0]
                    reply = await here.deliver(sample().replace(member, name + b":" + number.encode()))
                    assert reply.status in (200, 202)
                assert here.count("receipts") == 2

        run(story())

    def test_threat_37_members_that_stand_twice(self, tmp_path: Path) -> None:
        """Two readers could read two things, so the judge's strict parser decides; here it is kept as it came."""

        async def story() -> None:
            async with house(tmp_path) as here:
                body = sample().replace(b'"object"', b'"id":"batch_2","object"')
                assert (await here.deliver(body)).status == 202
                assert here.rows("SELECT body FROM bodies") == [(body,)]

        run(story())

    @pytest.mark.parametrize(
        "body",
        [b"", b"[]", b"null", b"1", b'"text"', b"{}", sample() + b"x", sample() + sample(), b'{"data":[]}', b"\0"],
    )
    def test_threat_38_no_object(self, tmp_path: Path, body: bytes) -> None:
        """An empty body, another top level, or something behind it is kept and has no effect."""

        async def story() -> None:
            async with house(tmp_path) as here:
                await unreadable(here, body)
                digest = hashlib.sha256(body).hexdigest()
                assert here.rows("SELECT delivery_key FROM deliveries") == [(f"sha256:{digest}",)]

        run(story())

    def test_threat_38_a_million_members(self, tmp_path: Path) -> None:
        """A body as large as may be is answered like any other."""

        async def story() -> None:
            async with house(tmp_path) as here:
                many = b",".join(b'"%d":0' % number for number in range(100_000))
                body = sample()[:-1] + b"," + many + b"}"
                assert len(body) < here.config.receiver.max_body_bytes
                assert (await here.deliver(body)).status == 202
                await unreadable(here, b'"' + b"x" * 1_000_000 + b'"')

        run(story())

    @pytest.mark.parametrize(
        "job", ["a/b", "a:b", "a%2Fb", "'; DROP TABLE jobs; --", '"', "../../etc/passwd", "%s", "{}", "a" * 256]
    )
    def test_threat_39_ids_that_look_like_something(self, tmp_path: Path, job: str) -> None:
        """An id is bytes and nothing else: it is stored as it is, and compared as it is."""

        async def story() -> None:
            async with house(tmp_path) as here:
                named = job.replace(" ", "+")
                body = body_with(data__id=named, delivery__key=named)
                statuses = [(await here.deliver(body)).status, (await here.deliver(body)).status]
                assert statuses == [202, 200]
                assert here.rows("SELECT job_id, delivery_key FROM deliveries") == [(named, named)]

        run(story())

    def test_threat_39_capitals_matter(self, tmp_path: Path) -> None:
        """Two ids that differ in a capital are two."""

        async def story() -> None:
            async with house(tmp_path) as here:
                statuses = [(await here.deliver(sample(job))).status for job in ("batch_a", "batch_A")]
                assert statuses == [202, 202]

        run(story())

    def test_threat_41_words_that_we_do_not_know(self, tmp_path: Path) -> None:
        """An unknown event, status or kind is stored like any other, and reports no status."""

        async def story() -> None:
            async with house(tmp_path) as here:
                unknown = {
                    "type": "batch.teleported",
                    "delivery__key": "batch.teleported",
                    "data__status": "teleported",
                }
                assert (await here.deliver(body_with(**unknown, data__lifecycle_status="x"))).status == 202
                assert (await here.deliver(body_with(data__kind="hologram"))).status == 202
                assert here.rows(
                    "SELECT event_type, reported_status, native_status FROM receipts ORDER BY id LIMIT 1"
                ) == [("batch.teleported", None, "teleported")]
                assert here.rows("SELECT kind FROM deliveries ORDER BY id") == [("batch",), ("hologram",)]

        run(story())

    def test_nothing_but_the_body_tells_an_unreadable_delivery(self, tmp_path: Path) -> None:
        """A body cannot pass itself off as an unreadable one: those have an empty job id, which no body can name."""

        async def story() -> None:
            async with house(tmp_path) as here:
                digest = hashlib.sha256(b"{}").hexdigest()
                posing = body_with(data__kind="unreadable", delivery__key=f"sha256:{digest}")
                assert (await here.deliver(posing)).status == 202
                assert (await here.deliver(b"{}")).status == 202
                assert here.count("deliveries") == 2

        run(story())
