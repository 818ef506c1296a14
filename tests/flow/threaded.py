"""A receiver in a thread of its own, so that plain sockets can ask it, and all that a request could have changed there."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from receiving import House, house

from schemas.tables import SQLModel

PATIENCE = 10
# What is noted of a request that was not accepted.
NOTES = frozenset({"refusals", "refused_requests", "tallies", "hourly_tallies", "totals"})
TABLES = sorted(SQLModel.metadata.tables.keys() - NOTES)


@dataclass
class Running:
    here: House

    def ask(self, request: bytes) -> bytes:
        """Send, and read until an answer has come or the other side has closed."""
        with socket.create_connection(("127.0.0.1", self.here.port), timeout=PATIENCE) as wire:
            answer = b""
            try:
                wire.sendall(request)
                while part := wire.recv(65_536):
                    answer += part
                    if answer.count(b"\r\n\r\n") and b"connection: close" not in answer:
                        break
            except ConnectionError:
                pass
            return answer

    def effects(self) -> tuple[int, ...]:
        """How many rows there are in each table but those of notes, and how many files beside the database's own."""
        counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in TABLES)  # noqa: S608
        files = [path for path in self.here.path.parent.iterdir() if not path.name.startswith(self.here.path.name)]
        return (*self.here.rows(f"SELECT {counts}")[0], len(files))


NOTHING = (0,) * (len(TABLES) + 1)


def status_of(answer: bytes) -> int | None:
    return int(answer[9:12]) if answer else None


@contextmanager
def started(folder: Path, url: str | None = None, patience: float = PATIENCE) -> Iterator[Running]:
    """Start one that waits so many seconds for a request to be whole. `url` of a server's database; None: a SQLite file."""
    up, found, ends = threading.Event(), list[House](), list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]()

    async def serve() -> None:
        async with house(folder, url=url, read_timeout_seconds=patience, refusals_per_minute=1_000_000) as here:
            end = asyncio.Event()
            found.append(here)
            ends.append((asyncio.get_running_loop(), end))
            up.set()
            await end.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(PATIENCE)
    try:
        yield Running(found[0])
    finally:
        loop, end = ends[0]
        loop.call_soon_threadsafe(end.set)
        thread.join(PATIENCE)
    assert not thread.is_alive()
