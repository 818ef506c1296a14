"""Live updates over a real WebSocket: who may listen, what is said, how it ends, and how it goes wrong."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from standing_in import DEADLINE, Stage, stage
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK, InvalidStatus

from sandbox.server import DEFAULT_API_KEY

KEY = {"Authorization": f"Bearer {DEFAULT_API_KEY}"}


class Socket:
    """An open socket, and what it says."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def hears(self) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE):
            message: dict[str, Any] = json.loads(await self.connection.recv())
        return message

    async def hears_until_closed(self) -> list[dict[str, Any]]:
        heard = []
        try:
            while True:
                heard.append(await self.hears())
        except ConnectionClosedOK as closed:
            assert closed.rcvd is not None
            assert closed.rcvd.code == 1000
        return heard


@asynccontextmanager
async def listening(on: Stage, path: str, headers: dict[str, str] | None = None) -> AsyncIterator[Socket]:
    url = f"ws{on.box.url.removeprefix('http')}{path}"
    chosen = KEY if headers is None else headers
    async with connect(url, additional_headers=chosen, proxy=None, compression=None) as connection:
        yield Socket(connection)


async def refusal(on: Stage, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """The HTTP status of a refused upgrade, and its reason or its text."""
    with pytest.raises(InvalidStatus) as refused:
        async with listening(on, path, headers):
            pass
    response = refused.value.response
    body = (response.body or b"").decode()
    return response.status_code, json.loads(body)["reason"] if body.startswith("{") else body


class TestGettingIn:
    def test_refusals_come_before_the_upgrade(self) -> None:
        """
        A bad key, path or id is answered over HTTP; without an upgrade there is a 426, whoever asks.
        """

        async def flow() -> None:
            async with stage(speed=1) as on:
                job, video = await on.create(), await on.film()
                bad = {"Authorization": "Bearer x"}
                plain = await on.client.get(f"/v1/async/batch/{job}/ws", headers=bad)

                assert (plain.status_code, plain.headers["upgrade"]) == (426, "websocket")
                assert plain.json()["error"]["code"] == "websocket_upgrade_required"
                assert await refusal(on, f"/v1/async/batch/{job}/ws", bad) == (401, "invalid_key_format")
                assert await refusal(on, f"/v1/async/batch/{job}/ws", {}) == (
                    401,
                    "missing_or_invalid_authorization_header",
                )
                assert await refusal(on, f"/v1/async/music/{job}/ws") == (400, "invalid_async_job_path")
                for path in (f"batch/{video}", f"video/{job}", "batch/batch_1"):
                    assert await refusal(on, f"/v1/async/{path}/ws") == (404, "async_job_not_found_or_not_owned")
                assert await refusal(on, "/v1/batches") == (404, "404 Not Found")
                assert (await on.truth(job))["sockets"] == 0

        asyncio.run(flow())

    def test_refused_by_scenario(self) -> None:
        """
        With `socket_refused` the upgrade is a plain-text 503, and the job goes on.
        """

        async def flow() -> None:
            async with stage() as on:
                job = await on.create("socket_refused")

                assert await refusal(on, f"/v1/async/batch/{job}/ws") == (503, "Service Unavailable")
                assert (await on.truth(job))["sockets"] == 0
                assert (await on.over(job))["status"] == "completed"

        asyncio.run(flow())


class TestListening:
    def test_from_first_to_last(self) -> None:
        """
        A snapshot at once, an update for each change, and a close at the end; nobody asks the provider for it.
        """

        async def flow() -> None:
            async with stage(speed=200, public_base_url="https://api.example.org") as on:
                job = await on.create()
                async with listening(on, f"/v1/async/batch/{job}/ws?interval_ms=1000") as socket:
                    heard = await socket.hears_until_closed()
                first, last = heard[0]["data"], heard[-1]["data"]
                truth = await on.truth(job)

                assert [message["type"] for message in heard] == ["job.snapshot"] + ["job.updated"] * (len(heard) - 1)
                assert (first["status"], first["kind"], last["status"]) == ("pending", "batch", "completed")
                assert last["output_file_id"]
                assert first["polling_url"] == f"{on.box.url}/v1/batches/{job}"
                assert (truth["sockets"], truth["gets"]) == (1, 0)

        asyncio.run(flow())

    def test_a_video(self) -> None:
        """
        A video's URLs stand on the public base; its download link, made anew each time, is no change.
        """

        async def flow() -> None:
            async with stage(speed=600, public_base_url="https://api.example.org") as on:
                job = await on.film()
                await on.settled(job)
                async with listening(on, f"/v1/async/video/{job}/ws?close_on_terminal=no") as socket:
                    first = await socket.hears()
                    await socket.connection.send("ping")

                    assert first["data"]["content_url"] == f"https://api.example.org/v1/videos/{job}/content"
                    assert await socket.hears() == {"type": "pong"}

        asyncio.run(flow())

    def test_two_words_are_understood(self) -> None:
        """
        `ping` gets a pong and `refresh` a snapshot; JSON and bytes get nothing.
        """

        async def flow() -> None:
            async with stage(speed=1) as on:
                job = await on.create()
                async with listening(on, f"/v1/async/batch/{job}/ws") as socket:
                    await socket.hears()
                    for said in ('{"type":"ping"}', b"ping", "PING", "ping", "refresh"):
                        await socket.connection.send(said)
                    heard = [await socket.hears() for _ in range(2)]

                    assert heard[0] == {"type": "pong"}
                    assert (heard[1]["type"], heard[1]["data"]["id"]) == ("job.snapshot", job)

        asyncio.run(flow())

    @pytest.mark.parametrize(
        ("scenario", "query", "stays"),
        [
            ("", "", False),
            ("", "?close_on_terminal=yes", False),
            ("", "?close_on_terminal=0", True),
            ("", "?close_on_terminal=Off", True),
            ("fails", "", False),
            ("expires", "", True),
        ],
    )
    def test_after_the_end(self, scenario: str, query: str, stays: bool) -> None:
        """
        A job that is over is shown once and the socket closed, unless it expired or the caller asked to stay.
        """

        async def flow() -> None:
            async with stage() as on:
                job = await on.create(scenario)
                await on.settled(job)
                async with listening(on, f"/v1/async/batch/{job}/ws{query}") as socket:
                    first = await socket.hears()
                    assert first["type"] == "job.snapshot"
                    if stays:
                        await socket.connection.send("ping")
                        assert await socket.hears() == {"type": "pong"}
                    else:
                        assert await socket.hears_until_closed() == []

        asyncio.run(flow())

    def test_a_deleted_job(self) -> None:
        """
        A job that is deleted is told of and the socket closed; then nobody finds it, and nothing is told of it.
        """

        async def flow() -> None:
            async with stage(speed=200) as on:
                job, kept = await on.create(), await on.create()
                async with listening(on, f"/v1/async/batch/{job}/ws") as socket:
                    await socket.hears()
                    deleted = await on.client.post(f"/sandbox/delete/{job}")
                    heard = await socket.hears_until_closed()
                await on.settled(job, kept)
                again = await on.client.post(f"/sandbox/delete/{job}")
                asked = await on.client.get(f"/v1/batches/{job}")
                listed = await on.get("/v1/batches?limit=100")

                assert deleted.json() == {"deleted": job}
                assert heard[-1] == {"type": "job.deleted", "data": {"id": job, "kind": "batch"}}
                assert (again.status_code, asked.json()["reason"]) == (404, "batch_not_found_or_not_owned")
                assert [entry["id"] for entry in listed["data"]] == [kept]
                assert (on.receipts(job), len(on.receipts(kept))) == ([], 1)
                assert await refusal(on, f"/v1/async/batch/{job}/ws") == (404, "async_job_not_found_or_not_owned")

        asyncio.run(flow())


class TestGoingWrong:
    def test_cut(self) -> None:
        """
        With `socket_drops` the connection breaks after the first message, without a word of closing; each time.
        """

        async def flow() -> None:
            async with stage(speed=1) as on:
                job = await on.create("socket_drops")
                for _ in range(2):
                    async with listening(on, f"/v1/async/batch/{job}/ws") as socket:
                        assert (await socket.hears())["type"] == "job.snapshot"
                        with pytest.raises(ConnectionClosedError) as cut:
                            await socket.hears()
                        assert cut.value.rcvd is None
                assert (await on.truth(job))["sockets"] == 2

        asyncio.run(flow())

    def test_stops_with_a_socket_open(self) -> None:
        """
        A listener does not hold up a sandbox that is stopped, and one that goes away leaves nothing behind.
        """

        async def flow() -> float:
            async with stage(speed=1) as on:
                job = await on.create()
                async with listening(on, f"/v1/async/batch/{job}/ws") as gone:
                    await gone.hears()
                async with listening(on, f"/v1/async/batch/{job}/ws") as socket:
                    await socket.hears()
                    began = time.monotonic()
                    on.box.stop()
                    with pytest.raises(ConnectionClosed):
                        await socket.hears()
                    with pytest.raises(httpx.HTTPError):
                        while True:
                            await on.client.get("/sandbox/ready")
            return time.monotonic() - began

        assert asyncio.run(flow()) < 4
