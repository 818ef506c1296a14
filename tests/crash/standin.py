"""The sandbox beside the service: batches that live through good and bad days, and what is true of them."""

import asyncio
from typing import Any

import httpx

from sandbox.server import DEFAULT_API_KEY, DEFAULT_ENDPOINT_ID

from .place import GATEWAY, SPEED, Place
from .processes import Processes

SCENARIOS = (
    "",
    "webhook_lost",
    "webhook_repeated",
    "fails",
    "cancel_refused",
    "webhook_delayed,expires",
    "rows_fail",
    "status_500",
    "cancel_late",
    "webhook_reordered",
    "webhook_badly_signed_once",
    "status_stale",
    "cancel_loses",
    "output_late",
    "webhook_given_up",
)
START_SECONDS = 60
NO_QUOTA = {"uploads_an_hour": 1_000_000, "bytes_a_day": 1_000_000_000_000}


class StandIn:
    """A sandbox in a process of its own."""

    def __init__(self, place: Place, client: httpx.AsyncClient) -> None:
        self._place, self._client = place, client
        self._url = f"http://127.0.0.1:{place.sandbox}"
        self._made = 0

    async def start(self, processes: Processes) -> None:
        webhook = f"http://127.0.0.1:{self._place.receivers[0]}/webhooks/{GATEWAY}"
        where = ("--port", str(self._place.sandbox), "--speed", str(SPEED), "--webhook-url", webhook)
        process = await processes.start("sandbox", *where)
        async with asyncio.timeout(START_SECONDS):
            while not await self._is_ready():
                if process.returncode is not None:
                    raise RuntimeError("the sandbox ended at once")
                await asyncio.sleep(0.05)
        # How quotas are waited for is tried elsewhere; here they would keep submissions from where they are to be killed.
        (await self._client.post(f"{self._url}/sandbox/quota", json=NO_QUOTA)).raise_for_status()

    async def _is_ready(self) -> bool:
        try:
            return (await self._client.get(f"{self._url}/sandbox/ready")).is_success
        except httpx.HTTPError:
            return False

    async def create(self) -> str:
        """Make a batch with the next scenario. Its id."""
        scenario = SCENARIOS[self._made % len(SCENARIOS)]
        self._made += 1
        order: dict[str, Any] = {
            "requests": [{"custom_id": f"row-{n}", "body": {"model": "gpt-5", "messages": []}} for n in range(3)],
            "endpoint": "/v1/chat/completions",
            "webhook_endpoint_id": DEFAULT_ENDPOINT_ID,
            "metadata": {"scenario": scenario} if scenario else {},
        }
        key = {"Authorization": f"Bearer {DEFAULT_API_KEY}"}
        answer = await self._client.post(f"{self._url}/v1/batches", json=order, headers=key)
        return str(answer.raise_for_status().json()["id"])

    async def truth(self) -> dict[str, dict[str, Any]]:
        """What really became of each batch, by job id."""
        return {batch["job_id"]: batch for batch in (await self._account())["batches"]}

    async def made_of(self) -> dict[str, int]:
        """How many batches were made of each uploaded file, told to their maker or not."""
        return dict((await self._account())["input_files"])

    async def _account(self) -> dict[str, Any]:
        answer = await self._client.get(f"{self._url}/sandbox/truth")
        return dict(answer.raise_for_status().json())
