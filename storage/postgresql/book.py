"""The ledger's groups in PostgreSQL: by `unnest`, and sorted by their key, so that two receivers never wait for each other.

The driver is asynchronous and the writer is a thread, so the book has an event loop of its own, which only turns while
the writer waits for the server.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import asyncpg
from asyncpg import exceptions

from storage.ledger_rows import Accepted, Kept, digest_of
from storage.ledger_tallies import Counters, Record
from storage.postgresql import connecting, refused
from storage.wake import CHANNEL

_DELIVERIES = """INSERT INTO deliveries (id, source, kind, job_id, delivery_key, event_type, reported_status,
                        times_received, first_received_at, last_received_at)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                     $8::bigint[], $9::bigint[], $10::bigint[])
ON CONFLICT (source, kind, job_id, delivery_key) DO UPDATE SET
    times_received = deliveries.times_received + excluded.times_received,
    last_received_at = greatest(deliveries.last_received_at, excluded.last_received_at)
RETURNING id, source, kind, job_id, delivery_key"""

# Locked, so that the bytes are not pruned before the receipt that shares them is there.
_BYTES = """SELECT arrived.receipt, bodies.id
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[]) AS arrived(receipt, delivery, digest, body)
JOIN receipts ON receipts.delivery_id = arrived.delivery AND receipts.digest = arrived.digest
JOIN bodies ON bodies.id = receipts.body_id AND bodies.body = arrived.body
ORDER BY bodies.id DESC
FOR KEY SHARE OF bodies"""

_RECEIPTS = """WITH arrived AS (
    SELECT * FROM unnest(
        $1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
        $9::bigint[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::text[], $15::text[], $16::bigint[],
        $17::text[]
    ) AS arrived(id, delivery_id, body_id, body, source, digest, received_at, signed_at, secret_index, submission,
                 event_type, event_id, attempt, reported_status, native_status, progress, unreadable)
), told AS (
    INSERT INTO receipts (id, delivery_id, body_id, source, digest, received_at, signed_at, secret_index, submission,
                          event_type, event_id, attempt, reported_status, native_status, progress, unreadable)
    SELECT id, delivery_id, body_id, source, digest, received_at, signed_at, secret_index, submission,
           event_type, event_id, attempt, reported_status, native_status, progress, unreadable
    FROM arrived
)
INSERT INTO bodies (id, body) SELECT id, body FROM arrived WHERE body IS NOT NULL"""

_TALLIES = """INSERT INTO tallies (minute, source, what, count)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])
ON CONFLICT (minute, source, what) DO UPDATE SET count = tallies.count + excluded.count"""

_HOURLY = """INSERT INTO hourly_tallies (hour, source, what, count)
SELECT minute / 60, source, what, sum(count)::bigint
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) AS counted(minute, source, what, count)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (hour, source, what) DO UPDATE SET count = hourly_tallies.count + excluded.count"""

_TOTALS = """INSERT INTO totals (source, what, count, minute)
SELECT source, what, sum(count)::bigint, max(minute)
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) AS counted(minute, source, what, count)
GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (source, what) DO UPDATE
SET count = totals.count + excluded.count, minute = greatest(totals.minute, excluded.minute)"""

Key = tuple[str, str, str, str]
T = TypeVar("T")


class Arrival(NamedTuple):
    """One accepted request with the ids that were made for it."""

    delivery: int
    receipt: int
    digest: int
    accepted: Accepted
    key: Key


class PostgresqlBook:
    """A `Book` over one connection to the server."""

    def __init__(self, url: str, settings: Mapping[str, str]) -> None:
        self._url = url
        self._settings = settings
        self._runner: asyncio.Runner | None = None
        self._connection: asyncpg.Connection | None = None
        self._has_news = False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._has_news = False
        self._run(self._begin())
        try:
            yield
            # The reconcilers hear of it with the commit, and not before.
            self._run(self._open().execute(f"NOTIFY {CHANNEL}; COMMIT" if self._has_news else "COMMIT"))
        except BaseException:
            self._roll_back()
            raise

    def write_rows(self, group: Sequence[Accepted], new_id: Callable[[], int]) -> list[Kept]:
        arrivals = [Arrival(new_id(), new_id(), digest_of(one.body), one, one.identity) for one in group]
        self._has_news = True
        return self._run(self._write_rows(arrivals))

    def count(self, counters: Counters) -> None:
        if counters:
            counted = sorted((*key, count) for key, count in counters.items())
            for statement in (_TALLIES, _HOURLY, _TOTALS):
                self._run(self._open().execute(statement, *_columns(counted)))

    def record(self, records: Sequence[tuple[int, Record]]) -> None:
        self._run(refused.record(self._open(), records))

    def held(self, source: str) -> list[tuple[int, str, str, int]]:
        return self._run(refused.held(self._open(), source))

    def let_go(self, ids: Sequence[int]) -> None:
        self._run(refused.let_go(self._open(), ids))

    def open_requests(self, ids: Sequence[int]) -> set[int]:
        return self._run(refused.open_requests(self._open(), ids))

    def mark_taken_in(self, taken: Sequence[tuple[int, int]], now: int) -> None:
        self._run(refused.mark_taken_in(self._open(), taken, now))

    def is_away(self, error: Exception) -> bool:
        return connecting.is_away(error) or isinstance(error, MemoryError)

    def may_go_now(self, error: Exception) -> bool:
        return isinstance(error, exceptions.IntegrityConstraintViolationError | exceptions.TransactionRollbackError)

    def named(self, error: Exception) -> str:
        return type(error).__name__

    def disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    def close(self) -> None:
        self.disconnect()
        if self._runner is not None:
            self._runner.close()

    async def _write_rows(self, arrivals: Sequence[Arrival]) -> list[Kept]:
        connection = self._open()
        known = await self._deliveries(connection, arrivals)
        bytes_at = await self._bytes(connection, arrivals, known)
        await connection.execute(_RECEIPTS, *_columns([_row(one, known[one.key], bytes_at) for one in arrivals]))
        return [Kept(one.receipt, known[one.key], known[one.key] != one.delivery) for one in arrivals]

    async def _deliveries(self, connection: asyncpg.Connection, arrivals: Sequence[Arrival]) -> dict[Key, int]:
        """The delivery of each key, made or counted."""
        together: dict[Key, list[Arrival]] = {}
        for one in arrivals:
            together.setdefault(one.key, []).append(one)
        rows = [_delivery(key, together[key]) for key in sorted(together)]
        found = await connection.fetch(_DELIVERIES, *_columns(rows))
        return {(row[1], row[2], row[3], row[4]): row[0] for row in found}

    async def _bytes(
        self, connection: asyncpg.Connection, arrivals: Sequence[Arrival], known: dict[Key, int]
    ) -> dict[int, int]:
        """The receipt that the bytes of each came with first: of this group, or long ago."""
        first: dict[tuple[Key, bytes], int] = {}
        for one in arrivals:
            first.setdefault((one.key, one.accepted.body), one.receipt)
        came_first = {one.receipt: first[one.key, one.accepted.body] for one in arrivals}
        ours = {one.delivery for one in arrivals}
        met = [
            (one.receipt, known[one.key], one.digest, one.accepted.body)
            for one in arrivals
            if known[one.key] not in ours and came_first[one.receipt] == one.receipt
        ]
        if not met:
            return came_first
        # The oldest comes last, and stays.
        long_ago = {row[0]: row[1] for row in await connection.fetch(_BYTES, *_columns(met))}
        return {receipt: long_ago.get(place, place) for receipt, place in came_first.items()}

    async def _begin(self) -> None:
        """Begin; a connection that has died meanwhile is made anew first, for nothing is lost with it yet."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.execute("BEGIN")
                self._connection = connection
                return
            except Exception as error:
                connection.terminate()
                if not self.is_away(error):
                    raise
        connection = await connecting.connect(self._url, **self._settings)
        await connection.execute("BEGIN")
        self._connection = connection

    def _roll_back(self) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            self._run(connection.execute("ROLLBACK"))
        except Exception:  # it is of no use any more; what went wrong before is told
            self.disconnect()

    def _open(self) -> asyncpg.Connection:
        if self._connection is None:
            raise exceptions.InterfaceError("there is no transaction")
        return self._connection

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(work)


def _delivery(key: Key, together: Sequence[Arrival]) -> tuple[Any, ...]:
    first, at = together[0], [one.accepted.received_at for one in together]
    report = first.accepted.verified.report
    return first.delivery, *key, report.event_type, report.status, len(together), at[0], max(at)


def _row(one: Arrival, delivery: int, bytes_at: dict[int, int]) -> tuple[Any, ...]:
    accepted, place = one.accepted, bytes_at[one.receipt]
    verified = accepted.verified
    report = verified.report
    return (
        one.receipt, delivery, place, accepted.body if place == one.receipt else None, accepted.source, one.digest,
        accepted.received_at, verified.signed_at, verified.secret_index, accepted.submission, report.event_type,
        report.event_id, report.attempt, report.status, report.native_status, report.progress, verified.unreadable,
    )  # fmt: skip


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True))
