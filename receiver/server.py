"""Running the receiver: a uvicorn whose signals, deadlines and end are ours."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Iterator

import structlog
import uvicorn

from receiver.app import App
from receiver.protocol import Limits, guarded
from schemas.config import Receiver

log = structlog.get_logger(__name__)

KEEP_ALIVE_SECONDS = 20
GRACE_SECONDS = 6  # longer than a commit may wait, and short enough to be gone within ten
LAST_WORDS_SECONDS = 2
MOST_CONNECTIONS = 4_096
OTHER_FILES = 100  # what the process needs descriptors for besides its connections


class Server:
    """The receiver, listening. It runs in the event loop of whoever starts it, beside other tasks; signals are theirs."""

    def __init__(self, app: App, settings: Receiver) -> None:
        self._app = app
        self._settings = settings
        self._server: _Uvicorn | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """
        Listen, and answer with the port.

        Raises:
            OSError: the address cannot be listened on. The message says why and what to do.
        """
        listener = _listen(self._settings.host, self._settings.port)
        port: int = listener.getsockname()[1]
        self._server = _Uvicorn(self._config())
        self._task = asyncio.create_task(self._server.serve([listener]), name="receiver")
        await self._server.is_up.wait()
        return port

    async def stop(self) -> None:
        """Take nothing new, finish what is there, and be gone within seconds whatever others do."""
        if self._server is None or self._task is None:
            return
        if not self._server.should_exit:
            log.info("draining", connections=len(self._server.server_state.connections), seconds=GRACE_SECONDS)
        self._app.drain()
        self._server.should_exit = True
        await self._task
        await self._server.part()
        self._app.close()

    def _config(self) -> uvicorn.Config:
        settings = self._settings
        limits = Limits(
            read_seconds=settings.read_timeout_seconds,
            head_bytes=settings.max_header_bytes,
            head_fields=settings.max_headers,
            body_bytes=settings.max_body_bytes,
            connections=_most_connections(),
        )
        return uvicorn.Config(
            self._app,
            http=guarded(limits, self._app.intake.refused_by_server),
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="critical",  # it would log a line for each request that is no HTTP
            access_log=False,
            proxy_headers=False,  # it trusts loopback by default
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn would raise the signal again before our own clean-up; signals are our matter."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    async def part(self) -> None:
        """Give those who were cut short a moment for their last words."""
        tasks = set(self.server_state.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_WORDS_SECONDS)
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )[0]
        # Made with its protocol named: asyncio spares only such sockets the wait for the other side's acknowledgement.
        listener = socket.socket(family, kind, protocol)
        with contextlib.ExitStack() as stack:
            stack.callback(listener.close)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(2_048)
            stack.pop_all()
        return listener
    except OSError as error:
        raise OSError(
            error.errno,
            f"cannot listen on {host} port {port}: {error.strerror}; stop whatever has it, or set host and port in [receiver]",
        ) from None


def _most_connections() -> int:
    """As many as leave descriptors for the rest of the process."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if files == resource.RLIM_INFINITY else max(1, min(MOST_CONNECTIONS, files - OTHER_FILES))
