"""The operators' verbs over stored rows: forms, filters, acts on many, and what happens as it happens."""

import asyncio
import csv
import io
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from service import SourceAt, environment, read_config, write_config
from typer.testing import CliRunner

from operators.cli.main import app
from operators.clock import now
from operators.happenings import MOST, Follower, follow
from operators.store import opened
from schemas.ids import shown
from schemas.tables import RefusalRow, SubmissionRow, TransitionRow
from schemas.times import MINUTE
from schemas.words import Origin
from storage import actions, failures, jobs, labels, observations, submissions
from storage.failures import Named
from storage.listing import Part
from storage.rows import add
from storage.store import Store

Type = Callable[..., Awaitable[Result]]


@asynccontextmanager
async def at(home: Path) -> Any:
    """A store with five jobs, three of them open, and a way to type commands beside it."""
    sources = {
        "gateway": SourceAt("http://127.0.0.1:9/v1"),
        "other": SourceAt("http://127.0.0.1:9/v1", {}, "phaseo_v1_sk_o_x"),
    }
    path, environ = write_config(home, sources)

    async def type_(*words: str) -> Result:
        with environment(environ):
            return await asyncio.to_thread(CliRunner().invoke, app, ["--config", str(path), *words])

    async with opened(read_config(path, environ), migrate=True) as store:
        async with store.writing() as connection:
            for source, name, status in (
                ("gateway", "=batch_a", "running"),
                ("gateway", "batch_b", "completed"),
                ("gateway", "batch_c", "pending"),
                ("other", "batch_d", "running"),
                ("other", "batch_e", "failed"),
            ):
                job = await jobs.bear(connection, store.new_id(), (source, "batch", name), Origin.TRACK, now())
                await jobs.change(connection, job.id, {"status": status}, now())
                await labels.put(connection, job.id, {"team": "search" if source == "other" else "ads"})
        yield store, type_


async def asked(store: Store, verb: str) -> list[str]:
    """The jobs of which something was asked."""
    async with store.reading() as connection:
        found = await actions.newest(connection, Part(), verb=verb)
        about = await jobs.these(connection, {row.job for row in found})
        return sorted(about[row.job].job_id for row in found)


def test_forms(tmp_path: Path) -> None:
    """A listing is an array, an object a line, or CSV, in which nothing is a formula; two forms at once are refused."""

    async def flow() -> None:
        async with at(tmp_path) as (_, type_):
            whole = json.loads((await type_("jobs", "--json")).stdout)
            lines = [json.loads(line) for line in (await type_("jobs", "--format", "jsonl")).stdout.splitlines()]
            table = list(csv.DictReader(io.StringIO((await type_("jobs", "--format", "csv")).stdout)))
            both = await type_("jobs", "--format", "csv", "--json")

            assert lines == whole
            assert [row["job_id"] for row in whole][-1] == "=batch_a"
            assert [row["job_id"] for row in table] == ["batch_e", "batch_d", "batch_c", "batch_b", "'=batch_a"]
            assert (both.exit_code, "cannot be combined" in both.stderr) == (2, True)

    asyncio.run(flow())


@pytest.mark.parametrize("verb", ["audit", "sources", "events"])
def test_forms_of_what_is_no_noun(tmp_path: Path, verb: str) -> None:
    """Differences, sources and events come as an object a line, as CSV and as a table, too: as many in each."""

    async def flow() -> None:
        async with at(tmp_path) as (store, type_):
            await refused(store, "gateway", 2)
            async with store.writing() as connection:
                (job,) = await jobs.named(connection, "batch_b")
                named = [
                    Named("delivery", code, "batch.completed", "it never came", {}) for code in ("missing", "phantom")
                ]
                await failures.sync(connection, job, named, store.new_id, now())
            expected = 3 if verb == "audit" else 0
            lines = await type_(verb, "--format", "jsonl")
            table, drawn = await type_(verb, "--format", "csv"), await type_(verb, "--format", "table")
            count = len([json.loads(line) for line in lines.stdout.splitlines()])
            rows = list(csv.DictReader(io.StringIO(table.stdout)))

            assert [one.exit_code for one in (lines, table, drawn)] == [expected] * 3
            assert count == len(rows) >= 2
            assert all(None not in row and row["source"] if verb != "sources" else row["name"] for row in rows)
            assert len(drawn.stdout.splitlines()) >= count

    asyncio.run(flow())


def test_the_audit_is_to_be_read(tmp_path: Path) -> None:
    """Each attempt has a line of its own, and times are written as in every other text."""

    async def flow() -> None:
        async with at(tmp_path) as (store, type_):
            tried = {"outcome": "given_up", "response_status": 401, "tried_at": "2026-08-12T01:00:00.123456Z"}
            attempts = [{"attempt": number, **tried} for number in (1, 2)]
            evidence = {"expected": "batch.completed", "window_end": "2026-08-12T03:00:00Z", "attempts": attempts}
            async with store.writing() as connection:
                (job,) = await jobs.named(connection, "batch_b")
                named = [Named("delivery", "rejected", "batch.completed", "it was refused", evidence)]
                await failures.sync(connection, job, named, store.new_id, now())
            lines = [" ".join(line.split()) for line in (await type_("audit")).stdout.splitlines()]

            assert "window_end 2026-08-12 03:00:00 UTC" in lines
            said = "outcome given_up, response_status 401, tried_at 2026-08-12 01:00:00 UTC"
            assert [f"attempt {number} {said}" in lines for number in (1, 2)] == [True, True]

    asyncio.run(flow())


@pytest.mark.parametrize("words", [("status",), ("explain", "batch_b"), ("job", "batch_b")])
def test_what_is_no_listing_has_no_form(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Whoever asks for a listing's form is told what there is instead."""

    async def flow() -> None:
        async with at(tmp_path) as (_, type_):
            answer = await type_(*words, "--format", "csv")
            assert (answer.exit_code, "--json prints it as one object" in answer.stderr) == (2, True)

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--source", "other"], ["batch_e", "batch_d"]),
        (["--status", "running"], ["batch_d", "=batch_a"]),
        (["--source", "gateway", "--status", "pending,completed"], ["batch_c", "batch_b"]),
        (["--kind", "video"], []),
        (["--label", "team=search"], ["batch_e", "batch_d"]),
        (["--job-id", "batch_b"], ["batch_b"]),
        (["--job-id-prefix", "batch_", "--limit", "2"], ["batch_b", "batch_c"]),
        (["--since", "1h"], ["batch_e", "batch_d", "batch_c", "batch_b", "=batch_a"]),
        (["--until", "1h"], []),
    ],
)
def test_filters(tmp_path: Path, words: list[str], found: list[str]) -> None:
    """Each filter narrows the listing of jobs to what it says."""

    async def flow() -> None:
        async with at(tmp_path) as (_, type_):
            answer = await type_("jobs", *words, "--json")
            assert [row["job_id"] for row in json.loads(answer.stdout)] == found

    asyncio.run(flow())


def test_filters_that_do_not_go_together(tmp_path: Path) -> None:
    """What no index answers is refused, with what there is instead."""

    async def flow() -> None:
        async with at(tmp_path) as (_, type_):
            answer = await type_("jobs", "--label", "team=search", "--status", "running")
            assert answer.exit_code == 2
            assert "label and status cannot be combined for jobs. What can: " in answer.stderr

    asyncio.run(flow())


def test_acts_on_many(tmp_path: Path) -> None:
    """An act on many wants a scope and --yes, and is asked of open jobs alone; a second one asks for no cancel twice."""

    async def flow() -> None:
        async with at(tmp_path) as (store, type_):
            scope = ("cancel", "--source", "gateway", "--reason", "stop")
            unsure = await type_(*scope)
            nothing = await type_("poll", "--yes")
            both = await type_("poll", "batch_b", "--source", "gateway", "--yes")
            assert await asked(store, "cancel") == []
            first = await type_(*scope, "--yes", "--json")
            again = await type_(*scope, "--yes", "--json")
            polled = await type_("poll", "--label", "team=search", "--yes")
            paused = await type_("pause", "--status", "running", "--reason", "wait", "--yes", "--json")

            assert (unsure.exit_code, "that is 2 open jobs; say --yes to cancel them" in unsure.stderr) == (2, True)
            assert (nothing.exit_code, "name a JOB, or say which" in nothing.stderr) == (2, True)
            assert (both.exit_code, "not both" in both.stderr) == (2, True)
            assert json.loads(first.stdout) == {"asked": 2, "spared": 1, "refused": 0}
            assert json.loads(again.stdout) == {"asked": 0, "spared": 3, "refused": 0}
            assert json.loads(paused.stdout) == {"asked": 0, "spared": 0, "refused": 2}
            assert "asked for of 1 job; 1 spared" in polled.stdout
            assert await asked(store, "cancel") == ["=batch_a", "batch_c"]
            assert await asked(store, "poll") == ["batch_d"]

    asyncio.run(flow())


def test_acts_on_more_than_a_portion(tmp_path: Path) -> None:
    """However many there are, each is asked for once."""

    async def flow() -> None:
        async with at(tmp_path) as (store, type_):
            async with store.writing() as connection:
                for number in range(230):
                    identity = ("gateway", "batch", f"more_{number}")
                    await jobs.bear(connection, store.new_id(), identity, Origin.TRACK, now())
            answer = await type_("poll", "--source", "gateway", "--yes", "--json")
            polled = await asked(store, "poll")

            assert json.loads(answer.stdout) == {"asked": 232, "spared": 1, "refused": 0}
            assert (len(polled), len(set(polled))) == (232, 232)

    asyncio.run(flow())


def test_the_actions_verb(tmp_path: Path) -> None:
    """What was asked for is listed with its job, by verb and by state."""

    async def flow() -> None:
        async with at(tmp_path) as (_, type_):
            await type_("cancel", "batch_d", "--reason", "stop it")
            await type_("poll", "batch_c")
            every = json.loads((await type_("actions", "--json")).stdout)
            cancels = json.loads((await type_("actions", "--verb", "cancel", "--source", "other", "--json")).stdout)
            text = await type_("actions", "--job", "batch_d")

            assert [(row["verb"], row["job_id"], row["state"]) for row in every] == [
                ("poll", "batch_c", "asked"),
                ("cancel", "batch_d", "asked"),
            ]
            assert cancels == every[1:]
            assert "stop it" in text.stdout

    asyncio.run(flow())


def test_how_it_stands(tmp_path: Path) -> None:
    """The numbers of jobs come from what was counted; every source is there, with what it lacks."""

    async def flow() -> None:
        async with at(tmp_path) as (store, type_):
            before = (await type_("status")).stdout
            told = {"source": "gateway", "state": "stored", "input_name": "rows.jsonl", "input_sha256": ""}
            counts = {"input_bytes": 1, "row_count": 1, "created_at": now(), "updated_at": now()}
            row = SubmissionRow(id=store.new_id(), **told, **counts, message="waits for the quota of uploads: HTTP 429")
            async with store.writing() as connection:
                await submissions.store(connection, row)
            whole = json.loads((await type_("status", "--json")).stdout)
            text = (await type_("status")).stdout

            assert whole["jobs"] == {word: 5 if word == "unknown" else 0 for word in whole["jobs"]}
            assert "to become jobs" not in before
            assert [one["id"] for one in whole["submissions"]["longest"]] == [shown("sub", row.id)]
            told_of = re.sub(r"\s+", " ", text)
            assert f"1 waits to become jobs, the oldest, {shown('sub', row.id)}, since" in told_of
            assert "UTC: waits for the quota of uploads: HTTP 429" in told_of
            assert [one["name"] for one in whole["sources"]] == ["gateway", "other"]
            assert "jobs                   5 unknown\n" in text
            assert text.count("none at work; `batchkeeper up` starts one") == 2

    asyncio.run(flow())


def test_what_happens(tmp_path: Path) -> None:
    """Each thing is told once, in the order in which it was stored, of every source or of one."""

    async def flow() -> None:
        async with at(tmp_path) as (store, type_):
            await type_("cancel", "batch_d", "--reason", "stop it")
            await refused(store, "gateway", 2)
            await moved(store, "batch_c")
            every = [json.loads(line) for line in (await type_("events", "--json")).stdout.splitlines()]
            other = await type_("events", "--source", "other")
            unknown = await type_("events", "--source", "nobody")

            assert [(one["what"], one["job_id"]) for one in every] == [
                ("action", "batch_d"),
                ("refusal", None),
                ("refusal", None),
                ("move", "batch_c"),
            ]
            assert every[0]["about"] == {"verb": "cancel", "asked_by": "operator", "reason": "stop it"}
            assert len(other.stdout.splitlines()) == 1
            assert "other/batch_d" in other.stdout
            assert unknown.exit_code == 2

    asyncio.run(flow())


def test_what_is_stored_late_or_in_large_numbers(tmp_path: Path) -> None:
    """A row that is committed after a newer one is told all the same, and one page after the other each once."""

    async def flow() -> None:
        async with at(tmp_path) as (store, _):
            follower, late = Follower(now() - MINUTE), store.new_id()
            await refused(store, "gateway", MOST + 20)
            first = [view["id"] async for view in follow(store, follower, for_ever=False)]
            async with store.writing() as connection:
                row = RefusalRow(id=late, source="gateway", reason="flood", http_status=429, received_at=now())
                await add(connection, row)
            then = [view["id"] async for view in follow(store, follower, for_ever=False)]

            assert (len(first), len(set(first)), len(then)) == (MOST + 20, MOST + 20, 1)
            assert first == sorted(first)
            assert then[0] < first[0]

    asyncio.run(flow())


async def refused(store: Store, source: str, many: int) -> None:
    async with store.writing() as connection:
        for _ in range(many):
            row = RefusalRow(id=store.new_id(), source=source, reason="flood", http_status=429, received_at=now())
            await add(connection, row)


async def moved(store: Store, name: str) -> None:
    async with store.writing() as connection:
        (job,) = await jobs.named(connection, name)
        observation = observations.ObservationRow(
            id=store.new_id(), job=job.id, asked="poll", status="running", first_seen_at=now(), last_seen_at=now()
        )
        await add(connection, observation)
        move = TransitionRow(
            id=store.new_id(),
            job=job.id,
            revision=0,
            from_status="pending",
            to_status="running",
            observation=observation.id,
            at=now(),
        )
        await add(connection, move)
