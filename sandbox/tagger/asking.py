"""What the routes do with a request first (contract 1.3)."""

from starlette.requests import HTTPConnection

from sandbox.tagger.accounts import User
from sandbox.tagger.backend import Backend


def backend_of(asked: HTTPConnection) -> Backend:
    backend: Backend = asked.app.state.backend
    return backend


def admitted(asked: HTTPConnection) -> tuple[Backend, User]:
    """Whoever has a good access token; else raises the refusal."""
    backend = backend_of(asked)
    return backend, backend.accounts.caller(asked.headers.get("authorization"), backend.switches)
