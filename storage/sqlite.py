"""What every connection to the SQLite file has in common, whoever opens it."""

import os
import sys
from pathlib import Path

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
        UnsafeDatabaseFile: it is a symbolic link or no plain file, or its folder is missing or closed to us.
    """
    if path.is_symlink():
        raise UnsafeDatabaseFile(f"{path} is a symbolic link; name the file itself in [database] url")
    if path.exists() and not path.is_file():
        raise UnsafeDatabaseFile(f"{path} is not a file; name a file in [database] url")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600))
    except OSError as error:
        raise UnsafeDatabaseFile(
            f"cannot open {path}: {error.strerror}; make its folder, or name another file in [database] url"
        ) from None
