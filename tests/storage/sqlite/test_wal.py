"""A log of late commits that cannot be read is found before SQLite passes over it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from storage.sqlite.file import UnsafeDatabaseFile, claim_file
from storage.sqlite.wal import is_damaged, wal_of


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    """A database that is in use, with commits in its log."""
    path = tmp_path / "ledger.db"
    claim_file(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE one (number)")
        yield path


def test_a_log_in_use_is_sound(database: Path) -> None:
    """What SQLite itself writes is never refused, however often it begins its log anew."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        for number in range(20):
            other.execute("INSERT INTO one VALUES (?)", (number,))
            assert wal_of(database).stat().st_size > 32
            assert not is_damaged(database)
            other.execute("PRAGMA wal_checkpoint(RESTART)")


@pytest.mark.parametrize("content", [b"", b"\xa5" * 32])
def test_a_log_without_commits_holds_nothing_to_lose(database: Path, content: bytes) -> None:
    """None, an empty one, and one with nothing after its beginning."""
    assert not is_damaged(database.with_name("other.db"))
    wal_of(database).write_bytes(content)
    assert not is_damaged(database)


@pytest.mark.parametrize("at", range(32))
def test_any_wrong_byte_of_its_beginning(database: Path, at: int) -> None:
    """Each byte counts, and the file is refused with advice."""
    log = bytearray(wal_of(database).read_bytes())
    log[at] ^= 0xFF
    wal_of(database).write_bytes(log)

    with pytest.raises(UnsafeDatabaseFile, match=r"damaged.*Restore"):
        claim_file(database)


def test_an_emptied_file_is_not_begun_anew(tmp_path: Path) -> None:
    """An empty file beside which a service has left its lock is refused; one that somebody has just made is not."""
    path = tmp_path / "ledger.db"
    path.touch()
    path.with_name("ledger.db-receiver.lock").touch()
    with pytest.raises(UnsafeDatabaseFile, match=r"empty.*Restore"):
        claim_file(path)
    assert path.stat().st_size == 0

    path.with_name("ledger.db-receiver.lock").unlink()
    claim_file(path)
    assert path.stat().st_size > 0
