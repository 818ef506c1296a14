"""Acts on many jobs: the options that name a scope, and asking back before anything is done."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import typer

from operators import bulk, filters
from operators.cli import present
from operators.cli.context import configuration, source_named
from operators.cli.options import asked_for
from operators.clock import now
from operators.errors import BadInput
from operators.store import opened
from schemas.words import ActionVerb

MOST_COUNTED = 10_000


def is_given(scope: Mapping[str, str | Sequence[str] | None]) -> bool:
    return any(scope.values())


async def act_on(
    verb: ActionVerb,
    scope: Mapping[str, str | Sequence[str] | None],
    reason: str | None,
    sure: bool,
    in_json: bool,
) -> None:
    """Ask for the same of every open job of a scope.

    Raises:
        BadInput: nobody has said --yes. It tells how many jobs it would be; nothing was done.
    """
    asked = bulk.Scope(asked_for(filters.JOBS, scope, filters.LIMIT, every=True))
    config = configuration()
    if isinstance(source := scope.get("source"), str):
        source_named(config, source)
    async with opened(config) as store:
        if not sure:
            found, is_cut = await bulk.count(store, asked, MOST_COUNTED)
            least = "at least " if is_cut else ""
            raise BadInput(f"that is {least}{found} open job{'' if found == 1 else 's'}; say --yes to {verb} them")
        done = await bulk.act(store, config, asked, verb, reason, now)
    if in_json:
        present.as_json(asdict(done))
    else:
        unable = f", {done.refused} refused: their provider cannot" if done.refused else ""
        jobs = "1 job" if done.asked == 1 else f"{done.asked} jobs"
        typer.echo(f"{verb} is asked for of {jobs}; {done.spared} spared: over, or under way already{unable}")
