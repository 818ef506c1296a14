"""The verbs for trying things: make a signed delivery by hand, and post it."""

import asyncio
import base64
import shlex
from pathlib import Path
from typing import Annotated

import httpx
import typer

from operators.cli import present
from operators.cli.context import configuration, source_named, verb
from operators.cli.options import Json
from operators.clock import now
from operators.errors import BadInput, NotPossible
from operators.queries import receiver_url
from schemas.config import Config
from schemas.dialects.orders import SignedRequest

develop = typer.Typer()

OfSource = Annotated[str, typer.Option("--source", metavar="SOURCE", help="Whose secret signs it.")]
Event = Annotated[str, typer.Option("--event", metavar="EVENT", help="The event, which is also the delivery key.")]
Job = Annotated[str, typer.Option("--job", metavar="JOB_ID", help="The provider's id of the job.")]
Said = Annotated[str, typer.Option("--status", metavar="STATUS", help="The status that it reports.")]
Body = Annotated[
    Path | None, typer.Option("--body", metavar="FILE", help="Sign these bytes instead of a body made up here.")
]
To = Annotated[str | None, typer.Option("--to", metavar="URL", help="By default our own receiver's.")]

SECONDS = 30.0


@develop.command()
@verb
async def sign(
    source: OfSource,
    event: Event = "batch.completed",
    job: Job = "batch_by_hand",
    status: Said = "completed",
    body: Body = None,
    to: To = None,
    in_json: Json = False,
) -> None:
    """Make a signed delivery by hand, and print it as a curl command.

    It is good for as long as its timestamp is fresh.
    """
    config = configuration()
    url, request = _made(config, source, event, job, status, body, to)
    if in_json:
        encoded = base64.b64encode(request.body).decode()
        text = request.body.decode("utf-8", "replace")
        present.as_json({"url": url, "headers": dict(request.headers), "body": text, "body_base64": encoded})
    else:
        typer.echo(_curl(url, request, body))


@develop.command()
@verb
async def send(
    source: OfSource,
    event: Event = "batch.completed",
    job: Job = "batch_by_hand",
    status: Said = "completed",
    body: Body = None,
    to: To = None,
    times: Annotated[int, typer.Option("--times", min=1, max=1000, help="How often, at once.")] = 1,
) -> None:
    """Make a signed delivery by hand and post it.

    Ends with 1 unless every answer is 2xx.
    """
    config = configuration()
    url, request = _made(config, source, event, job, status, body, to)
    async with httpx.AsyncClient(trust_env=False, timeout=SECONDS) as client:
        try:
            posts = (client.post(url, content=request.body, headers=list(request.headers)) for _ in range(times))
            answers = await asyncio.gather(*posts)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise BadInput(f"cannot post to {url}: {error}") from None
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise NotPossible(f"cannot post to {url}: {reason}; is `batchkeeper up` running there?") from None
    for answer in answers:
        typer.echo(f"{answer.status_code} {present.text_of(answer.text.strip())}")
    if not all(answer.is_success for answer in answers):
        raise typer.Exit(1)


def _curl(url: str, request: SignedRequest, body: Path | None) -> str:
    """The request as a command. Bytes from a file come from that file again, because not all can stand in a command."""
    headers = " ".join(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in request.headers)
    data = f"@{body}" if body else request.body.decode()
    return f"curl -i {shlex.quote(url)} {headers} --data-binary {shlex.quote(data)}"


def _made(
    config: Config, source: str, event: str, job: str, status: str, body: Path | None, to: str | None
) -> tuple[str, SignedRequest]:
    chosen, dialect = source_named(config, source)
    if not chosen.webhook_secrets:
        raise NotPossible(f"{source} has no webhook secret to sign with; set webhook_secrets_env in [sources.{source}]")
    moment = now()
    made = (
        _read(body) if body else dialect.sample(event, job.removeprefix(f"{source}/"), status, chosen.base_url, moment)
    )
    signed = dialect.sign(chosen.webhook_secrets[0].reveal().encode(), made, moment)
    if signed is None:
        raise NotPossible(f"{dialect.name} sends no webhooks")
    return to or receiver_url(config, source), signed


def _read(body: Path) -> bytes:
    try:
        return body.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read {body}: {error.strerror}") from None
