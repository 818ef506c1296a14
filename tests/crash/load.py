"""The load: a provider that signs and sends deliveries, remembers each 2xx that it got, and sends again what got none."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from json import dumps

from sandbox.account import MAX_ATTEMPTS
from sandbox.deliveries import headers_for, signed_headers
from sandbox.signing import event_id

from .place import ELSEWHERE, GATEWAY, SECRETS
from .wire import Answer, Line

PAUSE_SECONDS = 0.15  # between two requests of one connection: the machine has other things to do
REFUSED_PAUSE_SECONDS = 0.02
FORGED = "batch.forged:"
Identity = tuple[str, str, str]  # source, job id, delivery key


@dataclass
class Delivery:
    """One event of one job, and how sending it went."""

    source: str
    job: str
    key: str
    status: str = "in_progress"
    sends: int = 0

    @property
    def identity(self) -> Identity:
        return self.source, self.job, self.key

    @property
    def attempt(self) -> int:
        """As the gateway counts, which never says more than four."""
        return min(self.sends, MAX_ATTEMPTS)

    def body(self) -> bytes:
        """What the next request carries. Each attempt's body differs from the last, as the gateway's do."""
        document = {
            "id": event_id("batch", self.job, self.key),
            "type": self.key.partition(":")[0],
            "created_at": int(datetime.now(UTC).timestamp()),
            "delivery": {"key": self.key, "attempt": self.attempt, "max_attempts": MAX_ATTEMPTS},
            "data": {"id": self.job, "object": "batch", "kind": "batch", "status": self.status},
        }
        return dumps(document, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Acknowledged:
    """One 2xx: what it promised, and the bytes that it was given for."""

    identity: Identity
    receipt: str
    delivery: str
    body: bytes


@dataclass
class Memory:
    """What a provider knows: what it sent, and which answers it got."""

    sends: dict[Identity, int] = field(default_factory=dict)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    known: set[Identity] = field(default_factory=set)  # of every 2xx
    duplicates: int = 0  # answers that called it a duplicate
    lost: set[str] = field(default_factory=set)  # receipts that were found missing
    doubled: set[Identity] = field(default_factory=set)
    kept: set[Identity] = field(default_factory=set)  # seen in the store after a kill, without ever a 2xx
    cut: set[Identity] = field(default_factory=set)  # a connection broke before their answer
    in_the_air: set[Identity] = field(default_factory=set)
    unanswered: int = 0  # requests whose connection broke before an answer
    forged: int = 0  # requests that are not authentic, and were answered
    complaints: dict[str, list[str]] = field(default_factory=dict)  # answers that should not be, by invariant

    def at_rest(self) -> dict[Identity, int]:
        """Deliveries that were cut off, never acknowledged, and are not being sent now: how often each was sent."""
        return {identity: self.sends[identity] for identity in self.cut - self.known - self.in_the_air}

    def complain(self, invariant: str, what: str) -> None:
        self.complaints.setdefault(invariant, []).append(what)


class Load:
    """Sends until its block ends. `memory` is what came of it."""

    def __init__(self, ports: tuple[int, ...], chance: random.Random, senders: int = 8) -> None:
        self.memory = Memory()
        self.jobs: list[str] = []  # at the sandbox, to be spoken of
        self._ports, self._chance, self._senders = ports, chance, senders
        self._again: deque[Delivery] = deque()
        self._made = 0
        self._is_making = True
        self._answered = asyncio.Condition()

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(self._send_for_ever(Line(self._ports[n % len(self._ports)])))
            for n in range(self._senders)
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        broken = [each for each in outcomes if not isinstance(each, asyncio.CancelledError)]
        if broken:
            raise ExceptionGroup("the load broke", [each for each in broken if isinstance(each, Exception)])

    def announce(self, job: str) -> None:
        """Send a delivery about a job that nobody here has heard of yet."""
        self.jobs.append(job)
        self._again.append(Delivery(GATEWAY, job, "batch.progress:0"))

    async def answers(self, more: int) -> None:
        """Wait until so many more deliveries were acknowledged."""
        wanted = len(self.memory.acknowledged) + more
        async with self._answered:
            await self._answered.wait_for(lambda: len(self.memory.acknowledged) >= wanted)

    async def finish(self) -> None:
        """Make nothing new, and wait until all that was made is acknowledged."""
        self._is_making = False
        async with self._answered:
            await self._answered.wait_for(lambda: not self._again and not self.memory.in_the_air)

    async def _send_for_ever(self, line: Line) -> None:
        try:
            while True:
                if self._chance.random() < 0.04 and self._is_making:
                    await self._forge(line)
                if self._again or self._is_making:
                    await self._deliver(line, self._again.popleft() if self._again else self._new())
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            line.close()

    def _new(self) -> Delivery:
        self._made += 1
        key = f"batch.progress:{self._made}"
        if not self.jobs or self._chance.random() < 0.7:
            return Delivery(ELSEWHERE, f"batch_elsewhere_{self._made // 3}", key)
        # A webhook is evidence, never truth: some lie.
        status = "completed" if self._chance.random() < 0.1 else "in_progress"
        return Delivery(GATEWAY, self._chance.choice(self.jobs[-20:]), key, status)

    async def _deliver(self, line: Line, delivery: Delivery) -> None:
        self.memory.in_the_air.add(delivery.identity)
        try:
            if not await self._acknowledged(line, delivery):
                self._again.append(delivery)
            elif self._is_making and self._chance.random() < 0.15:
                self._again.append(delivery)  # a provider that did not understand the answer
        finally:
            self.memory.in_the_air.remove(delivery.identity)
        async with self._answered:
            self._answered.notify_all()

    async def _acknowledged(self, line: Line, delivery: Delivery) -> bool:
        delivery.sends += 1
        body = delivery.body()
        sends = self.memory.sends
        sends[delivery.identity] = sends.get(delivery.identity, 0) + 1
        try:
            answer = await self._post(line, delivery, body, datetime.now(UTC))
        except ConnectionRefusedError:
            delivery.sends -= 1
            sends[delivery.identity] -= 1
            await asyncio.sleep(REFUSED_PAUSE_SECONDS)
            return False
        except OSError:
            self.memory.unanswered += 1
            self.memory.cut.add(delivery.identity)
            return False
        return self.read(delivery, body, answer)

    def read(self, delivery: Delivery, body: bytes, answer: Answer) -> bool:
        """Take in the answer to one authentic request. Whether it was a 2xx."""
        memory, identity = self.memory, delivery.identity
        if answer.status >= 500:
            memory.complain("I9", f"{identity} was answered {answer.status} {answer.body!r}")
            return False
        if answer.status not in (200, 202):
            memory.complain("I9", f"{identity}, authentic, was answered {answer.status} {answer.body!r}")
            return False
        told = answer.told()
        if told["duplicate"]:
            memory.duplicates += 1
            if memory.sends[identity] < 2:
                memory.complain("I2", f"{identity} was called a duplicate when it was sent for the first time")
        elif identity in memory.known:
            memory.complain("I2", f"{identity} was acknowledged as new for the second time")
        if identity in memory.kept and identity not in memory.known and not told["duplicate"]:
            memory.complain("I2", f"{identity} was stored when its first answer died, and then acknowledged as new")
        memory.known.add(identity)
        memory.acknowledged.append(Acknowledged(identity, told["receipt"], told["delivery"], body))
        return True

    async def _post(self, line: Line, delivery: Delivery, body: bytes, at: datetime, secret: str = "") -> Answer:
        headers = headers_for(delivery.job, delivery.key, delivery.attempt)
        headers |= signed_headers(secret or SECRETS[delivery.source], at, body)
        return await line.post(f"/webhooks/{delivery.source}", headers, body)

    async def _forge(self, line: Line) -> None:
        """Something that is not authentic: another's secret, changed bytes, an old time, or a key that contradicts the body."""
        self._made += 1
        delivery = Delivery(ELSEWHERE, "batch_forged", f"{FORGED}{self._made}", sends=1)
        body, at, way = delivery.body(), datetime.now(UTC), self._made % 4
        try:
            if way == 0:
                answer = await self._post(line, delivery, body, at, SECRETS[GATEWAY])
            elif way == 1:
                answer = await self._post(line, delivery, body, at - timedelta(seconds=400))
            else:
                headers = headers_for(delivery.job, delivery.key, 1) | signed_headers(SECRETS[ELSEWHERE], at, body)
                changes = {"x-phaseo-delivery-key": "batch.completed"} if way == 2 else {}
                sent = body if way == 2 else body.replace(b"in_progress", b"completed")
                answer = await line.post(f"/webhooks/{ELSEWHERE}", headers | changes, sent)
        except OSError:
            return
        self.memory.forged += 1
        if answer.status != 401:
            self.memory.complain("I7", f"{delivery.key}, which is not authentic, was answered {answer.status}")
