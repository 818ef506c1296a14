"""The rows of one group: how accepted requests become deliveries, receipts and bodies inside one transaction."""

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from schemas.readings import Verified

Key = tuple[str, str, str, str]

UNREADABLE_KIND = "unreadable"

_DELIVERY = (
    "id", "source", "kind", "job_id", "delivery_key", "event_type", "reported_status",
    "times_received", "first_received_at", "last_received_at",
)  # fmt: skip
_RECEIPT = (
    "id", "delivery_id", "body_id", "source", "digest", "received_at", "signed_at", "secret_index", "submission",
    "event_type", "event_id", "attempt", "reported_status", "native_status", "progress", "unreadable",
)  # fmt: skip
_BODY = ("id", "body")

_UNLOCKED = 2_047  # more at a time, and hashlib lets go of the interpreter's lock and has to queue up for it again

# The conflict's target is named, so that two rows with one id are an error and not taken for one delivery.
_COUNTED = """ ON CONFLICT (source, kind, job_id, delivery_key) DO UPDATE SET
    times_received = times_received + excluded.times_received,
    last_received_at = max(last_received_at, excluded.last_received_at)"""

_FIND = "SELECT id FROM deliveries WHERE source = ? AND kind = ? AND job_id = ? AND delivery_key = ?"

_SAME_BODY = """SELECT bodies.id FROM receipts JOIN bodies ON bodies.id = receipts.body_id
WHERE receipts.delivery_id = ? AND receipts.digest = ? AND bodies.body = ? ORDER BY receipts.id LIMIT 1"""


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


class _Delivery:
    """One delivery of the group: how often the group brings it, and after writing, its id."""

    __slots__ = ("count", "first", "id", "is_known", "last", "report")

    def __init__(self, accepted: Accepted) -> None:
        self.count = 0
        self.first = self.last = accepted.received_at
        self.report = accepted.verified.report
        self.id = 0
        self.is_known = False

    def meet(self, received_at: int) -> None:
        self.count += 1
        self.first, self.last = min(self.first, received_at), max(self.last, received_at)


def write_rows(connection: sqlite3.Connection, group: Sequence[Accepted], new_id: Callable[[], int]) -> list[Kept]:
    """Write a group inside the transaction that is open. Each gets its own answer, in order."""
    keys = [_key(accepted) for accepted in group]
    deliveries = _write_deliveries(connection, group, keys, new_id)
    return _write_receipts(connection, group, [deliveries[key] for key in keys], new_id)


def _key(accepted: Accepted) -> Key:
    """What cannot be read is known by its bytes alone: there is no job to file it under."""
    identity = accepted.verified.identity
    if identity is None:
        return accepted.source, UNREADABLE_KIND, "", f"sha256:{hashlib.sha256(accepted.body).hexdigest()}"
    return accepted.source, identity.kind, identity.job_id, identity.delivery_key


def _write_deliveries(
    connection: sqlite3.Connection, group: Sequence[Accepted], keys: Sequence[Key], new_id: Callable[[], int]
) -> dict[Key, _Delivery]:
    met: dict[Key, _Delivery] = {}
    for accepted, key in zip(group, keys, strict=True):
        delivery = met.get(key)
        if delivery is None:
            delivery = met[key] = _Delivery(accepted)
        delivery.meet(accepted.received_at)
    values: list[object] = []
    for key in sorted(met):  # in one order everywhere, so that two writers can never wait for each other
        delivery = met[key]
        delivery.id = new_id()
        report = delivery.report
        values += (delivery.id, *key, report.event_type, report.status)
        values += (delivery.count, delivery.first, delivery.last)
    connection.execute(_insert("deliveries", _DELIVERY, len(met), _COUNTED), values)
    if not _are_all_new(connection, [delivery.id for delivery in met.values()]):
        for key, delivery in met.items():
            _recognise(connection, key, delivery)
    return met


def _are_all_new(connection: sqlite3.Connection, ids: Sequence[int]) -> bool:
    """Have all our ids gone in? One row instead of RETURNING's many: each row fetched hands the interpreter's lock around."""
    (count,) = connection.execute(_count(len(ids)), ids).fetchone()
    return bool(count == len(ids))


def _recognise(connection: sqlite3.Connection, key: Key, delivery: _Delivery) -> None:
    (number,) = connection.execute(_FIND, key).fetchone()
    delivery.is_known = number != delivery.id
    delivery.id = number


def _write_receipts(
    connection: sqlite3.Connection,
    group: Sequence[Accepted],
    deliveries: Sequence[_Delivery],
    new_id: Callable[[], int],
) -> list[Kept]:
    receipts: list[object] = []
    bodies: list[object] = []
    kept: list[Kept] = []
    holders: dict[tuple[int, bytes], int] = {}
    for accepted, delivery in zip(group, deliveries, strict=True):
        source, verified, body, received_at, submission = accepted
        report = verified.report
        receipt, digest = new_id(), _digest(body)
        holder = receipt
        if delivery.is_known:
            holder = holders.get((delivery.id, body)) or _find_body(connection, delivery.id, digest, body) or receipt
        if delivery.is_known or delivery.count > 1:
            holders[delivery.id, body] = holder
        if holder == receipt:
            bodies += (receipt, body)
        receipts += (
            receipt, delivery.id, holder, source, digest, received_at, verified.signed_at, verified.secret_index,
            submission, report.event_type, report.event_id, report.attempt, report.status, report.native_status,
            report.progress, verified.unreadable,
        )  # fmt: skip
        kept.append(Kept(receipt, delivery.id, delivery.is_known))
        delivery.is_known = True
    connection.execute(_insert("receipts", _RECEIPT, len(group)), receipts)
    if bodies:
        connection.execute(_insert("bodies", _BODY, len(bodies) // len(_BODY)), bodies)
    return kept


def _find_body(connection: sqlite3.Connection, delivery: int, digest: int, body: bytes) -> int | None:
    """The receipt that these very bytes came with, if they are still kept."""
    found = connection.execute(_SAME_BODY, (delivery, digest, body)).fetchone()
    return None if found is None else int(found[0])


def _digest(body: bytes) -> int:
    """The first 63 bits of the SHA-256, which fit a column. Equal ones are still compared byte by byte."""
    digest = hashlib.sha256()
    for start in range(0, len(body), _UNLOCKED):
        digest.update(body[start : start + _UNLOCKED])
    return int.from_bytes(digest.digest()[:8]) >> 1


@lru_cache(maxsize=1024)
def _insert(table: str, columns: tuple[str, ...], rows: int, tail: str = "") -> str:
    marks = f"({','.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({','.join(columns)}) VALUES {','.join([marks] * rows)}{tail}"  # noqa: S608


@lru_cache(maxsize=1024)
def _count(rows: int) -> str:
    return f"SELECT count(*) FROM deliveries WHERE id IN ({','.join('?' * rows)})"  # noqa: S608
