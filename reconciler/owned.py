"""A source that this process owns: its configuration, its client, and what is known of how asking it goes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import httpx
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.apply import Rules
from reconciler.asking import Asking
from reconciler.authorization import Authorization, KeyShown
from reconciler.budget import Budget, Meter
from reconciler.circuit import Circuit
from reconciler.client import Client
from reconciler.facts import Terms
from reconciler.hearing import Hearing
from reconciler.listing import Listing
from reconciler.login import LoggedIn
from reconciler.news import News
from reconciler.pace import Pace
from reconciler.submission import Patience
from reconciler.sweep import Swept
from reconciler.websocket import Bounds, WebSocketClient, ask_whole
from schemas.config import Config, Handoff, Source
from schemas.dialects import Dialect
from schemas.readings import Advice, Question, Response, Troubled
from schemas.tables import JobRow
from schemas.times import SECOND
from schemas.words import Status, Trouble
from storage import leases
from storage.files import Files
from storage.leases import Lease
from storage.store import Store

Item = TypeVar("Item")
Answered = TypeVar("Answered")


@dataclass
class Owned:
    """Handed to every round. `clock` answers in microseconds, `jitter` with a number from 0 to 1."""

    source: Source
    dialect: Dialect
    store: Store
    client: Client
    sockets: WebSocketClient
    authorization: Authorization
    lease: Lease
    pace: Pace
    claim_patience: int
    terms: Terms
    files: Files
    max_file_bytes: int
    concurrency: int
    list_trust: int
    webhook_url: str | None  # how its provider reaches us; None: nobody has said
    local_url: str  # the same door from this machine
    patience: Patience
    handoffs: Callable[[], Mapping[str, Handoff]]  # the targets that are configured now
    clock: Callable[[], int]
    jitter: Callable[[], float]
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    circuit: Circuit = field(default_factory=Circuit)
    hearing: Hearing = field(default_factory=Hearing)
    budget: Budget = field(default_factory=Budget)
    meter: Meter = field(default_factory=Meter)
    listing: Listing = field(default_factory=Listing)
    swept: Swept = field(default_factory=Swept)
    askings: list[Asking[Any, Any]] = field(default_factory=list)
    news: list[News] = field(default_factory=list)  # of the transaction under way, announced after its commit
    # The provider's newest attempt to deliver, by its own account: when, and which HTTP status it got; 0: none.
    attempted: tuple[int, int] | None = None
    noted: Counter[str] = field(default_factory=Counter)  # of the transaction under way, counted after its commit
    counted: Counter[str] = field(default_factory=Counter)  # and not yet written
    is_answered: bool = False  # a question has been answered as it should be, since we own the source
    recorded_clock: int | None = (
        None  # how far our clock was ahead of the provider's, as whoever came before us wrote it
    )
    list_wanted_at: int | None = None  # when the list is to be looked through, ahead of its time

    def pace_for(self, job: JobRow) -> Pace:
        """How often one job is asked about: as its provider advises, and the source's own configuration before that."""
        return paced(self.pace, self.dialect.advice(job.rows_total, bool(job.has_webhook)), self.source)

    def rules_for(self, job: JobRow) -> Rules:
        was_seen = job.status != Status.UNKNOWN or job.reported_at is not None or job.native_status is not None
        return Rules(self.dialect.not_found_rule(was_seen), self.claim_patience, self.dialect.doubts_pause)

    def answered(self, trouble: Troubled | None, now: int, asked: str | None = None, denied: bool = False) -> None:
        """Take note of how one question went; None: it was answered as it should be. `asked` is what it counts as, if it does."""
        if asked is not None:
            result = trouble.trouble.value if trouble is not None else "denied" if denied else "ok"
            self.counted[f"asked.{asked}.{result}"] += 1
        if trouble is not None and trouble.trouble is Trouble.TIMED_OUT and self.dialect.is_often_silent:
            return
        self.is_answered = self.is_answered or trouble is None
        self.circuit = self.circuit.after(trouble, now)

    @property
    def clock_ahead(self) -> int | None:
        """How far our clock is ahead of the provider's (microseconds); None: none of its answers had a date."""
        read = self.client.their_clock.ahead
        return self.recorded_clock if read is None else read

    def may_start(self, now: int) -> int:
        """How many more questions may go out now, over all rounds: as circuit, concurrency and budget allow."""
        busy = sum(len(asking.busy) for asking in self.askings)
        return self.budget.left(now, max(0, self.circuit.allows(now, self.concurrency) - busy))

    def asking(self, ask: Callable[[Item], Awaitable[Answered]], broken: Answered) -> Asking[Item, Answered]:
        """A way for one round to ask, whose questions count with those of the others."""
        asking: Asking[Item, Answered] = Asking(ask, broken, self.clock, self.woken.set, self.spend)
        self.askings.append(asking)
        return asking

    def look_through_list_at(self, at: int) -> None:
        """Have the list looked through, ahead of its time."""
        self.list_wanted_at = at if self.list_wanted_at is None else min(at, self.list_wanted_at)

    def spend(self) -> None:
        """One question leaves."""
        now = self.clock()
        self.budget = self.budget.spend(now)
        self.meter.count(now)

    async def ask(self, question: Question) -> Response | Troubled:
        """Ask for something that may be read whole: an answer, or the first message that comes over a socket."""
        return await ask_whole(self.client, self.sockets, question)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction under the lease. Raises LeaseLost, and writes nothing, when the source is not ours any more."""
        async with self.store.writing() as connection:
            await leases.require(connection, self.lease, self.store.engine.lease_clock(self.clock()))
            yield connection

    async def renew(self, length: int) -> None:
        """Prolong the lease by `length` from now. Raises LeaseLost."""
        async with self.store.writing() as connection:
            await leases.renew(connection, self.lease, length, self.store.engine.lease_clock(self.clock()))


def pace_of(config: Config) -> Pace:
    knobs = config.reconciler
    return Pace(
        grace=int(knobs.first_poll_seconds * SECOND),
        first=int(knobs.poll_seconds * SECOND),
        growth=knobs.poll_growth,
        cap=int(knobs.poll_cap_seconds * SECOND),
        output_patience=int(knobs.output_patience_seconds * SECOND),
    )


def patience_of(config: Config) -> Patience:
    knobs = config.reconciler
    return Patience(int(knobs.submit_patience_seconds * SECOND), int(knobs.quota_retry_seconds * SECOND))


def paced(pace: Pace, advice: Advice | None, source: Source) -> Pace:
    """A pace with what a provider advises, and with what the source's configuration says of its own."""
    if advice is not None:
        pace = replace(pace, grace=advice.grace, first=advice.first, cap=advice.cap)
    own = {"grace": source.first_poll_seconds, "first": source.poll_seconds, "cap": source.poll_cap_seconds}
    return replace(pace, **{name: int(seconds * SECOND) for name, seconds in own.items() if seconds is not None})


def terms_of(config: Config, source: Source, listening_since: int) -> Terms:
    return Terms(
        delivery_window=source.delivery_window_seconds * SECOND,
        listening_since=listening_since,
        stuck_cancel=int(config.reconciler.stuck_cancel_seconds * SECOND),
        output_patience=int(config.reconciler.output_patience_seconds * SECOND),
    )


def client_of(
    config: Config,
    source: Source,
    authorization: Authorization,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Callable[[], int] | None = None,
) -> Client:
    timeout, largest = _timeout(config, source), _largest(config, source)
    return Client(source.base_url, authorization, timeout, largest, transport, clock=clock)


def _timeout(config: Config, source: Source) -> float:
    return source.request_timeout_seconds or config.reconciler.request_timeout_seconds


def _largest(config: Config, source: Source) -> int:
    return source.max_answer_bytes or config.reconciler.max_answer_bytes


def sockets_of(config: Config, source: Source, authorization: Authorization) -> WebSocketClient:
    """For what is asked over a socket and answered in one message, however large an answer may be."""
    timeout, largest = _timeout(config, source), _largest(config, source)
    bounds = Bounds(opening=timeout, silence=timeout, message_bytes=largest, bytes_a_minute=2 * largest)
    return WebSocketClient(source.base_url, authorization, bounds)


def authorization_of(
    config: Config,
    source: Source,
    dialect: Dialect,
    clock: Callable[[], int],
    transport: httpx.AsyncBaseTransport | None = None,
    keeps_tokens: bool = True,
) -> Authorization:
    """How a source's questions show who asks."""
    login = dialect.login
    if login is None:
        return KeyShown(dialect, source.api_key)
    kept = Path(config.data.dir) / "logins" / source.name if keeps_tokens else None
    return LoggedIn(source, dialect, login, kept, _timeout(config, source), clock, transport)
