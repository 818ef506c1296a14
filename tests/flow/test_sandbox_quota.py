"""Quotas that are set, and batches that are counted by their file, over real sockets."""

import asyncio
from typing import Any

import httpx
import pytest
from standing_in import Stage, stage

ROW = b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-5","messages":[]}}\n'


async def upload(on: Stage, content: bytes = ROW) -> httpx.Response:
    return await on.client.post("/v1/files", files={"file": ("rows.jsonl", content)}, data={"purpose": "batch"})


def told(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, None if answer.is_success else answer.json()["error"]["reason"]


async def set_quota(on: Stage, **limits: Any) -> httpx.Response:
    return await on.client.post("/sandbox/quota", json=limits)


HOURLY = (429, "batch_file_hourly_quota_exceeded")
DAILY = (429, "batch_file_daily_bytes_exceeded")


class TestQuota:
    @pytest.mark.parametrize("generation", ["G2", "G3"])
    def test_limits(self, generation: str) -> None:
        """
        A limit holds for what was uploaded before it was set, too, until another takes its place; refused uploads do not count.
        """

        async def flow() -> None:
            async with stage(speed=1, generation=generation) as on:
                first = await set_quota(on, uploads_an_hour=2)
                hourly = [told(await upload(on)) for _ in range(4)]
                second = await set_quota(on, uploads_an_hour=9, bytes_a_day=5_000)
                daily = [told(await upload(on, content)) for content in (ROW * 50, ROW)]

                assert first.json() == {"uploads_an_hour": 2, "bytes_a_day": 104_857_600}
                assert second.json() == {"uploads_an_hour": 9, "bytes_a_day": 5_000}
                assert hourly == [(200, None)] * 2 + [HOURLY] * 2
                assert daily == [DAILY, (200, None)]

        asyncio.run(flow())

    def test_what_is_no_quota_changes_nothing(self) -> None:
        """
        A bad limit is refused in words, and so is a good one beside it.
        """

        async def flow() -> None:
            async with stage(speed=1) as on:
                refused = await set_quota(on, uploads_an_hour=0, bytes_a_day=-1)

                assert refused.status_code == 400
                assert "bytes_a_day is -1" in refused.json()["error"]
                assert told(await upload(on)) == (200, None)

        asyncio.run(flow())

    def test_none_in_g1(self) -> None:
        """
        Where uploads have no quotas none can be set.
        """

        async def flow() -> None:
            async with stage(speed=1, generation="G1a") as on:
                refused = await set_quota(on, uploads_an_hour=0)

                assert (refused.status_code, refused.json()) == (400, {"error": "Uploads have no quotas in G1a."})
                assert told(await upload(on)) == (200, None)

        asyncio.run(flow())


def test_batches_are_counted_by_their_file() -> None:
    """
    The account knows how many batches were made of a file, those included whose makers were told of none.
    """

    async def flow() -> None:
        async with stage(speed=1) as on:
            once, often, never = [(await upload(on)).json()["id"] for _ in range(3)]
            await on.create(requests=None, input_file_id=once)
            for word in ("", "create_unknown", "create_uncaught", "create_refused", "create_unavailable"):
                await on.client.post("/v1/batches", json=on.order(word, requests=None, input_file_id=often))
            with pytest.raises(httpx.RemoteProtocolError):
                await on.client.post("/v1/batches", json=on.order("create_lost", requests=None, input_file_id=often))
            inline = await on.batch(await on.create())

            assert (await on.get("/sandbox/truth"))["input_files"] == {once: 1, often: 5, inline["input_file_id"]: 1}
            assert never not in (await on.get("/sandbox/truth"))["input_files"]

    asyncio.run(flow())
