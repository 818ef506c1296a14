"""What is measured, each in a process of its own: prints its port and serves until SIGTERM."""

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from operators.app import build_app as build_operators_app
from operators.collecting import pass_over_the_start
from receiver.app import build_app
from receiver.server import Server
from schemas.config import Config, Database, Operators, Receiver, Secret, Source
from storage import schema
from storage.ledger import Ledger
from storage.store import Store, engine_for

SOURCES = [f"source_{number}" for number in range(5)]


def clock() -> int:
    return time.time_ns() // 1_000


def config(folder: Path, url: str) -> Config:
    source = Source(
        name="phaseo",
        dialect="phaseo",
        base_url="https://gateway.example/v1",
        api_key=Secret("not used, nothing is asked"),
        webhook_secrets=(Secret(os.environ["BENCH_SECRET"]),),
        tolerance_seconds=300,
        delivery_window_seconds=2_700,
        webhook_events=("batch.completed",),
    )
    return Config(
        path=folder / "none.toml",
        database=Database(url=url),
        receiver=Receiver(port=0),
        sources={source.name: source},
    )


async def durable(folder: Path, url: str) -> None:
    """The product's receiver, just as `batchkeeper receive` runs it."""
    chosen = config(folder, url)
    store = Store(engine_for(chosen.database.url), clock)
    await schema.migrate(store)
    ledger = Ledger(store.engine, store.new_id, queue_limit=chosen.receiver.queue_limit)
    await ledger.start()
    server = Server(build_app(chosen, ledger, clock, store), chosen.receiver)
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)
    print(await server.start(), flush=True)
    await asked.wait()
    await server.stop()
    await ledger.close()
    await store.close()


async def operators(folder: Path, url: str) -> None:
    """The operators' app, just as `batchkeeper up` serves it."""
    base = config(folder, url)
    sources = {name: base.sources["phaseo"].model_copy(update={"name": name}) for name in SOURCES}
    surface = Operators(port=0, token=Secret(os.environ["BENCH_TOKEN"]))
    chosen = base.model_copy(update={"sources": sources, "operators": surface})
    store = Store(engine_for(chosen.database.url), clock)
    app = build_operators_app(lambda: chosen, store, clock)
    pass_over_the_start()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    server = uvicorn.Server(uvicorn.Config(app, http="httptools", log_config=None, access_log=False, lifespan="off"))
    print(listener.getsockname()[1], flush=True)
    await server.serve([listener])
    await store.close()


async def bare(_folder: Path, _url: str) -> None:
    """The least that an endpoint can do: read the body, and say so."""

    async def endpoint(request: Request) -> Response:
        await request.body()
        return Response(status_code=202)

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(2_048)
    app = Starlette(routes=[Route("/webhooks/{source}", endpoint, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, http="httptools", log_config=None, access_log=False, lifespan="off"))
    print(listener.getsockname()[1], flush=True)
    await server.serve([listener])


if __name__ == "__main__":
    uvloop.run({"durable": durable, "bare": bare, "operators": operators}[sys.argv[1]](Path(sys.argv[2]), sys.argv[3]))
