"""Noticing that another process has written: SQLite keeps a number that every foreign commit changes."""

import sqlite3
from pathlib import Path
from urllib.parse import quote

INTERVAL_SECONDS = 0.2


class Watch:
    """Asked a few times a second. The number costs a look at shared memory, no query."""

    def __init__(self, path: Path) -> None:
        address = f"file:{quote(str(path.resolve()))}?mode=ro"
        self._connection = sqlite3.connect(address, uri=True, check_same_thread=False)
        self._seen = self._version()

    def has_changed(self) -> bool:
        """Whether anything was committed since the last call."""
        version = self._version()
        changed, self._seen = version != self._seen, version
        return changed

    def close(self) -> None:
        self._connection.close()

    def _version(self) -> int:
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version
