"""Kill -9 at each named step of submitting, then started again: one batch for each part by our doing, none forgotten."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Any

import httpx
import pytest
from commands import environment
from service import QUICK, SourceAt, read_config, until, write_config
from test_submitting import rows

from operators.store import opened
from sandbox.server import RunningSandbox, SandboxSettings
from schemas.tables import SubmissionRow
from storage import submissions
from storage.listing import Part

pytestmark = [pytest.mark.both_stores, pytest.mark.processes]

SCRIPT = Path(sys.executable).with_name("batchkeeper")
PARTS = 2
IN_BETWEEN = (
    "S3",
    "S4",
    "S5",
    "S6",
    "S7",
)  # a create was committed to be sent, of this part or the other, and may not have been
# How many submissions are stored when the process dies there: before the intent is whole there is none.
POINTS = [
    *((point, 0) for point in ("D1:1", "D2:1", "D3:2", "D4:1", "D5:1", "D6:2")),
    *((point, PARTS) for point in ("S1:1", "S2:1", "S2:2", "S3:1", "S4:1", "S5:1", "S5:2", "S6:1", "S6:2", "S7:1")),
]


async def command(folder: Path, environ: dict[str, str], *words: str) -> int:
    process = await asyncio.create_subprocess_exec(
        SCRIPT, *words, cwd=folder, env=environment(environ), stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    told, complaint = await process.communicate()
    print(words, process.returncode, told.decode(), complaint.decode())  # noqa: T201  (shown where the test fails)
    return process.returncode or 0


@pytest.mark.parametrize(("point", "stored"), POINTS, ids=[point for point, _ in POINTS])
def test_killed_while_submitting(point: str, stored: int, tmp_path: Path) -> None:
    """Killed at this step, the intent is there whole or not at all. What is there comes to one batch for each part, or is given
    to a person where nobody can tell whether its create had left; nothing half written is left under a name."""

    async def flow() -> None:
        async with RunningSandbox(SandboxSettings(0, 1000)) as box:
            knobs = {**QUICK, "lease_seconds": 1, "submit_patience_seconds": 3}
            path, environ = write_config(tmp_path, {"gateway": SourceAt(f"{box.url}/v1", {"sweep_seconds": 1})}, knobs)
            config = read_config(path, environ)
            async with opened(config, migrate=True) as store:
                words = ("submit", str(rows(tmp_path, PARTS)), "--source", "gateway", "--shard-rows", "1")
                dying = {**environ, "BATCHKEEPER_CRASH_AT": point}
                assert await command(tmp_path, dying, *words) == -signal.SIGKILL

                async def decided() -> list[SubmissionRow] | None:
                    assert await command(tmp_path, environ, "reconcile", "--once") == 0
                    async with store.reading() as connection:
                        found = await submissions.newest(connection, Part())
                    return found if all(row.state in ("created", "unconfirmed") for row in found) else None

                found: list[SubmissionRow] = []
                if stored:
                    found = await until(decided, "every part to be created, or given to a person", every=0.3)
                else:
                    assert await decided() == []
            async with httpx.AsyncClient(trust_env=False) as client:
                truth: dict[str, Any] = (await client.get(f"{box.url}/sandbox/truth")).json()
            assert len(found) == stored
            made = [str(row.job_id) for row in found if row.state == "created"]
            assert sorted(made) == sorted(one["job_id"] for one in truth["batches"])
            assert set(truth["input_files"].values()) <= {1}
            if point[:2] not in IN_BETWEEN:
                assert len(made) == stored
            for row in found:
                staged = Path(config.data.dir, *str(row.staged_as).split("/"))
                assert staged.stat().st_size == row.input_bytes

    asyncio.run(flow())
