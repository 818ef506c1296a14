"""What every connection to the SQLite file has in common, whoever opens it."""

import errno
import fcntl
import os
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path

from storage.sqlite import wal

BUSY_SECONDS = 5

# FULL, because a delivery that we acknowledged has to survive a power cut, not only a crash.
PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}",
    "PRAGMA foreign_keys=ON",
    *(("PRAGMA fullfsync=ON", "PRAGMA checkpoint_fullfsync=ON") if sys.platform == "darwin" else ()),
)
READ_PRAGMAS = (*PRAGMAS, "PRAGMA query_only=ON")


class UnsafeDatabaseFile(Exception):
    """The database file cannot be used as it is. The message says why and what to do."""


def claim_file(path: Path) -> None:
    """Create the file, for our eyes only, if it is not there yet.

    Raises:
        UnsafeDatabaseFile: it is a symbolic link or no plain file, its folder is missing or closed to us, or it has lost what
            it held.
    """
    try:
        if path.is_symlink():
            raise UnsafeDatabaseFile(f"{path} is a symbolic link; name the file itself in [database] url")
        if path.exists() and not path.is_file():
            raise UnsafeDatabaseFile(f"{path} is not a file; name a file in [database] url")
        if wal.is_damaged(path):
            raise UnsafeDatabaseFile(
                f"{wal.wal_of(path)} is damaged, and with it the latest commits of {path.name}; both were left as they are. "
                "Restore them from a backup; or, to go on without those commits, move the damaged file away"
            )
        _create(path)
    except (OSError, sqlite3.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        way_out = "let this user write there" if isinstance(error, PermissionError) else "make its folder"
        raise UnsafeDatabaseFile(
            f"cannot open {path}: {why}; {way_out}, or name another file in [database] url"
        ) from None


def _create(path: Path) -> None:
    # A file that is there is not opened here: to close it would take away the locks that SQLite holds on it for the
    # whole process, and then another process that ends believes itself the last and deletes the WAL under us.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    if not os.access(path, os.R_OK | os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    if path.stat().st_size == 0:
        _begin_wal(path)


def _begin_wal(path: Path) -> None:
    """
    Put a new file into WAL mode, one process after the other: two that do it at once would fail, not wait.

    An empty file that is not new has been cut off, and is no place to begin anew as if nothing had been.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if path.stat().st_size == 0 and _was_used(path):
            raise UnsafeDatabaseFile(
                f"{path} is empty, and a service has kept its ledger there before; it was left as it is. "
                f"Restore it from a backup; or, to begin anew, remove it and what lies beside it as {path.name}-..."
            )
        with closing(sqlite3.connect(path.absolute(), timeout=BUSY_SECONDS)) as connection:
            connection.execute(PRAGMAS[0])
    finally:
        os.close(folder)


def _was_used(path: Path) -> bool:
    """Do locks or a log lie beside it? Whoever makes a new file has come here before those can be."""
    return any(
        one.name.startswith(f"{path.name}-") and one.name.endswith(("-wal", ".lock"))
        for one in path.resolve().parent.iterdir()
    )
