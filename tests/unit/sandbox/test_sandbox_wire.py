"""The sandbox's wire beyond batches' lives: paths, lists, bookkeeping, management, and how it starts and stops."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from sandbox.server import DEFAULT_API_KEY, DEFAULT_ENDPOINT_ID, RunningSandbox, SandboxSettings, serve

MANAGER = {"Authorization": "Bearer phaseo_v1_mk_abc123_secret"}
DEADLINE = 8.0


@dataclass
class Asked:
    """A sandbox and somebody who asks it."""

    box: RunningSandbox
    client: httpx.AsyncClient

    async def create(self, scenario: str = "") -> str:
        named = {"metadata": {"scenario": scenario}} if scenario else {}
        rows = [{"custom_id": f"row-{n}", "body": {"messages": []}} for n in range(6)]
        order = {"requests": rows, "endpoint": "/v1/chat/completions"}
        answer = await self.client.post("/v1/batches", json=order | named)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def get(self, path: str) -> dict[str, Any]:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def settled(self, job: str) -> None:
        async def told() -> bool:
            listed = (await self.get("/sandbox/truth"))["batches"]
            return any(entry["settled"] and entry["job_id"] == job for entry in listed)

        async with asyncio.timeout(DEADLINE):
            while not await told():  # noqa: ASYNC110 - what is awaited happens beyond a socket
                await asyncio.sleep(0.01)


@asynccontextmanager
async def sandbox_asked(speed: float = 1, **settings: Any) -> AsyncIterator[Asked]:
    headers = {"Authorization": f"Bearer {DEFAULT_API_KEY}"}
    async with (
        RunningSandbox(SandboxSettings(**({"port": 0, "speed": speed} | settings))) as box,
        httpx.AsyncClient(base_url=box.url, headers=headers, trust_env=False, timeout=DEADLINE) as client,
    ):
        yield Asked(box, client)


class TestWire:
    def test_paths_and_queries(self) -> None:
        """
        What is not a route is plain text 404; a query string hides a batch; aliases keep their own URLs.
        """

        async def flow() -> None:
            async with sandbox_asked(speed=1) as on:
                job = await on.create()
                texts = [
                    await on.client.get("/v1/batches/"),
                    await on.client.get(f"/v1/batches/{job}/cancel"),
                    await on.client.delete(f"/v1/batches/{job}"),
                    await on.client.get(f"/v1/batches/{job}/results"),
                    await on.client.get("/v2"),
                ]
                hidden = await on.client.get(f"/v1/batches/{job}?x=1")
                native = await on.client.get(f"/v1/batches/{(await on.get(f'/v1/batches/{job}'))['native_batch_id']}")
                alias = await on.get(f"/v1/batch/{job}")
                listing = await on.client.get("/v1/files")
                keyless = await on.client.get(f"/v1/batches/{job}", headers={"Authorization": "Bearer x"})

                for text in texts:
                    assert (text.status_code, text.text) == (404, "404 Not Found")
                    assert text.headers["content-type"].startswith("text/plain")
                assert (hidden.status_code, hidden.json()["batch_id"]) == (404, f"{job}?x=1")
                assert native.json()["reason"] == "batch_not_found_or_not_owned"
                assert alias["polling_url"] == f"{on.box.url}/v1/batch/{job}"
                assert (listing.status_code, listing.json()["error"]) == (400, "not_supported")
                assert (keyless.status_code, keyless.json()["error"]) == (401, "unauthorised")
                assert (await on.client.options("/v1/anything")).status_code == 204
                assert (await on.client.get(f"/v1/async/batch/{job}/ws")).headers["upgrade"] == "websocket"
                assert (await on.get("/sandbox/ready")) == {"ready": True}

        asyncio.run(flow())

    def test_list(self) -> None:
        """
        The list shows one unless told otherwise, the last touched first, in a thinner shape with ISO times.
        """

        async def flow() -> None:
            async with sandbox_asked(speed=1) as on:
                first, second = await on.create(), await on.create()
                one = await on.get("/v1/batches")
                await on.get(f"/v1/batches/{first}")
                both = await on.get("/v1/batches?limit=100&status=pending&status=oops")
                none = await on.get("/v1/batches?limit=100&status=completed")
                misspelt = await on.get("/v1/batches?limit=100&status=completed,failed")
                item = both["data"][0]

                assert [entry["id"] for entry in one["data"]] == [second]
                assert [entry["id"] for entry in both["data"]] == [first, second]
                assert (both["first_id"], both["last_id"], both["has_more"]) == (first, second, False)
                assert (none["data"], none["first_id"]) == ([], None)
                assert len(misspelt["data"]) == 2
                assert item["created_at"].endswith("+00:00")
                assert not {"native_batch_id", "metadata", "errors", "in_progress_at"} & item.keys()

        asyncio.run(flow())

    def test_requests_and_capabilities(self) -> None:
        """
        The request rows of an inline batch are bookkeeping without results.
        """

        async def flow() -> None:
            async with sandbox_asked(speed=400) as on:
                job = await on.create("rows_fail")
                before = await on.get(f"/v1/batches/{job}/requests?limit=2")
                await on.settled(job)
                after = await on.get(f"/v1/batches/{job}/requests")
                broken = await on.client.get(f"/v1/batches/{job}/requests?limit=many")
                offered = await on.get("/v1/batches/capabilities")

                assert [row["status"] for row in before["data"]] == ["validating", "validating"]
                assert len(before["data"][0]["request_body_hash"]) == 64
                assert {(row["status"], row["response_body"]) for row in after["data"]} == {("completed", None)}
                assert len(after["data"]) == 4
                assert broken.text == "Internal Server Error"
                assert offered["data"][0]["id"] == "openai"

        asyncio.run(flow())

    def test_endpoint_management(self) -> None:
        """
        Endpoints are made, listed, changed and deleted with a management key, and speak camelCase.
        """

        async def flow() -> None:
            async with sandbox_asked(speed=1) as on:
                root = "/v1/webhook-endpoints"
                made = await on.client.post(root, headers=MANAGER, json={"url": "http://127.0.0.1:1/x"})
                one = f"{root}/{made.json()['id']}"
                bad = await on.client.post(root, headers=MANAGER, json={"url": "nowhere"})
                listed = (await on.client.get(root, headers=MANAGER)).json()["data"]
                gone = (await on.client.delete(one, headers=MANAGER)).json()
                after = await on.client.get(one, headers=MANAGER)
                refused = await on.client.get(root)

                assert made.status_code == 201
                assert made.json()["signing_secret"].startswith("whsec_")
                assert made.json()["events"] == [
                    f"{kind}.{phase}" for kind in ("video", "batch") for phase in ("completed", "failed", "cancelled")
                ]
                assert bad.json()["error"]["type"] == "validation_error"
                assert [entry["id"] for entry in listed][1] == DEFAULT_ENDPOINT_ID
                assert "signing_secret" not in listed[0]
                assert gone["deleted"] is True
                assert after.status_code == 404
                assert refused.json()["reason"] == "management_key_required"

        asyncio.run(flow())


class TestRunning:
    def test_a_seed_draws_the_same_again(self) -> None:
        """
        Batches that name no scenario get one from the seed, in order of creation; one that names its own keeps it.
        """

        async def drawn() -> list[str]:
            async with sandbox_asked(speed=1, seed=11) as on:
                for words in ("", "", "fails", "", ""):
                    await on.create(words)
                return [entry["scenario"] for entry in (await on.get("/sandbox/truth"))["batches"]]

        first, again = asyncio.run(drawn()), asyncio.run(drawn())

        assert first == again
        assert first[2] == "fails"
        assert all(first)

    def test_a_port_in_use(self) -> None:
        """
        A port in use is an OSError that says what to do.
        """

        async def flow() -> None:
            async with RunningSandbox(SandboxSettings(port=0)) as box:
                taken = SandboxSettings(port=box.settings.port)
                with pytest.raises(OSError, match="take another port"):
                    await serve(taken)

        asyncio.run(flow())

    @pytest.mark.parametrize("how", ["signal", "cancel"])
    def test_serving_ends_when_told(self, how: str) -> None:
        """
        A serving sandbox says its URL, and stops within two seconds on SIGTERM or when cancelled.
        """

        async def flow() -> float:
            heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            serving = asyncio.create_task(serve(SandboxSettings(port=0), heard.set_result))
            url = await heard
            async with httpx.AsyncClient(trust_env=False) as client:
                assert (await client.get(f"{url}/sandbox/ready")).status_code == 200
                began = time.monotonic()
                if how == "signal":
                    os.kill(os.getpid(), signal.SIGTERM)
                else:
                    serving.cancel()
                with suppress(asyncio.CancelledError):
                    await serving
            return time.monotonic() - began

        assert asyncio.run(flow()) < 2
