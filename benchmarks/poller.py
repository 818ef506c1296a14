"""The baseline: a poller that asks about every open job at a fixed interval, and listens to no webhook."""

import asyncio
from collections.abc import Sequence

import httpx

from benchmarks.known import Known
from benchmarks.lives import Life
from benchmarks.provider import BASE_URL, Provider


async def poll(provider: Provider, lives: Sequence[Life], interval: float) -> Known:
    """Ask about each job `interval` seconds after it was created, and so on until it has ended."""
    known = Known()
    async with httpx.AsyncClient(transport=provider.transport, base_url=BASE_URL) as client:

        async def follow(life: Life) -> None:
            loop, questions = asyncio.get_running_loop(), 0
            while life.job_id not in known.at:
                questions += 1
                await asyncio.sleep(life.created_at + questions * interval - loop.time())
                answer = (await client.get(f"/batches/{life.job_id}")).json()
                if answer["status"] != "in_progress":
                    known.at[life.job_id], known.ends[life.job_id] = loop.time(), answer["status"]

        async with asyncio.TaskGroup() as following:
            for life in lives:
                following.create_task(follow(life))
    return known
