"""What the providers were asked: every request but those about the sandbox itself, by method and path, whatever it was answered.

To open a socket is to ask with GET.
"""

from collections import Counter

from starlette.types import ASGIApp, Receive, Scope, Send


class CountedRequests:
    """Counts into a counter that somebody else reads."""

    def __init__(self, app: ASGIApp, requests: Counter[str]) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"} and "/sandbox/" not in scope["path"]:
            self._requests[f"{scope.get('method', 'GET')} {scope['path']}"] += 1
        await self._app(scope, receive, send)
