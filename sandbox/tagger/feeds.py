"""Who listens to a job over a WebSocket, and what they are sent. Nobody who comes later hears what was said before."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any


class HangUp(Enum):
    """The end of a connection that no frame tells of."""

    GONE = "the caller has left"
    STOPPED = "the server stops, and closes properly"
    KILLED = "the server is gone"


Heard = dict[str, Any] | HangUp
Channel = asyncio.Queue[Heard]


class Feeds:
    def __init__(self) -> None:
        self._open: defaultdict[str, set[Channel]] = defaultdict(set)

    @contextmanager
    def listening(self, job_id: str) -> Iterator[Channel]:
        channel: Channel = asyncio.Queue()
        self._open[job_id].add(channel)
        try:
            yield channel
        finally:
            self._open[job_id].discard(channel)
            if not self._open[job_id]:
                del self._open[job_id]

    def publish(self, job_id: str, message: dict[str, Any]) -> None:
        for channel in self._open.get(job_id, ()):
            channel.put_nowait(message)

    def hang_up(self, how: HangUp) -> None:
        for channels in self._open.values():
            for channel in channels:
                channel.put_nowait(how)
