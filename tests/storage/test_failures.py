"""Failures: one row for each fact that ever held of a job, cleared when it no longer holds, never deleted."""

import json
from itertools import product
from typing import Any

from sqlalchemy import event
from stored import NOON, Run, a_job, within

from schemas.tables import FailureRow, JobRow
from schemas.times import SECOND
from storage import failures
from storage.failures import Named
from storage.listing import Part
from storage.store import Store

FAILED = Named("execution", "failed", "", "the provider says failed", {"status": "failed"})
MISSING = Named("delivery", "missing", "batch.completed", "it never came", {"key": "batch.completed"})
EVERY = {"F": FAILED, "M": MISSING}
SETS = ["", "F", "M", "FM"]


async def sync(store: Store, job: JobRow, named: list[Named], now: int) -> None:
    await within(store.writing(), failures.sync, job, named, store.new_id, now)


async def kept(store: Store, job: int) -> list[FailureRow]:
    return await within(store.reading(), failures.of_job, job)


def test_appear(store: Store, run: Run) -> None:
    """What holds now appears with what it rests on and when it was found."""

    async def flow() -> None:
        job = await a_job(store)
        await sync(store, job, [FAILED, MISSING], NOON)
        one, two = await kept(store, job.id)

        assert (one.category, one.code, one.subject, one.message) == ("execution", "failed", "", FAILED.message)
        assert (two.category, two.code, two.subject) == ("delivery", "missing", "batch.completed")
        assert json.loads(one.evidence) == {"status": "failed"}
        assert (one.detected_at, one.cleared_at) == (NOON, None)

    run(flow())


def test_every_history(store: Store, run: Run) -> None:
    """Whatever holds one time after the other: the open rows are what holds now, nothing is ever deleted, what returns is
    found anew, and what merely goes on keeps the time when it was found, and what is gone the time when it went.
    """

    async def flow() -> None:
        for history in product(SETS, repeat=3):
            job = await a_job(store, "-".join(history))
            expected: dict[str, tuple[int, int | None]] = {}
            for step, words in enumerate(history):
                now = NOON + step * SECOND
                await sync(store, job, [EVERY[word] for word in words], now)
                for word in EVERY:
                    _live(expected, word, word in words, now)
                rows = {row.category: (row.detected_at, row.cleared_at) for row in await kept(store, job.id)}

                assert rows == {EVERY[word].category: times for word, times in expected.items()}

    run(flow())


def _live(rows: dict[str, tuple[int, int | None]], word: str, holds: bool, now: int) -> None:
    found = rows.get(word)
    if holds and (found is None or found[1] is not None):
        rows[word] = (now, None)
    elif not holds and found is not None and found[1] is None:
        rows[word] = (found[0], now)


def test_new_evidence(store: Store, run: Run) -> None:
    """A failure that goes on with other words or facts shows these, and keeps its row and the time when it was found."""

    async def flow() -> None:
        job = await a_job(store)
        await sync(store, job, [FAILED], NOON)
        (before,) = await kept(store, job.id)
        said = Named("execution", "failed", "", "3 of 5 rows", {"rows_failed": 3})
        await sync(store, job, [said], NOON + SECOND)
        (after,) = await kept(store, job.id)

        assert (after.id, after.detected_at, after.cleared_at) == (before.id, NOON, None)
        assert (after.message, json.loads(after.evidence)) == ("3 of 5 rows", {"rows_failed": 3})

    run(flow())


def test_unchanged_writes_nothing(store: Store, run: Run) -> None:
    """To find the same once more changes no row, whatever the order of the facts."""

    async def flow() -> None:
        job = await a_job(store)
        facts = {"b": 1, "a": [1, 2]}
        await sync(store, job, [Named("execution", "failed", "", "m", facts)], NOON)
        again = [Named("execution", "failed", "", "m", dict(reversed(facts.items())))]
        statements: list[str] = []
        async with store.writing() as connection:
            event.listen(connection.sync_connection, "before_cursor_execute", lambda *told: statements.append(told[2]))
            await failures.sync(connection, job, again, store.new_id, NOON + SECOND)

        assert [statement.split()[0] for statement in statements] == ["SELECT"]

    run(flow())


def test_subjects_are_apart(store: Store, run: Run) -> None:
    """The same code about two deliveries of one job is two failures; each is cleared alone."""

    async def flow() -> None:
        job = await a_job(store)
        two = [Named("delivery", "missing", key, "m", {}) for key in ("batch.completed", "batch.progress:50")]
        await sync(store, job, two, NOON)
        await sync(store, job, two[1:], NOON + SECOND)

        assert [row.cleared_at for row in await kept(store, job.id)] == [NOON + SECOND, None]

    run(flow())


def test_jobs_do_not_mix(store: Store, run: Run) -> None:
    """What no longer holds of one job stays with the other."""

    async def flow() -> None:
        one, two = await a_job(store, "b1"), await a_job(store, "b2")
        for job in (one, two):
            await sync(store, job, [FAILED], NOON)
        await sync(store, one, [], NOON + SECOND)

        assert [row.cleared_at for row in await kept(store, one.id)] == [NOON + SECOND]
        assert [row.cleared_at for row in await kept(store, two.id)] == [None]
        holding = await within(store.reading(), failures.of_jobs, [one.id, two.id])
        assert [row.job for row in holding] == [two.id]

    run(flow())


def test_newest(store: Store, run: Run) -> None:
    """Failures are listed with their jobs, newest first, by source and category; the cleared ones only when asked for."""

    async def flow() -> None:
        one, two = await a_job(store, "b1"), await a_job(store, "b2", "other")
        for job in (one, two):
            await sync(store, job, [FAILED, MISSING], NOON)
        await sync(store, two, [FAILED], NOON + SECOND)

        async def listed(*arguments: Any, **named: Any) -> list[tuple[str, str]]:
            found = await within(store.reading(), failures.newest, Part(*arguments), **named)
            return [(job.job_id, row.code) for row, job in found]

        whole = [("b2", "failed"), ("b1", "missing"), ("b1", "failed")]
        assert await listed() == whole
        assert await listed(2) == whole[:2]
        assert await listed(source="acme") == whole[1:]
        assert await listed(category="execution") == [whole[0], whole[2]]
        assert await listed(source="acme", category="delivery") == [whole[1]]
        assert await listed(source="other", cleared=True) == [("b2", "missing"), ("b2", "failed")]
        assert await listed(source="nobody") == []

    run(flow())
