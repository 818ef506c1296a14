"""Playing the demo: have all jobs made, watch them, and compare."""

import asyncio
import csv
import io
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from operators.demo import plan
from operators.demo.plan import Job
from operators.demo.report import report_job
from operators.demo.stage import Name, Stage, Tell
from operators.demo.submitting import Jobs, make_all
from operators.demo.truths import Truth
from operators.errors import NotPossible
from operators.views import View

Show = Callable[[list[View], float], None]
Outcomes = dict[Name, list[str]]
LOOK_EVERY_SECONDS = 0.5


async def play(stage: Stage, examples: Path, tell: Tell, show: Show) -> list[View]:
    """Have every job made, wait until all is settled, and compare. The report's jobs."""
    jobs = await make_all(stage, examples, tell)
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        outcomes = await _watch(stage, client, jobs, show)
        return await _compare(stage, client, jobs, outcomes)


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
    """Raises NotPossible: a job that another program made has never come here."""
    truth, told = await stage.truth(client), stage.handed_on()
    here = {_name(view) for view in (await stage.ours(client, "jobs"))["jobs"]}
    if lost := ["/".join(name) for name in jobs if name not in here]:
        raise NotPossible(f"not all jobs have come here: {', '.join(lost)} are not among `batchkeeper jobs`")

    async def one(name: Name, job: Job) -> View:
        ours = await stage.ours(client, "jobs/" + "/".join(name))
        events = [event for event in told if event["subject"] == name[1]]
        return report_job(job.story, truth[name], ours, events, outcomes.get(name))

    return list(await asyncio.gather(*(one(name, job) for name, job in jobs.items())))
