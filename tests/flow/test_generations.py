"""The same service beside every generation of the gateway: whatever it sends and says, each job comes to its true end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from service import DEADLINE, KEY, SECRET, Stage, service, told, until
from submitted import come_to, store, submitted

import sandbox
from sandbox.server import DEFAULT_ENDPOINT_ID, RunningSandbox, SandboxSettings

EXAMPLE = Path(sandbox.__file__).parent / "examples" / "requests.jsonl"
GENERATIONS = ("G1a", "G1b", "G2", "G3")
SEED = ("G1a", "G1b")  # where a webhook is written into the create call, and nowhere else

NEVER, REJECTED = ("delivery", "never_attempted"), ("delivery", "rejected")
# What each scenario comes to, in every generation.
ENDS: dict[str, tuple[str, set[tuple[str, str]]]] = {
    "": ("completed", set()),
    "fails": ("failed", {("execution", "failed")}),
    "expires": ("expired", {("execution", "expired")}),
    "rows_fail": ("completed", {("execution", "rows_failed")}),
    "all_rows_fail": ("completed", {("execution", "rows_failed")}),
    "webhook_lost": ("completed", {NEVER}),
    "webhook_repeated": ("completed", set()),
    "webhook_badly_signed": ("completed", {REJECTED}),
    "status_429": ("completed", set()),
    "status_500": ("completed", set()),
    "lifecycle_missing": ("completed", set()),
}


@asynccontextmanager
async def beside(generation: str, speed: float = 1000, **more: Any) -> AsyncIterator[Stage]:
    """The service, set up for this generation, and a gateway of it. Where webhooks are written into the create call, nobody
    has to register anything."""
    choices = {"webhook": "inline"} if generation in SEED else {"webhook": "endpoint"}
    async with (
        RunningSandbox(SandboxSettings(0, speed, generation=generation)) as box,
        httpx.AsyncClient(
            base_url=box.url, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False, timeout=DEADLINE
        ) as client,
        service(f"{box.url}/v1", more={**choices, **more}) as running,
    ):
        on = Stage(box, running, client)
        if generation not in SEED:
            await on.point_webhooks_at(f"{running.receiver_url}/webhooks/gateway")
        receiver = running.config.receiver.model_copy(update={"public_url": running.receiver_url})
        running.reconciler.reload(running.config.model_copy(update={"receiver": receiver}))
        yield on


@pytest.mark.parametrize("generation", GENERATIONS)
def test_each_generation_ends_right(generation: str) -> None:
    """State and failures are the same whichever generation it is, and the gateway confirms them."""

    async def flow() -> None:
        async with beside(generation) as on:
            jobs = {(await submitted(on.service, EXAMPLE, scenario=scenario)).job_id: scenario for scenario in ENDS}
            views = {jobs[view["job_id"]]: view for view in await on.service.settles(*jobs)}
            truth = await on.truth()

            assert {name: (view["status"], told(view)) for name, view in views.items()} == ENDS
            assert all(view["status"] == truth[view["job_id"]]["status"] for view in views.values())
            assert [one["delivery_key"] for one in views["webhook_repeated"]["deliveries"]] == ["batch.completed"]
            assert views["webhook_repeated"]["deliveries"][0]["times_received"] == 3
            assert {one["reason"] for one in await on.service.refusals()} == {"signature_wrong"}
            assert (await on.service.source())["trouble"] is None

    asyncio.run(flow())


@pytest.mark.parametrize("generation", GENERATIONS)
def test_submit_registers_our_webhook(generation: str) -> None:
    """Where the gateway takes a webhook with each job, it is given our URL, events and secret; else the endpoint's id and
    the events. What it then sends is accepted."""

    async def flow() -> None:
        async with beside(generation) as on:
            job = (await submitted(on.service, EXAMPLE)).job_id
            (view,) = await on.service.settles(job)
            webhook = view["told"]["webhook"]

            # The first generation does not know the last one of them, and drops it.
            assert webhook["events"][:3] == ["batch.completed", "batch.failed", "batch.cancelled"]
            assert webhook["has_secret"] is True
            if generation in SEED:
                assert webhook["url"] == f"{on.service.receiver_url}/webhooks/gateway"
            else:
                assert webhook["endpoint_id"] == DEFAULT_ENDPOINT_ID
            assert [one["delivery_key"] for one in view["deliveries"]] == ["batch.completed"]
            assert SECRET not in str(view)

    asyncio.run(flow())


@pytest.mark.parametrize("generation", ["G2", "G3"])
def test_the_seeds_webhook_is_refused_today(generation: str) -> None:
    """A gateway of today makes no batch of a webhook that is written into the call: the refusal names the reason."""

    async def flow() -> None:
        async with beside(generation, webhook="inline") as on:
            (row,) = await come_to(on.service, await store(on.service, EXAMPLE), "refused")
            assert "batch_webhook_endpoint_required" in str(row.message)
            assert await on.truth() == {}

    asyncio.run(flow())


@pytest.mark.parametrize("generation", GENERATIONS)
def test_cancel_in_each_generation(generation: str) -> None:
    """A cancel is accepted, the job ends cancelled, and that is laid to whoever asked."""

    async def flow() -> None:
        async with beside(generation, speed=200) as on:
            job = (await submitted(on.service, EXAMPLE)).job_id
            await on.service.reaches(job, "pending", "running")
            await on.service.cancel(job)
            (view,) = await on.service.settles(job)

            assert (view["status"], told(view)) == ("cancelled", {("cancellation", "cancelled_by_operator")})
            assert [action["state"] for action in view["actions"]] == ["accepted"]

    asyncio.run(flow())


@pytest.mark.parametrize("generation", SEED)
def test_unsigned_deliveries_are_refused(generation: str) -> None:
    """A job whose webhook was set up without a secret is announced unsigned: refused, and the job ends by polls."""

    async def flow() -> None:
        async with beside(generation) as on:
            hook = {"url": f"{on.service.receiver_url}/webhooks/gateway", "events": ["batch.completed"]}
            job = await on.create(webhook_endpoint_id=None, webhook=hook)
            await on.service.track(job)
            (view,) = await on.service.settles(job)

            assert (view["status"], view["told"]["webhook"]["has_secret"]) == ("completed", False)
            assert told(view) == {REJECTED}
            assert view["deliveries"] == []
            assert {one["reason"] for one in await on.service.refusals()} == {"signature_missing"}

    asyncio.run(flow())


def test_progress_of_the_list_generation() -> None:
    """G1b announces progress bucket by bucket: each is a delivery of its own, and none moves the job."""

    async def flow() -> None:
        async with beside("G1b", speed=300) as on:
            hook = {
                "url": f"{on.service.receiver_url}/webhooks/gateway",
                "events": ["batch.progress", "batch.completed"],
                "secret": SECRET,
            }
            job = await on.create(webhook_endpoint_id=None, webhook=hook)
            await on.service.track(job)
            (view,) = await on.service.settles(job)
            keys = [one["delivery_key"] for one in view["deliveries"]]

            assert "batch.completed" in keys
            assert any(key.startswith("batch.progress:") for key in keys)
            assert {one["asked"] for one in view["observations"]} == {"poll"}

    asyncio.run(flow())


def test_a_gateway_without_a_list() -> None:
    """The first generation has no list: jobs are asked about one by one, and the source is in no trouble for it."""

    async def flow() -> None:
        async with beside("G1a") as on:
            jobs = [(await submitted(on.service, EXAMPLE)).job_id for _ in range(6)]
            await on.service.settles(*jobs)

            async def was_asked_for() -> bool:
                return "GET /v1/batches" in await on.requests()

            await until(was_asked_for, "the list to be asked for")
            assert (await on.service.source())["trouble"] is None

    asyncio.run(flow())
