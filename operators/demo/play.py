"""Playing the demo: submit, cancel one, watch, and compare."""

import asyncio
import csv
import io
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

from operators.demo import plan
from operators.demo.plan import EXAMPLES, Job
from operators.demo.providers import PROVIDERS, Provider
from operators.demo.report import report_job
from operators.demo.stage import Name, Stage, Tell
from operators.demo.truths import Truth
from operators.views import View

Show = Callable[[list[View], float], None]
Jobs = dict[Name, Job]
Outcomes = dict[Name, list[str]]
LOOK_EVERY_SECONDS = 0.5
SUBMITS_AT_ONCE = 4


async def play(stage: Stage, examples: Path, tell: Tell, show: Show) -> list[View]:
    """Submit every job, cancel the one that is to be, wait until all is settled, and compare. The report's jobs."""
    for provider in PROVIDERS:
        tell(_command(provider))
    planned = [(provider.source, job) for provider in PROVIDERS for job in provider.jobs]
    jobs = await _submit_all(stage, examples, [one for one in planned if not one[1].is_cancelled])
    # By itself and last: it lives for some seconds only, and the others keep the machine busy while they start.
    for source, job in (one for one in planned if one[1].is_cancelled):
        (name,) = await _submit(stage, examples, source, job)
        tell(f'$ batchkeeper cancel {name[1]} --reason "no longer needed"')
        await stage.commands.read("cancel", name[1], "--reason", "no longer needed")
        jobs[name] = job
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        outcomes = await _watch(stage, client, jobs, show)
        return await _compare(stage, client, jobs, outcomes)


def _command(provider: Provider) -> str:
    """What a person would type to submit a provider's jobs."""
    first, count = provider.jobs[0], len(provider.jobs)
    if count == 1:
        return f"$ batchkeeper {shlex.join(first.submit(EXAMPLES, provider.source))}"
    source = provider.source
    return f"$ batchkeeper submit {EXAMPLES}/{first.file} --source {source} --metadata scenario=...   ({count} times)"


async def _submit_all(stage: Stage, examples: Path, planned: Sequence[tuple[str, Job]]) -> Jobs:
    """Some at once, slow ones first. The jobs in the order of the plan."""
    room = asyncio.Semaphore(SUBMITS_AT_ONCE)

    async def one(place: int) -> tuple[int, list[Name]]:
        async with room:
            return place, await _submit(stage, examples, *planned[place])

    slow_first = sorted(range(len(planned)), key=lambda place: not planned[place][1].is_slow)
    made = await asyncio.gather(*(one(place) for place in slow_first))
    return {name: planned[place][1] for place, names in sorted(made) for name in names}


async def _submit(stage: Stage, examples: Path, source: str, job: Job) -> list[Name]:
    """The jobs that one file becomes: one, or those of a group."""
    submitted = await stage.commands.read(*job.submit(str(examples), source))
    return [(source, part["job_id"]) for part in submitted["submissions"]]


async def _watch(stage: Stage, client: httpx.AsyncClient, jobs: Jobs, show: Show) -> Outcomes:
    """
    Look until every job is settled here and nothing is left to be sent there, or the time is over. Meanwhile read the results of
    those that are ready, where the sandbox tells what became of each row.
    """
    begun = time.monotonic()
    reading: dict[Name, asyncio.Task[list[str]]] = {}
    try:
        while (passed := time.monotonic() - begun) < plan.DEADLINE_SECONDS:
            seen = (await stage.ours(client, "jobs"))["jobs"]
            truth = await stage.truth(client)
            _tell_stories(seen, jobs)
            show(seen, passed)
            for name in _readable(seen, truth) - reading.keys():
                reading[name] = asyncio.create_task(_read_outcomes(stage, name))
            waiting = (await stage.ours(client, "handoffs?state=waiting"))["handoffs"]
            if len(seen) == len(jobs) and _all_settled(seen, truth) and not waiting:
                break
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        return {name: await task for name, task in reading.items()}
    finally:
        for task in reading.values():
            task.cancel()
        await asyncio.gather(*reading.values(), return_exceptions=True)


def _tell_stories(seen: list[View], jobs: Jobs) -> None:
    for view in seen:
        job = jobs.get(_name(view))
        view["story"] = job.story if job else ""


def _name(view: View) -> Name:
    return view["source"], view["job_id"]


def _readable(seen: list[View], truth: Mapping[Name, Truth]) -> set[Name]:
    """The jobs whose results are here, and of which the sandbox tells every row."""
    ready = {_name(view) for view in seen if view["ready"]}
    return {name for name in ready if (true := truth.get(name)) is not None and true.outcomes is not None}


def _all_settled(seen: list[View], truth: Mapping[Name, Truth]) -> bool:
    return all(view["settled"] for view in seen) and all(true.is_settled for true in truth.values())


async def _read_outcomes(stage: Stage, name: Name) -> list[str]:
    """What came of each row by `batchkeeper results`, in the order of the input."""
    table = await stage.commands.output("results", "/".join(name), "--format", "csv")
    return [row["outcome"] for row in csv.DictReader(io.StringIO(table))]


async def _compare(stage: Stage, client: httpx.AsyncClient, jobs: Jobs, outcomes: Outcomes) -> list[View]:
    truth, told = await stage.truth(client), stage.handed_on()

    async def one(name: Name, job: Job) -> View:
        ours = await stage.ours(client, "jobs/" + "/".join(name))
        events = [event for event in told if event["subject"] == name[1]]
        return report_job(job.story, truth[name], ours, events, outcomes.get(name))

    return list(await asyncio.gather(*(one(name, job) for name, job in jobs.items())))
