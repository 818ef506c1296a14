"""The demo's processes: the user's own commands, in a folder of their own, and none of them left behind."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from operators.errors import NotPossible

START_SECONDS, STOP_SECONDS = 20.0, 8.0


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def environment(additions: Mapping[str, str]) -> dict[str, str]:
    """Our own environment, without what would change the demo's configuration."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("BATCHKEEPER_")}
    return {**kept, **additions}


class Commands:
    """Runs `batchkeeper` in one folder with one environment."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, environment(variables)
        beside = Path(sys.executable).with_name("batchkeeper")
        self._script = str(beside) if beside.exists() else shutil.which("batchkeeper") or "batchkeeper"

    @contextlib.asynccontextmanager
    async def running(self, *arguments: str, answers_at: str) -> AsyncIterator[None]:
        """A command that runs until the end of the block. It has started when its URL answers."""
        log = self._folder / f"{arguments[0]}.log"
        with log.open("wb") as output:
            process = await self._start(arguments, stdout=output, stderr=output)
        try:
            await _answers(process, answers_at, log)
            yield
        finally:
            await _stop(process)

    async def read(self, *arguments: str) -> Any:
        """Run a command to its end and read the JSON that it prints. Raises NotPossible."""
        return json.loads(await self.output(*arguments, "--json"))

    async def output(self, *arguments: str) -> str:
        """Run a command to its end; what it prints.

        Raises:
            NotPossible: it failed; the message is the command's own.
        """
        process = await self._start(arguments, stdout=PIPE, stderr=PIPE)
        try:
            told, complaint = await process.communicate()
        finally:
            await _stop(process)
        if process.returncode != 0:
            raise NotPossible(f"batchkeeper {arguments[0]} failed: {complaint.decode('utf-8', 'replace').strip()}")
        return str(told, "utf-8")

    async def _start(self, arguments: tuple[str, ...], stdout: Any, stderr: Any) -> Process:
        return await asyncio.create_subprocess_exec(
            self._script,
            *arguments,
            cwd=self._folder,
            env=self._environment,
            stdin=DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,  # a Ctrl-C is for the demo, which ends its processes in their order
        )


async def _answers(process: Process, url: str, log: Path) -> None:
    async with asyncio.timeout(START_SECONDS), httpx.AsyncClient(trust_env=False) as client:
        while True:
            if process.returncode is not None:
                raise NotPossible(f"a command of the demo ended at once:\n{_text(log)}")
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(url)).is_success:
                    return
            await asyncio.sleep(0.1)


def _text(log: Path) -> str:
    return log.read_text(errors="replace")


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
