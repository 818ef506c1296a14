"""Clients that others published live through a batch at the stand-in, and batchkeeper follows the batches that they make."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import phaseo
import pytest
from published import CLIENTS, Client, Phaseo, refusal
from service import (
    DEFAULT_ENDPOINT_ID,
    KEY,
    SECRET,
    Asked,
    Provider,
    Stage,
    ever_told,
    said,
    stage,
    told,
    until,
)

import sandbox
from sandbox.server import RunningSandbox, SandboxSettings

ROWS = (Path(sandbox.__file__).parent / "examples" / "requests.jsonl").read_bytes()
SPEED = 1000  # a batch lives for half a second
WEBHOOK = {"webhook": {"endpoint_id": DEFAULT_ENDPOINT_ID, "events": ["batch.completed", "batch.cancelled"]}}

each_client = pytest.mark.parametrize("make", CLIENTS.values(), ids=CLIENTS)
Make = Callable[[str, str], Client]


@asynccontextmanager
async def sandboxed(make: Make, key: str = KEY) -> AsyncIterator[Client]:
    async with RunningSandbox(SandboxSettings(0, SPEED)) as box:
        with closing(make(f"{box.url}/v1", key)) as client:
            yield client


async def ends(client: Client, batch_id: str) -> list[dict[str, Any]]:
    """Every different status that the client is shown until the batch has ended; the last is its end."""
    seen: list[dict[str, Any]] = []

    async def over() -> bool:
        shown = await asyncio.to_thread(client.retrieve, batch_id)
        if not seen or seen[-1]["status"] != shown["status"]:
            seen.append(shown)
        return shown["status"] in ("completed", "failed", "expired", "cancelled")

    await until(over, f"{batch_id} to end")
    return seen


async def uploaded(client: Client) -> str:
    return await asyncio.to_thread(client.upload, "requests.jsonl", ROWS)


def by_custom_id(lines: bytes) -> dict[str, dict[str, Any]]:
    rows = [json.loads(line) for line in lines.decode().splitlines()]
    joined = {str(row["custom_id"]): row for row in rows}
    assert len(joined) == len(rows)
    return joined


def is_in_order(statuses: Iterable[str], order: Iterable[str]) -> bool:
    places = iter(order)
    return all(status in places for status in statuses)


@each_client
def test_a_whole_life(make: Make) -> None:
    """Uploaded, created, retrieved until it has completed, listed, its output joined with its input; and another cancelled."""

    async def flow() -> None:
        async with sandboxed(make) as client:
            file_id = await uploaded(client)
            born = await asyncio.to_thread(client.create, file_id, {"metadata": {"team": "search"}})
            other = await asyncio.to_thread(client.create, file_id, {})
            cancelling = await asyncio.to_thread(client.cancel, other["id"])
            seen, cancelled = await asyncio.gather(ends(client, born["id"]), ends(client, other["id"]))
            end = seen[-1]
            listed = await asyncio.to_thread(client.list, 10)
            answers = by_custom_id(await asyncio.to_thread(client.content, end["output_file_id"]))

            assert (born["object"], born["status"], born["input_file_id"]) == ("batch", "validating", file_id)
            assert end["metadata"]["team"] == "search"
            statuses = [shown["status"] for shown in seen]
            assert is_in_order(statuses, ("validating", "in_progress", "finalizing", "completed"))
            assert end["request_counts"] == {"total": 12, "completed": 12, "failed": 0}
            assert (cancelling["id"], cancelling["status"]) == (other["id"], "cancelling")
            assert cancelled[-1]["status"] == "cancelled"
            assert {(entry["id"], entry["status"]) for entry in listed} == {
                (born["id"], "completed"),
                (other["id"], "cancelled"),
            }
            assert answers.keys() == by_custom_id(ROWS).keys()
            assert {row["response"]["status_code"] for row in answers.values()} == {200}
            assert all(row["response"]["body"]["choices"] for row in answers.values())

    asyncio.run(flow())


def test_results_as_a_stream() -> None:
    """Where the gateway has results of its own (G3), its client streams them: the same rows as the output file has."""

    async def flow() -> None:
        async with RunningSandbox(SandboxSettings(0, SPEED, generation="G3")) as box:
            client = Phaseo(f"{box.url}/v1", KEY)
            born = await asyncio.to_thread(client.create, await uploaded(client), {})
            end = (await ends(client, born["id"]))[-1]
            streamed = await asyncio.to_thread(lambda: b"".join(client.sdk.batches.stream_results(born["id"])))
            content = await asyncio.to_thread(client.content, end["output_file_id"])

            assert end["results_url"] == f"{box.url}/v1/batches/{born['id']}/results"
            assert by_custom_id(streamed) == by_custom_id(content)
            assert by_custom_id(streamed).keys() == by_custom_id(ROWS).keys()

    asyncio.run(flow())


def test_no_stream_of_results_today() -> None:
    """Where it has none (G2), the client's own error says that there is no such address."""

    async def flow() -> None:
        async with RunningSandbox(SandboxSettings(0, SPEED)) as box:
            client = Phaseo(f"{box.url}/v1", KEY)
            born = await asyncio.to_thread(client.create, await uploaded(client), {})
            await ends(client, born["id"])

            status = await asyncio.to_thread(refusal, lambda: list(client.sdk.batches.stream_results(born["id"])))
            assert status == 404

    asyncio.run(flow())


@each_client
def test_rows_that_failed(make: Make) -> None:
    """Of a batch of which some rows failed, both files together hold each row once."""

    async def flow() -> None:
        async with sandboxed(make) as client:
            more = {"metadata": {"scenario": "rows_fail"}}
            born = await asyncio.to_thread(client.create, await uploaded(client), more)
            end = (await ends(client, born["id"]))[-1]
            good, bad = [
                by_custom_id(await asyncio.to_thread(client.content, end[name]))
                for name in ("output_file_id", "error_file_id")
            ]

            assert good
            assert bad
            assert not good.keys() & bad.keys()
            assert good.keys() | bad.keys() == by_custom_id(ROWS).keys()
            assert {row["response"]["status_code"] for row in bad.values()} == {400}

    asyncio.run(flow())


@each_client
def test_refusals_are_the_clients_own_errors(make: Make) -> None:
    """What the gateway refuses arrives with its status: an unknown batch, an unknown file, a cancel too late."""

    async def flow() -> None:
        async with sandboxed(make) as client:
            born = await asyncio.to_thread(client.create, await uploaded(client), {})
            await ends(client, born["id"])

            assert await asyncio.to_thread(refusal, lambda: client.retrieve("batch_of_nobody")) == 404
            assert await asyncio.to_thread(refusal, lambda: client.content("file-of-nobody")) == 404
            assert await asyncio.to_thread(refusal, lambda: client.cancel(born["id"])) == 409
            assert await asyncio.to_thread(refusal, lambda: client.create("file-of-nobody", {})) == 404

    asyncio.run(flow())


@each_client
def test_a_wrong_key(make: Make) -> None:
    """With a key that is not the workspace's, every call is a 401."""

    async def flow() -> None:
        async with sandboxed(make, "phaseo_v1_sk_sandbox0_another") as client:
            for call in (lambda: client.retrieve("batch_1"), lambda: client.list(5), lambda: client.cancel("batch_1")):
                assert await asyncio.to_thread(refusal, call) == 401

    asyncio.run(flow())


def test_the_gateways_own_client_cannot_upload() -> None:
    """Its `files.create` puts the file into JSON: bytes fail before they are sent, and a text is no form to the gateway."""

    async def flow() -> None:
        async with sandboxed(Phaseo) as client:
            assert isinstance(client, Phaseo)
            create = client.sdk.files.create
            with pytest.raises(TypeError, match="not JSON serializable"):
                await asyncio.to_thread(create, {"purpose": "batch", "file": ROWS})
            text = {"purpose": "batch", "file": ROWS.decode()}
            assert await asyncio.to_thread(refusal, lambda: create(text)) == 400

    asyncio.run(flow())


def test_the_gateways_own_verifier_takes_the_stand_ins_webhooks() -> None:
    """What the stand-in sends is authentic to the published verifier, and no longer after one byte was changed."""

    async def flow() -> None:
        async with (
            Provider(lambda asked: said(b"kept", 202)).listening() as listener,
            RunningSandbox(SandboxSettings(0, SPEED, webhook_url=f"{listener.url}/hooks")) as box,
        ):
            client = Phaseo(f"{box.url}/v1", KEY)
            born = await asyncio.to_thread(client.create, await uploaded(client), WEBHOOK)

            async def arrived() -> list[Asked]:
                return listener.asked

            (delivery,) = await until(arrived, "the webhook")

            def is_authentic(body: bytes) -> bool:
                return phaseo.verify_async_webhook_signature(secret=SECRET, body=body, headers=delivery.headers)

            assert json.loads(delivery.body)["data"]["id"] == born["id"]
            assert is_authentic(delivery.body)
            assert not is_authentic(delivery.body.replace(b"completed", b"cancelled"))

    asyncio.run(flow())


@asynccontextmanager
async def followed(make: Make, more: dict[str, Any], speed: float = SPEED) -> AsyncIterator[tuple[Stage, Client, str]]:
    """A service beside the stand-in, and a batch there that a published client made without a word to it."""
    async with stage(speed) as on:
        with closing(make(f"{on.box.url}/v1", KEY)) as client:
            born = await asyncio.to_thread(client.create, await uploaded(client), more)
            yield on, client, born["id"]


@each_client
def test_batchkeeper_adopts_what_a_client_made(make: Make) -> None:
    """Nobody registered the batch: its webhook takes it in, and it is followed to its end, outputs and all."""

    async def flow() -> None:
        async with followed(make, WEBHOOK) as (on, client, job):
            (view,) = await on.service.settles(job)
            end = await asyncio.to_thread(client.retrieve, job)

            assert (view["origin"], view["status"], told(view)) == ("delivery", "completed", set())
            assert view["rows"] == end["request_counts"]
            assert view["output_file_id"] == end["output_file_id"]
            assert [delivery["delivery_key"] for delivery in view["deliveries"]] == ["batch.completed"]

    asyncio.run(flow())


@each_client
def test_batchkeeper_tracks_what_a_client_made(make: Make) -> None:
    """A batch without a webhook, tracked by its id, is asked about until its end, and misses no delivery."""

    async def flow() -> None:
        async with followed(make, {}) as (on, _, job):
            await on.service.track(job)
            (view,) = await on.service.settles(job)

            assert (view["origin"], view["status"]) == ("track", "completed")
            assert (view["deliveries"], ever_told(view)) == ([], set())

    asyncio.run(flow())


@each_client
def test_batchkeeper_sees_a_cancel_by_a_client(make: Make) -> None:
    """A batch that its client cancelled ends here as cancelled elsewhere."""

    async def flow() -> None:
        async with followed(make, WEBHOOK, speed=60) as (on, client, job):  # it lives long enough to be cancelled
            await on.service.track(job)
            await asyncio.to_thread(client.cancel, job)
            (view,) = await on.service.settles(job)

            assert (view["status"], ever_told(view)) == ("cancelled", {("cancellation", "cancelled_elsewhere")})

    asyncio.run(flow())
