"""What can be asked of each generation of the gateway's contract, and what it shows, over real sockets."""

import asyncio
import json
from typing import Any

import pytest
from standing_in import DEADLINE, EXAMPLE, MANAGER, Stage, stage

from sandbox.server import DEFAULT_ENDPOINT_ID

ALL = ("G1a", "G1b", "G2", "G3")
EXTRAS = {"progress", "websocket_url", "last_webhook_dispatched_at", "finalized_at"}


class TestObjects:
    @pytest.mark.parametrize("generation", ALL)
    def test_rest_members(self, generation: str) -> None:
        """
        Each generation's REST object has its members and not those of the others.
        """

        async def flow() -> None:
            async with stage(generation=generation) as on:
                job = await on.create()
                await on.settled(job)
                shown = await on.batch(job)
                g1, delivery = generation.startswith("G1"), shown["webhook"]["delivery"]

                assert (EXTRAS & shown.keys()) == (EXTRAS if generation == "G1b" else set())
                assert ("native_batch_id" in shown, "endpoint_id" in shown["webhook"]) == (not g1, not g1)
                assert shown["webhook"]["url"] == (on.hooks if g1 else None)
                assert ("last_attempt_status" in delivery) is not g1
                assert ["status" in attempt for attempt in shown["webhook"]["attempts"]] == [not g1]
                assert (len(shown["billing"]) == 7) is (generation != "G1b")
                assert ("settled_user_cost" in shown["billing"]) is (generation == "G1b")
                assert ("phaseo_batch_id" in shown["metadata"]) is not g1
                if generation == "G3":
                    assert shown["results_url"] == f"{on.box.url}/v1/batches/{job}/results"
                else:
                    assert "results_url" not in shown

        asyncio.run(flow())

    def test_a_lifecycle_can_be_missing(self) -> None:
        """
        With `lifecycle_missing` no surface says lifecycle_status, as before it was invented.
        """

        async def flow() -> None:
            async with stage(generation="G1b") as on:
                job = await on.create("lifecycle_missing")
                await on.settled(job)
                (receipt,) = on.receipts(job)
                (item,) = (await on.get("/v1/batches"))["data"]

                for shown in (receipt.event["data"], item, await on.batch(job)):
                    assert "lifecycle_status" not in shown
                    assert shown["status"] == "completed"

        asyncio.run(flow())


ROUTES: dict[tuple[str, str], dict[str, Any]] = {
    # the answer's status by generation, or its reason where it is E1
    ("GET", "/v1/batches"): {"G1a": None, "G1b": 200, "G2": 200, "G3": 200},
    ("GET", "/v1/batch"): {"G1a": None, "G1b": None, "G2": 200, "G3": 200},
    ("GET", "/v1/batches/{job}/requests"): {"G1a": None, "G1b": None, "G2": 200, "G3": 200},
    ("GET", "/v1/batches/{job}/results"): {"G1a": None, "G1b": None, "G2": None, "G3": "batch_results_not_ready"},
    ("GET", "/v1/batches/capabilities"): {
        "G1a": "batch_not_found_or_not_owned",
        "G1b": "batch_not_found_or_not_owned",
        "G2": 200,
        "G3": 200,
    },
    ("GET", "/v1/webhook-endpoints"): {
        "G1a": None,
        "G1b": None,
        "G2": "management_key_required",
        "G3": "management_key_required",
    },
}


class TestRoutes:
    @pytest.mark.parametrize("generation", ALL)
    def test_what_there_is(self, generation: str) -> None:
        """
        A route that a generation does not have is plain text 404.
        """

        async def flow() -> None:
            async with stage(speed=1, generation=generation) as on:
                job = await on.create()
                found = {}
                for method, path in ROUTES:
                    answer = await on.client.request(method, path.format(job=job))
                    absent = answer.text == "404 Not Found"
                    found[method, path] = None if absent else answer.json().get("reason", answer.status_code)

                assert found == {route: by_generation[generation] for route, by_generation in ROUTES.items()}

        asyncio.run(flow())

    @pytest.mark.parametrize(("generation", "shown"), [("G1b", 0), ("G2", 1)])
    def test_commas_in_a_filter(self, generation: str, shown: int) -> None:
        """
        `status=completed,failed` is two words to G1b, and to G2 one that it does not know and drops.
        """

        async def flow() -> None:
            async with stage(speed=1, generation=generation) as on:
                await on.create()
                listed = await on.get("/v1/batches?limit=100&status=completed,failed")

                assert len(listed["data"]) == shown

        asyncio.run(flow())

    @pytest.mark.parametrize("generation", ["G1a", "G1b", "G2"])
    def test_webhooks_in_the_form_of_the_other(self, generation: str) -> None:
        """
        G2 refuses a URL and a secret in the create call; to G1 an endpoint's id means nothing.
        """

        async def flow() -> None:
            async with stage(speed=1, generation=generation) as on:
                order = on.order(webhook=None)
                inline = {"webhook": {"url": on.hooks, "events": ["batch.completed"], "secret": "s"}}
                by_url = await on.client.post("/v1/batches", json=order | inline)
                by_id = await on.client.post("/v1/batches", json=order | {"webhook_endpoint_id": DEFAULT_ENDPOINT_ID})

                if generation == "G2":
                    assert by_url.json()["reason"] == "batch_webhook_endpoint_required"
                    assert by_id.json()["webhook"]["endpoint_id"] == DEFAULT_ENDPOINT_ID
                else:
                    assert by_url.json()["webhook"]["has_secret"] is True
                    assert "webhook" not in by_id.json()

        asyncio.run(flow())

    def test_uploads_without_quota(self) -> None:
        """
        G1 has no quota of uploads: the twenty-first within an hour is taken.
        """

        async def flow() -> list[int]:
            async with stage(speed=1, generation="G1b") as on:
                upload = {"files": {"file": ("requests.jsonl", EXAMPLE)}, "data": {"purpose": "batch"}}
                return [(await on.client.post("/v1/files", **upload)).status_code for _ in range(21)]

        assert asyncio.run(flow()) == [200] * 21


class TestG3:
    def test_results_in_one_stream(self) -> None:
        """
        A completed batch has its rows at results_url, good and bad; an open one answers 409.
        """

        async def flow() -> None:
            async with stage(generation="G3") as on:
                job = await on.create("rows_fail", provider_options={"openai": {"any": "thing"}})
                early = await on.client.get(f"/v1/batches/{job}/results")
                shown = await on.over(job)
                answer = await on.client.get(shown["results_url"])
                statuses = [json.loads(line)["response"]["status_code"] for line in answer.text.splitlines()]

                assert (early.status_code, early.json()["error"]) == (409, "not_ready")
                assert answer.headers["content-type"] == "application/x-ndjson"
                assert sorted(statuses) == [200] * 4 + [400] * 2

        asyncio.run(flow())

    def test_trying_an_endpoint(self) -> None:
        """
        An endpoint can be tried: one signed delivery, and what became of it.
        """

        async def flow() -> None:
            async with stage(speed=1, generation="G3") as on:
                path = f"/v1/webhook-endpoints/{DEFAULT_ENDPOINT_ID}/test"
                good = (await on.client.post(path, headers=MANAGER)).json()
                on.receiver.plan += [503]
                bad = (await on.client.post(path, headers=MANAGER)).json()
                first = on.receiver.receipts[0]

                assert first.genuine
                assert good == {
                    "ok": True,
                    "event_id": first.event["id"],
                    "status_code": 202,
                    "response_body_preview": "kept",
                    "error": None,
                }
                assert (bad["ok"], bad["status_code"], bad["error"]) == (False, 503, "Webhook returned HTTP 503")

        asyncio.run(flow())

    @pytest.mark.parametrize(("generation", "status"), [("G2", 200), ("G3", 400)])
    def test_names_of_events_are_a_closed_list(self, generation: str, status: int) -> None:
        """
        A name that is not on G3's list is refused, in a create call and for an endpoint; G2 drops or keeps it.
        """

        async def flow() -> None:
            async with stage(speed=1, generation=generation) as on:
                await _tries_events(on, ["batch.completed", "batch.eaten"], status)
                await _tries_events(on, ["job.status_changed", "video.progress", "batch.canceled"], 200)

        asyncio.run(flow())


async def _tries_events(on: Stage, events: list[str], status: int) -> None:
    one = f"/v1/webhook-endpoints/{DEFAULT_ENDPOINT_ID}"
    created = await on.client.post("/v1/batches", json=on.order(**on.webhook(*events)), timeout=DEADLINE)
    changed = await on.client.patch(one, headers=MANAGER, json={"events": events})

    assert (created.status_code, changed.status_code) == (status, status)
