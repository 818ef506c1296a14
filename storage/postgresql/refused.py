"""Refused requests on a PostgreSQL server, over the connection and within the transaction of whoever writes the ledger."""

from collections.abc import Sequence

import asyncpg

from storage.ledger_tallies import Record, request_row

_REFUSALS = """INSERT INTO refusals (id, source, reason, http_status, received_at, remote, body_bytes)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[])"""
_REQUESTS = """INSERT INTO refused_requests (id, source, presented, submission, neighbourhood, is_extra, body)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bytea[])"""

_HELD = """SELECT kept.id, refusals.reason, kept.neighbourhood, octet_length(kept.body) + octet_length(kept.presented)
FROM refused_requests AS kept JOIN refusals ON refusals.id = kept.id
WHERE kept.source = $1 AND kept.taken_in_at IS NULL ORDER BY kept.id"""

_REQUESTS_GO = """WITH gone AS (
    DELETE FROM refused_requests WHERE id = ANY($1::bigint[]) AND taken_in_at IS NULL RETURNING id, is_extra)
DELETE FROM refusals WHERE id IN (SELECT id FROM gone WHERE is_extra = 1)"""
# In one order, so that two who take in the same do not wait for each other in a ring.
_OPEN = (
    """SELECT id FROM refused_requests WHERE id = ANY($1::bigint[]) AND taken_in_at IS NULL ORDER BY id FOR UPDATE"""
)
_TAKEN_IN = """UPDATE refused_requests SET receipt_id = taken.receipt, taken_in_at = $3, body = ''
FROM unnest($1::bigint[], $2::bigint[]) AS taken(id, receipt) WHERE refused_requests.id = taken.id"""
_RECEIPTS = """UPDATE receipts SET taken_in_at = $3, refusal_id = taken.id
FROM unnest($1::bigint[], $2::bigint[]) AS taken(id, receipt) WHERE receipts.id = taken.receipt"""
# Whoever wrote the receipts has these locked.
_DELIVERIES = """UPDATE deliveries SET times_taken_in = times_taken_in + brought.times, taken_in_at = $2
FROM (SELECT delivery_id, count(*) AS times FROM receipts WHERE id = ANY($1::bigint[]) GROUP BY 1) AS brought
WHERE deliveries.id = brought.delivery_id"""


async def record(connection: asyncpg.Connection, records: Sequence[tuple[int, Record]]) -> None:
    """See `storage.engine.Book`, as for the others."""
    refusals = [(number, *record.refusal) for number, record in records]
    requests = [request_row(number, record, record.request) for number, record in records if record.request]
    for statement, rows in ((_REFUSALS, refusals), (_REQUESTS, requests)):
        if rows:
            await connection.execute(statement, *zip(*rows, strict=True))


async def held(connection: asyncpg.Connection, source: str) -> list[tuple[int, str, str, int]]:
    return [tuple(row) for row in await connection.fetch(_HELD, source)]


async def let_go(connection: asyncpg.Connection, ids: Sequence[int]) -> None:
    await connection.execute(_REQUESTS_GO, sorted(ids))


async def open_requests(connection: asyncpg.Connection, ids: Sequence[int]) -> set[int]:
    return {row[0] for row in await connection.fetch(_OPEN, list(ids))}


async def mark_taken_in(connection: asyncpg.Connection, taken: Sequence[tuple[int, int]], now: int) -> None:
    numbers, receipts = zip(*taken, strict=True)
    for statement in (_TAKEN_IN, _RECEIPTS):
        await connection.execute(statement, numbers, receipts, now)
    await connection.execute(_DELIVERIES, receipts, now)
