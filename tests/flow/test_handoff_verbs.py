"""What operators see of hand-offs and do about them: the verbs as they are typed, and the same over HTTP."""

import asyncio
import json
import os
import subprocess

import httpx
import pytest
from click.testing import Result
from commands import SCRIPT
from downstream import Downstream, ended, hand_on, outbox, states_are, told
from service import Asked, Service, batch, environment, file_of, read_config, said, until
from typer.testing import CliRunner

from operators.app import build_app
from operators.cli.main import app
from operators.clock import now
from reconciler.daemon import Reconciler
from schemas.config import Operators, Secret
from schemas.ids import shown
from schemas.tables import HandoffRow
from storage import handoffs

DONE, DEAD, WAITING = "done", "dead", "waiting"
TOKEN = "0123456789abcdef0123456789abcdef"


async def type_(running: Service, *words: str) -> Result:
    """Type a command where a service runs; in this process, on a loop of its own."""
    with environment(running.environ):
        return await asyncio.to_thread(CliRunner().invoke, app, ["--config", str(running.path), *words])


def name_of(row: HandoffRow) -> str:
    return shown("hnd", row.id)


@pytest.mark.both_stores
def test_listed_and_shown() -> None:
    """The list has a line for each and says what waits for whom; one is shown with its event; a job shows its own."""

    def answer(asked: Asked) -> bytes:
        return said(b"\x1b[31mno", status=400 if b"batch_1" in asked.body else 200)

    async def flow() -> None:
        down = Downstream(answer)
        wishes = {
            "down": {"most_attempts": 1},
            "later": {"retry_seconds": 60, "retry_cap_seconds": 60, "labels": ["x=y"]},
        }
        async with told(ended(), down, wishes, errors_expected=True) as running:
            await hand_on(running, "batch_1", {"x": "y"})
            await hand_on(running, "batch_2")
            rows = await states_are(running, DEAD, DONE, WAITING)
            by_state = {row.state: row for row in rows}
            listed = await type_(running, "handoffs")
            dead = await type_(running, "handoffs", "--state", "dead", "--target", "down", "--json")
            one = await type_(running, "handoff", name_of(by_state[DEAD]))
            whole = await type_(running, "handoff", name_of(by_state[DONE]), "--json")
            job = await type_(running, "job", "batch_1", "--json")
            text = await type_(running, "job", "batch_1")
            nothing = await type_(running, "handoffs", "--state", "withdrawn")
            slip = await type_(running, "handoffs", "--target", "donw")

        assert (listed.exit_code, listed.stderr) == (0, "")
        lines = listed.stdout.splitlines()
        assert len(lines) == 1 + 3 + 1
        assert lines[-1].startswith("1 waiting for later; the oldest since ")
        assert all(name_of(row) in listed.stdout for row in rows)
        assert [(row["state"], row["message"]) for row in json.loads(dead.stdout)] == [(DEAD, "HTTP 400: \\x1b[31mno")]
        assert "HTTP 400: \\x1b[31mno" in one.stdout and '"specversion": "1.0"' in one.stdout
        assert json.loads(whole.stdout)["event"] in down.events
        assert {row["id"] for row in json.loads(job.stdout)["handoffs"]} == {
            name_of(by_state[DEAD]),
            name_of(by_state[WAITING]),
        }
        assert "hand-offs\n" in text.stdout and name_of(by_state[DEAD]) in text.stdout
        assert (nothing.exit_code, nothing.stdout.splitlines()[0]) == (0, "nothing here for withdrawn")
        assert (slip.exit_code, slip.stdout) == (2, "")
        assert "configured are: down, later" in slip.stderr

    asyncio.run(flow())


@pytest.mark.both_stores
def test_replayed_under_the_same_id() -> None:
    """What is dead, done or withdrawn is told again under its id, and the replay is on record; what waits is left alone."""
    is_open = False

    async def flow() -> None:
        nonlocal is_open
        down = Downstream(lambda _: said(status=200 if is_open else 500))
        wishes = {"down": {"most_attempts": 2}, "later": {"retry_seconds": 60, "retry_cap_seconds": 60}}
        async with told(ended(), down, wishes, errors_expected=True) as running:
            await hand_on(running, "batch_1")
            rows = await states_are(running, DEAD, WAITING)
            [dead] = [row for row in rows if row.state == DEAD]
            [waiting] = [row for row in rows if row.state == WAITING]
            is_open = True
            both = await type_(running, "replay", name_of(dead), name_of(waiting))
            assert [row.state for row in await outbox(running) if row.id == dead.id] == [DEAD]
            again = await type_(running, "replay", name_of(dead))
            [first] = [row for row in await states_are(running, DONE, WAITING) if row.id == dead.id]
            once_more = await type_(running, "replay", name_of(dead))

            async def was_told_again() -> bool:
                return down.ids().count(name_of(dead)) == 4

            await until(was_told_again, "a done one to be told once more")
            await states_are(running, DONE, WAITING)
            unknown = await type_(running, "replay", "hnd_0000000000000")
            actions = (await running.view("batch_1"))["actions"]

        assert (both.exit_code, both.stdout) == (1, "")
        assert f"{name_of(waiting)} is waiting already" in both.stderr
        assert (again.exit_code, again.stderr) == (0, "")
        assert again.stdout == f"{name_of(dead)}: it will be told to down again\n"
        assert (first.attempts, first.http_status, first.message) == (1, 200, None)
        assert once_more.exit_code == 0
        assert unknown.exit_code == 4
        assert [(one["verb"], one["state"], one["asked_by"]) for one in actions] == [("replay", "done", "operator")] * 2
        assert {one["message"] for one in actions} == {f"{name_of(dead)} to down"}

    asyncio.run(flow())


@pytest.mark.processes
def test_all_dead_ones_of_a_target() -> None:
    """All dead ones of a target are told again, if that is said twice; without a reconciler that is said, too."""
    is_open = False

    async def flow() -> None:
        nonlocal is_open
        down = Downstream(lambda _: said(status=200 if is_open else 500))
        wishes = {"down": {"most_attempts": 1}, "other": {"most_attempts": 1}}
        async with told(ended(), down, wishes, errors_expected=True, reconciles=False) as running:
            for number in range(4):
                await hand_on(running, f"batch_{number}")
            await running.reconciler.run_once()
            await states_are(running, *[DEAD] * 8)
            is_open = True
            unsure = await type_(running, "replay", "--target", "down", "--dead")
            assert len([row for row in await outbox(running) if row.state == DEAD]) == 8
            sure = await type_(running, "replay", "--target", "down", "--dead", "--yes")
            command = [SCRIPT, "--config", running.path, "reconcile", "--once"]
            done = await asyncio.to_thread(
                subprocess.run,
                command,
                env={**os.environ, **running.environ},
                capture_output=True,
                text=True,
                check=True,
            )
            rows = await outbox(running)

        assert (unsure.exit_code, unsure.stdout) == (2, "")
        assert "4 dead hand-offs would be told to down again; add --yes" in unsure.stderr
        assert (sure.exit_code, sure.stdout) == (0, "4 hand-offs will be told to down again\n")
        assert "no reconciler is at work for down" in sure.stderr
        assert "handoffs.down: 4 things done" in done.stdout
        assert "handoffs.other: no things done" in done.stdout
        assert sorted((row.target, row.state) for row in rows) == [("down", DONE)] * 4 + [("other", DEAD)] * 4
        assert len(down.ids()) == 12 and len(set(down.ids())) == 8

    asyncio.run(flow())


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["hnd_0000000000000", "--target", "down", "--dead"],
        ["hnd_0000000000000", "--dead"],
        ["--target", "down"],
        ["--dead"],
        ["--dead", "--yes"],
    ],
)
def test_a_replay_that_is_asked_for_wrongly(words: list[str]) -> None:
    """A replay is of named ones, or of all dead ones of one target, and of nothing in between."""

    async def flow() -> None:
        async with told(ended(), Downstream(), reconciles=False) as running:
            found = await type_(running, "replay", *words)

        assert (found.exit_code, found.stdout) == (2, "")
        assert "--target NAME --dead --yes" in found.stderr

    asyncio.run(flow())


def test_a_target_that_is_configured_no_more() -> None:
    """What waits for it keeps waiting, is said to be for nobody, cannot be replayed, and goes on when it is back."""

    async def flow() -> None:
        down = Downstream(lambda _: said(status=500))
        async with told(
            ended(), down, {"down": {"most_attempts": 1}}, reconciles=False, errors_expected=True
        ) as running:
            await hand_on(running, "batch_1")
            await running.reconciler.run_once()
            [dead] = await outbox(running)
            await hand_on(running, "batch_2")
            whole = running.path.read_text()
            running.path.write_text(whole.partition("[handoffs.down]")[0])
            # Hand-offs of jobs that end now have no target; what was written before stays.
            async with running.store.writing() as connection:
                await handoffs.change(connection, dead.id, {"state": WAITING, "due_at": now(), "attempts": 0}, now())
            listed = await type_(running, "handoffs")
            left = read_config(running.path, running.environ)
            done = await Reconciler(left, running.store, now).run_once()
            [kept] = await outbox(running)
            async with running.store.writing() as connection:
                await handoffs.change(connection, dead.id, {"state": DEAD, "due_at": None}, now())
            replayed = await type_(running, "replay", name_of(dead))
            bulk = await type_(running, "replay", "--target", "down", "--dead", "--yes")

        assert "down (configured no more)" in listed.stdout
        assert "1 waiting for down, which is configured no more" in listed.stdout
        assert done.keys() == {"gateway"}
        assert (kept.state, kept.attempts) == (WAITING, 0)
        for said_so in (replayed, bulk):
            assert (said_so.exit_code, said_so.stdout) == (1, "")
            assert "the target down is not configured" in said_so.stderr

    asyncio.run(flow())


def test_over_http() -> None:
    """The operators' app answers with the same list, the backlog beside it, and one whole; it changes nothing."""

    async def flow() -> None:
        down = Downstream(lambda asked: said(status=500 if b"batch_1" in asked.body else 200))
        wishes = {"down": {"retry_seconds": 60, "retry_cap_seconds": 60}}
        async with told(ended(), down, wishes) as running:
            await hand_on(running, "batch_1")
            await hand_on(running, "batch_2")
            rows = await states_are(running, DONE, WAITING)
            config = running.config.model_copy(update={"operators": Operators(port=0, token=Secret(TOKEN))})
            transport = httpx.ASGITransport(build_app(lambda: config, running.store, now))
            bearer = {"authorization": f"Bearer {TOKEN}"}
            async with httpx.AsyncClient(transport=transport, base_url="http://ops/api/v1", headers=bearer) as ask:
                every = (await ask.get("/handoffs")).json()
                waiting = (await ask.get("/handoffs?state=waiting&target=down&limit=1")).json()
                one = (await ask.get(f"/handoffs/{name_of(rows[0])}")).json()

        assert {row["id"] for row in every["handoffs"]} == {name_of(row) for row in rows}
        assert [(row["state"], row["subject"]) for row in waiting["handoffs"]] == [(WAITING, "batch_1")]
        [behind] = every["backlog"]
        assert (behind["target"], behind["target_configured"], behind["waiting"]) == ("down", True, 1)
        assert one["event"]["id"] == one["id"] == name_of(rows[0])

    asyncio.run(flow())


def test_config_check_names_the_targets() -> None:
    """`config check` says which targets there are, without what might be a secret of theirs."""

    def script(asked: Asked) -> bytes:
        return file_of(asked) or said(batch(asked.job_id))

    async def flow() -> None:
        async with told(script, Downstream(), reconciles=False) as running:
            found = await type_(running, "config", "check")

        assert "target down" in found.stdout and "http, told on ready" in found.stdout
        assert "by=us" not in found.stdout

    asyncio.run(flow())
