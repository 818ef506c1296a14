"""The verbs about one job: job shows what is kept of it, explain says what it means."""

from itertools import groupby
from typing import Any

import typer

from operators import queries
from operators.cli import present
from operators.cli.context import configuration, verb
from operators.cli.options import JobName, Json, NoForm, refuse_form
from operators.cli.sections import BLOCKS, EXPECTED, TABLES
from operators.clock import now
from operators.store import opened
from operators.views import View

one_job = typer.Typer()


@one_job.command()
@verb
async def job(name: JobName, in_json: Json = False, form: NoForm = None) -> None:
    """Show everything that is kept about one job."""
    refuse_form(form, "job")
    config = configuration()
    async with opened(config) as store, store.reading() as connection:
        found = await queries.show_job(connection, config, name, now())
    if in_json:
        present.as_json(found)
        return
    typer.echo(present.heading(_name(found)))
    for read in BLOCKS:
        _block(*read(found))
    for title, rows, columns in TABLES:
        _table(title, list(rows(found)), columns)


def _block(title: str, values: View) -> None:
    told = {name: value for name, value in values.items() if value not in (None, "", [], {})}
    if told:
        typer.echo("\n" + present.heading(title))
        present.fields(told.items())


def _table(title: str, rows: list[View], columns: present.Columns) -> None:
    if rows:
        typer.echo("\n" + present.heading(title))
        present.table(rows, columns, rare=columns)


@one_job.command()
@verb
async def explain(name: JobName, in_json: Json = False, form: NoForm = None) -> None:
    """Say what is known about a job, and what each statement rests on.

    There are findings on its execution, its cancellation, the deliveries about it, and our own asking. Marked with ! is
    what went wrong, with - what is worth knowing.
    """
    refuse_form(form, "explain")
    config = configuration()
    async with opened(config) as store, store.reading() as connection:
        found = await queries.explain_job(connection, config, name, now(), store.engine.lease_clock(now()))
    if in_json:
        present.as_json(found)
        return
    typer.echo(f"{_name(found)} is {present.coloured(found['status'], found['status'])}{_reached(found)}")
    for axis, findings in groupby(found["findings"], key=lambda finding: str(finding["axis"])):
        typer.echo("\n" + present.heading(axis))
        for finding in findings:
            _finding(finding)
    _table("expected deliveries", found["expected_deliveries"], EXPECTED)


def _finding(finding: View) -> None:
    text = f"{present.text_of(finding['message'], 500)}  [{present.text_of(finding['rule'])}]"
    mark = present.MARKS[finding["tone"]]
    for number, line in enumerate(present.wrapped(text, indent=4)):
        typer.echo(f"  {mark if number == 0 else ' '} {present.coloured(line, finding['tone'])}")
    _facts(finding["facts"])
    if finding["page"]:
        typer.echo(f"      see {finding['page']}")


def _facts(facts: list[View]) -> None:
    """Each place that facts were read from, and below it the facts, with their times where these differ."""
    for place in dict.fromkeys(fact["read_from"] for fact in facts):
        read = [fact for fact in facts if fact["read_from"] == place]
        times = {fact["at"] for fact in read}
        is_one = len(times) == 1
        typer.echo(f"      {present.text_of(place)}{_at(times.pop(), ', {}') if is_one else ''}:")
        told = ((one["name"], _short(one["value"]) + ("" if is_one else _at(one["at"], "  ({})"))) for one in read)
        present.fields(told, indent=8)


def _at(time: str | None, form: str) -> str:
    return form.format(f"{present.moment(time)} UTC") if time else ""


def _short(value: Any) -> str:
    """A value in words, and a time as elsewhere: without fractions."""
    is_time = isinstance(value, str) and len(value) > 19 and value[10] == "T" and value.endswith("Z")
    return f"{present.moment(value)} UTC" if is_time else present.text_of(value, present.LONGEST_FIELD)


def _name(found: View) -> str:
    return present.text_of(f"{found['source']}/{found['job_id']}")


def _reached(found: View) -> str:
    return ", and settled" if found["settled"] else ", and ready" if found["ready"] else ""
