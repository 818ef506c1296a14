"""A load generator that costs little: raw connections that are kept open, requests that were made beforehand."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Measured:
    """What one run saw. Latencies in seconds; statuses by their first digit."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last one was answered."""

    def __init__(self, requests: Iterator[bytes], until: float, measured: Measured) -> None:
        self.requests = requests
        self.until = until
        self.measured = measured
        self.buffer = b""
        self.sent_at = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        request = next(self.requests, None)
        if request is None or time.perf_counter() >= self.until:
            self.transport.close()
            return
        self.sent_at = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not separator or len(body) < _length(head):
            return
        self.measured.latencies.append(time.perf_counter() - self.sent_at)
        status = int(head[9:12])
        self.measured.statuses[status] = self.measured.statuses.get(status, 0) + 1
        self.buffer = b""
        self.send()

    def connection_lost(self, _error: Exception | None) -> None:
        self.done.set_result(None)


def _length(head: bytes) -> int:
    """The announced length of an answer's body; each of ours announces one."""
    after = head.lower().partition(b"content-length: ")[2]
    return int(after.partition(b"\r\n")[0])


async def run(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Measured:
    """Ask 127.0.0.1 over so many connections until the time or the requests are over."""
    measured = Measured()
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    made = [
        await loop.create_connection(lambda: _Connection(requests, began + seconds, measured), "127.0.0.1", port)
        for _ in range(connections)
    ]
    for _, connection in made:
        await connection.done
    measured.seconds = time.perf_counter() - began
    return measured
