"""Counting: whatever happens is added up per minute, per hour and since ever, so that nobody has to count rows.

What is counted, each as one word: by the receiver `accepted`, `duplicate`, `unreadable` and `refused.REASON`; by `reverify`
`taken_in`, of requests that count as refused when they came, at the time when it took them in; by whoever learns of a job
`born.ORIGIN`; by whoever changes one `moved.FROM.TO`, `began.CATEGORY.CODE` and `cleared.CATEGORY.CODE`; of hand-offs
`handoff.TARGET.FROM.TO`, where each comes from `new`; by whoever asks for an action or changes its state
`acted.VERB.STATE.OFFERED`, where OFFERED is whether a `cancel_url` was there to be seen (yes, no, unknown).

And by the reconciler, gathered in memory and written every ten seconds and at the end, so that one that is killed takes some
along:

- `asked.QUESTION.RESULT`: answers to its questions. QUESTION is poll, list, look (at a file's record), fetch (content), upload,
  create, cancel, pause or resume; RESULT is ok, denied (there is no such job or file), or a word of `Trouble`.
- `judged.VERDICT`: receipts.
- `attempts.OUTCOME`: attempts in the provider's account of its deliveries, when they are seen first, by how they stood then.
- `heard.WHO`: ends of jobs, by who told of them first: webhook, or which question of ours.
- `healed.QUESTION`: jobs that are settled and of whose end no expected webhook ever came: which question found it.
- `lag.le.SECONDS`, `lag.sum` (milliseconds), `lag.count`: how long after its end at the provider we knew of it, of jobs that we
  knew before and whose provider says when they ended. The buckets are cumulative, as a histogram has them
  (`reconciler/counted.py` names them; the last, of any length, is `lag.count`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import HourlyTallyRow, TallyRow, TotalRow
from schemas.times import HOUR, MINUTE
from storage.rows import table, upsert

TALLIES, HOURLY, TOTALS = table(TallyRow), table(HourlyTallyRow), table(TotalRow)
_TOTALS = select(TOTALS.c.source, TOTALS.c.what, TOTALS.c.count)


@dataclass(frozen=True, slots=True)
class Tally:
    """So many of something, in one span of time that begins `at` (microseconds)."""

    at: int
    source: str
    what: str
    count: int


async def count(connection: AsyncConnection, source: str, counted: Mapping[str, int], now: int) -> None:
    """Add to what was counted of a source."""
    rows = [{"source": source, "what": what, "count": number} for what, number in sorted(counted.items()) if number]
    if not rows:
        return
    await _add(connection, TALLIES, [{"minute": now // MINUTE, **row} for row in rows])
    await _add(connection, HOURLY, [{"hour": now // HOUR, **row} for row in rows])
    await _add(connection, TOTALS, [{"minute": now // MINUTE, **row} for row in rows])


async def totals(connection: AsyncConnection) -> dict[tuple[str, str], int]:
    """Everything that was ever counted, by source and word."""
    return {(source, what): number for source, what, number in await connection.execute(_TOTALS)}


async def ever(connection: AsyncConnection) -> list[Tally]:
    """The same, each with the beginning of the last minute in which it was counted."""
    found = await connection.execute(select(TOTALS.c.minute, TOTALS.c.source, TOTALS.c.what, TOTALS.c.count))
    return [Tally(row[0] * MINUTE, row[1], row[2], row[3]) for row in found]


async def by_minute(connection: AsyncConnection, since: int, until: int) -> list[Tally]:
    """What was counted between two times, per minute, oldest first."""
    return await _between(connection, TALLIES, "minute", MINUTE, since, until)


async def by_hour(connection: AsyncConnection, since: int, until: int) -> list[Tally]:
    """The same, per hour."""
    return await _between(connection, HOURLY, "hour", HOUR, since, until)


async def of_source(connection: AsyncConnection, source: str, since: int, now: int) -> dict[str, int]:
    """What was counted of one source from one time to another, in whole minutes, by word. Each minute is looked up."""
    minutes = list(range(since // MINUTE, now // MINUTE + 1))
    ours = TALLIES.c.minute.in_(minutes) & (TALLIES.c.source == source)
    found = await connection.execute(
        select(TALLIES.c.what, func.sum(TALLIES.c.count)).where(ours).group_by(TALLIES.c.what)
    )
    return {what: int(number) for what, number in found}


async def _add(connection: AsyncConnection, counters: Table, rows: Sequence[Mapping[str, object]]) -> None:
    statement = upsert(connection, counters).values(list(rows))
    keys = [column.name for column in counters.primary_key]
    added: dict[str, ColumnElement[int]] = {"count": counters.c.count + statement.excluded["count"]}
    if counters is TOTALS:
        then, before = statement.excluded["minute"], TOTALS.c.minute
        added["minute"] = case((then > before, then), else_=before)
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=added))


async def _between(
    connection: AsyncConnection, counters: Table, span: str, length: int, since: int, until: int
) -> list[Tally]:
    at = counters.c[span]
    statement = select(at, counters.c.source, counters.c.what, counters.c.count)
    within = statement.where(at >= since // length, at <= until // length).order_by(*counters.primary_key)
    return [Tally(row[0] * length, row[1], row[2], row[3]) for row in await connection.execute(within)]
