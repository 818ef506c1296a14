"""One request and its answer, as uvicorn has it, but for two things: an answer is written whole, and no error is a 500."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from receiver import answers


class Cycle(RequestResponseCycle):
    """See uvicorn's. What is sent here is our own, so that its headers need no check."""

    _start: Any = None

    async def send(self, message: Any) -> None:
        start = self._start
        if start is None and message["type"] == "http.response.start":
            self._start = message
        elif start is None or self.response_started or self.flow.write_paused or message.get("more_body", False):
            await self._send_parts(message)
        elif not self.disconnected:
            self._send_whole(start, message["body"])

    async def send_500_response(self) -> None:
        """Nothing of ours comes here; if it does all the same, the sender should come back."""
        self._start = None
        await self.send(answers.NOT_STORED.start)
        await self.send(answers.NOT_STORED.rest)

    async def _send_parts(self, message: Any) -> None:
        if not self.response_started and not self.disconnected and self._start is not None:
            await super().send(self._start)
        await super().send(message)

    def _send_whole(self, start: Any, body: bytes) -> None:
        """In one write, so that no packet waits for the acknowledgement of another."""
        fields = [b"%s: %s\r\n" % field for field in (*self.default_headers, *start["headers"])]
        is_last = not self.keep_alive or answers.CLOSE[0] in start["headers"]
        if is_last and answers.CLOSE[0] not in start["headers"]:
            fields.append(b"connection: close\r\n")
        if self.scope["method"] == "HEAD":
            body = b""
        self.response_started = self.response_complete = True
        self.transport.write(b"".join((STATUS_LINE[start["status"]], *fields, b"\r\n", body)))
        self.message_event.set()
        if is_last:
            self.keep_alive = False
            self.transport.close()
        self.on_response()
