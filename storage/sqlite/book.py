"""The ledger's groups in a SQLite file.

Requests go in as rows of `arrivals`, a view of this connection alone, whose trigger says once and in SQL what becomes of
one arrival, in the order in which they came. So a whole group is one statement. That matters: every statement, and
every row fetched, hands the interpreter's lock over to the event loop and has to wait for it again.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from storage.ledger_rows import Accepted, Kept, digest_of
from storage.ledger_tallies import Counters, Record
from storage.sqlite import refused

_COLUMNS = (
    "receipt", "delivery", "source", "kind", "job_id", "delivery_key", "body", "digest", "received_at", "signed_at",
    "secret_index", "submission", "event_type", "event_id", "attempt", "reported_status", "native_status", "progress",
    "unreadable",
)  # fmt: skip

_VIEW = f"CREATE TEMP VIEW arrivals AS SELECT {', '.join(f'NULL AS {column}' for column in _COLUMNS)}"

# The conflict's target is named, so that two rows with one id are an error and not taken for one delivery.
# A body is kept once for each delivery: equal digests are only where to look, the bytes decide.
_TRIGGER = """CREATE TEMP TRIGGER record INSTEAD OF INSERT ON arrivals BEGIN
    INSERT INTO deliveries (id, source, kind, job_id, delivery_key, event_type, reported_status,
                            times_received, first_received_at, last_received_at)
    VALUES (NEW.delivery, NEW.source, NEW.kind, NEW.job_id, NEW.delivery_key, NEW.event_type, NEW.reported_status,
            1, NEW.received_at, NEW.received_at)
    ON CONFLICT (source, kind, job_id, delivery_key) DO UPDATE SET
        times_received = times_received + 1,
        last_received_at = max(last_received_at, excluded.last_received_at);

    INSERT INTO receipts (id, delivery_id, body_id, source, digest, received_at, signed_at, secret_index, submission,
                          event_type, event_id, attempt, reported_status, native_status, progress, unreadable)
    SELECT NEW.receipt,
           deliveries.id,
           coalesce((SELECT bodies.id FROM receipts JOIN bodies ON bodies.id = receipts.body_id
                     WHERE receipts.delivery_id = deliveries.id AND receipts.digest = NEW.digest
                       AND bodies.body = NEW.body
                     ORDER BY receipts.id LIMIT 1), NEW.receipt),
           NEW.source, NEW.digest, NEW.received_at, NEW.signed_at, NEW.secret_index, NEW.submission,
           NEW.event_type, NEW.event_id, NEW.attempt, NEW.reported_status, NEW.native_status, NEW.progress,
           NEW.unreadable
    FROM deliveries
    WHERE source = NEW.source AND kind = NEW.kind AND job_id = NEW.job_id AND delivery_key = NEW.delivery_key;

    INSERT INTO bodies (id, body)
    SELECT NEW.receipt, NEW.body FROM receipts WHERE id = NEW.receipt AND body_id = NEW.receipt;
END"""

_DELIVERIES = "SELECT group_concat(id || ' ' || delivery_id) FROM receipts WHERE id BETWEEN ? AND ?"

_TALLY = """INSERT INTO tallies (minute, source, what, count) VALUES (?, ?, ?, ?)
ON CONFLICT (minute, source, what) DO UPDATE SET count = count + excluded.count"""
_HOURLY = """INSERT INTO hourly_tallies (hour, source, what, count) VALUES (?1 / 60, ?2, ?3, ?4)
ON CONFLICT (hour, source, what) DO UPDATE SET count = count + excluded.count"""
_TOTAL = """INSERT INTO totals (source, what, count, minute) VALUES (?2, ?3, ?4, ?1)
ON CONFLICT (source, what) DO UPDATE SET count = count + excluded.count, minute = max(minute, excluded.minute)"""
# The store itself is away, not one row at fault: waiting, full, failing, gone.
_AWAY = frozenset(
    getattr(sqlite3, f"SQLITE_{name}")
    for name in [
        "BUSY",
        "LOCKED",
        "FULL",
        "IOERR",
        "CANTOPEN",
        "READONLY",
        "NOMEM",
        "CORRUPT",
        "NOTADB",
        "PROTOCOL",
        "PERM",
    ]
)


class SqliteBook:
    """A `Book` over one connection to the file."""

    def __init__(self, path: Path, pragmas: Sequence[str]) -> None:
        self._path = path
        self._pragmas = pragmas
        self._connection: sqlite3.Connection | None = None
        self._inode = 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        connection = self._connected()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def write_rows(self, group: Sequence[Accepted], new_id: Callable[[], int]) -> list[Kept]:
        ids = [(new_id(), new_id()) for _ in group]
        values: list[object] = []
        for (delivery, receipt), accepted in zip(ids, group, strict=True):
            values += (receipt, delivery, *_row(accepted))
        connection = self._open()
        connection.execute(_insert(len(group)), values)
        found = dict(_deliveries(connection, ids[0][1], ids[-1][1]))
        return [Kept(receipt, found[receipt], found[receipt] != delivery) for delivery, receipt in ids]

    def count(self, counters: Counters) -> None:
        counted = [(*key, count) for key, count in sorted(counters.items())]
        for statement in (_TALLY, _HOURLY, _TOTAL):
            self._open().executemany(statement, counted)

    def record(self, records: Sequence[tuple[int, Record]]) -> None:
        refused.record(self._open(), records)

    def held(self, source: str) -> list[tuple[int, str, str, int]]:
        return refused.held(self._open(), source)

    def let_go(self, ids: Sequence[int]) -> None:
        refused.let_go(self._open(), ids)

    def open_requests(self, ids: Sequence[int]) -> set[int]:
        return refused.open_requests(self._open(), ids)

    def mark_taken_in(self, taken: Sequence[tuple[int, int]], now: int) -> None:
        refused.mark_taken_in(self._open(), taken, now)

    def is_away(self, error: Exception) -> bool:
        if isinstance(error, sqlite3.Error):
            return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF in _AWAY
        return isinstance(error, OSError | MemoryError)

    def may_go_now(self, error: Exception) -> bool:
        if isinstance(error, sqlite3.OperationalError):
            self.disconnect()  # a trigger that found a table missing does not see it come
        return isinstance(error, sqlite3.IntegrityError)

    def named(self, error: Exception) -> str:
        return getattr(error, "sqlite_errorname", None) or type(error).__name__

    def disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def close(self) -> None:
        self.disconnect()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.ProgrammingError("there is no transaction")
        return self._connection

    def _connected(self) -> sqlite3.Connection:
        """The connection, to the file that bears the name now: one that was moved away takes no more rows."""
        inode = self._path.stat().st_ino
        if self._connection is None or inode != self._inode:
            self.disconnect()
            self._connection = self._connect()
            self._inode = inode
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        # mode=rw: a file that has gone is not made anew, empty.
        uri = f"{self._path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, cached_statements=1024)
        try:
            for pragma in self._pragmas:
                connection.execute(pragma)
            connection.execute(_VIEW)
            connection.execute(_TRIGGER)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _row(accepted: Accepted) -> tuple[object, ...]:
    verified, body = accepted.verified, accepted.body
    report = verified.report
    return (
        *accepted.identity, body, digest_of(body), accepted.received_at, verified.signed_at, verified.secret_index,
        accepted.submission, report.event_type, report.event_id, report.attempt, report.status, report.native_status,
        report.progress, verified.unreadable,
    )  # fmt: skip


def _deliveries(connection: sqlite3.Connection, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Which delivery each receipt from `first` to `last` is of. Ids only grow, so these are the group's."""
    (listed,) = connection.execute(_DELIVERIES, (first, last)).fetchone()
    for pair in listed.split(","):
        receipt, _, delivery = pair.partition(" ")
        yield int(receipt), int(delivery)


@lru_cache(maxsize=1024)
def _insert(rows: int) -> str:
    marks = f"({','.join('?' * len(_COLUMNS))})"
    return f"INSERT INTO arrivals VALUES {','.join([marks] * rows)}"  # noqa: S608
