"""`healthcheck`: a container's probe. It asks what runs here over HTTP, and loads nothing that it does not need for that."""

import http.client
import json
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

import typer

from operators.cli.context import complain, configuration, verb
from operators.errors import BadInput

TIMEOUT_SECONDS = 5.0
MOST_BYTES = 4_096

checking = typer.Typer()


class Said(NamedTuple):
    """What an address answered: whether that is well, and in which words."""

    is_well: bool
    words: str


@checking.command()
@verb
async def healthcheck(
    url: Annotated[
        list[str] | None,
        typer.Option("--url", metavar="URL", help="Ask this address alone; may be given more than once."),
    ] = None,
) -> None:
    """Ask the service that runs here whether it is well, as a container's probe does.

    Asks /healthz of the operators' port and /readyz of the receiver's, as configured. Ends with 0 when all of them answer 200,
    and with 1 otherwise.
    """
    sick = False
    for address in url or _configured():
        said = ask(address)
        if said.is_well:
            typer.echo(f"{address}: {said.words}")
        else:
            complain(f"{address}: {said.words}")
            sick = True
    if sick:
        raise typer.Exit(1)


def ask(url: str) -> Said:
    """What an address answers to GET. Neither a proxy nor a redirect is followed.

    Raises:
        BadInput: it is no address that can be asked.
    """
    host, port, path, scheme = _parts(url)
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    connection = kind(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers={"connection": "close"})
        answer = connection.getresponse()
        return Said(answer.status == 200, _words(answer.status, answer.read(MOST_BYTES)))
    except (OSError, http.client.HTTPException) as error:
        return Said(False, f"no answer: {getattr(error, 'strerror', None) or type(error).__name__}")
    finally:
        connection.close()


def _configured() -> list[str]:
    config = configuration()
    if not config.operators.port or not config.receiver.port:
        raise BadInput(
            "a configured port is 0, which is any free one; say which with --url http://127.0.0.1:PORT/healthz"
        )
    return [f"{config.operators.local_origin}/healthz", f"{config.receiver.local_origin}/readyz"]


def _parts(url: str) -> tuple[str, int | None, str, str]:
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return parts.hostname, parts.port, parts.path or "/", parts.scheme
    except ValueError:
        pass  # it is refused like any other that cannot be read
    raise BadInput("--url is an address such as http://127.0.0.1:8081/healthz")


def _words(status: int, body: bytes) -> str:
    """The status, and the reason where the answer gives one."""
    try:
        said = json.loads(body)
    except ValueError:
        return str(status)
    reason = said.get("reason") if isinstance(said, dict) else None
    return f"{status}, {reason}" if isinstance(reason, str) else str(status)
