"""`batchkeeper results`: rows in the order in which they were asked for, of one job or of a group."""

import asyncio
import csv
import io
import json
import os
import pty
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from commands import SCRIPT, environment
from noted import noted, staged
from service import Service, Stage, stage

from operators.clock import now
from operators.errors import NotPossible
from operators.parts import parts_of, require_all
from operators.results import Result, left_out, results
from schemas import ids
from schemas.dialects.phaseo import Phaseo
from schemas.tables import GroupRow, SubmissionRow
from storage import submissions
from storage.files import files_for
from storage.rows import add

DIALECT = Phaseo()


@dataclass
class Shown:
    results: list[Result]
    left_out: list[str]

    @property
    def ids(self) -> list[tuple[str, str]]:
        return [(result.row.custom_id, result.outcome) for result in self.results]


async def show(running: Service, name: str, failed: bool = False, partial: bool = False) -> Shown:
    async with running.store.reading() as connection:
        parts = await parts_of(connection, running.config, name, now())
    require_all(parts, name, failed, partial)
    files = files_for(running.config.data)
    found = [result for part in parts for result in results(files, DIALECT, part, failed)]
    return Shown(found, left_out(parts))


async def ready(on: Stage, *jobs: str) -> None:
    for job in jobs:
        await on.service.shows(job, lambda view: view["ready"], "to be ready")


def asked(rows: int) -> list[str]:
    return [f"row-{number}" for number in range(rows)]


@pytest.mark.both_stores
@pytest.mark.parametrize("data", [{}, {"url": "memory://results"}])
def test_in_input_order(data: dict[str, Any]) -> None:
    """The provider's own lines, good and bad, each once and as they were asked; what nobody asked is left out, and told."""

    async def flow() -> None:
        async with stage(data=data) as on:
            job = await noted(on, "rows_fail,rows_repeated,rows_strange", rows=9)
            await ready(on, job)
            shown = await show(on.service, job)
            view = await on.service.view(job)
            theirs = set()
            for output in view["outputs"]:
                content = (await on.client.get(f"/v1/files/{output['file_id']}/content")).content
                theirs |= set(content.splitlines())
            assert [custom_id for custom_id, _ in shown.ids] == asked(9)
            assert {result.line for result in shown.results} <= theirs
            assert [outcome for _, outcome in shown.ids].count("failed") == view["row_match"]["failed"] == 3
            assert shown.left_out == [
                f"gateway/{job}: {view['row_match']['repeated']} repeated, {view['row_match']['strange']} strange left out; "
                "`batchkeeper job` shows the first of them"
            ]
            assert (await show(on.service, job, failed=True)).ids == [one for one in shown.ids if one[1] == "failed"]

    asyncio.run(flow())


def test_missing_rows() -> None:
    """A job that lacks rows is refused with what is missing; --partial shows what is there, --failed what is not."""

    async def flow() -> None:
        async with stage() as on:
            job = await noted(on, "rows_missing", rows=8)
            await ready(on, job)
            with pytest.raises(NotPossible, match="2 of 8 rows are missing"):
                await show(on.service, job)
            there = await show(on.service, job, partial=True)
            gone = await show(on.service, job, failed=True)
            assert sorted(custom_id for custom_id, _ in there.ids + gone.ids) == asked(8)
            assert {outcome for _, outcome in gone.ids} == {"missing"}
            said = json.loads(gone.results[0].line)
            assert (said["custom_id"], said["error"]["code"]) == (gone.ids[0][0], "missing")

    asyncio.run(flow())


def test_group() -> None:
    """A group is joined shard by shard; while one of its shards has no job, it is refused, and its rows count as missing."""

    async def flow() -> None:
        async with stage() as on:
            store, group = on.service.store, on.service.store.new_id()
            async with store.writing() as connection:
                await add(connection, GroupRow(id=group, size=3, created_at=now()))
            name = ids.shown("grp", group)
            second = await noted(on, "rows_fail", rows=4, group=group, shard=2)
            first = await noted(on, "", rows=3, group=group, shard=1)
            await ready(on, first, second)
            whole = await show(on.service, name)
            assert [custom_id for custom_id, _ in whole.ids] == asked(3) + asked(4)

            told = {"source": "gateway", "state": "stored", "input_name": "x", "input_sha256": "", "group_id": group}
            counts = {"input_bytes": 1, "row_count": 2, "created_at": now(), "updated_at": now(), "shard": 3}
            kept = await staged(on, ["late-0", "late-1"])
            async with store.writing() as connection:
                row = SubmissionRow(id=store.new_id(), staged_as=kept, **told, **counts)
                await submissions.store(connection, row)
            with pytest.raises(NotPossible, match="no job has come of it: the submission is stored"):
                await show(on.service, name)
            assert (await show(on.service, name, partial=True)).ids == whole.ids
            failed = await show(on.service, name, failed=True, partial=True)
            assert failed.ids[-2:] == [("late-0", "missing"), ("late-1", "missing")]

    asyncio.run(flow())


def test_what_cannot_be_shown() -> None:
    """Not before it is ready; not from a file that was altered or is gone; not of a job that has no rows."""

    async def flow() -> None:
        async with stage() as on:
            job = await noted(on, "")
            with pytest.raises(NotPossible, match=r"has not ended|has not been|not been matched"):
                await show(on.service, job)
            await ready(on, job)
            where = Path((await on.service.view(job))["outputs"][0]["where"])
            content = where.read_bytes()
            where.write_bytes(content.replace(b"row-0", b"row-9"))
            with pytest.raises(NotPossible, match="is not what was fetched"):
                await show(on.service, job)
            where.unlink()
            with pytest.raises(NotPossible, match="If it was removed"):
                await show(on.service, job)
            where.write_bytes(content)
            assert (await show(on.service, job)).ids == [(custom_id, "succeeded") for custom_id in asked(8)]

            answer = await on.client.post("/v1/videos", json={"model": "sora-2", "prompt": "a lamp"})
            film = str(answer.json()["id"])
            await on.service.track(film, kind="video")
            await ready(on, film)
            with pytest.raises(NotPossible, match="has no rows"):
                await show(on.service, film)

    asyncio.run(flow())


def test_tracked() -> None:
    """Where nobody here knows what was asked, rows come as the files have them, good ones first."""

    async def flow() -> None:
        async with stage() as on:
            job = await on.watched("rows_fail", rows=6)
            await ready(on, job)
            shown = await show(on.service, job)
            assert sorted(custom_id for custom_id, _ in shown.ids) == asked(6)
            assert [outcome for _, outcome in shown.ids] == ["succeeded"] * 4 + ["failed"] * 2

    asyncio.run(flow())


# The verb


async def typed(running: Service, words: Sequence[str]) -> tuple[int, bytes, str]:
    process = await asyncio.create_subprocess_exec(
        SCRIPT, "results", *words, "--config", str(running.path),
        env=environment({**running.environ, "NO_COLOR": "1"}),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out, err.decode()


@pytest.mark.processes
def test_the_verb() -> None:
    """Into a pipe go the provider's own bytes, or a table; a refusal goes to standard error, with exit code 1."""

    async def flow() -> None:
        async with stage() as on:
            job, short = await noted(on, "rows_fail", rows=6), await noted(on, "rows_missing", rows=6)
            await ready(on, job, short)
            code, out, err = await typed(on.service, [job])
            lines = out.splitlines()
            assert (code, err, len(lines)) == (0, "", 6)
            shown = await show(on.service, job)
            assert lines == [result.line for result in shown.results]

            code, out, _ = await typed(on.service, [job, "--format", "csv", "--failed"])
            rows = list(csv.DictReader(io.StringIO(out.decode(), newline="")))
            assert code == 0
            assert list(rows[0]) == ["custom_id", "outcome", "status_code", "error_code", "error_message", "body"]
            assert {(row["outcome"], row["status_code"], row["error_code"]) for row in rows} == {
                ("failed", "400", "invalid_value")
            }
            assert json.loads(rows[0]["body"])["error"]["param"] == "max_tokens"

            code, out, err = await typed(on.service, [short])
            assert (code, out) == (1, b"")
            assert "rows are missing" in err
            code, out, err = await typed(on.service, [short, "--partial"])
            assert (code, len(out.splitlines())) == (0, 5)
            assert err.endswith(f"{short}: 1 of 6 rows are missing\n")
            assert (await typed(on.service, ["grp_0000000000000"]))[0] == 4

    asyncio.run(flow())


@pytest.mark.processes
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_threat_59_nothing_that_a_terminal_obeys(form: str) -> None:
    """On a terminal whatever a row holds is escaped, so that it cannot be a command."""

    async def flow() -> bytes:
        async with stage() as on:
            requests = [{"custom_id": "\x1b[31m\u202ered\x9b2J", "body": {"model": "gpt-5", "messages": []}}]
            job = await on.watched("", requests=requests)
            await ready(on, job)
            ours, theirs = pty.openpty()
            process = await asyncio.create_subprocess_exec(
                SCRIPT, "results", job, "--format", form, "--config", str(on.service.path),
                env=environment({**on.service.environ, "TERM": "xterm"}), stdin=asyncio.subprocess.DEVNULL, stdout=theirs,
            )  # fmt: skip
            os.close(theirs)
            assert await process.wait() == 0
            printed = await asyncio.to_thread(os.read, ours, 65_536)
            os.close(ours)
            return printed

    printed = asyncio.run(flow())
    assert b"gpt-5" in printed
    text = printed.decode().replace("\r\n", "\n")
    assert all(letter.isprintable() or letter == "\n" for letter in text)
