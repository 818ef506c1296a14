"""A lock that lives as long as its process: on one machine it tells at once that a holder is gone, without waiting."""

import fcntl
import os
from pathlib import Path


class FileLock:
    """Holds an exclusive lock on a small file beside the database."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock; False while another process, or another holder in this one, has it."""
        descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def beside(database: Path, name: str) -> Path:
    """Where the lock of this name lies: beside the database, whatever way that was named."""
    whole = database.resolve()
    return whole.with_name(f"{whole.name}-{name}.lock")
