"""POST /api/v1/jobs over a real socket: an application tracks jobs and submits files, and may send each request again."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from service import DEADLINE, Service, Stage, stage, until

from operators.app import build_app
from operators.clock import now
from schemas.config import Operators, Secret

pytestmark = pytest.mark.both_stores

TOKEN = "0123456789abcdef0123456789abcdef"
ROW = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "gpt-5", "messages": []}}


class Unsignalled(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@asynccontextmanager
async def applying(running: Service, limit: int = 1_000_000) -> AsyncIterator[httpx.AsyncClient]:
    """An application's client of the operators' app of a running service."""
    operators = Operators(token=Secret(TOKEN), max_upload_bytes=limit)
    config = running.config.model_copy(update={"operators": operators})
    app = build_app(lambda: config, running.store, now)
    server = Unsignalled(uvicorn.Config(app, port=0, lifespan="off", log_config=None, log_level="critical"))
    task = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await until(started, "the operators' app to listen", every=0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    headers = {"authorization": f"Bearer {TOKEN}"}
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}/api/v1", headers=headers, trust_env=False, timeout=DEADLINE
        ) as client:
            yield client
    finally:
        server.should_exit = True
        await task


def rows(count: int = 1) -> bytes:
    return b"".join(json.dumps({**ROW, "custom_id": f"row-{number}"}).encode() + b"\n" for number in range(count))


async def submit(
    client: httpx.AsyncClient, key: str | None = "k-1", content: bytes | None = None, **fields: str
) -> httpx.Response:
    headers = {} if key is None else {"idempotency-key": key}
    files = {"file": ("night.jsonl", rows() if content is None else content)}
    return await client.post("/jobs", data={"source": "gateway", **fields}, files=files, headers=headers)


def test_a_file_is_submitted_once() -> None:
    """The same request under the same key, one after the other or all at once, makes one group; each is told the same."""

    async def flow() -> None:
        async with stage() as on, applying(on.service) as client:
            wishes = {"labels": '{"team": "search"}', "shard_rows": "2", "metadata": '{"a": "b"}'}
            answers = await asyncio.gather(*(submit(client, "k-1", rows(5), **wishes) for _ in range(8)))
            again = await submit(client, "k-1", rows(5), **wishes)

            assert {answer.status_code for answer in [*answers, again]} == {202}
            assert len({answer.json()["group"] for answer in [*answers, again]}) == 1
            assert again.headers["idempotency-replayed"] == "true"
            group = (await client.get(f"/groups/{again.json()['group']}")).json()
            assert (group["size"], group["labels"], group["input"]) == (3, {"team": "search"}, "night.jsonl")
            await all_made(on, client, group["id"])
            assert len(await on.truth()) == 3

    asyncio.run(flow())


async def all_made(on: Stage, client: httpx.AsyncClient, group: str) -> None:
    async def so() -> list[Any] | None:
        members: list[Any] = (await client.get(f"/groups/{group}")).json()["members"]
        return members if all(member["job_id"] for member in members) else None

    members = await until(so, "every part to be created")
    await on.service.settles(*(member["job_id"] for member in members))


def test_a_key_belongs_to_one_request() -> None:
    """Another request under a used key is refused, and nothing comes of it."""

    async def flow() -> None:
        async with stage() as on, applying(on.service) as client:
            assert (await submit(client, "k-1")).status_code == 202
            for other in (
                await submit(client, "k-1", rows(2)),
                await submit(client, "k-1", labels='{"x": "y"}'),
                await client.post(
                    "/jobs", json={"source": "gateway", "job_id": "b"}, headers={"idempotency-key": "k-1"}
                ),
            ):
                assert other.status_code == 422
                assert "used for another request" in other.json()["detail"]
            assert len((await client.get("/submissions")).json()["submissions"]) == 1
            assert await on.service.row("b") is None

    asyncio.run(flow())


def test_a_job_is_tracked() -> None:
    """A job that was made elsewhere is taken in: 201 when it is new, 200 when it was known; with a key as the first time."""

    async def flow() -> None:
        async with stage() as on, applying(on.service) as client:
            job = await on.create()
            keyed = {"headers": {"idempotency-key": "t-1"}}
            asked = {"source": "gateway", "job_id": job}
            first = await client.post("/jobs", json=asked, **keyed)
            again = await client.post("/jobs", json=asked, **keyed)
            known = await client.post("/jobs", json=asked)

            assert (first.status_code, again.status_code, known.status_code) == (201, 201, 200)
            assert (first.json(), "idempotency-replayed" in first.headers) == (again.json(), False)
            assert again.headers["idempotency-replayed"] == "true"
            (view,) = await on.service.settles(job)
            assert (view["origin"], view["row_match"]["succeeded"]) == ("track", 6)

    asyncio.run(flow())


def test_what_is_refused() -> None:
    """Each refusal says what is wrong, as problem+json, and nothing is stored."""

    async def flow() -> None:
        async with stage() as on, applying(on.service, limit=20_000) as client:
            bad = rows(2).replace(b"row-1", b"row-0")
            json_ = {"content-type": "application/json"}
            refusals = [
                (await submit(client, None), 400, "needs an Idempotency-Key"),
                (await submit(client, "x" * 257), 400, "1 to 256 printable"),
                (await submit(client, content=bad), 400, "line 2: custom_id row-0 stands in line 1 already"),
                (await submit(client, content=b""), 400, "no rows"),
                (await submit(client, source="nowhere"), 404, "no source is called nowhere"),
                (await submit(client, shard_rows="0"), 400, "shard_rows is a whole number"),
                (await submit(client, columns='{"url": "link"}'), 400, "columns are for CSV, and night.jsonl is none"),
                (await submit(client, labels="[]"), 400, "labels is a JSON object"),
                (await submit(client, labels='{"a": 1}'), 400, "labels is a JSON object of texts"),
                (await submit(client, policy="hope"), 400, "policy is one of wait_for_all, fail_fast"),
                (await submit(client, cancel_after="soon"), 400, "write a length of time"),
                (await submit(client, colour="red"), 400, "colour: a form has these fields"),
                (await submit(client, content=rows(400)), 413, "max_upload_bytes, 20000 bytes"),
                (await client.post("/jobs", data={"source": "gateway"}), 400, "multipart/form-data"),
                (await client.post("/jobs", content=b"{", headers=json_), 400, "no JSON object"),
                (await client.post("/jobs", json={"source": "gateway", "job_id": ".."}), 400, "a job id is"),
                (await client.post("/jobs", json={"source": "gateway", "job": "b"}), 400, "to track a job, send"),
                (await client.post("/jobs", json={}, headers={"authorization": "Bearer no"}), 401, "token"),
                (await client.post("/deliveries", json={}), 405, "this takes GET, HEAD"),
            ]
            for answer, status, words in refusals:
                assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
                assert answer.headers["content-type"] == "application/problem+json"
            broken = {"content-type": "multipart/form-data; boundary=b", "idempotency-key": "k"}
            assert (await client.post("/jobs", content=b"--b\r\nnonsense", headers=broken)).status_code == 400
            assert (await client.get("/submissions")).json()["submissions"] == []
            assert (await client.get("/jobs")).json()["jobs"] == []
            assert not list((on.service.path.parent / "data").rglob("sub_*"))

    asyncio.run(flow())
