"""The tagger's state, in memory and in one event loop: accounts, Redis, PostgreSQL, workers, listeners."""

import asyncio
from collections import Counter, defaultdict

from sandbox.background import Background
from sandbox.clock import Clock
from sandbox.tagger.accounts import Accounts, User
from sandbox.tagger.documents import read_document
from sandbox.tagger.feeds import Feeds, HangUp
from sandbox.tagger.history import History
from sandbox.tagger.load import Load
from sandbox.tagger.orders import WRONG_KEY, Order, new_job_id
from sandbox.tagger.runs import Run, RunState
from sandbox.tagger.store import StateStore, StoreDown
from sandbox.tagger.switches import Switches
from sandbox.tagger.worker import Worker


class Backend:
    """`asks` counts what was asked about each job, by kind. `kills` tells whoever waited that the server died meanwhile."""

    def __init__(self, clock: Clock, email: str, password: str) -> None:
        self.clock = clock
        self.switches = Switches()
        self.accounts = Accounts(clock, email, password)
        self.store = StateStore(clock.now, lambda: self.switches.redis_down)
        self.history = History(clock.now, lambda: self.switches.postgresql_down)
        self.feeds = Feeds()
        self.load = Load()
        self.busy = asyncio.Lock()
        self.background = Background()
        self.runs: list[Run] = []
        self.asks: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.kills = 0

    def start(self, user: User, order: Order) -> Run:
        """Write it to history, then to Redis, and set a worker to it. Without Redis the row in history stays behind.

        An id that is known is started once more: its state is written over, its results stay.
        """
        switches, now = self.switches, self.clock.now()
        is_key_good = order.config.api_key != WRONG_KEY
        documents = tuple(read_document(row, is_key_good) for row in order.documents)
        run = Run(
            job_id=order.job_id or new_job_id(switches.mode),
            user_id=user.id,
            documents=documents,
            tags=order.config.num_tags,
            model_name=order.config.model_name,
            is_key_good=is_key_good,
            db_job_id=self.history.insert(user.id, documents, order.config.shown()),
            started=now.timestamp(),
        )
        self.store.write(run.job_id, _seed(run), until=self.clock.later(now, switches.ttl_seconds))
        self.runs.append(run)
        run.task = self.background.start(Worker(run, self).work())
        return run

    def count_down(self, switch: str) -> bool:
        """Whether this one of the switches that count still has something to do, which is then done once less."""
        left: int = getattr(self.switches, switch)
        if left:
            self.switches = self.switches.model_copy(update={switch: left - 1})
        return left > 0

    def stop(self) -> None:
        """A graceful stop and a start: whatever ran is cancelled in Redis, and history is not told (contract 8)."""
        for run in self._abandoned():
            try:
                self.store.write(run.job_id, {"status": "cancelled"})
                run.state = RunState.CANCELLED
            except StoreDown:
                run.state = RunState.DEAD
        self._start_again(HangUp.STOPPED)

    def kill(self) -> None:
        """A hard kill and a start: whatever ran stays as it was, and nobody goes on with it."""
        self.kills += 1
        for run in self._abandoned():
            run.state = RunState.DEAD
        self._start_again(HangUp.KILLED)

    def _abandoned(self) -> list[Run]:
        """The open runs, with their workers gone."""
        abandoned = [run for run in self.runs if run.is_open]
        for run in abandoned:
            if run.task:
                run.task.cancel()
        return abandoned

    def _start_again(self, how: HangUp) -> None:
        self.feeds.hang_up(how)
        self.history.is_written = True


def _seed(run: Run) -> dict[str, str]:
    return {
        "status": "pending",
        "total": str(len(run.documents)),
        "processed_count": "0",
        "failed_count": "0",
        "progress": "0.0",
        "user_id": run.user_id,
        "db_job_id": run.db_job_id or "",
        "start_time": str(run.started),
    }
