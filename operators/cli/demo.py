"""The verb `demo`: the product's main job from end to end, at every provider, in about a minute."""

import asyncio
import contextlib
import signal
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from importlib.resources import as_file, files
from typing import Annotated

import typer
from rich.live import Live

from operators.cli import present
from operators.cli.context import verb
from operators.demo.play import play
from operators.demo.providers import GATEWAY, OTHERS, PROVIDERS
from operators.demo.report import COLUMNS, WIDTHS, is_right
from operators.demo.stage import Stage, staged
from operators.views import View
from sandbox.reached import stand_ins
from sandbox.server import DEFAULT_ENDPOINT_ID, SandboxSettings

demonstrating = typer.Typer()

PROGRESS: present.Columns = {
    "source": lambda job: job["source"],
    "what is played": lambda job: job["story"],
    "status": lambda job: job["status"],
    "%": lambda job: job["progress"],
    "settled": lambda job: job["settled"],
    "failures so far": lambda job: ", ".join(f"{one['category']}: {one['code']}" for one in job["failures"]),
}


PREVIEW = textwrap.fill(
    f"This plays jobs at {len(PROVIDERS)} providers and shows how each comes to its true end. A sandbox on this machine stands "
    f"in for all of them: for {GATEWAY.name}, which gets {len(GATEWAY.jobs)} files, loses and spoils webhooks, fails and expires "
    f"batches; and, with one job each, for {', '.join(one.name for one in OTHERS)}.",
    width=79,
)


@demonstrating.command()
@verb
async def demo(
    stay: Annotated[bool, typer.Option("--stay", help="Keep it running after the report, until Ctrl-C.")] = False,
    in_json: Annotated[bool, typer.Option("--json", help="Print the report alone, as JSON.")] = False,
) -> None:
    """Play jobs at every provider against a sandbox, and show how each ended.

    A dozen batches at the gateway: webhooks are lost, batches fail, one is cancelled, and one file becomes a group of three. One
    job at each other provider. Ends with 0 only if every job ended as the sandbox says, with as many rows answered, failed and
    missing, each as it says where it tells each, and was handed on.
    """
    tell = _quiet if in_json else typer.echo
    tell(f"{PREVIEW}\n")
    given = {name: value for one in stand_ins(SandboxSettings(0), "") for name, value in one.variables.items()}
    with as_file(files("sandbox") / "examples") as examples:
        async with _ended_by_signal(), staged(DEFAULT_ENDPOINT_ID, given, tell) as stage:
            with _progress(in_json) as show:
                jobs = await play(stage, examples, tell, show)
            _report(jobs, in_json)
            if stay:
                await _stay(stage)
    if not is_right(jobs):
        raise typer.Exit(1)


def _report(jobs: list[View], in_json: bool) -> None:
    if in_json:
        present.as_json({"jobs": jobs})
        return
    typer.echo("")
    present.table(jobs, COLUMNS, WIDTHS)
    right = sum(job["as_it_should_be"] for job in jobs)
    healed = sum(job["healed_by_poll"] for job in jobs)
    told = sum(job["handed_on"] == 1 for job in jobs)
    typer.echo(
        f"\n{right} of {len(jobs)} jobs ended as the sandbox says, with the rows that it says; {healed} of them without a "
        f"webhook that arrived. Downstream was told of {told}, each under one id"
    )


@contextlib.contextmanager
def _progress(in_json: bool) -> Iterator[Callable[[list[View], float], None]]:
    """On a terminal one table that lives; elsewhere a line for each change."""
    if in_json or not sys.stdout.isatty():
        yield _Lines(_quiet if in_json else typer.echo)
        return
    with Live(console=present.console(), auto_refresh=False, transient=True) as live:
        yield lambda jobs, _passed: live.update(present.table_of(jobs[::-1], PROGRESS), refresh=True)


class _Lines:
    """Tells each change of a job once."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told: dict[tuple[str, str], str] = {}

    def __call__(self, jobs: list[View], passed: float) -> None:
        for job in reversed(jobs):
            held = ", ".join(f"{one['category']}: {one['code']}" for one in job["failures"])
            state = job["status"] + (f" ({held})" if held else "")
            name = job["source"], job["job_id"]
            if self._told.get(name) != state:
                self._told[name] = state
                self._tell(f"{passed:5.1f} s  {job['source']}, {job['story']}: {state}")


async def _stay(stage: Stage) -> None:
    exports = "\n".join(f"export {name}={value}" for name, value in stage.variables.items())
    link = (await stage.commands.output("dashboard")).strip()
    typer.echo(
        f"\nstill running, until Ctrl-C. Its dashboard, for one browser and the next five minutes:\n\n{link}\n\n"
        f"In another terminal:\n\ncd {stage.folder}\n{exports}\n"
        "batchkeeper jobs\nbatchkeeper explain JOB\nbatchkeeper failures\nbatchkeeper dashboard\n",
        err=True,
    )
    await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def _ended_by_signal() -> AsyncIterator[None]:
    """SIGTERM and Ctrl-C unwind the demo, so that its processes and its folder go too."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    asked: list[int] = []

    def end(number: int) -> None:
        asked.append(number)
        if task is not None:
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    try:
        yield
    except asyncio.CancelledError:
        if not asked:
            raise
        raise typer.Exit(128 + asked[0]) from None
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _quiet(_: str) -> None:
    """With --json, standard output holds the report alone."""
