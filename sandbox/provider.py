"""What another provider's stand-in has to be, so that the sandbox serves it beside the Phaseo gateway's own routes."""

from typing import Protocol

from starlette.types import ASGIApp


class Provider(Protocol):
    """One provider: an ASGI app of its own under `path`, such as "/thunderbit", and the life behind it.

    Its control surface, for tests and the demo, lies under `path` too: `/thunderbit/sandbox/...`.
    """

    @property
    def path(self) -> str: ...
    @property
    def app(self) -> ASGIApp: ...
    def open(self) -> None:
        """Called once, inside the running loop, before anything is asked."""
        ...

    async def close(self) -> None:
        """Drop whatever is in flight."""
        ...
