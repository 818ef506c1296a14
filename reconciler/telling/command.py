"""Telling by a program: it is run without a shell, gets two ids of ours as arguments and the event on standard input.

It runs in a session of its own, so that at its deadline, or when we stop, whatever it started goes with it. Its output holds
nobody up: what it prints is thrown away, and of its standard error the end is kept.
"""

import asyncio
import os
import shutil
import signal
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import IO

from reconciler.events import HANDOFF, about_id
from reconciler.outcome import Attempt
from reconciler.telling import LONGEST_MESSAGE
from schemas.ids import shown
from schemas.tables import HandoffRow
from schemas.texts import clean
from storage.points import reach
from storage.waiting import happens_within

LAST_WORDS_SECONDS = 0.5  # for what a program that has ended left in the pipe
REAP_SECONDS = 2.0
KEPT_BYTES = 4 * LONGEST_MESSAGE
_SECRETS_OF_OURS = frozenset({"PGPASSWORD", "BATCHKEEPER_DATABASE__URL"})


def without_secrets(environ: Mapping[str, str], named: Collection[str]) -> dict[str, str]:
    """The environment for somebody else's program: without what the configuration names, and what opens our database."""
    return {
        name: value for name, value in environ.items() if name not in named and name.upper() not in _SECRETS_OF_OURS
    }


class CommandTelling:
    """Runs one command. `timeout` in seconds bounds a whole attempt."""

    def __init__(self, command: Sequence[str], timeout: float, environment: Mapping[str, str]) -> None:
        self._command, self._timeout, self._environment = command, timeout, environment

    async def close(self) -> None:
        """Nothing of it outlives an attempt."""

    async def tell(self, handoff: HandoffRow) -> Attempt:
        try:
            return await self._run(handoff)
        except OSError as error:
            return Attempt(False, message=clean(f"cannot be run: {error}", LONGEST_MESSAGE))

    async def _run(self, handoff: HandoffRow) -> Attempt:
        program = shutil.which(self._command[0], path=self._environment.get("PATH", ""))
        if program is None:
            return Attempt(False, message=f"there is no program {clean(self._command[0], LONGEST_MESSAGE)} to run")
        ids = shown(HANDOFF, handoff.id), about_id(handoff)
        async with _last_words() as (words, stderr):
            with _on_file(handoff.event) as event:
                process = await asyncio.create_subprocess_exec(
                    program, *self._command[1:], *ids, stdin=event, stdout=DEVNULL, stderr=stderr,
                    env=self._environment, start_new_session=True,
                )  # fmt: skip
            stderr.close()
            reach("H2")
            code = await self._end(process)
            await happens_within(words.is_over, LAST_WORDS_SECONDS)
        return Attempt(True) if code == 0 else Attempt(False, message=self._message(code, words.text))

    async def _end(self, process: Process) -> int | None:
        """The exit code; None when it had to be killed at its deadline."""
        try:
            async with asyncio.timeout(self._timeout):
                return await process.wait()
        except TimeoutError:
            return None
        finally:
            await _kill(process)

    def _message(self, code: int | None, words: str) -> str:
        if code is None:
            end = f"killed after {self._timeout:g} s"
        elif code < 0:
            end = f"ended by {_signal(-code)}"
        else:
            end = f"exit code {code}"
        return clean(f"{end}: {words}" if words else end, LONGEST_MESSAGE)


async def _kill(process: Process) -> None:
    """End a program that still runs, with all that it has started."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(TimeoutError):
        async with asyncio.timeout(REAP_SECONDS):
            await process.wait()


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _on_file(event: str) -> IO[bytes]:
    """The event in a file without a name, to be read from its beginning: a program that does not read holds nobody up."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  (the caller closes it)
    file.write(event.encode())
    file.seek(0)
    return file


class _Words(asyncio.Protocol):
    """Keeps the end of what comes."""

    def __init__(self) -> None:
        self._kept = b""
        self.is_over = asyncio.Event()

    @property
    def text(self) -> str:
        """The end of it, short enough to be shown."""
        text = self._kept.decode(errors="replace").strip()
        return text if len(text) <= LONGEST_MESSAGE // 2 else f"…{text[-(LONGEST_MESSAGE // 2) :]}"

    def data_received(self, data: bytes) -> None:
        self._kept = (self._kept + data)[-KEPT_BYTES:]

    def connection_lost(self, _: Exception | None) -> None:
        self.is_over.set()


@asynccontextmanager
async def _last_words() -> AsyncIterator[tuple[_Words, IO[bytes]]]:
    """
    What a program says on standard error, and the pipe that it says it into, to be closed once the program has it.

    A pipe of our own: the event loop's would keep us waiting for as long as anything that the program left behind holds it.
    """
    reading, writing = (os.fdopen(end, mode, buffering=0) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
    with writing:
        words = _Words()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: words, reading)
        try:
            yield words, writing
        finally:
            transport.close()
