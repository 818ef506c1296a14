"""How the demo's jobs come to be: submitted by the user's own command, or made at the provider by somebody else."""

import asyncio
import json
import shlex
from collections.abc import Sequence
from pathlib import Path

import httpx

from operators.demo.plan import EXAMPLES, Job
from operators.demo.providers import PROVIDERS, Provider
from operators.demo.stage import Name, Stage, Tell

Planned = tuple[Provider, Job]
Jobs = dict[Name, Job]
SUBMITS_AT_ONCE = 4


async def make_all(stage: Stage, examples: Path, tell: Tell) -> Jobs:
    """Every job of every provider, in the order of the plan; those that are to be cancelled are, and stand at the end."""
    for provider in PROVIDERS:
        tell(_command(provider))
    planned = [(provider, job) for provider in PROVIDERS for job in provider.jobs]
    jobs = await _make_together(stage, examples, [one for one in planned if not one[1].is_cancelled])
    # By itself and last: it is to be open still, and the others keep the machine busy while they start.
    for provider, job in (one for one in planned if one[1].is_cancelled):
        (name,) = await _make(stage, examples, provider, job)
        tell(f'$ batchkeeper cancel {name[1]} --reason "no longer needed"')
        await stage.commands.read("cancel", name[1], "--reason", "no longer needed")
        jobs[name] = job
    return jobs


def _command(provider: Provider) -> str:
    """What a person would type to have a provider's jobs made."""
    first, count, source = provider.jobs[0], len(provider.jobs), provider.source
    if first.order is not None:
        return f"another program makes a job at {provider.name}: POST {provider.create_path} {json.dumps(first.order)}"
    if count == 1:
        return f"$ batchkeeper {shlex.join(first.submit(EXAMPLES, source))}"
    return f"$ batchkeeper submit {EXAMPLES}/{first.file} --source {source} --metadata scenario=...   ({count} times)"


async def _make_together(stage: Stage, examples: Path, planned: Sequence[Planned]) -> Jobs:
    """Some at once, slow ones first. The jobs in the order of the plan."""
    room = asyncio.Semaphore(SUBMITS_AT_ONCE)

    async def one(place: int) -> tuple[int, list[Name]]:
        async with room:
            return place, await _make(stage, examples, *planned[place])

    slow_first = sorted(range(len(planned)), key=lambda place: not planned[place][1].is_slow)
    made = await asyncio.gather(*(one(place) for place in slow_first))
    return {name: planned[place][1] for place, names in sorted(made) for name in names}


async def _make(stage: Stage, examples: Path, provider: Provider, job: Job) -> list[Name]:
    """One job, or those of a group."""
    if job.order is not None:
        return [await _make_elsewhere(stage, provider, job)]
    submitted = await stage.commands.read(*job.submit(str(examples), provider.source))
    return [(provider.source, part["job_id"]) for part in submitted["submissions"]]


async def _make_elsewhere(stage: Stage, provider: Provider, job: Job) -> Name:
    """As another program would: we are not told of it, and its webhook brings it here."""
    headers = {"authorization": f"Bearer {stage.variables[provider.api_key]}"}
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        answer = await client.post(f"{stage.sandbox_url}{provider.create_path}", json=job.order, headers=headers)
    return provider.source, str(answer.raise_for_status().json()["id"])
