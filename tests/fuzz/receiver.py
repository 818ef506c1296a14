"""The real receiver behind a real socket, as two more targets. It starts with the first input."""

import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from receiving import SECRET, raw
from signed_requests import authentic
from threaded import NOTHING, Running, started, status_of

from fuzz.targets import NOW, Target
from fuzz.targets import TARGETS as PURE

# What the request's end is told by, or what makes it another kind of request.
_NOT_OURS = frozenset(
    b"content-length transfer-encoding connection expect trailer upgrade content-encoding".split(),
)
_stack = ExitStack()


@cache
def _running(_name: str) -> Running:
    folder = _stack.enter_context(tempfile.TemporaryDirectory(prefix="fuzz-"))
    running = _stack.enter_context(started(Path(folder)))
    running.here.clock.fixed = NOW
    return running


def stop() -> None:
    """Its threads would keep a process alive that wants to end."""
    _stack.close()


def receiver_request(data: bytes) -> None:
    """Lines of fields, an empty line, a body, from somebody without the secret: a 4xx, and nothing is left of it."""
    running = _running("unauthentic")
    head, _, body = data.partition(b"\n\n")
    fields = [line.partition(b":") for line in head.split(b"\n")]
    kept = [(name, value) for name, _, value in fields if name.strip().lower() not in _NOT_OURS]
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in kept]
    answer = running.ask(raw("POST", "/webhooks/other", [*pairs, ("content-length", str(len(body)))], body))
    status = status_of(answer)
    assert status is None or status in (400, 401, 408, 431), answer
    assert running.effects() == NOTHING


def receiver_body(data: bytes) -> None:
    """Whatever body is signed is kept and answered 2xx."""
    answer = _running("authentic").ask(authentic(data, SECRET).on_the_wire())
    assert status_of(answer) in (200, 202), answer


TARGETS = {
    "receiver_request": Target(
        receiver_request, PURE["signature_headers"].documents, PURE["signature_headers"].prefixes
    ),
    "receiver_body": Target(receiver_body, PURE["webhook_body"].documents),
}
