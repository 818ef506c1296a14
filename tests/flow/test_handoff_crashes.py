"""Killed at each named step of a hand-off and started again: told at least once, under one id, and one row that is done."""

import asyncio
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from commands import SCRIPT, environment
from downstream import Downstream, all_are, ended, hand_on, outbox, program, told
from service import Service, until

from schemas.ids import shown

pytestmark = pytest.mark.processes

SHORT = {"lease_seconds": 1}  # a server does not know that a holder is gone, and waits for its lease to lapse
STEPS = ("H1", "H2", "H3", "H4")
TOLD = """
import sys
with open({path!r}, "a") as file:
    file.write(sys.argv[-2] + "\\n")
"""


@asynccontextmanager
async def reconciling(running: Service, **variables: str) -> AsyncIterator[Process]:
    """The reconciler as a process of its own, ended at the end of the block."""
    log = running.path.with_name("reconcile.log")
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            SCRIPT, "--config", running.path, "reconcile", env=environment({**running.environ, **variables}),
            stdin=DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def killed_at(running: Service, point: str, count: int = 1) -> None:
    """Run the reconciler until it dies at a point."""
    async with reconciling(running, BATCHKEEPER_CRASH_AT=f"{point}:{count}") as process:
        async with asyncio.timeout(60):
            assert await process.wait() == -signal.SIGKILL, running.path.with_name("reconcile.log").read_text()


def targets(kind: str, marks: Path) -> Mapping[str, Mapping[str, Any]]:
    """One target beside which nothing else is told."""
    return {"down": {} if kind == "http" else program(TOLD.format(path=str(marks)))}


@pytest.mark.both_stores
def test_killed_at_each_step_of_a_handoff(tmp_path: Path) -> None:
    """
    Each step kills the process once, in one life of one store. Started again, every job was told at least once, always
    under the one id of its one row, and all rows are done.
    """
    asyncio.run(_killed_at_each_step("http", tmp_path / "told"))


def test_killed_at_each_step_of_a_handoff_to_a_program(tmp_path: Path) -> None:
    """The same, where a program is told. One that was running when the process was killed may go on by itself."""
    asyncio.run(_killed_at_each_step("command", tmp_path / "told"))


async def _killed_at_each_step(kind: str, marks: Path) -> None:
    down = Downstream()
    async with told(ended(), down, targets(kind, marks), knobs=SHORT, reconciles=False) as running:
        for number, step in enumerate(STEPS):
            await hand_on(running, f"batch_{number}")
            await killed_at(running, step)
        async with reconciling(running):
            rows = await all_are(running, len(STEPS), "done")
        calls = down.ids() if kind == "http" else marks.read_text().split()

    names = [shown("hnd", row.id) for row in rows]
    assert len({row.subject for row in rows}) == len(STEPS)
    assert set(calls) == set(names)
    assert len(calls) >= len(names) == len(set(names)) == len(STEPS)
    assert all(row.attempts >= 1 for row in rows)
    assert sum(row.attempts for row in rows) > len(rows)


@pytest.mark.both_stores
def test_killed_while_the_outbox_is_written() -> None:
    """
    Killed after a job's end was written and before that was committed, and right after: the hand-off is there with the end,
    and only with it, and is told once the process is back.
    """

    async def flow() -> None:
        down = Downstream()
        async with told(
            ended(), down, {"ready": {}, "end": {"on": "terminal"}}, knobs=SHORT, reconciles=False
        ) as running:
            for number, (point, written) in enumerate([("P4", 0), ("P5", 1)]):
                await hand_on(running, f"batch_{number}")
                await killed_at(running, point)
                ends = [row for row in await outbox(running) if row.target == "end"]
                job = await running.row(f"batch_{number}")
                assert job is not None
                assert (job.ended_at is not None, len([row for row in ends if row.subject == job.id])) == (
                    bool(written),
                    written,
                )
            async with reconciling(running):
                await all_are(running, 4, "done")

        assert len(set(down.ids())) == 4

    asyncio.run(flow())


def test_killed_again_and_again_while_it_tells() -> None:
    """A process that dies in every attempt stops trying after as many as there may be: the hand-off is dead, and listed."""

    async def flow() -> None:
        down = Downstream()
        async with told(ended(), down, {"down": {"most_attempts": 3}}, knobs=SHORT, reconciles=False) as running:
            await hand_on(running, "batch_1")
            for _ in range(3):
                await killed_at(running, "H3")
            async with reconciling(running):

                async def is_dead() -> bool:
                    return [row.state for row in await outbox(running)] == ["dead"]

                await until(is_dead, "the hand-off to be given up")
            [row] = await outbox(running)

        assert (row.attempts, len(down.events)) == (3, 3)
        assert "may have arrived" in str(row.message)

    asyncio.run(flow())
