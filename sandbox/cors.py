"""The gateway lets every origin in (contract 1.1)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class OpenToEveryOrigin:
    """Permissive CORS headers on everything, and 204 for every OPTIONS."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def opened(message: Message) -> None:
            if message["type"] == "http.response.start":
                allowed = [(b"access-control-allow-origin", b"*"), (b"access-control-allow-headers", b"*")]
                message["headers"] = [*message["headers"], *allowed]
            await send(message)

        if scope["method"] == "OPTIONS":
            await opened({"type": "http.response.start", "status": 204, "headers": []})
            await opened({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, opened)
