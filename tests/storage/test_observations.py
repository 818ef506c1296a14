"""Observations: runs of equal answers, and the transitions that they caused."""

from itertools import groupby, pairwise, product
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from stored import NOON, Run, a_job, within

from schemas.tables import ObservationRow, TransitionRow
from schemas.times import SECOND
from storage import observations
from storage.store import Store

ANSWERS: dict[str, dict[str, Any]] = {
    "A": {"status": "running", "native_status": "in_progress", "progress": 40},
    "B": {"status": "running", "native_status": "in_progress", "progress": 50},
}
DIFFERENCES: list[dict[str, Any]] = [
    {"asked": "cancel"},
    {"status": None},
    {"status": "pending"},
    {"native_status": "validating"},
    {"progress": 0},
    {"progress": None},
    {"trouble": "gateway"},
    {"http_status": 404},
    {"message": "no such batch"},
    {"flag": "open_after_end"},
    {"details": '{"polling_url": "u"}'},
]


def row(store: Store, job: int, at: int, **said: Any) -> ObservationRow:
    return ObservationRow(
        id=store.new_id(), job=job, first_seen_at=at, last_seen_at=at, **({"asked": "poll", **ANSWERS["A"]} | said)
    )


async def runs(store: Store, job: int, limit: int = 100) -> list[ObservationRow]:
    return await within(store.reading(), observations.of_job, job, limit)


def test_runs(store: Store, run: Run) -> None:
    """Every sequence of answers is kept as its runs: equal ones in a row are one with a count, A-B-A is three."""

    async def flow() -> None:
        for length in range(1, 6):
            for sequence in product("AB", repeat=length):
                job = await a_job(store, "".join(sequence))
                async with store.writing() as connection:
                    for number, word in enumerate(sequence):
                        said = row(store, job.id, NOON + number * SECOND, **ANSWERS[word])
                        await observations.observe(connection, said)
                kept = [(found.progress, found.times_seen) for found in reversed(await runs(store, job.id))]

                assert kept == [(ANSWERS[word]["progress"], len(list(same))) for word, same in groupby(sequence)]

    run(flow())


def test_length_of_a_run(store: Store, run: Run) -> None:
    """A run tells when its answer was heard first and last, and the row that holds it is what is returned."""

    async def flow() -> None:
        job = await a_job(store)
        rows = [row(store, job.id, NOON + number * SECOND) for number in range(3)]
        returned = [await within(store.writing(), observations.observe, answer) for answer in rows]
        (kept,) = await runs(store, job.id)

        assert returned == [rows[0].id] * 3
        assert (kept.first_seen_at, kept.last_seen_at, kept.times_seen) == (NOON, NOON + 2 * SECOND, 3)

    run(flow())


@pytest.mark.parametrize("difference", DIFFERENCES, ids="_".join)
def test_whatever_differs_begins_a_run(store: Store, run: Run, difference: dict[str, Any]) -> None:
    """Whatever an answer says otherwise than the last one begins a new run."""

    async def flow() -> None:
        job = await a_job(store)
        answers: list[dict[str, Any]] = [{}, difference, difference, {}]
        for said in answers:
            await within(store.writing(), observations.observe, row(store, job.id, NOON, **said))

        assert [found.times_seen for found in await runs(store, job.id)] == [1, 2, 1]

    run(flow())


def test_jobs_do_not_mix(store: Store, run: Run) -> None:
    """The last answer about another job says nothing of this one's run."""

    async def flow() -> None:
        one, two = await a_job(store, "b1"), await a_job(store, "b2")
        for job in (one, two, one, two):
            await within(store.writing(), observations.observe, row(store, job.id, NOON))

        assert [found.times_seen for found in await runs(store, one.id)] == [2]
        assert [found.times_seen for found in await runs(store, two.id)] == [2]

    run(flow())


def test_newest_first(store: Store, run: Run) -> None:
    """The runs of a job are read from the newest back."""

    async def flow() -> None:
        job = await a_job(store)
        for number in range(4):
            await within(store.writing(), observations.observe, row(store, job.id, NOON, progress=number))

        assert [found.progress for found in await runs(store, job.id)] == [3, 2, 1, 0]
        assert [found.progress for found in await runs(store, job.id, 2)] == [3, 2]

    run(flow())


def test_details_in_any_order() -> None:
    """What an answer said reads the same in whatever order it came: else two equal ones would not be one run."""
    said: dict[str, Any] = {"zeta": 0, "beta": False, "gamma": {"b": 1, "a": 2}}

    assert observations.details(said) == '{"beta": false, "gamma": {"a": 2, "b": 1}, "zeta": 0}'
    assert observations.details(dict(reversed(said.items()))) == observations.details(said)


def test_the_newest_answer_of_its_own(store: Store, run: Run) -> None:
    """Of a job's observations the newest that answers a question about it alone, with a status: not a list's, no trouble."""

    async def flow() -> None:
        job = await a_job(store)
        told: list[dict[str, Any]] = [
            {"asked": "poll", "status": "running", "progress": 1},
            {"asked": "cancel", "status": "running", "progress": 2},
            {"asked": "list", "status": "running", "progress": 3},
            {"asked": "socket", "status": "running", "progress": 4},
            {"asked": "poll", "status": None, "trouble": "gateway"},
        ]
        assert await within(store.reading(), observations.newest_own, job.id) is None
        for number, columns in enumerate(told):
            await within(store.writing(), observations.observe, row(store, job.id, NOON + number, **columns))
        newest = await within(store.reading(), observations.newest_own, job.id)

        assert newest is not None
        assert (newest.asked, newest.progress) == ("cancel", 2)

    run(flow())


def test_transitions(store: Store, run: Run) -> None:
    """The changes of a job's status stay in the order in which they were made."""

    async def flow() -> None:
        job = await a_job(store)
        words = ["unknown", "running", "completed", "failed"]
        for revision, (old, new) in enumerate(pairwise(words)):
            async with store.writing() as connection:
                seen = await observations.observe(connection, row(store, job.id, NOON, status=new))
                await observations.record(connection, _transition(store, job.id, revision, old, new, seen))
        kept = await within(store.reading(), observations.transitions_of, job.id)

        assert [(move.from_status, move.to_status, move.revision) for move in kept] == [
            ("unknown", "running", 0),
            ("running", "completed", 1),
            ("completed", "failed", 2),
        ]

    run(flow())


def test_transition_needs_its_observation(store: Store, run: Run) -> None:
    """No change of status is kept without the answer that caused it."""

    async def flow() -> None:
        job = await a_job(store)
        with pytest.raises(IntegrityError):
            await within(store.writing(), observations.record, _transition(store, job.id, 0, "unknown", "failed", 5))

        assert await within(store.reading(), observations.transitions_of, job.id) == []

    run(flow())


def _transition(store: Store, job: int, revision: int, old: str, new: str, observation: int) -> TransitionRow:
    return TransitionRow(
        id=store.new_id(),
        job=job,
        revision=revision,
        from_status=old,
        to_status=new,
        observation=observation,
        at=NOON,
    )
