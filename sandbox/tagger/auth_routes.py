"""`/api/auth/...` (contract 1.2), and the two routes that say that all is well whatever is (contract 8)."""

from typing import Annotated

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.tagger.asking import admitted, backend_of
from sandbox.tagger.bodies import read_body


class Credentials(BaseModel):
    email: str
    password: str


class NewUser(BaseModel):
    email: str
    password: Annotated[str, Field(min_length=8)]
    full_name: str | None = None


class Spent(BaseModel):
    refresh_token: str


def auth_routes() -> list[Route]:
    return [
        Route("/api/auth/login", login, methods=["POST"]),
        Route("/api/auth/refresh", refresh, methods=["POST"]),
        Route("/api/auth/logout", logout, methods=["POST"]),
        Route("/api/auth/register", register, methods=["POST"]),
        Route("/api/auth/me", me),
        Route("/api/health", health),
        Route("/api/status", health),
    ]


async def login(request: Request) -> Response:
    backend = backend_of(request)
    asked = await read_body(request, Credentials, backend.switches.mode)
    user, tokens = backend.accounts.login(asked.email, asked.password, _agent(request), backend.switches)
    return JSONResponse({"user": user.shown(backend.switches), "tokens": tokens})


async def refresh(request: Request) -> Response:
    """The tokens stand at the top level."""
    backend = backend_of(request)
    asked = await read_body(request, Spent, backend.switches.mode)
    return JSONResponse(backend.accounts.refresh(asked.refresh_token, _agent(request), backend.switches))


async def logout(request: Request) -> Response:
    """Nobody has to say who they are."""
    backend = backend_of(request)
    asked = await read_body(request, Spent, backend.switches.mode)
    known = backend.accounts.logout(asked.refresh_token)
    message = "Successfully logged out" if known else "Token already revoked or invalid"
    return JSONResponse({"message": message, "success": True})


async def register(request: Request) -> Response:
    backend = backend_of(request)
    asked = await read_body(request, NewUser, backend.switches.mode)
    user = backend.accounts.register(asked.email, asked.password, asked.full_name)
    return JSONResponse(user.shown(backend.switches), status_code=201)


async def me(request: Request) -> Response:
    backend, user = admitted(request)
    return JSONResponse(user.shown(backend.switches))


async def health(_request: Request) -> Response:
    """Knows nothing of Redis or PostgreSQL. The contract does not say what it says."""
    return JSONResponse({"status": "healthy"})


def _agent(request: Request) -> str:
    return request.headers.get("user-agent", "")
