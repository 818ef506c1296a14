"""The product's own commands as processes: started, killed, told to stop, and never left behind."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass, field
from pathlib import Path

from .place import Place

SCRIPT = Path(sys.executable).with_name("batchkeeper")
STOP_SECONDS = 30


@dataclass(frozen=True)
class Role:
    """One process of the service: the verb that it runs, and on which port it receives, if it does."""

    name: str
    verb: str
    port: int | None = None

    def passes(self, point: str) -> bool:
        """Whether this process is the one that comes by a named point."""
        receives = point in {"R1", "R2", "R3", "R4", "R5", "R6"}
        return self.verb == "up" or (self.verb == "receive") is receives


class Processes:
    """All processes of one life. Each has its own log, in the order of their starts."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._all: list[Process] = []

    async def start(self, *arguments: str, port: int | None = None, crash_at: str = "") -> Process:
        """Start a command. `crash_at` is a point and a count, such as R5:3."""
        variables = {"BATCHKEEPER_CRASH_AT": crash_at} if crash_at else {}
        if port is not None:
            variables["BATCHKEEPER_RECEIVER__PORT"] = str(port)
        path = self._place.home / f"{len(self._all):03}-{arguments[0]}.log"
        with path.open("wb") as log:
            return await self._spawn(arguments, log.fileno(), variables)

    async def run(self, *arguments: str, crash_at: str = "", patience: float = STOP_SECONDS) -> int:
        """Run a command to its end, which has to come within so many seconds. How it ended."""
        process = await self.start(*arguments, crash_at=crash_at)
        return await asyncio.wait_for(process.wait(), patience)

    async def read(self, *arguments: str) -> tuple[int, bytes]:
        """Run a command to its end. How it ended, and what it printed."""
        process = await self._spawn(arguments, PIPE, {})
        out, _ = await asyncio.wait_for(process.communicate(), STOP_SECONDS)
        return process.returncode or 0, out

    async def _spawn(self, arguments: tuple[str, ...], output: int, variables: dict[str, str]) -> Process:
        process = await asyncio.create_subprocess_exec(
            SCRIPT, "--config", str(self._place.config), *arguments, cwd=self._place.home,
            env=self._place.environment(**variables), stdin=DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
        self._all.append(process)
        return process

    def logs(self, *verbs: str) -> list[Path]:
        """What these commands logged, in the order of their starts."""
        return sorted(path for verb in verbs for path in self._place.home.glob(f"*-{verb}.log"))

    async def kill_all(self) -> None:
        """SIGKILL to whatever still runs, with all that it may have started."""
        for process in self._all:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        await asyncio.gather(*(process.wait() for process in self._all))


@dataclass
class Fleet:
    """The service as it is deployed: in one process, or receivers and reconcilers apart."""

    processes: Processes
    roles: tuple[Role, ...]
    running: dict[str, Process] = field(default_factory=dict)

    async def start(self, role: Role, crash_at: str = "") -> Process:
        process = await self.processes.start(role.verb, port=role.port, crash_at=crash_at)
        self.running[role.name] = process
        return process

    async def start_missing(self) -> int:
        """Start whatever does not run. How many processes that were."""
        missing = [role for role in self.roles if role.name not in self.running]
        for role in missing:
            await self.start(role)
        return len(missing)

    async def kill(self, role: Role) -> None:
        """SIGKILL, now."""
        process = self.running.pop(role.name)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    async def killed_itself(self, role: Role, patience: float) -> bool:
        """Wait until a process has died by its own SIGKILL; False when it did not in so many seconds, and still runs."""
        process = self.running[role.name]
        try:
            code = await asyncio.wait_for(process.wait(), patience)
        except TimeoutError:
            return False
        if code == -signal.SIGKILL:
            del self.running[role.name]
        return code == -signal.SIGKILL

    def fallen(self) -> list[str]:
        """Processes that ended although nobody killed them."""
        ended = [name for name, process in self.running.items() if process.returncode is not None]
        return [f"{name} ended by itself with {self.running.pop(name).returncode}" for name in ended]

    async def stop(self) -> list[str]:
        """SIGTERM to all. Those that did not end in good order."""
        for process in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        ends = await asyncio.gather(*(asyncio.wait_for(one.wait(), STOP_SECONDS) for one in self.running.values()))
        complaints = [
            f"{name}: told to stop, ended with {end}" for name, end in zip(self.running, ends, strict=True) if end
        ]
        self.running.clear()
        return complaints


def fleet_of(shape: str, place: Place) -> tuple[Role, ...]:
    """`up`: one process. `split`: a receiver and a reconciler. `many`: two of each, for stores that take them."""
    if shape == "up":
        return (Role("up", "up", place.receivers[0]),)
    count = 2 if shape == "many" else 1
    receivers = (Role(f"receive {n + 1}", "receive", place.receivers[n]) for n in range(count))
    reconcilers = (Role(f"reconcile {n + 1}", "reconcile") for n in range(count))
    return (*receivers, *reconcilers)
