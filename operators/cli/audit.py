"""The verb audit: the provider's ledger of its deliveries beside ours, and what is different."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import typer

from operators import auditing, filters
from operators.auditing import FINDINGS_EXIT, Scope
from operators.cli import present
from operators.cli.columns import DIFFERENCES
from operators.cli.context import configuration, source_named, verb
from operators.cli.options import Form, Json, OfSource, Since, asked_for, shape
from operators.cli.present import Shape
from operators.standing import standing
from operators.store import opened
from operators.views import View
from schemas.times import parse_rfc3339

auditing_verb = typer.Typer()


@auditing_verb.command()
@verb
async def audit(source: OfSource = None, since: Since = None, in_json: Json = False, form: Form = None) -> None:
    """Compare the provider's ledger of its deliveries with ours, over every job, and tell each difference.

    Exit code 3 when there is a difference or a finding about a source, 0 when there is none.
    """
    printed = shape(in_json, form)
    asked = asked_for(filters.FAILURES, {"source": source, "since": since}, 1, True)
    config = configuration()
    if source is not None:
        source_named(config, source)
    scope, counts = Scope(source, asked.part.since), Counter[str]()
    show = _as_text if form is None and not in_json else _SHOWN[printed]
    async with opened(config) as store:
        if printed is Shape.JSON:
            typer.echo('{"differences": [')
        async for found in auditing.differences(store, scope):
            show(found, is_first=not counts)
            counts[found["difference"]] += 1
        async with store.reading() as connection:
            found_of_sources = await standing(connection, config.sources if source is None else [source])
    if printed is Shape.JSON:
        rest = json.dumps({"counts": dict(sorted(counts.items())), "findings": found_of_sources})
        typer.echo(f"], {rest[1:]}")
    elif show is _as_text:
        _summary(counts, found_of_sources)
    else:
        for number, row in enumerate(found_of_sources):
            show(_as_difference(row), is_first=not counts and number == 0)
    if counts or found_of_sources:
        raise typer.Exit(FINDINGS_EXIT)


def _as_difference(finding: View) -> View:
    """A finding about a source with the members of a difference, for a form in which all rows have the same."""
    about = {"kind": None, "job_id": None, "job": None, "key": finding["subject"]}
    told = {"message": finding["message"], "at": finding["began_at"], "evidence": finding["facts"]}
    return {"difference": finding["rule"], "source": finding["source"], **about, **told, "page": finding["page"]}


def _as_row(found: View, is_first: bool) -> None:
    """A line of a table, with the names of its columns before the first. Nobody knows yet what is still to come, so that each
    column is as wide as its own text."""
    if is_first:
        typer.echo(present.heading("  ".join(DIFFERENCES)))
    typer.echo("  ".join(present.text_of(read(found)) for read in DIFFERENCES.values()))


def _as_line(found: View, is_first: bool) -> None:
    typer.echo(json.dumps(found))


def _as_csv(found: View, is_first: bool) -> None:
    present.as_csv([found], with_header=is_first)


def _as_json(found: View, is_first: bool) -> None:
    """One difference at a time: there may be more of them than the memory takes."""
    typer.echo(("" if is_first else ", ") + json.dumps(found))


def _as_text(found: View, is_first: bool) -> None:
    job = present.text_of(f"{found['source']}/{found['job_id']}")
    typer.echo(
        ("" if is_first else "\n") + f"{present.coloured(found['difference'], 'failure')}  {present.heading(job)}"
    )
    for line in present.wrapped(present.text_of(found["message"], 500), indent=2):
        typer.echo(f"  {line}")
    present.fields(_evidence(found["evidence"]), indent=4)
    typer.echo(f"  found at {present.moment(found['at'])} UTC; see {found['page']}, and `batchkeeper explain {job}`")


_SHOWN = {Shape.JSON: _as_json, Shape.JSONL: _as_line, Shape.CSV: _as_csv, Shape.TABLE: _as_row}


_OF_DELIVERY = ("id", "reported_status", "verdict", "times_received", "first_received_at")


def _evidence(evidence: View) -> Iterator[tuple[str, object]]:
    """A line for each fact, and for each attempt, with times as a person reads them. --json has all of it."""
    for name, value in evidence.items():
        match value:
            case None | [] | {}:
                pass
            case [{"attempt": _}, *_]:
                for one in value:
                    shown = {key: item for key, item in one.items() if key not in ("attempt", "delivery_key")}
                    yield f"attempt {one['attempt']}", _readable(shown)
            case {"delivery_key": _}:
                yield name, _readable({key: value[key] for key in _OF_DELIVERY})
            case _:
                yield name, _readable(value)


def _readable(value: Any) -> Any:
    """The same with each time in it short."""
    if isinstance(value, dict):
        return {name: _readable(item) for name, item in value.items()}
    is_time = isinstance(value, str) and parse_rfc3339(value) is not None
    return f"{present.moment(value)} UTC" if is_time else value


def _summary(counts: Counter[str], findings: list[View]) -> None:
    for row in findings:
        typer.echo(f"\n{present.coloured(row['rule'], 'failure')}  {present.heading('source ' + row['source'])}")
        for line in present.wrapped(present.text_of(row["message"], 500), indent=2):
            typer.echo(f"  {line}")
        typer.echo(f"  since {present.moment(row['began_at'])} UTC; see {row['page']}")
    if not counts and not findings:
        typer.echo("no difference between the two ledgers, and no finding about a source")
        return
    told = [f"{count} {word}" for word, count in sorted(counts.items())]
    about = f"{len(findings)} {'finding' if len(findings) == 1 else 'findings'} about sources"
    typer.echo("\n" + ", ".join([*told, *([about] if findings else [])]))
