"""The stand-in as a server: its settings, its app, and two ways of running it.

`serve` is for a process of its own and takes SIGINT and SIGTERM. `RunningSandbox` lives inside somebody else's
event loop and touches no signals.
"""

import asyncio
import contextlib
import ipaddress
import math
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from sandbox.anthropic import defaults as anthropic
from sandbox.clock import Clock
from sandbox.connections import CuttableProtocol
from sandbox.cors import OpenToEveryOrigin
from sandbox.counting import CountedRequests
from sandbox.endpoints import Endpoint
from sandbox.errors import Refused, answer_refusal, not_found_text
from sandbox.gateway import Gateway
from sandbox.generations import G2, Generation, generation_named
from sandbox.history import add_history
from sandbox.management import management_routes
from sandbox.openai import defaults as openai
from sandbox.providers import make_providers
from sandbox.routes import gateway_routes
from sandbox.sockets import socket_routes
from sandbox.thunderbit.auth import KEY_FORM
from sandbox.truth import control_routes
from sandbox.video_routes import video_routes

DEFAULT_API_KEY = "phaseo_v1_sk_sandbox0_only-for-the-loopback-stand-in"
DEFAULT_WEBHOOK_SECRET = "whsec_c2FuZGJveC1sb29wYmFjay1zaWduaW5nLXNlY3JldDA"
DEFAULT_THUNDERBIT_KEY = "tb_5a6db0c05a6db0c05a6db0c05a6db0c0"
DEFAULT_TAGGER_EMAIL = "daemon@tagger.example"
DEFAULT_TAGGER_PASSWORD = "only-for-the-loopback-stand-in"
DEFAULT_ENDPOINT_ID = "5f0c3f7e-0000-4000-8000-000000000001"
SEEDED_EVENTS = ("batch.completed", "batch.failed", "batch.cancelled", "batch.expired")
MOST_OLD = 100_000
HUGE_BYTES, MOST_HUGE = 2 * 1024**3, 1024**4
FAREWELL = 1  # wall seconds that open connections get when the server stops


@dataclass(frozen=True)
class SandboxSettings:
    """What a sandbox is started with; refuses what would be a mistake.

    `speed` divides durations and nothing else: 60 makes a nine-minute batch take nine seconds. `seed` gives
    every batch that names no scenario one drawn from it. `public_base_url` is what push objects build their URLs
    on; left out, it is the sandbox's own address. `old_batches` ended before it started, days ago, and were made
    by somebody else on the same account. `generation` is that of the gateway's contract: G1a, G1b, G2 or G3. In G1 there
    are no endpoints, so `webhook_url` and `webhook_secret` go unused: each create call brings its own. `huge_bytes` is the size
    of the output file of a batch whose scenario says `output_huge`. `thunderbit_key` is the one key of the account at Thunderbit;
    `tagger_email` and `tagger_password` are those of the tagger's default account. `openai_...`: what the stand-in for OpenAI
    is reached with, and where it delivers to; `standard_webhook_url`: where the provider under `/standard` delivers to.
    `anthropic_key` is the one key of the workspace at Anthropic.
    """

    port: int
    speed: float = 1.0
    seed: int | None = None
    host: str = "127.0.0.1"
    webhook_url: str = "http://127.0.0.1:8080/webhooks/gateway"
    api_key: str = DEFAULT_API_KEY
    webhook_secret: str = DEFAULT_WEBHOOK_SECRET
    public_base_url: str | None = None
    old_batches: int = 0
    generation: str = G2.name
    huge_bytes: int = HUGE_BYTES
    thunderbit_key: str = DEFAULT_THUNDERBIT_KEY
    tagger_email: str = DEFAULT_TAGGER_EMAIL
    tagger_password: str = DEFAULT_TAGGER_PASSWORD
    openai_webhook_url: str = openai.WEBHOOK_URL
    openai_api_key: str = openai.API_KEY
    openai_webhook_secret: str = openai.WEBHOOK_SECRET
    standard_webhook_url: str = "http://127.0.0.1:8080/webhooks/standard"
    anthropic_key: str = anthropic.API_KEY

    def __post_init__(self) -> None:
        if not _is_loopback(self.host):
            raise ValueError(
                f"The sandbox has no defences and listens on loopback only: use 127.0.0.1, not {self.host}."
            )
        if not math.isfinite(self.speed) or self.speed <= 0:
            raise ValueError(f"The speed divides durations: use a number above 0 (1 is real time), not {self.speed}.")
        if not 0 <= self.port <= 65_535:
            raise ValueError(f"Use a port from 1 to 65535, or 0 for any free one, not {self.port}.")
        if not 0 <= self.old_batches <= MOST_OLD:
            raise ValueError(f"Use 0 to {MOST_OLD} old batches, not {self.old_batches}.")
        if not 1 <= self.huge_bytes <= MOST_HUGE:
            raise ValueError(f"Use 1 to {MOST_HUGE} bytes for a huge output file, not {self.huge_bytes}.")
        if not KEY_FORM.fullmatch(self.thunderbit_key):
            raise ValueError(
                "A key of Thunderbit's is tb_ and 32 hex digits in lower case; leave it out for the default."
            )
        generation_named(self.generation)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def contract(self) -> Generation:
        """The generation, as what it does."""
        return generation_named(self.generation)


def build_app(settings: SandboxSettings) -> Starlette:
    """The whole stand-in as one ASGI app; its gateway opens and closes with the app's lifespan."""
    clock, generation = Clock(settings.speed), settings.contract
    now = clock.now()
    endpoint = Endpoint(
        DEFAULT_ENDPOINT_ID, "sandbox", settings.webhook_url, list(SEEDED_EVENTS), settings.webhook_secret, now, now
    )
    public_base = (settings.public_base_url or settings.url).rstrip("/")
    gateway = Gateway(clock, settings.api_key, settings.seed, endpoint, public_base, generation, settings.huge_bytes)
    add_history(gateway, settings.old_batches)
    others = make_providers(settings, clock)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        gateway.open()
        for other in others:
            other.open()
        try:
            yield
        finally:
            await asyncio.gather(*(other.close() for other in others))
            await gateway.close()

    app = Starlette(
        routes=[
            *(Mount(other.path, app=other.app) for other in others),
            *gateway_routes(generation),
            *video_routes(),
            *management_routes(generation),
            *control_routes(),
            *socket_routes(),
        ],
        middleware=[Middleware(CountedRequests, gateway.requests), Middleware(OpenToEveryOrigin)],
        exception_handlers={404: not_found_text, 405: not_found_text, Refused: answer_refusal},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.gateway = gateway
    return app


async def serve(settings: SandboxSettings, started: Callable[[str], None] | None = None) -> None:
    """Run until cancelled or told to stop by SIGINT or SIGTERM; `started` hears the URL once it listens."""
    async with RunningSandbox(settings) as box:
        with _signals_calling(box.stop):
            if started:
                started(box.url)
            await box.stopped()


class RunningSandbox:
    """A sandbox in the running loop: `async with RunningSandbox(settings) as box`, then `box.url`."""

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings

    async def __aenter__(self) -> Self:
        """Listens when this returns. A port in use raises OSError here."""
        listener = _bound_socket(self._settings)
        self._settings = replace(self._settings, port=listener.getsockname()[1])
        app = build_app(self._settings)
        self._gateway: Gateway = app.state.gateway
        self._server = _QuietServer(
            uvicorn.Config(
                app,
                lifespan="on",
                http=CuttableProtocol,
                ws="websockets-sansio",
                ws_ping_interval=None,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=FAREWELL,
            )
        )
        self._running = asyncio.create_task(self._server.serve(sockets=[listener]))
        ready = asyncio.create_task(self._server.listening.wait())
        await asyncio.wait({self._running, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._running.done():
            await self._running
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()
        await self._running

    @property
    def url(self) -> str:
        return self._settings.url

    @property
    def settings(self) -> SandboxSettings:
        """As given, with the port that it got."""
        return self._settings

    def stop(self) -> None:
        """Begin to stop; leaving the context waits for the end."""
        self._gateway.stopping.set()
        self._server.should_exit = True

    async def stopped(self) -> None:
        await self._gateway.stopping.wait()


class _QuietServer(uvicorn.Server):
    """uvicorn without its hands on the process's signals, and with a way to wait until it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@contextlib.contextmanager
def _signals_calling(stop: Callable[[], None]) -> Iterator[None]:
    """SIGINT and SIGTERM call `stop` meanwhile; off the main thread there are no signals to take."""
    loop, taken = asyncio.get_running_loop(), []
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
            loop.add_signal_handler(number, stop)
            taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)


def _bound_socket(settings: SandboxSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol is named because asyncio turns off Nagle's delay (40 ms an answer) only where it reads TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(128)
    except OSError as trouble:
        listener.close()
        advice = "Stop whatever listens there, or take another port (0 for any free one)."
        raise OSError(
            trouble.errno, f"The sandbox cannot listen on {settings.host}:{settings.port}: {trouble.strerror}. {advice}"
        ) from trouble
    listener.setblocking(False)
    return listener


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
