"""The verb `watch`: one job live, from our store, until it has ended."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Iterator

import typer
from rich.console import RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from operators.cli import present
from operators.cli.context import configuration, verb
from operators.cli.options import JobName, Json
from operators.cli.work import hint
from operators.clock import now
from operators.find import find_job
from operators.store import opened
from operators.views import View
from operators.watching import look, watching
from schemas.times import in_words, parse_rfc3339, rfc3339
from schemas.words import Status

live = typer.Typer()

EVERY_SECONDS = 0.3
BAR = 40  # characters

Show = Callable[[View], None]


@live.command()
@verb
async def watch(name: JobName, in_json: Json = False) -> None:
    """Show one job live, until it has ended.

    Meanwhile the reconciler that owns its source listens to the provider's live updates, or asks every few seconds where there
    are none. In a pipe there is a line for each change; with --json each is an object. Ctrl-C ends the watching.
    """
    config = configuration()
    async with opened(config) as store:
        async with store.reading() as connection:
            job = await find_job(connection, name)
        view = await look(store, job.id)
        was_over = _has_ended(view)
        if not was_over:
            await hint(store, job.source)
            async with watching(store, job):
                with _showing(in_json) as show:
                    show(view)
                    while not _has_ended(view):
                        await asyncio.sleep(EVERY_SECONDS)
                        view = await look(store, job.id)
                        show(view)
        elif in_json:
            _as_json(view)
    if not in_json:
        typer.echo(_how_it_ended(view, was_over))


def _has_ended(view: View) -> bool:
    return Status(view["status"]).is_terminal


@contextlib.contextmanager
def _showing(in_json: bool) -> Iterator[Show]:
    """On a terminal one picture that lives; elsewhere a line for each change."""
    if in_json:
        yield _on_change(lambda view: view, _as_json)
    elif not sys.stdout.isatty():
        yield _on_change(_line, lambda view: typer.echo(f"{present.moment(rfc3339(now()))[11:]}  {_line(view)}"))
    else:
        with Live(console=present.console(), auto_refresh=False) as picture:
            yield lambda view: picture.update(_picture(view, now()), refresh=True)


def _on_change(seen: Callable[[View], object], show: Show) -> Show:
    """Show a view only where what is seen of it differs from the one before."""
    last: object = None

    def shown(view: View) -> None:
        nonlocal last
        if seen(view) != last:
            last = seen(view)
            show(view)

    return shown


def _as_json(view: View) -> None:
    """One line in ASCII."""
    typer.echo(json.dumps(view))


def _line(view: View) -> str:
    """A view in one line, without what changes while nothing happens."""
    newest = view["newest"] or {}
    by = f"by {newest['by']}" if newest else "nobody was asked yet"
    owner = None if view["owner"] else "no reconciler is at work"
    parts = [view["status"], _word(view), _progress(view), _rows(view), by, _trouble(view), _socket(view), owner]
    return "  ".join(present.text_of(part) for part in parts if part)


def _picture(view: View, at: int) -> RenderableType:
    newest = view["newest"]
    asking = view["asking"]
    shown: dict[str, RenderableType | str | None] = {
        "status": present.cell(view["status"]),
        "the provider's word": _word(view),
        "progress": _bar(view),
        "rows": _rows(view),
        "rests on": newest and f"{newest['by']}, {_ago(newest['at'], at)}",
        "next question": _ahead(asking["next_at"], at),
        "socket": _socket(view) or _last_news(view, at),
        "trouble": _trouble(view),
        "reconciler": None if view["owner"] else "none at work",
    }
    grid = Table.grid(padding=(0, 2), pad_edge=False)
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in shown.items():
        if value:
            grid.add_row(name, present.cell(value) if isinstance(value, str) else value)
    whole = Table.grid()
    whole.add_row(Text(_name(view), style="bold"))
    whole.add_row(grid)
    return whole


def _name(view: View) -> str:
    return present.text_of(f"{view['source']}/{view['job_id']}")


def _word(view: View) -> str | None:
    """The newest word of the provider's, and whether it is more than what its own answers have told."""
    newest = view["newest"]
    if newest is None:
        return None
    word = newest["native_status"] or newest["status"]
    return word if newest["status"] == view["status"] else f"{word} (not confirmed yet)"


def _progress(view: View) -> str | None:
    return None if view["progress"] is None else f"{view['progress']} %"


def _bar(view: View) -> RenderableType | None:
    if view["progress"] is None:
        return None
    bar = Table.grid(padding=(0, 2), pad_edge=False)
    bar.add_row(ProgressBar(total=100, completed=view["progress"], width=BAR), _progress(view))
    return bar


def _rows(view: View) -> str | None:
    rows = view["rows"]
    if rows["total"] is None:
        return None
    failed = f", {rows['failed']} failed" if rows["failed"] else ""
    return f"{rows['completed'] or 0} of {rows['total']} rows{failed}"


def _trouble(view: View) -> str | None:
    asking = view["asking"]
    return asking["trouble"] and f"{asking['trouble']}: {asking['message']}"


def _socket(view: View) -> str | None:
    """Why there is none, when the last one has ended and there should be another."""
    socket = view["socket"]
    if socket is None or socket["status"] is not None or _has_ended(view):
        return None
    return f"{socket['message']}; polls instead"


def _last_news(view: View, at: int) -> str | None:
    socket = view["socket"]
    return f"last news {_ago(socket['at'], at)}" if socket and socket["status"] is not None else None


def _ago(time: str, at: int) -> str:
    return f"{in_words(at - (parse_rfc3339(time) or at))} ago"


def _ahead(time: str | None, at: int) -> str | None:
    if time is None:
        return None
    wait = (parse_rfc3339(time) or at) - at
    return f"in {in_words(wait)}" if wait > 0 else "now"


def _how_it_ended(view: View, was_over: bool) -> str:
    ended = view["provider_ended_at"] or view["ended_at"]
    held = ", ".join(f"{one['category']}: {one['code']}" for one in view["failures"])
    known = f"{view['status']} at {present.moment(ended)} UTC"
    failed = f" ({held}; `batchkeeper explain {view['id']}` says more)" if held else ""
    return f"{_name(view)} {'had ended already' if was_over else 'has ended'}: {known}{failed}"
