"""The verb `status`: how things stand, at a glance."""

from collections.abc import Iterator

import typer

from operators import documented
from operators.cli import present
from operators.cli.context import configuration, verb
from operators.cli.options import Json, NoForm, refuse_form
from operators.clock import now
from operators.status import RECEIVED
from operators.status import status as how_it_stands
from operators.store import opened
from operators.views import View

standing = typer.Typer()


@standing.command()
@verb
async def status(in_json: Json = False, form: NoForm = None) -> None:
    """Say how things stand: jobs, failures, trouble with our own asking, deliveries, hand-offs, sources."""
    refuse_form(form, "status")
    config = configuration()
    async with opened(config) as store, store.reading() as connection:
        found = await how_it_stands(connection, store, config, now())
    if in_json:
        present.as_json(found)
        return
    present.fields(_fields(found), indent=0)
    if any(found["failures"].values()):
        typer.echo(f"\n{documented.PAGE}#CODE explains each code; `batchkeeper failures` lists them")
    for source in found["sources"]:
        typer.echo("\n" + present.heading(source["name"]))
        present.fields(_of_source(source))
        for one in found["findings"]:
            if one["source"] == source["name"]:
                _finding(one)


def _finding(one: View) -> None:
    text = f"{present.text_of(one['message'], 500)}  [{one['rule']}]"
    for number, line in enumerate(present.wrapped(text, indent=4)):
        typer.echo(f"  {present.MARKS['trouble'] if number == 0 else ' '} {present.coloured(line, 'trouble')}")
    typer.echo(f"      since {present.moment(one['began_at'])} UTC; see {one['page']}")


def _fields(found: View) -> Iterator[tuple[str, str]]:
    yield "jobs", _counts(found["jobs"]) or "none yet"
    for category, codes in found["failures"].items():
        yield f"{category} failures", _counts(codes) or "none"
    yield "trouble with asking", _trouble(found["trouble"])
    if found["submissions"]["waiting"]:
        yield "submissions", _waiting(found["submissions"])
    for span, name in (("last_hour", "deliveries, last hour"), ("last_day", "deliveries, last day")):
        yield name, _received(found["deliveries"][span]) or "none"
    for target in found["handoffs"]:
        left = _counts({"waiting": target["waiting"], "dead": target["dead"]}) or "nothing waits"
        yield f"hand-offs to {target['target']}", left


def _counts(numbers: View) -> str:
    """What there is of each, without what there is none of."""
    return ", ".join(f"{number} {present.text_of(word)}" for word, number in numbers.items() if number)


_WORDS = {"taken_in": "taken in by reverify"}


def _received(numbers: View) -> str:
    """What came, and what most of it was refused for."""
    reason = numbers["mostly_refused_for"]
    return _counts({_WORDS.get(word, word): numbers[word] for word in RECEIVED}) + (
        f", mostly for {reason}" if reason else ""
    )


def _trouble(trouble: View) -> str:
    told = [f"{one['name']}: {one['trouble']}" for one in trouble["sources"]]
    told += [f"{job['source']}/{job['job_id']}: {job['trouble']}" for job in trouble["jobs"]]
    more = ["and more: `batchkeeper jobs --trouble` lists them"] if trouble["more_jobs"] else []
    return present.text_of("; ".join([*told, *more]) or "none", present.LONGEST_FIELD)


def _waiting(submitted: View) -> str:
    """How much has not become a job yet, what has waited longest, and what holds it up."""
    oldest, more = submitted["longest"][0], " or more" if submitted["more_waiting"] else ""
    since = f"the oldest, {oldest['id']}, since {present.moment(oldest['created_at'])} UTC"
    told = f"{submitted['waiting']}{more} {'waits' if submitted['waiting'] == 1 else 'wait'} to become jobs, {since}"
    why = next((one["message"] for one in submitted["longest"] if one["message"]), None)
    return present.text_of(f"{told}: {why}" if why else told, present.LONGEST_FIELD)


def _of_source(source: View) -> Iterator[tuple[str, str]]:
    yield "reconciler", source["owner"] or "none at work; `batchkeeper up` starts one"
    yield "circuit", source["circuit"]
    if source["webhook"] != "none":
        heard = f"at {present.moment(source['heard_at'])} UTC" if source["heard_at"] else "never"
        unheard = f"; {source['unheard_ends']} jobs have ended unannounced since" if source["unheard_ends"] else ""
        yield "last heard", heard + unheard
    yield "last hour", _received(source["last_hour"]) or "nothing came"
    ahead = source["clock_ahead_seconds"]
    if ahead is not None and abs(ahead) >= 1:
        yield "our clock", f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the provider's"
