"""Running the service: the receiver, the reconciler and the operators' app, together or each on its own."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import structlog
import uvicorn
from starlette.applications import Starlette

from operators.app import build_app as build_operators_app
from operators.clock import now
from operators.collecting import pass_over_the_start
from operators.queries import webhook_url
from operators.reloading import Current, enter_sources
from operators.signals import Asked, heard
from operators.store import opened
from receiver.app import build_app as build_receiver_app
from receiver.server import Server
from reconciler.daemon import Reconciler
from schemas.config import Config
from storage.ledger import Ledger
from storage.store import Store

log = structlog.get_logger()

LAST_WORDS_SECONDS = 3


async def up(config: Config) -> None:
    """Everything in one process, until a signal. Migrates the database first."""
    async with opened(config, migrate=True) as store, heard() as asked:
        current, reconciler = Current(config, store), Reconciler(config, store, now)
        async with (
            # First, so that what cannot be listened on shows before a delivery is taken.
            _operating(current, store) as operating,
            _receiving(current, store, reconciler.wake) as receiving,
            _reconciling(current, reconciler) as task,
        ):
            await _until(asked, current, task)
            operating.stop()
            await asyncio.gather(receiving.stop(), _end(task))  # at once, so that neither takes of the other's time
        log.info("stopped")


async def receive(config: Config) -> None:
    """The receiver alone, until a signal."""
    async with opened(config) as store, heard() as asked:
        current = Current(config, store)
        async with _receiving(current, store, None):
            await _until(asked, current)
    log.info("stopped")


async def reconcile(config: Config) -> None:
    """The reconciler alone, until a signal."""
    async with opened(config) as store, heard() as asked:
        current = Current(config, store)
        async with _reconciling(current, Reconciler(config, store, now)) as task:
            await _until(asked, current, task)
    log.info("stopped")


async def operate(config: Config) -> None:
    """The operators' app alone, until a signal."""
    async with opened(config) as store, heard() as asked:
        current = Current(config, store)
        async with _operating(current, store) as operating:
            await _until(asked, current)
            operating.stop()
    log.info("stopped")


async def reconcile_once(config: Config) -> dict[str, int | None]:
    """Do all that is due now, and return how much that was for each source; None where another reconciler owns it."""
    async with opened(config) as store:
        return await Reconciler(config, store, now).run_once()


@contextlib.asynccontextmanager
async def _receiving(current: Current, store: Store, wake: Callable[[], None] | None) -> AsyncIterator[Server]:
    config = current.config
    await enter_sources(store, config, now())
    ledger = Ledger(store.engine, store.new_id, queue_limit=config.receiver.queue_limit, on_commit=wake)
    await ledger.start()
    try:
        app = build_receiver_app(config, ledger, now, store)
        current.followers.append(app.reload)
        server = Server(app, config.receiver)
        port = await server.start()
        urls = {name: webhook_url(config, name) for name in config.sources}
        log.info("receiving", address=f"http://{config.receiver.host}:{port}", **urls)
        try:
            yield server
        finally:
            await server.stop()
    finally:
        await ledger.close()


@contextlib.asynccontextmanager
async def _reconciling(current: Current, reconciler: Reconciler) -> AsyncIterator[asyncio.Task[None]]:
    current.followers.append(reconciler.reload)
    task = asyncio.create_task(reconciler.run(), name="reconciler")
    try:
        yield task
    finally:
        await _end(task)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def _operating(current: Current, store: Store) -> AsyncIterator["_Uvicorn"]:
    host, port = current.config.operators.host, current.config.operators.port
    listener = _listen(host, port)
    server = _Uvicorn(build_operators_app(lambda: current.config, store, now))
    pass_over_the_start()
    task = asyncio.create_task(server.serve([listener]), name="operators")
    log.info("operating", address=f"http://{host}:{listener.getsockname()[1]}")
    try:
        yield server
    finally:
        server.stop()
        await task


async def _until(asked: Asked, current: Current, *tasks: asyncio.Task[None]) -> None:
    """Wait to be asked to stop, or for a task to break, which must not go unnoticed; reload whenever that is asked for."""
    reloading = asyncio.create_task(_reload_for_ever(asked, current), name="reloading")
    waiting = asyncio.create_task(asked.to_stop.wait())
    try:
        await asyncio.wait({waiting, reloading, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for broken in (reloading, *tasks):
            if broken.done():
                broken.result()
    finally:
        for task in (reloading, waiting):
            task.cancel()
        await asyncio.gather(reloading, waiting, return_exceptions=True)


async def _reload_for_ever(asked: Asked, current: Current) -> None:
    while True:
        await asked.to_reload.wait()
        asked.to_reload.clear()  # first: what changes while we read is read once more
        await current.reload()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Made with its protocol named: asyncio spares only such sockets the wait for the other side's acknowledgement.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        with contextlib.ExitStack() as stack:
            stack.callback(listener.close)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(128)
            stack.pop_all()
        return listener
    except OSError as error:
        advice = "stop whatever has it, or set host and port in [operators]"
        raise OSError(
            error.errno, f"cannot listen on {host} port {port}: {os.strerror(error.errno or 0)}; {advice}"
        ) from None


def _uvicorn_config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=LAST_WORDS_SECONDS,
    )


class _Uvicorn(uvicorn.Server):
    def __init__(self, app: Starlette) -> None:
        super().__init__(_uvicorn_config(app))
        self._app = app

    def stop(self) -> None:
        """Take nothing new, and let go whoever only listens: else their streams would be waited for."""
        self.should_exit = True
        self._app.state.end_streams()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the process's matter; uvicorn would raise them again before our clean-up."""
        yield
