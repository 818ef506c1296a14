"""Refused requests in a SQLite file, over the connection and within the transaction of whoever writes the ledger."""

import sqlite3
from collections.abc import Sequence

from storage.ledger_tallies import Record, request_row

_REFUSAL = """INSERT INTO refusals (id, source, reason, http_status, received_at, remote, body_bytes)
VALUES (?, ?, ?, ?, ?, ?, ?)"""
_REQUEST = """INSERT INTO refused_requests (id, source, presented, submission, neighbourhood, is_extra, body)
VALUES (?, ?, ?, ?, ?, ?, ?)"""

# SQLite tells the length of bytes without reading them.
HELD = """SELECT kept.id, refusals.reason, kept.neighbourhood, length(kept.body) + length(kept.presented)
FROM refused_requests AS kept JOIN refusals ON refusals.id = kept.id
WHERE kept.source = ? AND kept.taken_in_at IS NULL ORDER BY kept.id"""

EXTRA_GOES = """DELETE FROM refusals WHERE id = (
    SELECT id FROM refused_requests WHERE id = ? AND is_extra = 1 AND taken_in_at IS NULL)"""
REQUEST_GOES = "DELETE FROM refused_requests WHERE id = ? AND taken_in_at IS NULL"
IS_OPEN = "SELECT id FROM refused_requests WHERE id = ? AND taken_in_at IS NULL"
_TAKEN_IN = "UPDATE refused_requests SET receipt_id = ?1, taken_in_at = ?2, body = x'' WHERE id = ?3"
_RECEIPT = "UPDATE receipts SET taken_in_at = ?2, refusal_id = ?3 WHERE id = ?1"
_DELIVERY = """UPDATE deliveries SET times_taken_in = times_taken_in + 1, taken_in_at = ?2
WHERE id = (SELECT delivery_id FROM receipts WHERE id = ?1)"""


def record(connection: sqlite3.Connection, records: Sequence[tuple[int, Record]]) -> None:
    """See `storage.engine.Book`, as for the others."""
    connection.executemany(_REFUSAL, [(number, *record.refusal) for number, record in records])
    connection.executemany(
        _REQUEST, [request_row(number, record, record.request) for number, record in records if record.request]
    )


def held(connection: sqlite3.Connection, source: str) -> list[tuple[int, str, str, int]]:
    return connection.execute(HELD, (source,)).fetchall()


def let_go(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    for statement in (EXTRA_GOES, REQUEST_GOES):
        connection.executemany(statement, [(number,) for number in ids])


def open_requests(connection: sqlite3.Connection, ids: Sequence[int]) -> set[int]:
    """The transaction has the file's write lock, so that nobody else can be at it."""
    return {number for number in ids if connection.execute(IS_OPEN, (number,)).fetchone()}


def mark_taken_in(connection: sqlite3.Connection, taken: Sequence[tuple[int, int]], now: int) -> None:
    for statement in (_TAKEN_IN, _RECEIPT):
        connection.executemany(statement, [(receipt, now, number) for number, receipt in taken])
    connection.executemany(_DELIVERY, [(receipt, now) for _, receipt in taken])
