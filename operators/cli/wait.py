"""The verb wait: until a job, a submission or a group is done. The exit code tells how it came out."""

from typing import Annotated

import typer

from operators import views
from operators.cli import present
from operators.cli.context import complain, configuration, verb
from operators.cli.options import Json
from operators.cli.work import hint
from operators.durations import duration
from operators.outcomes import TIMED_OUT_CODE, Outcome
from operators.store import opened
from operators.waiting import wait_for
from operators.work import Work, find_work
from schemas.times import SECOND
from storage.store import Store

waiting = typer.Typer()


@waiting.command()
@verb
async def wait(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A job, a submission (sub_...) or a group (grp_...).")],
    timeout: Annotated[str | None, typer.Option("--timeout", metavar="2h", help="Wait no longer.")] = None,
    in_json: Json = False,
) -> None:
    """Wait until a job or a group is done, whoever submitted it.

    Done is ready: it has ended, and its results are here. Exit codes: 0 completed; 10 completed, but rows failed or are
    missing; 11 cancelled; 12 expired; 13 failed; 14 no job came of it; 15 not done in time; 16 nobody knows whether a job came
    of it. Of a group it is the worst.
    """
    limit = None if timeout is None else duration("--timeout", timeout)
    async with opened(configuration()) as store:
        await wait_and_leave(store, name, limit, in_json)


async def wait_and_leave(store: Store, name: str, timeout: int | None, in_json: bool) -> None:
    """Wait, say how it came out, and leave with the code for it. `timeout` in microseconds."""
    tell = _nothing if in_json else _Lines()
    async with store.reading() as connection:
        source = (await find_work(connection, name)).source
    await hint(store, source)
    work, outcome = await wait_for(store, name, None if timeout is None else timeout / SECOND, tell)
    word, code = (outcome.word, outcome.exit_code) if outcome else ("not done in time", TIMED_OUT_CODE)
    if in_json:
        members = [views.member(one) for one in work.members]
        present.as_json({"name": work.name, "outcome": outcome.name.lower() if outcome else None, "members": members})
    else:
        typer.echo(f"{present.text_of(work.name)}: {present.coloured(word, _COLOURS.get(outcome, ''))}{_counted(work)}")
    raise typer.Exit(code)


_COLOURS: dict[Outcome | None, str] = {
    Outcome.COMPLETED: "completed",
    Outcome.FAILED: "failed",
    Outcome.EXPIRED: "expired",
    Outcome.CANCELLED: "cancelled",
}


def _counted(work: Work) -> str:
    if work.group is None:
        return ""
    words = [one.outcome.word if one.outcome else "not done" for one in work.members]
    return f" ({', '.join(f'{words.count(word)} {word}' for word in dict.fromkeys(words))})"


def _nothing(_: Work) -> None:
    """With --json, standard error is for errors."""


class _Lines:
    """A line for each change, on standard error."""

    def __init__(self) -> None:
        self._last: str | None = None

    def __call__(self, work: Work) -> None:
        where = [views.where_is(member) for member in work.members]
        ready = sum(member.outcome is not None for member in work.members)
        text = (
            f"{', '.join(f'{where.count(word)} {word}' for word in dict.fromkeys(where))}; {ready} of {len(where)} done"
        )
        if text != self._last:
            self._last = text
            complain(text if work.group else where[0])
