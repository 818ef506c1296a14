"""The rows of one group: how accepted requests become deliveries, receipts and bodies.

Requests go in as rows of `arrivals`, a view of this connection alone, whose trigger says once and in SQL what becomes of
one arrival, in the order in which they came. So a whole group is one statement. That matters: every statement, and
every row fetched, hands the interpreter's lock over to the event loop and has to wait for it again.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from schemas.readings import Verified

UNREADABLE_KIND = "unreadable"

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

_UNLOCKED = 2_047  # more at a time, and hashlib lets go of the interpreter's lock and has to queue up for it again


class Accepted(NamedTuple):
    """An authentic request, as it is to be recorded."""

    source: str
    verified: Verified
    body: bytes
    received_at: int
    submission: str | None = None


class Kept(NamedTuple):
    """What became of an accepted request: it is on disk."""

    receipt: int
    delivery: int
    duplicate: bool


def prepare(connection: sqlite3.Connection) -> None:
    """Make a connection ready for `write_rows`. Nothing of it goes into the file."""
    connection.execute(_VIEW)
    connection.execute(_TRIGGER)


def write_rows(connection: sqlite3.Connection, group: Sequence[Accepted], new_id: Callable[[], int]) -> list[Kept]:
    """Write a group inside the transaction that is open. Each gets its own answer, in order."""
    ids = [(new_id(), new_id()) for _ in group]
    values: list[object] = []
    for (delivery, receipt), accepted in zip(ids, group, strict=True):
        values += (receipt, delivery, *_row(accepted))
    connection.execute(_insert(len(group)), values)
    found = dict(_deliveries(connection, ids[0][1], ids[-1][1]))
    return [Kept(receipt, found[receipt], found[receipt] != delivery) for delivery, receipt in ids]


def _row(accepted: Accepted) -> tuple[object, ...]:
    source, verified, body, received_at, submission = accepted
    report = verified.report
    return (
        source, *_identity(accepted), body, _digest(body), received_at, verified.signed_at, verified.secret_index,
        submission, report.event_type, report.event_id, report.attempt, report.status, report.native_status,
        report.progress, verified.unreadable,
    )  # fmt: skip


def _identity(accepted: Accepted) -> tuple[str, str, str]:
    """What cannot be read is known by its bytes alone: there is no job to file it under."""
    identity = accepted.verified.identity
    if identity is None:
        return UNREADABLE_KIND, "", f"sha256:{hashlib.sha256(accepted.body).hexdigest()}"
    return identity.kind, identity.job_id, identity.delivery_key


def _deliveries(connection: sqlite3.Connection, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Which delivery each receipt from `first` to `last` is of. Ids only grow, so these are the group's."""
    (listed,) = connection.execute(_DELIVERIES, (first, last)).fetchone()
    for pair in listed.split(","):
        receipt, _, delivery = pair.partition(" ")
        yield int(receipt), int(delivery)


def _digest(body: bytes) -> int:
    """The first 63 bits of the SHA-256, which fit a column."""
    digest = hashlib.sha256()
    for start in range(0, len(body), _UNLOCKED):
        digest.update(body[start : start + _UNLOCKED])
    return int.from_bytes(digest.digest()[:8]) >> 1


@lru_cache(maxsize=1024)
def _insert(rows: int) -> str:
    marks = f"({','.join('?' * len(_COLUMNS))})"
    return f"INSERT INTO arrivals VALUES {','.join([marks] * rows)}"  # noqa: S608
