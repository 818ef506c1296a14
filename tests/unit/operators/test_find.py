"""Finding a job by what a person types."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from given import NOW

from operators.errors import AmbiguousName, NoSuchThing
from operators.find import find_job
from schemas.ids import shown
from schemas.words import Origin
from storage import jobs, schema
from storage.sqlite.engine import Sqlite
from storage.store import Store

Identity = tuple[str, str, str]


@pytest.fixture
def known(tmp_path) -> Callable[..., list[int]]:
    """The numbers of the jobs that names lead to, in a store with jobs of these identities, numbered from 1 on."""

    def found(names: list[str], *identities: Identity) -> list[int]:
        return asyncio.run(_found(tmp_path / "ledger.db", names, identities))

    return found


async def _found(path: Path, names: list[str], identities: tuple[Identity, ...]) -> list[int]:
    store = Store(Sqlite(path), lambda: NOW)
    try:
        await schema.migrate(store)
        async with store.writing() as connection:
            for number, identity in enumerate(identities, 1):
                await jobs.bear(connection, number, identity, Origin.TRACK, NOW)
        async with store.reading() as connection:
            return [(await find_job(connection, name)).id for name in names]
    finally:
        await store.close()


def test_three_names_lead_to_one_job(known):
    """
    Our id, SOURCE/JOB_ID and the provider's id alone all name the job.
    """
    names = [shown("job", 2), "gateway/batch_b", "batch_b"]

    assert known(names, ("gateway", "batch", "batch_a"), ("gateway", "batch", "batch_b")) == [2, 2, 2]


def test_an_id_with_slashes_is_an_id(known):
    """
    A provider's id may hold slashes: it is found alone and behind its source.
    """
    assert known(["a/b/c", "gateway/a/b/c"], ("gateway", "batch", "a/b/c")) == [1, 1]


def test_what_looks_like_our_id_may_be_the_providers(known):
    """
    A text in the form of our ids that is none is looked up as the provider's.
    """
    theirs = shown("job", 77)

    assert known([theirs], ("gateway", "batch", theirs)) == [1]


@pytest.mark.parametrize("name", ["", "batch_x", "gateway/batch_x", "gateway/", "/", shown("job", 9), "x" * 5000])
def test_an_unknown_name_is_said_to_be_unknown(known, name):
    """
    Nothing of that name: the message repeats it and says how to go on.
    """
    with pytest.raises(NoSuchThing) as caught:
        known([name], ("gateway", "batch", "batch_a"))
    assert "`batchkeeper track SOURCE JOB_ID` adds one" in caught.value.for_typing


def test_a_name_of_several_jobs_lists_them(known):
    """
    An id that two sources have is refused, and the message names both in a way that is not ambiguous.
    """
    with pytest.raises(AmbiguousName) as refused:
        known(["same"], ("gateway", "batch", "same"), ("other", "batch", "same"))

    assert shown("job", 1) in str(refused.value)
    assert "other/same" in str(refused.value)


def test_a_slash_makes_no_secret_choice(known):
    """
    A text that is one job's id and another's SOURCE/JOB_ID is ambiguous, rather than the first that is found.
    """
    identities = (("gateway", "batch", "b"), ("other", "batch", "gateway/b"))

    assert known(["other/gateway/b"], *identities) == [2]
    with pytest.raises(AmbiguousName):
        known(["gateway/b"], *identities)
