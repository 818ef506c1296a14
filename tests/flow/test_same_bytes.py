"""Row 42: the same bytes get the same answer and leave the same rows, whichever store the receiver writes to."""

import asyncio
import re
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from fuzz.mutations import in_bytes, one_changed
from fuzz.seeds import PUSHES
from postgresql_server import Server
from receiving import BASE_URL, SECRET, House, Reply, house, sample, settled
from service import Asked, Provider, batch, file_of, said
from signed_requests import NOW, SPOILT, authentic, valid
from stores import migrate

from operators import acts
from reconciler.daemon import Reconciler
from schemas.config import Config
from schemas.times import SECOND

pytestmark = pytest.mark.postgresql

SEED = 42
AT = NOW * SECOND
JOBS = {"batch_1": "completed", "batch_2": "failed", "batch_3": "in_progress"}  # known here, and what the provider says

HOSTILE = [
    # 33: not UTF-8
    sample().decode().encode("utf-16"), sample().decode().encode("utf-32-le"), b"\xef\xbb\xbf" + sample(),
    sample().replace(b"batch_1", b"batch_\xff"), sample().replace(b"batch_1", b"batch_\xed\xa0\x80"), b"\xff\xfe", b"\xc0\xaf",
    # 34: NUL, lone surrogates, controls; in what is stored as text, and in what is only kept
    *(sample().replace(b"batch_1", b"batch_" + text) for text in (b"\\u0000", b"\0", b"\\ud800", b"\\u001b[2J", b"\\n", b" ")),
    *(sample().replace(b'"completed","lifecycle', text + b',"lifecycle') for text in (b'"\\u0000"', b'"\\ud800"', b'"\x7f"')),
    sample().replace(b'"evt_', b'"\\u0000\\ud800evt_'), sample().replace(b"batch.completed", b"batch.\\u0000"),
    # 35: deep
    b"[" * 1_000, b"[" * 100_000, b'{"a":' * 65 + b"1" + b"}" * 65, sample()[:-1] + b',"x":' + b"[" * 70 + b"]" * 70 + b"}",
    # 36: numbers beyond measure
    *(sample().replace(b'"progress":100', b'"progress":' + number) for number in
      (b"1" * 5_000, b"9223372036854775808", b"1e999", b"NaN", b"-Infinity", b"-0.0", b"1.5", b"1" * 21)),
    *(sample().replace(b'"attempt":1', b'"attempt":' + number) for number in
      (b"9223372036854775807", b"9223372036854775808", b"1e3", b"-1", b"999999", b"1000000", b"true")),
    # 37: members that stand twice
    sample().replace(b'"object"', b'"id":"batch_2","object"'), sample()[:-1] + b',"type":"batch.failed"}',
    # 38: no object, nothing, more than one, very much
    b"", b"[]", b"null", b"1", b'"text"', b"{}", sample() + b"x", sample() + sample(), b'{"data":[]}', b"\0", b" ", b"\r\n",
    sample()[:-1] + b"," + b",".join(b'"%d":0' % number for number in range(10_000)) + b"}", b'"' + b"x" * 100_000 + b'"',
    # 39: ids that look like something
    *(sample(job) for job in ("a/b", "a:b", "a%2Fb", "';DROP--", "$1", "?", ":x", "%s", "{}", "\\", "..", ".", "a" * 256,
                              "a" * 257, "é", "e\u0301", "\N{FIRE}", "A", "a", "BATCH_1", "batch_1 ")),
    *(sample(event=event) for event in ("batch." + "k" * 240, "batch.%", "batch.ß", "video.completed", "job.x:1:2")),
    # 41: words that nobody knows
    sample(status="teleported"), sample(event="batch.teleported"), sample().replace(b'"batch"', b'"hologram"'),
    sample().replace(b'"batch"', b'"unreadable"'),
]  # fmt: skip

# What a table holds but for ids and times. A receipt is told by its delivery and its bytes.
ROWS = {
    "deliveries": (
        "SELECT source, kind, job_id, delivery_key, event_type, reported_status, verdict, times_received FROM deliveries"
    ),
    "receipts": (
        "SELECT d.kind, d.job_id, d.delivery_key, r.source, r.digest, r.signed_at, r.secret_index, r.submission, r.event_type, "
        "r.event_id, r.attempt, r.reported_status, r.native_status, r.progress, r.unreadable, r.verdict, b.body "
        "FROM receipts r JOIN deliveries d ON d.id = r.delivery_id JOIN bodies b ON b.id = r.body_id"
    ),
    "bodies": "SELECT body FROM bodies",
    "refusals": "SELECT source, reason, http_status, remote, body_bytes FROM refusals",
    "tallies": "SELECT source, what, count FROM tallies WHERE what LIKE 'refused%'",
    "jobs": (
        "SELECT source, kind, job_id, status, native_status, basis, revision, reported_status, reported_native, "
        "reported_progress, has_webhook, output_file_id, trouble FROM jobs"
    ),
    "failures": "SELECT category, code, message FROM failures",
}


def corpus() -> list[bytes]:
    """Hand-written hostile bodies and generated ones, authentic; and unauthentic requests. All of it, byte for byte."""
    rng = Random(SEED)
    changed = [in_bytes(one) for push in PUSHES for one in one_changed(push)]
    bodies = [*HOSTILE, *rng.sample(changed, 150), *(in_bytes(push) for push in PUSHES)]
    good = [valid(rng, (SECRET,)) for _ in range(150)]
    bad = [spoil(rng, valid(rng, (SECRET,))) for spoil in SPOILT.values()]
    good += [authentic(body, SECRET) for body in bodies]
    return [request.on_the_wire() for request in (*good, *bad)]


def after_the_end() -> list[bytes]:
    """News about jobs whose end is known: the same, an earlier status, another end, nothing, and an end that cannot be read."""
    bodies = [
        sample(job, f"batch.{word}", word) for job in JOBS for word in ("completed", "failed", "in_progress", "what")
    ]
    bodies.append(sample("batch_1").replace(b'"progress":100', b'"progress":1e999'))
    return [authentic(body, SECRET).on_the_wire() for body in bodies]


def without_ids(reply: Reply) -> tuple[int, bytes, dict[str, str]]:
    body = re.sub(rb'"(rcp|dlv)_[0-9a-z]{13}"', rb'"\1"', reply.body)
    return reply.status, body, {name: value for name, value in reply.headers.items() if name != "date"}


def provided(asked: Asked) -> bytes:
    """A provider that knows three jobs and their files."""
    return file_of(asked) or said(batch(asked.job_id, JOBS[asked.job_id], created_at=NOW))


def asking(here: House, base_url: str) -> Config:
    """The house's configuration with its source at the provider. Nobody is adopted, so that only the three are asked about."""
    source = here.config.sources["phaseo"].model_copy(update={"base_url": base_url, "adopt": "none"})
    return here.config.model_copy(update={"sources": {"phaseo": source}})


async def told(houses: Sequence[House], requests: Sequence[bytes]) -> list[tuple[int, bytes, dict[str, str]]]:
    """Send each request to every receiver; the answers are equal, and are returned once."""
    answers = []
    for request in requests:
        first, second = [without_ids(reply) for reply in await asyncio.gather(*(one.send(request) for one in houses))]
        assert first == second, request
        answers.append(first)
    return answers


async def judged(here: House, base_url: str) -> None:
    """Reconcile until nothing is left to do, from the moment on at which the receiver's clock stands."""
    here.clock.fixed, here.clock.off = None, AT - time.time_ns() // 1_000
    done = await Reconciler(asking(here, base_url), here.store, here.clock).run_once()
    here.clock.fixed = AT
    assert done["phaseo"]


async def rows(here: House) -> dict[str, list[str]]:
    await settled(here)
    return {name: sorted(map(repr, here.rows(sql))) for name, sql in ROWS.items()}


async def compare(houses: Sequence[House], tables: set[str]) -> dict[str, list[str]]:
    """What both hold, and it is equal, and not nothing."""
    first, second = [await rows(here) for here in houses]
    for table in tables:
        assert first[table] == second[table], table
        assert first[table] or table == "failures", table
    return first


def test_threat_42_the_same_bytes_on_both_stores(tmp_path: Path, postgresql: Server) -> None:
    """Several hundred hostile and good requests get equal answers from both, and leave equal rows, before and after judging."""

    async def story(url: str) -> None:
        for name in ("file", "server"):
            (tmp_path / name).mkdir()
        async with (
            Provider(provided).listening() as provider,
            house(tmp_path / "file", refusals_per_minute=1_000_000) as on_file,
            house(tmp_path / "server", url=url, refusals_per_minute=1_000_000) as on_postgresql,
        ):
            houses = (on_file, on_postgresql)
            for here in houses:
                here.clock.fixed = AT
                async with here.store.writing() as connection:
                    for job in JOBS:
                        await acts.track(
                            connection, asking(here, BASE_URL), "phaseo", "batch", job, here.store.new_id, AT
                        )
            answers = await told(houses, corpus())
            await compare(houses, {"deliveries", "receipts", "bodies", "refusals", "tallies"})
            for here in houses:
                await judged(here, provider.base_url)
            await compare(houses, set(ROWS))
            answers += await told(houses, after_the_end())
            for here in houses:
                await judged(here, provider.base_url)
            found = await compare(houses, set(ROWS))

            assert {status for status, _, _ in answers} == {200, 202, 400, 401}
            verdicts = {verdict for (verdict,) in on_file.rows("SELECT DISTINCT verdict FROM receipts")}
            assert verdicts >= {"agrees", "disagrees", "stale", "conflict", "unknown_job", "unreadable"}
            assert None not in verdicts
            assert len(found["receipts"]) > 350

    with postgresql.database(template=postgresql.template(migrate)) as url:
        asyncio.run(story(url))
