"""The provider's account of its deliveries: kept whole, though it shows only its newest attempts."""

from typing import Any

from stored import NOON, Run, a_job, within

from schemas.tables import AttemptRow
from schemas.times import SECOND
from storage import attempts
from storage.store import Store


def attempt(store: Store, job: int, number: int, **told: Any) -> AttemptRow:
    values: dict[str, Any] = {
        "delivery_key": "batch.completed",
        "tried_at": NOON,
        "outcome": "retrying",
        "first_seen_at": NOON,
    }
    return AttemptRow(id=store.new_id(), job=job, number=number, **(values | told))


async def keep(store: Store, rows: list[AttemptRow]) -> list[AttemptRow]:
    async with store.writing() as connection:
        await attempts.keep(connection, rows)
        return await attempts.of_job(connection, rows[0].job)


def test_told_twice(store: Store, run: Run) -> None:
    """An account that is read again adds nothing, however often, and keeps when each attempt was first seen."""

    async def flow() -> None:
        job = await a_job(store)
        told = [attempt(store, job.id, number) for number in (1, 2)]
        first = await keep(store, told)
        again = await keep(store, [attempt(store, job.id, number, first_seen_at=NOON + SECOND) for number in (1, 2)])

        assert first == again == told

    run(flow())


def test_told_otherwise(store: Store, run: Run) -> None:
    """What the provider says of an attempt now replaces what it said before, also when it takes something back."""

    async def flow() -> None:
        job = await a_job(store)
        before = {"response_status": 500, "timed_out": 1, "error": "boom", "preview": "<html>"}
        after = {"outcome": "delivered", "response_status": 202, "timed_out": 0, "error": None, "preview": "rcp_1"}
        (one,) = await keep(store, [attempt(store, job.id, 1, **before)])
        (two,) = await keep(store, [attempt(store, job.id, 1, **after)])

        assert two.id == one.id
        assert {name: getattr(two, name) for name in after} == after

    run(flow())


def test_older_ones_stay(store: Store, run: Run) -> None:
    """Attempts that the provider's list no longer shows stay, oldest first; those without a time come before."""

    async def flow() -> None:
        job = await a_job(store)
        await keep(store, [attempt(store, job.id, number, tried_at=NOON + number) for number in (1, 2)])
        kept = await keep(
            store,
            [attempt(store, job.id, number, tried_at=NOON + number) for number in (3, 2)]
            + [attempt(store, job.id, 0, tried_at=0)],
        )

        assert [row.number for row in kept] == [0, 1, 2, 3]

    run(flow())


def test_what_makes_one_attempt(store: Store, run: Run) -> None:
    """Another job, another delivery, another number or another time is another attempt."""

    async def flow() -> None:
        job, other = await a_job(store, "b1"), await a_job(store, "b2")
        kept = await keep(
            store,
            [
                attempt(store, job.id, 1),
                attempt(store, job.id, 2),
                attempt(store, job.id, 1, tried_at=NOON + 1),
                attempt(store, job.id, 1, delivery_key="batch.failed"),
                attempt(store, other.id, 1),
            ],
        )

        assert len(kept) == 4
        assert len(await within(store.reading(), attempts.of_job, other.id)) == 1

    run(flow())
