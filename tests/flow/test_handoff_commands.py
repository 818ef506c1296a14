"""Targets that are programs: run without a shell, never waited for too long, and never in anybody's way."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from downstream import Downstream, all_are, ended, hand_on, program
from service import DEADLINE, Provider, service, until

from operators.clock import now
from reconciler.outcome import Attempt
from reconciler.telling.command import CommandTelling, without_secrets
from schemas.ids import shown
from schemas.tables import HandoffRow

EVENT = json.dumps({"id": "hnd", "text": "é" * 100_000})  # more than a pipe takes at once
LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop, uvloop.new_event_loop]
Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs on the loop of the tests, and on that of the command line."""

    def on_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(coroutine)

    return on_loop


def a_handoff(**columns: Any) -> HandoffRow:
    given = {"id": 7, "about": "job", "subject": 9, "source": "main", "target": "x", "revision": 1, "made_at": now()}
    return HandoffRow(**{**given, "event": EVENT, **columns})


async def tell(text: str, *arguments: str, timeout: float = DEADLINE, **more: Any) -> Attempt:
    """Tell a Python program."""
    command = [sys.executable, "-c", text, *arguments]
    return await CommandTelling(command, timeout, dict(os.environ)).tell(a_handoff(**more))


@pytest.mark.parametrize(("about", "prefix"), [("job", "job"), ("group", "grp"), ("finding", "fail")])
def test_threat_75_ids_as_arguments_and_the_event_on_standard_input(
    tmp_path: Path, run: Run, about: str, prefix: str
) -> None:
    """A program gets its own arguments and two ids of ours, nothing that a provider said, and the event as its input."""
    text = "import sys, json; json.dump([sys.argv[1:], sys.stdin.read()], open('told.json', 'w'))"
    shell = "$(touch hacked); `touch hacked` | > hacked"
    folder = f"import os; os.chdir({str(tmp_path)!r}); "
    assert run(tell(folder + text, shell, about=about)) == Attempt(True)

    arguments, said = json.loads((tmp_path / "told.json").read_text())
    assert arguments == [shell, shown("hnd", 7), shown(prefix, 9)]
    assert said == EVENT
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise SystemExit(3)", "exit code 3"),
        ("import sys; print('no room', file=sys.stderr); raise SystemExit(1)", "exit code 1: no room"),
        ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL"),
        ("import os; os.abort()", "ended by SIGABRT"),
        (
            "import os; os.write(2, b'\\x1b[31mred\\xff\\n\\x00'); raise SystemExit(1)",
            "exit code 1: \\x1b[31mred�\\n\\x00",
        ),
        ("import sys; sys.stdin.close(); raise SystemExit(2)", "exit code 2"),
    ],
)
def test_what_a_failing_program_says(run: Run, text: str, said: str) -> None:
    """How it ended and the end of its standard error are kept, with nothing in it that a terminal would obey."""
    assert run(tell(text)) == Attempt(False, message=said)


def test_a_program_that_talks_without_end(run: Run) -> None:
    """However much it prints, on either stream, it is held up by nothing, and only the end of its standard error is kept."""
    flood = "import os\nfor _ in range(300): os.write(1, b'o' * 65536); os.write(2, b'e' * 65536)\nos.write(2, b'the end')\n"
    attempt = run(tell(flood + "raise SystemExit(1)"))

    assert attempt.message.startswith("exit code 1: …eee")
    assert attempt.message.endswith("the end")
    assert len(attempt.message) <= 300
    assert run(tell(flood)) == Attempt(True)


def test_a_program_that_hangs_is_killed_with_all_that_it_started(tmp_path: Path, run: Run) -> None:
    """At its deadline it is killed whatever it does against that, and so is what it has started."""
    child = "import time; time.sleep(600)"
    text = (
        "import subprocess, sys, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}]); "
        f"open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid)); "
        "print('still here', file=sys.stderr, flush=True); time.sleep(600)"
    )

    async def flow() -> None:
        attempt = await tell(text, timeout=3)
        assert attempt == Attempt(False, message="killed after 3 s: still here")
        await _is_gone(int((tmp_path / "child").read_text()))

    run(flow())


def test_what_a_program_leaves_behind_holds_nobody_up(tmp_path: Path, run: Run) -> None:
    """A program that ends is done, although something that it started goes on and keeps its standard error open."""
    text = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        f"open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid))"
    )

    async def flow() -> None:
        try:
            assert await tell(text, timeout=600) == Attempt(True)
        finally:
            os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)

    run(asyncio.wait_for(flow(), DEADLINE))


def test_a_stop_takes_the_program_along(tmp_path: Path, run: Run) -> None:
    """Who stops while a program runs leaves none behind."""
    mark = tmp_path / "running"
    text = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)"

    async def flow() -> None:
        telling = asyncio.create_task(tell(text, timeout=600))

        async def runs() -> bool:
            return mark.exists() and bool(mark.read_text())

        await until(runs, "the program to run")
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        assert telling.cancelled()
        await _is_gone(int(mark.read_text()))

    run(flow())


async def _is_gone(pid: int) -> None:
    """Wait until a process is no more; one that nobody reaps may stay as a zombie."""
    end = time.monotonic() + DEADLINE
    while Path(f"/proc/{pid}").exists() and ") Z " not in Path(f"/proc/{pid}/stat").read_text():
        assert time.monotonic() < end, f"process {pid} still runs"
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["/nothing/of/this/name"], "there is no program /nothing/of/this/name to run"),
        (["nothing-of-this-name"], "there is no program nothing-of-this-name to run"),
        # The command line's loop lets the system's own /bin/sh have a try at it, as execvp does.
        (["{folder}/text"], ("cannot be run: ", "exit code 127: ")),
    ],
)
def test_a_program_that_cannot_be_run(
    tmp_path: Path, run: Run, command: list[str], said: str | tuple[str, ...]
) -> None:
    """A program that is gone, or is none, is an attempt that failed, and nothing worse."""
    (tmp_path / "text").write_bytes(b"\x00\x01 no program")
    (tmp_path / "text").chmod(0o700)
    named = [word.format(folder=tmp_path) for word in command]
    attempt = run(CommandTelling(named, DEADLINE, dict(os.environ)).tell(a_handoff()))

    assert not attempt.is_done
    assert attempt.message.startswith(said)


def test_no_secret_in_the_environment_of_a_program() -> None:
    """A program gets our environment without what the configuration names, and without what opens our database."""
    environ = {
        "PATH": "/bin",
        "KEY": "secret",
        "HOOK": "secret",
        "PGPASSWORD": "secret",
        "Batchkeeper_Database__Url": "postgresql://u:secret@h/db",
        "BATCHKEEPER_RECEIVER__PORT": "1",
    }

    assert without_secrets(environ, {"KEY", "HOOK"}) == {"PATH": "/bin", "BATCHKEEPER_RECEIVER__PORT": "1"}


@pytest.mark.both_stores
def test_a_program_is_told(tmp_path: Path) -> None:
    """A job is handed on to a program that fails twice, beside a server; the program's environment holds no secret of ours."""
    told = tmp_path / "told"
    text = f"""
import json, os, sys
event, path = json.load(sys.stdin), {str(told)!r}
with open(path, "a") as file:
    file.write(json.dumps([sys.argv[1:], event["id"], event["data"]["job"], "TOLD" in os.environ]) + "\\n")
raise SystemExit(len(open(path).readlines()) < 3)
"""

    async def flow() -> None:
        async with Provider(ended()).listening() as provider, Downstream().listening() as down:
            handoffs = {"down": down.table, "program": program(text)}
            async with service(provider.base_url, handoffs=handoffs) as running:
                os.environ["TOLD"] = "secret"
                try:
                    await hand_on(running, "batch_1")
                    rows = await all_are(running, 2, "done")
                finally:
                    del os.environ["TOLD"]
                job = await running.row("batch_1")

        [row] = [row for row in rows if row.target == "program"]
        assert job is not None
        ids = [shown("hnd", row.id), shown("job", job.id)]
        assert [json.loads(line) for line in told.read_text().splitlines()] == [[ids, *ids, False]] * 3
        assert row.attempts == 3
        assert len(down.events) == 1

    asyncio.run(flow())
