"""A receiver on loopback, with its own database and a clock that can be set, and a client that sends any bytes."""

import asyncio
import itertools
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from postgresql_server import in_thread
from stores import DATABASE

from receiver.app import App, build_app
from receiver.server import Server
from schemas.config import Config, Database, Receiver, Secret, Source
from schemas.dialects.phaseo import Phaseo
from storage import schema
from storage.engine import Engine
from storage.ledger import Ledger
from storage.postgresql.connecting import WRITING
from storage.postgresql.engine import Postgresql
from storage.sqlite.engine import Sqlite
from storage.sqlite.file import BUSY_SECONDS, PRAGMAS
from storage.store import Store

SECRET = "whsec_0123456789abcdef0123456789abcdef"
OTHER_SECRET = "whsec_another_secret_of_another_source"
BASE_URL = "https://gateway.example/v1"


class Clock:
    """The true time, and how far ours is off."""

    def __init__(self) -> None:
        self.off = 0
        self.fixed: int | None = None

    def __call__(self) -> int:
        return self.fixed if self.fixed is not None else time.time_ns() // 1_000 + self.off


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class House:
    """All that a running receiver consists of."""

    path: Path
    clock: Clock
    store: Store
    ledger: Ledger
    app: App
    server: Server
    config: Config
    url: str | None = None  # of a server's database, in place of the file
    port: int = 0
    wakes: list[int] = field(default_factory=list)

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        if self.url is not None:
            return in_thread(fetched(self.url, sql, values))
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def count(self, table: str) -> int:
        return int(self.rows(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608

    async def send(self, request: bytes) -> Reply:
        """One request on a connection of its own."""
        async with wire(self.port) as (reader, writer):
            writer.write(request)
            return await read_reply(reader)

    async def deliver(self, body: bytes | None = None, path: str = "/webhooks/phaseo", **changes: Any) -> Reply:
        return await self.send(signed(self.clock(), body, path, **changes))


def source(name: str, *secrets: str, **changes: Any) -> Source:
    return Source(
        name=name,
        dialect="phaseo",
        base_url=BASE_URL,
        api_key=Secret("key_for_nobody_at_all"),
        webhook_secrets=tuple(Secret(secret) for secret in secrets),
        tolerance_seconds=300,
        delivery_window_seconds=2_700,
        webhook_events=("batch.completed",),
        **changes,
    )


def configured(path: Path, **receiver: Any) -> Config:
    sources = [
        source("phaseo", SECRET),
        source("other", OTHER_SECRET, "whsec_the_next_secret_of_that_source"),
        source("silent", webhook="none"),
        source("open_door"),
    ]
    return Config(
        path=Path("none.toml"),
        database=Database(url=f"sqlite:///{path}"),
        receiver=Receiver(**{"port": 0, **receiver}),
        sources={one.name: one for one in sources},
    )


@asynccontextmanager
async def house(
    folder: Path, patience: float = BUSY_SECONDS, url: str | None = None, **receiver: Any
) -> AsyncIterator[House]:
    """Start a receiver; stop it, and finish what is queued, at the end.

    `patience` in seconds, with a locked file; `url` of a server's database, where it is not the one that the test runs on.
    """
    config, clock = configured(folder / "ledger.db", **receiver), Clock()
    path = folder / "ledger.db"
    milliseconds, url = int(patience * 1_000), url or DATABASE.get()
    engine: Engine = Sqlite(path, (*PRAGMAS, f"PRAGMA busy_timeout={milliseconds}"))
    if url is not None:
        engine = Postgresql(url, {**WRITING, "lock_timeout": f"{milliseconds}ms"})
    async with AsyncExitStack() as stack:
        store = Store(engine, clock)
        stack.push_async_callback(store.close)
        await schema.migrate(store)
        wakes: list[int] = []
        ledger = Ledger(
            engine,
            store.new_id,
            queue_limit=config.receiver.queue_limit,
            on_commit=lambda: wakes.append(len(wakes)),
        )
        await ledger.start()
        stack.push_async_callback(ledger.close)
        app = build_app(config, ledger, clock, store)
        server = Server(app, config.receiver)
        stack.push_async_callback(server.stop)
        built = House(path, clock, store, ledger, app, server, config, url, wakes=wakes)
        built.port = await server.start()
        yield built
        await settled(built)


@asynccontextmanager
async def locked(here: House) -> AsyncIterator[None]:
    """Somebody else writes, and takes their time."""
    url = DATABASE.get()
    if url is not None:
        other = await asyncpg.connect(url)
        await other.execute("BEGIN; LOCK TABLE deliveries, tallies IN ACCESS EXCLUSIVE MODE")
        try:
            yield
        finally:
            await other.close()
        return
    connection = sqlite3.connect(here.path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


async def fetched(url: str, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Rows of a PostgreSQL database. Parameters are written as SQLite writes them."""
    numbers = itertools.count(1)
    connection = await asyncpg.connect(url)
    try:
        statement = re.sub(r"\?", lambda _: f"${next(numbers)}", sql)
        return [tuple(row) for row in await connection.fetch(statement, *values)]
    finally:
        await connection.close()


async def settled(house: House) -> None:
    """What was noted beside the deliveries is written now: a probe takes it along."""
    await house.ledger.probe(house.clock())


def sample(job: str = "batch_1", event: str = "batch.completed", status: str = "completed") -> bytes:
    return Phaseo().sample(event, job, status, BASE_URL, 1_790_000_000_000_000)


def signed(
    now: int,
    body: bytes | None = None,
    path: str = "/webhooks/phaseo",
    *,
    secret: str = SECRET,
    method: str = "POST",
    without: Sequence[str] = (),
    **more: Any,
) -> bytes:
    """A whole request, as the gateway sends it, but for what is changed. Underscores in names stand for hyphens."""
    request = Phaseo().sign(secret.encode(), sample() if body is None else body, now)
    headers = {"host": "localhost", **dict(request.headers), "content-length": str(len(request.body))}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    return raw(method, path, {name: value for name, value in headers.items() if name not in without}, request.body)


def raw(method: str, path: str, headers: dict[str, str] | Sequence[tuple[str, str]], body: bytes = b"") -> bytes:
    fields = headers.items() if isinstance(headers, dict) else headers
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


@asynccontextmanager
async def wire(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def read_reply(reader: asyncio.StreamReader) -> Reply:
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").rstrip().split("\r\n")
        headers = dict(one.split(": ", 1) for one in fields)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Reply(int(line.split(" ")[1]), headers, body)


async def rest_of(reader: asyncio.StreamReader) -> bytes:
    """What comes until the other side closes."""
    async with asyncio.timeout(20):
        try:
            return await reader.read()
        except ConnectionError:
            return b""
