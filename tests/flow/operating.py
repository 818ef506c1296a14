"""The operators' app in a thread of its own, over a real socket, with rows of every noun."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn

from operators.app import build_app
from operators.clock import now
from schemas.config import Config, Handoff, Operators, Secret, Source
from schemas.dialects.phaseo import Phaseo
from storage import schema
from storage.store import Store, engine_for

PATIENCE = 30
TOKEN, READ_TOKEN = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
ACTS, LOOKS = {"authorization": f"Bearer {TOKEN}"}, {"authorization": f"Bearer {READ_TOKEN}"}

T = TypeVar("T")


class Unsignalled(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Operating:
    """`client` acts; `run` does something in the loop of the server."""

    url: str
    config: Config
    store: Store
    loop: asyncio.AbstractEventLoop
    client: httpx.Client
    ids: dict[str, str] = field(default_factory=dict)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.client.get(f"/api/v1{path}", params=query)

    def rows(self, noun: str, **query: Any) -> list[dict[str, Any]]:
        """The rows of a listing that is answered."""
        answer = self.get(f"/{noun}", **query)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()[noun]
        return rows

    def post(self, path: str, key: str, body: Any = None) -> httpx.Response:
        sent = {} if body is None else {"json": body}
        return self.client.post(f"/api/v1{path}", headers={"idempotency-key": key}, **sent)


def configured(home: Path, token: str | None = TOKEN, read_token: str | None = READ_TOKEN) -> Config:
    """Two sources at the gateway, and one target."""
    defaults = Phaseo.defaults

    def source(name: str) -> Source:
        return Source(
            name=name,
            dialect="phaseo",
            base_url="http://127.0.0.1:1/v1",
            api_key=Secret("key" * 8),
            webhook_secrets=(Secret(name * 8),),
            tolerance_seconds=defaults.tolerance_seconds,
            delivery_window_seconds=defaults.delivery_window_seconds,
            webhook_events=defaults.webhook_events,
        )

    operators = Operators(
        port=0,
        token=None if token is None else Secret(token),
        read_token=None if read_token is None else Secret(read_token),
    )
    target = Handoff(name="down", type="http", url="http://127.0.0.1:1/", secret=Secret("target" * 8))
    return Config(
        path=home / "batchkeeper.toml",
        operators=operators,
        sources={name: source(name) for name in ("gateway", "other")},
        handoffs={"down": target},
    )


@contextmanager
def operating(
    folder: Path,
    url: str | None = None,
    fill: Callable[[Store], Coroutine[Any, Any, dict[str, str]]] | None = None,
    **tokens: str | None,
) -> Iterator[Operating]:
    """Start one. `url` of a server's database; None: a SQLite file. `fill` puts rows in and says how they are called."""
    up, found, ends = threading.Event(), list[Operating](), list[asyncio.Event]()
    config = configured(folder, **tokens)

    async def serve() -> None:
        store = Store(engine_for(url or f"sqlite:///{folder / 'operators.db'}"), now)
        try:
            await schema.migrate(store)
            ids = {} if fill is None else await fill(store)
            async with _served(config, store) as base:
                client = httpx.Client(base_url=base, headers=ACTS, trust_env=False, timeout=PATIENCE)
                ends.append(asyncio.Event())
                found.append(Operating(base, config, store, asyncio.get_running_loop(), client, ids))
                up.set()
                await ends[0].wait()
        finally:
            await store.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(PATIENCE)
    try:
        with found[0].client:
            yield found[0]
    finally:
        found[0].loop.call_soon_threadsafe(ends[0].set)
        thread.join(PATIENCE)
    assert not thread.is_alive()


@contextlib.asynccontextmanager
async def _served(config: Config, store: Store) -> Any:
    # As the product makes its own: only with its protocol named is it spared the wait for the other side's acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = Unsignalled(uvicorn.Config(build_app(lambda: config, store, now), lifespan="off", log_config=None))
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
