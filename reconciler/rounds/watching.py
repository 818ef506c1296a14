"""The watch round: jobs that somebody looks at are followed over sockets, and asked about often where there is none."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.apply import apply, claimed
from reconciler.live import Live, Parties, Word
from reconciler.owned import Owned
from reconciler.record import observation_row
from reconciler.rounds.each import write_each
from reconciler.watching import Tries, between, is_to_be_asked
from reconciler.websocket import Bounds, WebSocketClient
from schemas.readings import Question, Troubled
from schemas.tables import JobRow, ObservationRow
from schemas.words import Asked, Status
from storage import jobs, observations, watches

log = structlog.get_logger()

MOST_WATCHED, MOST_SOCKETS = 100, 4
BATCH = 25  # nobody else writes meanwhile: not the receiver either


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be written about one watched job, and what of its socket's news that takes in."""

    job: JobRow
    changes: dict[str, Any]
    rows: Sequence[ObservationRow]
    news: Word | None
    trouble: Troubled | None


class WatchRound:
    """The watch round of one source."""

    def __init__(self, owned: Owned) -> None:
        self._owned = owned
        # The first message of a socket may be all that there is of a long job, where an answer may be that large.
        largest = max(Bounds().message_bytes, owned.source.max_answer_bytes or 0)
        bounds = Bounds(silence=owned.dialect.socket_silence, message_bytes=largest, bytes_a_minute=4 * largest)
        client = WebSocketClient(owned.source.base_url, owned.authorization, bounds)
        self._parties = Parties(client, owned.dialect, owned.clock, owned.woken.set)
        self._sockets: dict[int, Live] = {}
        self._tries: dict[int, Tries] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def run_once(self, now: int) -> int:
        """Close the sockets that nobody needs, take in what the others have said, and open new ones. To how many jobs that was
        news."""
        owned = self._owned
        async with owned.store.reading() as connection:
            clock = owned.store.engine.lease_clock(now)
            watched = await watches.watched(connection, owned.source.name, MOST_WATCHED, clock)
        self._let_go({job.id for job in watched})
        steps = [step for job in watched if (step := self._step(job, len(watched), now))]
        await self._write(steps, now)
        self._open(watched, now)
        return len(steps)

    async def stop(self) -> None:
        """Close every socket."""
        self._let_go(())
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _let_go(self, watched: Collection[int]) -> None:
        for number in self._sockets.keys() - watched:
            task = self._sockets.pop(number).task
            task.cancel()
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        for number in self._tries.keys() - watched:
            del self._tries[number]

    def _step(self, job: JobRow, watched: int, now: int) -> Step | None:
        owned, live = self._owned, self._sockets.get(job.id)
        changes: dict[str, Any] = {}
        rows = []
        for word in live.words() if live else ():
            applied = apply(job, Asked.SOCKET, word.at, word.said, owned.rules_for(job), now)
            rows.append(observation_row(owned, job, Asked.SOCKET, word.said, applied, None, now))
            changes |= applied.changes
        if "wanted_at" not in changes and self._wants(job, live.status if live else None, watched, now):
            changes |= claimed(job, None, now)
        news, trouble = (live.news, live.trouble) if live else (None, None)
        return Step(job, changes, rows, news, trouble) if changes or news or trouble else None

    def _wants(self, job: JobRow, live: Status | None, watched: int, now: int) -> bool:
        owned = self._owned
        if owned.circuit.asking_again_at is not None:
            return False
        return is_to_be_asked(job, live, between(watched, owned.budget.per_minute), now)

    async def _write(self, steps: Sequence[Step], now: int) -> None:
        async def write(connection: AsyncConnection, step: Step) -> None:
            for row in step.rows:
                await observations.observe(connection, row)
            if step.changes:
                await jobs.change(connection, step.job.id, step.changes, now)

        async def set_aside(_connection: AsyncConnection, _step: Step) -> None:
            """What a socket says is only shown: the job is asked about all the same."""

        for start in range(0, len(steps), BATCH):
            await write_each(self._owned, steps[start : start + BATCH], write, set_aside, ("", ""))
        for step in steps:
            self._taken_in(step)

    def _taken_in(self, step: Step) -> None:
        live = self._sockets.get(step.job.id)
        if live is not None and live.news is step.news:
            live.news = None
        if live is not None and step.trouble is not None:
            self._ended(step.job, live, step.trouble)

    def _ended(self, job: JobRow, live: Live, trouble: Troubled) -> None:
        """Forget a socket that has ended, and when to try again."""
        del self._sockets[job.id]
        tries, lived = self._tries.get(job.id, Tries()), live.ended_at - live.began_at
        self._tries[job.id] = tries.ended(lived, trouble.retry_after, self._owned.jitter(), live.ended_at)
        log.info("socket_ended", source=job.source, job_id=job.job_id, message=trouble.message, ignored=live.ignored)

    def _open(self, watched: Collection[JobRow], now: int) -> None:
        owned = self._owned
        for job in watched:
            is_open = job.id in self._sockets or len(self._sockets) + len(self._closing) >= MOST_SOCKETS
            if is_open or now < self._tries.get(job.id, Tries()).again_at:
                continue
            question = self._question(job)
            if question is None or owned.circuit.asking_again_at is not None or not owned.may_start(now):
                continue
            owned.spend()
            self._sockets[job.id] = Live(self._parties, job.kind, job.job_id, question)
            log.info("socket_opening", source=job.source, job_id=job.job_id)

    def _question(self, job: JobRow) -> Question | None:
        """Always where the dialect itself knows the socket: a URL that the provider offered is not followed."""
        owned = self._owned
        if job.kind not in owned.dialect.kinds:
            return None
        return owned.dialect.socket(owned.source.base_url, job.kind, job.job_id)
