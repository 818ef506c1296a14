"""Each check of the work itself finds what it is there to find: what is sound is doctored, and the breach is named."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from schemas.ids import shown

from . import work_checks
from .checks import Found
from .downstream import Told
from .place import GATEWAY
from .stores import SQLiteFile
from .test_checks import breached, doctor

INPUT, OUTPUT = b"asked", b"answered"
STAGED, STAGED_TOO, FETCHED = (
    f"{GATEWAY}/{name}" for name in ("inputs/1.jsonl", "inputs/2.jsonl", "outputs/job/1.jsonl")
)
NAME = "requests-0001.jsonl"
TRUTH = {"batch_1": {}, "batch_2": {}}
MADE_OF = {"file-1": 1, "file-2": 1}


def submission(number: int, staged: str) -> str:
    return (
        "INSERT INTO submissions (id, source, shard, state, staged_as, input_name, input_sha256, input_bytes, row_count, "
        "details, input_file_id, job_id, tries, sent_bytes, create_sent_at, created_at, updated_at) VALUES "
        f"({number}, '{GATEWAY}', {number}, 'created', '{staged}', '{NAME}', '{sha256(INPUT).hexdigest()}', {len(INPUT)}, 2, "
        f"'{{}}', 'file-{number}', 'batch_{number}', 0, 0, 1, 1, 1);"
    )


ROWS = f"""
{submission(1, STAGED)}
{submission(2, STAGED_TOO)}
INSERT INTO jobs (id, source, kind, job_id, origin, status, basis, revision, created_at, updated_at, ended_at, ready_at) VALUES
    (20, '{GATEWAY}', 'batch', 'batch_1', 'submit', 'completed', 'observed', 1, 1, 1, 1, 1);
INSERT INTO outputs (id, job, role, file_id, state, size, stored_as, sha256, named_at) VALUES
    (30, 20, 'output', 'file-out', 'fetched', {len(OUTPUT)}, '{FETCHED}', '{sha256(OUTPUT).hexdigest()}', 1);
INSERT INTO handoffs (id, about, subject, source, target, revision, event, state, attempts, made_at) VALUES
    (40, 'job', 20, '{GATEWAY}', 'downstream', 1, '', 'done', 2, 1);
"""
REFUSED = Told(shown("hnd", 40), shown("job", 20), 1, b"event", is_taken=False)
TAKEN = replace(REFUSED, is_taken=True)


@pytest.fixture
def database(tmp_path: Path, empty: bytes) -> SQLiteFile:
    path = tmp_path / "ledger.db"
    path.write_bytes(empty)
    doctor(SQLiteFile(path), ROWS)
    return SQLiteFile(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where its files are."""
    folder = tmp_path / "data"
    for name, content in ((STAGED, INPUT), (STAGED_TOO, INPUT), (FETCHED, OUTPUT)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


async def look(
    database: SQLiteFile, folder: Path, told: tuple[Told, ...] = (REFUSED, TAKEN), made_of: dict[str, int] = MADE_OF
) -> Found:
    """Every check of the work."""
    found = await work_checks.work_is_done(database)
    found += await work_checks.submissions_are_whole(database, {NAME})
    found += await work_checks.submitted_once(database, TRUTH, made_of)
    found += await work_checks.outputs_are_whole(database, folder)
    found += await work_checks.nothing_else_is_there(database, folder)
    found += await work_checks.handed_on_under_one_id(database, told)
    return found


def test_sound_work_passes(database: SQLiteFile, folder: Path) -> None:
    """
    Nothing is found in what is as it should be, and everything was looked at.
    """
    found = asyncio.run(look(database, folder))

    assert breached(found) == set()
    assert {"I5", "I6", "applied", "submit"} <= set(found.counts)
    counted = ("created", "unconfirmed", "files", "handed on", "told again")
    assert [found.counts[name] for name in counted] == [2, 0, 3, 1, 1]


def test_what_nobody_can_tell_may_be_given_to_a_person(database: SQLiteFile, folder: Path) -> None:
    """
    That is a submission whose create was committed to be sent, and of which no list shows a batch. One that is there is found.
    """
    doctor(database, "UPDATE submissions SET state = 'unconfirmed', job_id = NULL WHERE id = 1")
    found = asyncio.run(look(database, folder, made_of={"file-2": 1}))

    assert (breached(found), found.counts["unconfirmed"]) == (set(), 1)
    assert breached(asyncio.run(look(database, folder))) == {"submit"}


DAMAGE = {
    "a submission that waits": ("UPDATE submissions SET state = 'uploaded' WHERE id = 1", {"applied", "submit"}),
    "a submission that was refused": ("UPDATE submissions SET state = 'refused' WHERE id = 1", {"applied", "submit"}),
    "given to a person before its create": (
        "UPDATE submissions SET state = 'unconfirmed', create_sent_at = NULL WHERE id = 1",
        {"submit"},
    ),
    "half a group": ("DELETE FROM submissions WHERE id = 1", {"submit", "I6"}),
    "nothing of a group": ("DELETE FROM submissions", {"submit", "I6"}),
    "a batch that nobody made": ("UPDATE submissions SET job_id = 'batch_3' WHERE id = 1", {"submit"}),
    "two with one batch": ("UPDATE submissions SET job_id = 'batch_2' WHERE id = 1", {"submit"}),
    "a job that is not ready": ("UPDATE jobs SET ready_at = NULL", {"applied"}),
    "an output to be fetched": ("UPDATE outputs SET due_at = 1", {"applied"}),
    "a hand-off that waits": ("UPDATE handoffs SET state = 'waiting'", {"applied", "I5"}),
    "a hand-off that is dead": ("UPDATE handoffs SET state = 'dead'", {"I5"}),
    "no hand-off": ("DELETE FROM handoffs", {"I5"}),
    "a hand-off of another revision": ("UPDATE handoffs SET revision = 2", {"I5"}),
    "two hand-offs of one end": (
        "INSERT INTO handoffs (id, about, subject, source, target, revision, event, state, attempts, made_at) "
        f"VALUES (41, 'job', 20, '{GATEWAY}', 'other', 1, '', 'done', 1, 1)",
        {"I5"},
    ),
    "an attempt that was not counted": ("UPDATE handoffs SET attempts = 1", {"I5"}),
    "another size": ("UPDATE outputs SET size = 1", {"I6"}),
    "another digest": ("UPDATE outputs SET sha256 = 'other'", {"I6"}),
    "another input": ("UPDATE submissions SET input_sha256 = 'other' WHERE id = 1", {"I6"}),
    "a file without a row": ("DELETE FROM outputs", {"I6"}),
}  # fmt: skip


@pytest.mark.parametrize(("script", "invariants"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_named(database: SQLiteFile, folder: Path, script: str, invariants: set[str]) -> None:
    """
    Each damage breaches just the invariants that it is a breach of.
    """
    doctor(database, script)

    assert breached(asyncio.run(look(database, folder))) == invariants


FILES: dict[str, Callable[[Path], object]] = {
    "cut": lambda folder: (folder / FETCHED).write_bytes(OUTPUT[:-1]),
    "changed": lambda folder: (folder / FETCHED).write_bytes(OUTPUT[::-1]),
    "gone": lambda folder: (folder / FETCHED).unlink(),
    "an input that is gone": lambda folder: (folder / STAGED).unlink(),
    "one more": lambda folder: (folder / FETCHED).with_name("2.jsonl").write_bytes(OUTPUT),
    "half written": lambda folder: _left(folder / GATEWAY / "outputs" / work_checks.PARTIAL / "1"),
}


def _left(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", FILES.values(), ids=FILES)
def test_files_that_are_not_whole(database: SQLiteFile, folder: Path, damage: Callable[[Path], object]) -> None:
    """
    A file that is not as its row says, that has no row, or that was left half written, is a breach.
    """
    damage(folder)

    assert breached(asyncio.run(look(database, folder))) == {"I6"}


TELLING = {
    "done, and nobody took it": (REFUSED,),
    "under another id": (TAKEN, replace(TAKEN, handoff=shown("hnd", 41))),
    "with other bytes": (TAKEN, replace(TAKEN, event=b"other")),
    "more often than counted": (REFUSED, REFUSED, TAKEN),
    "of another job": (TAKEN, replace(TAKEN, job=shown("job", 21))),
    "of another revision": (TAKEN, replace(TAKEN, revision=2)),
}


@pytest.mark.parametrize("told", TELLING.values(), ids=TELLING)
def test_what_was_told_wrong(database: SQLiteFile, folder: Path, told: tuple[Told, ...]) -> None:
    """
    What downstream was told is compared with what stands in the outbox.
    """
    assert breached(asyncio.run(look(database, folder, told))) == {"I5"}


def test_a_file_of_which_two_batches_were_made(database: SQLiteFile, folder: Path) -> None:
    """
    However the creates were answered.
    """
    found = asyncio.run(look(database, folder, made_of={"file-1": 2, "file-2": 1}))

    assert breached(found) == {"submit"}
