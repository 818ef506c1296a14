"""One socket about one job: what it has said and nobody has taken in yet."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from reconciler.asking import BROKEN
from reconciler.websocket import WebSocketClient
from schemas.dialects import Dialect
from schemas.readings import Deleted, Denied, Ignored, Observation, Observed, Question, Troubled
from schemas.words import Status

log = structlog.get_logger()

DELETED = Denied("its socket says that the provider holds it no more")


@dataclass(frozen=True, slots=True)
class Word:
    """What a socket said about its job, or what ended it; and when, in microseconds."""

    at: int
    said: Observation | Denied | Troubled


@dataclass(frozen=True, slots=True)
class Parties:
    """Who is listened to, in which language, and who wants to know."""

    client: WebSocketClient
    dialect: Dialect
    clock: Callable[[], int]
    woken: Callable[[], None]


class Live:
    """Listens from its making until it ends by itself or is stopped."""

    def __init__(self, parties: Parties, kind: str, job_id: str, question: Question) -> None:
        self._parties, self._kind, self._job_id = parties, kind, job_id
        self._question = question
        self.began_at = parties.clock()
        self.status: Status | None = None  # by its newest word, as long as it lives
        self.ignored = 0  # messages that should say something of the job, and do not
        self.news: Word | None = None  # the newest word that nobody has taken in yet
        self.trouble: Troubled | None = None  # once it has ended by itself
        self.ended_at = 0
        self._last: Observation | Denied | None = None
        self.task = asyncio.create_task(self._listen())

    def words(self) -> list[Word]:
        """What is to be written down: its news, and the trouble that ended it. That it was closed when it had told the job's
        end is none."""
        told = [self.news] if self.news else []
        is_over = isinstance(self._last, Observation) and self._last.status.is_terminal
        return told if self.trouble is None or is_over else [*told, Word(self.ended_at, self.trouble)]

    async def _listen(self) -> None:
        parties = self._parties
        try:
            trouble = await parties.client.listen(self._question, parties.dialect.socket_ping, self._take)
        except Exception:
            # An error of ours while listening: it ends this socket, and the job is asked about instead.
            log.exception("socket_broke", job_id=self._job_id)
            trouble = BROKEN
        self.status, self.trouble, self.ended_at = None, trouble, parties.clock()
        parties.woken()

    def _take(self, message: str) -> None:
        match self._parties.dialect.read_socket(self._kind, self._job_id, message):
            case Observed(observation):
                self.status = observation.status
                self._hear(replace(observation, bookkeeping={}))
            case Deleted():
                self.status = None
                self._hear(DELETED)
            case Ignored(reason):
                self.ignored += reason is not None

    def _hear(self, said: Observation | Denied) -> None:
        """Only what differs from the word before is news."""
        if said != self._last:
            self._last, self.news = said, Word(self._parties.clock(), said)
            self._parties.woken()
