"""A store for each test, on each engine in turn. What is true of one engine alone stands in a folder of its own."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from ledgers import Fixed
from stored import Another, Clock, Run
from stores import migrate

from storage.store import Store, engine_for


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs a coroutine; all of one test run on one loop."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with tables and nothing in them, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "empty.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def database(tmp_path: Path, migrated: Path) -> Path:
    """A SQLite file of this test alone."""
    path = tmp_path / "store.db"
    shutil.copyfile(migrated, path)
    path.chmod(0o600)
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def engine(request: pytest.FixtureRequest) -> str:
    """Each test runs on every engine."""
    return str(request.param)


@pytest.fixture
def url(engine: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of this test alone, with tables and nothing in them."""
    if engine == "sqlite":
        yield f"sqlite:///{request.getfixturevalue('database')}"
        return
    server = request.getfixturevalue("postgresql")
    with server.database(template=server.template(migrate)) as made:
        yield made


@pytest.fixture
def blank(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Makes databases in which there is nothing at all."""
    if engine == "sqlite":
        yield lambda: f"sqlite:///{tmp_path}/{uuid4().hex}.db"
        return
    server = request.getfixturevalue("postgresql")
    made: list[str] = []

    def make() -> str:
        made.append(server.create())
        return made[-1]

    yield make
    for url in made:
        server.drop(url)


@pytest.fixture
def another(url: str, clock: Clock, run: Run) -> Iterator[Another]:
    """Opens one more store on the same database, as another process would."""
    opened: list[Store] = []

    def open_one() -> Store:
        opened.append(Store(engine_for(url), clock))
        return opened[-1]

    yield open_one
    for store in opened:
        run(store.close())


@pytest.fixture
def store(another: Another) -> Store:
    return another()


@pytest.fixture
def file(url: str) -> Fixed:
    """What the ledger's tests write to."""
    return Fixed(url)
