"""Each check of the crash runner finds what it is there to find: a sound database is doctored, and the breach is named."""

import asyncio
import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from schemas.ids import shown

from . import checks, logs
from .checks import Found
from .load import FORGED, Acknowledged, Delivery, Identity, Load, Memory
from .place import ELSEWHERE, GATEWAY
from .stores import SQLiteFile
from .wire import Answer

NOW = int(time.time() * 1_000_000)
BODY = b'{"id":"evt_1"}'
IDENTITY = (ELSEWHERE, "batch_1", "batch.progress:1")
GIVEN = shown("rcp", 12)
TRUTH = {
    "batch_2": {
        "scenario": "",
        "status": "completed",
        "recorded": [
            {
                "delivery_key": "batch.completed",
                "status": "delivered",
                "response_body_preview": f'{{"receipt":"{GIVEN}","duplicate":false}}',
            }
        ],
    }
}  # fmt: skip
ROWS = f"""
INSERT INTO deliveries (id, source, kind, job_id, delivery_key, times_received, first_received_at, last_received_at) VALUES
    (1, '{ELSEWHERE}', 'batch', 'batch_1', 'batch.progress:1', 2, 1, 1),
    (2, '{GATEWAY}', 'batch', 'batch_2', 'batch.completed', 1, 1, 1);
INSERT INTO receipts (id, delivery_id, body_id, source, digest, received_at, secret_index, judge_after, verdict) VALUES
    (10, 1, 10, '{ELSEWHERE}', 0, 1, 0, 0, 'unknown_job'), (11, 1, 10, '{ELSEWHERE}', 0, 1, 0, 0, 'unknown_job'),
    (12, 2, 12, '{GATEWAY}', 0, 1, 0, 0, 'agrees');
INSERT INTO bodies (id, body) VALUES (10, CAST('{BODY.decode()}' AS BLOB)), (12, x'00');
INSERT INTO jobs (id, source, kind, job_id, origin, status, basis, revision, created_at, updated_at, due_at) VALUES
    (20, '{GATEWAY}', 'batch', 'batch_2', 'delivery', 'completed', 'observed', 1, 1, 1, NULL);
INSERT INTO observations (id, job, asked, status, first_seen_at, last_seen_at) VALUES
    (30, 20, 'poll', 'running', 1, 1), (31, 20, 'poll', 'completed', 1, 1), (32, 20, 'list', 'completed', 1, 1);
INSERT INTO transitions (id, job, revision, from_status, to_status, basis, observation, at) VALUES
    (40, 20, 0, 'unknown', 'running', NULL, 30, 1), (41, 20, 1, 'running', 'completed', 'observed', 31, 1);
INSERT INTO actions (id, job, source, verb, state, asked_by, asked_at) VALUES
    (50, 20, '{GATEWAY}', 'cancel', 'moot', 'operator', 1);
INSERT INTO leases (name, holder, fence, until) VALUES ('source:{GATEWAY}', 'me', 3, 1);
"""


@pytest.fixture
def database(tmp_path: Path, empty: bytes) -> SQLiteFile:
    path = tmp_path / "ledger.db"
    path.write_bytes(empty)
    doctor(SQLiteFile(path), ROWS)
    return SQLiteFile(path)


@pytest.fixture
def memory() -> Memory:
    """One delivery was sent three times, and acknowledged twice."""
    given = [Acknowledged(IDENTITY, shown("rcp", number), shown("dlv", 1), BODY) for number in (10, 11)]
    return Memory(sends={IDENTITY: 3}, acknowledged=given, known={IDENTITY}, forged=1)


def doctor(database: SQLiteFile, script: str) -> None:
    with closing(sqlite3.connect(database.path)) as connection:
        connection.executescript(f"PRAGMA foreign_keys = OFF; PRAGMA journal_mode = DELETE; {script}")


async def look(database: SQLiteFile, memory: Memory) -> Found:
    """Every check that asks the store."""
    found = await checks.made_whole_or_not_at_all(database)
    found += await checks.acknowledged_is_stored(database, memory)
    found += await checks.recorded_once(database, memory)
    found += await checks.nothing_forged(database, memory)
    found += await checks.open_jobs_are_due(database)
    found += await checks.ended_as_in_truth(database, TRUTH)
    found += await checks.ends_are_final(database)
    found += await checks.accounts_agree(database, TRUTH)
    found += await checks.nothing_waits(database, [shown("act", 50)])
    found += await checks.cancels_are_told(database)
    found += await checks.fences_rise(database, {f"source:{GATEWAY}": 3})
    found += await checks.undamaged(database)
    return found


def breached(found: Found) -> set[str]:
    return {invariant for invariant, what in found.breaches.items() if what}


def test_a_sound_database_passes(database: SQLiteFile, memory: Memory) -> None:
    """
    Nothing is found in what is as it should be, and everything was looked at.
    """
    found = asyncio.run(look(database, memory))

    assert breached(found) == set()
    assert {"I1", "I2", "I3", "I4", "I7", "I11", "I12", "applied"} <= set(found.counts)
    assert (found.counts["lost"], found.counts["twice"]) == (0, 0)


OTHER_TABLE = """
    CREATE TABLE elsewhere AS SELECT * FROM deliveries; DROP TABLE deliveries; ALTER TABLE elsewhere RENAME TO deliveries;"""

DAMAGE = {
    "a receipt is gone": ("DELETE FROM receipts WHERE id = 11", {"I1", "I2"}),
    "a whole delivery is gone": ("DELETE FROM receipts WHERE delivery_id = 1; DELETE FROM deliveries WHERE id = 1", {"I1"}),
    "other bytes": ("UPDATE bodies SET body = x'01' WHERE id = 10", {"I1"}),
    "another key": ("UPDATE deliveries SET delivery_key = 'batch.failed' WHERE id = 1", {"I1"}),
    "a body is gone": ("DELETE FROM bodies WHERE id = 10", {"I1", "I2"}),
    "the sandbox's is gone": ("DELETE FROM receipts WHERE id = 12", {"I1", "I2"}),
    "lost_here": (
        "INSERT INTO failures (id, job, category, code, subject, message, evidence, detected_at) "
        "VALUES (60, 20, 'delivery', 'lost_here', '', '', '{}', 1)",
        {"I1"},
    ),
    "twice": (f"{OTHER_TABLE} INSERT INTO deliveries SELECT * FROM deliveries WHERE id = 1", {"I2", "I12"}),
    "miscounted": ("UPDATE deliveries SET times_received = 1 WHERE id = 1", {"I2"}),
    "more than was sent": (
        "UPDATE deliveries SET times_received = 4 WHERE id = 1; INSERT INTO receipts SELECT id + 10, delivery_id, body_id, "
        "source, digest, received_at, signed_at, secret_index, submission, event_type, event_id, attempt, reported_status, "
        "native_status, progress, unreadable, verdict, judge_after, NULL, NULL FROM receipts WHERE delivery_id = 1",
        {"I2"},
    ),
    "another end": (
        "UPDATE jobs SET status = 'failed'; UPDATE transitions SET to_status = 'failed' WHERE id = 41",
        {"I3"},
    ),
    "a job that nobody made": (
        "INSERT INTO jobs (id, source, kind, job_id, origin, created_at, updated_at, due_at) "
        f"VALUES (21, '{GATEWAY}', 'batch', 'batch_3', 'delivery', 1, 1, {NOW})",
        {"I3"},
    ),
    "an end without a change": ("DELETE FROM transitions WHERE id = 41", {"I4"}),
    "an end by the list": ("UPDATE transitions SET observation = 32 WHERE id = 41", {"I4"}),
    "an end by nothing": ("DELETE FROM observations WHERE id = 31", {"I4", "I12"}),
    "an end that opened again": (
        "UPDATE jobs SET status = 'running'; INSERT INTO transitions "
        "(id, job, revision, from_status, to_status, observation, at) VALUES (42, 20, 1, 'completed', 'running', 30, 1)",
        {"I3", "I4", "I10"},
    ),
    "two ends of one revision": (
        "INSERT INTO transitions (id, job, revision, from_status, to_status, basis, observation, at) "
        "VALUES (42, 20, 1, 'completed', 'completed', 'observed', 31, 1)",
        {"I4"},
    ),
    "forged": (f"UPDATE deliveries SET delivery_key = '{FORGED}1' WHERE id = 2", {"I1", "I7"}),
    "never asked again": ("UPDATE jobs SET status = 'running'", {"I3", "I4", "I10"}),
    "asked again next week": (f"UPDATE jobs SET status = 'running', due_at = {NOW + 7 * 86_400_000_000}", {"I3", "I4", "I10"}),
    "a receipt without a verdict": ("UPDATE receipts SET verdict = NULL WHERE id = 12", {"applied"}),
    "a cancel that waits": ("UPDATE actions SET state = 'asked'", {"applied"}),
    "a cancel that is gone": ("DELETE FROM actions", {"applied"}),
    "a cancel that is told of as somebody else's": (
        "UPDATE jobs SET status = 'cancelled'; UPDATE transitions SET to_status = 'cancelled' WHERE id = 41; "
        "UPDATE actions SET sends = 1; "
        "INSERT INTO failures (id, job, category, code, subject, message, evidence, detected_at) "
        "VALUES (60, 20, 'cancellation', 'cancelled_elsewhere', '', '', '{}', 1)",
        {"I3", "applied"},
    ),
    "a fence that fell": ("UPDATE leases SET fence = 2", {"I11"}),
    "half a migration": ("DROP TABLE tallies", {"I12"}),
    "a row that points nowhere": ("INSERT INTO labels VALUES (1, 'a', 'b'); UPDATE transitions SET job = 99", {"I4", "I12"}),
}  # fmt: skip


@pytest.mark.parametrize(("script", "invariants"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_named(database: SQLiteFile, memory: Memory, script: str, invariants: set[str]) -> None:
    """
    Each damage breaches just the invariants that it is a breach of.
    """
    doctor(database, script)

    assert breached(asyncio.run(look(database, memory))) == invariants


def test_a_torn_page_is_damage(database: SQLiteFile) -> None:
    """
    Bytes that changed in the file are found by the store itself.
    """
    content = bytearray(database.path.read_bytes())
    content[4096 * 2 : 4096 * 2 + 200] = b"\xff" * 200
    database.path.write_bytes(content)

    assert asyncio.run(checks.undamaged(database)).breaches["I12"]


def test_what_was_lost_and_doubled_is_counted(database: SQLiteFile, memory: Memory) -> None:
    """
    The two figures that the run is for.
    """
    doctor(
        database,
        f"{OTHER_TABLE} INSERT INTO deliveries SELECT * FROM deliveries WHERE id = 2; DELETE FROM receipts WHERE id = 10",
    )
    found = asyncio.run(look(database, memory))

    assert (found.counts["lost"], found.counts["twice"]) == (1, 1)


def test_one_receipt_for_two_answers(database: SQLiteFile, memory: Memory) -> None:
    """
    A receipt stands for one request.
    """
    memory.acknowledged[1] = memory.acknowledged[0]

    assert breached(asyncio.run(look(database, memory))) == {"I2"}


SOURCE = '{"timestamp": "%s", "level": "info", "event": "lease_taken", "source": "gateway", "fence": %d}\n'
LOGS: dict[str, tuple[str, str, set[str]]] = {
    "nothing": ("", "", set()),
    "fences that rise": (SOURCE % ("1", 1), SOURCE % ("2", 2), set()),
    "a fence taken twice": (SOURCE % ("1", 1), SOURCE % ("2", 1), {"I11"}),
    "a fence that fell": (SOURCE % ("1", 2), SOURCE % ("2", 1), {"I11"}),
    "an error": ('{"level": "error", "event": "poison"}\n', "", {"log"}),
    "a traceback": ("Traceback (most recent call last):\n", "", {"log"}),
    "a line that a kill cut short": ('{"level": "inf', "", set()),
}


@pytest.mark.parametrize(("first", "second", "invariants"), LOGS.values(), ids=LOGS)
def test_logs(tmp_path: Path, first: str, second: str, invariants: set[str]) -> None:
    """
    Errors, words that are no log, and fences that did not rise are breaches.
    """
    paths = [tmp_path / "1-up.log", tmp_path / "2-up.log"]
    for path, text in zip(paths, (first, second), strict=True):
        path.write_text(text)

    assert breached(logs.read(paths)) == invariants


ANSWERS = {
    "new": (202, "false", 1, set(), set(), set()),
    "a duplicate": (200, "true", 2, set(), set(), set()),
    "an error of ours": (503, "false", 1, set(), set(), {"I9"}),
    "a refusal": (401, "false", 1, set(), set(), {"I9"}),
    "a duplicate of nothing": (200, "true", 1, set(), set(), {"I2"}),
    "new twice": (202, "false", 2, {IDENTITY}, set(), {"I2"}),
    "new, though it was stored": (202, "false", 2, set(), {IDENTITY}, {"I2"}),
}


@pytest.mark.parametrize(("status", "duplicate", "sends", "known", "kept", "invariants"), ANSWERS.values(), ids=ANSWERS)
def test_answers(
    status: int, duplicate: str, sends: int, known: set[Identity], kept: set[Identity], invariants: set[str]
) -> None:
    """
    The load knows an answer that should not be.
    """
    load = Load((1,), random.Random())
    load.memory.sends[IDENTITY], load.memory.known, load.memory.kept = sends, known, kept
    body = f'{{"receipt":"r","delivery":"d","duplicate":{duplicate}}}'.encode()
    load.read(Delivery(*IDENTITY), b"", Answer(status, body))

    assert set(load.memory.complaints) == invariants
