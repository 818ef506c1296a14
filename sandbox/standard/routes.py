"""The API, and the control surface under `/sandbox/`, which is no part of it and wants no key."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.standard.account import API_KEY, Account
from sandbox.standard.errors import Refused
from sandbox.standard.orders import read_order
from sandbox.standard.tasks import Task


def routes() -> list[Route]:
    return [
        Route("/v1/tasks", create, methods=["POST"]),
        Route("/v1/tasks/{id}", get, methods=["GET"]),
        Route("/v1/tasks/{id}", cancel, methods=["DELETE"]),
        Route("/sandbox/truth", truth, methods=["GET"]),
        Route("/sandbox/webhook", point, methods=["PUT"]),
    ]


async def create(request: Request) -> Response:
    account = _admitted(request)
    task = account.create(read_order(await request.body()))
    return JSONResponse(task.shown(account.clock, task.created_at), 201)


async def get(request: Request) -> Response:
    account = _admitted(request)
    task = account.known(request.path_params["id"])
    task.gets += 1
    return JSONResponse(task.shown(account.clock, account.clock.now()))


async def cancel(request: Request) -> Response:
    account = _admitted(request)
    task = account.known(request.path_params["id"])
    task.deletes += 1
    account.cancel(task)
    return Response(status_code=204)


async def truth(request: Request) -> Response:
    """What really became of every task and what was really sent, in creation order."""
    account = _account(request)
    return JSONResponse({"tasks": [_true(task, account) for task in account.tasks.values()]})


async def point(request: Request) -> Response:
    """Have webhooks go to another URL from now on."""
    account, url = _account(request), (await request.body()).decode("utf-8", "replace")
    if not url.startswith(("http://127.0.0.1:", "http://localhost:", "http://[::1]:")):
        raise Refused(400, "Send a URL on loopback, as plain text.")
    account.webhook_url = url
    return JSONResponse({"url": url})


def _true(task: Task, account: Account) -> dict[str, Any]:
    """`done`: the status is final. `settled`: besides, nothing is left to send."""
    return {
        "task_id": task.id,
        "status": task.shown(account.clock, account.clock.now())["status"],
        "done": task.is_over(account.clock),
        "settled": task.is_told,
        "gets": task.gets,
        "deletes": task.deletes,
        "sent": task.sent,
    }


def _admitted(request: Request) -> Account:
    """The account, for whoever shows its key; else raises the refusal."""
    if request.headers.get("authorization") != f"Bearer {API_KEY}":
        raise Refused(401, "Send Authorization: Bearer and the key.")
    return _account(request)


def _account(request: Request) -> Account:
    account: Account = request.app.state.account
    return account
