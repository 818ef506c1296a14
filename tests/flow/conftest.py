"""Flows run on SQLite; those marked `both_stores` run on PostgreSQL, too."""

from collections.abc import Iterator

import pytest
from stores import DATABASE, migrate


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("both_stores"):
        stores = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
        metafunc.parametrize("the_store", stores, indirect=True)


@pytest.fixture(autouse=True)
def the_store(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of a PostgreSQL database for `service`; None for a SQLite file of its own."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield None
        return
    server = request.getfixturevalue("postgresql")
    with server.database(template=server.template(migrate)) as url:
        token = DATABASE.set(url)
        yield url
        DATABASE.reset(token)
