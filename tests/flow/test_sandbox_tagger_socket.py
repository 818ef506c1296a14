"""What the tagger says over its WebSocket: before, while and after a job runs, and to whom (contract 10)."""

import asyncio
import time
from typing import Any

from tagging import FAILING, GOOD, Socket, Tagging, documents, tagging

MIB = 1_048_576


async def from_the_start(socket: Socket) -> None:
    """Passes over what is said until the tagger has surely begun to listen for this caller."""
    while (await socket.hears()).get("type") != "keepalive":
        pass


class TestAfterTheEnd:
    def test_it_catches_up_and_closes(self) -> None:
        """
        State all in strings, every result, the id in history; then the end with its counts as strings, and code 1000.
        """

        async def flow() -> None:
            async with tagging(speed=600) as on:
                job = await on.start(GOOD, FAILING, config={"api_key": "k", "num_tags": 4})
                await on.over(job)
                true = await on.true_job(job)
                async with on.listening(job) as socket:
                    (caught, end), code = await socket.hears_until_closed()
                old = await on.client.get(f"/api/history/jobs/{caught['state']['db_job_id']}")
                tokens = caught["results"][0]["metadata"]["tokens_used"]

                assert list(caught) == ["type", "job_id", "state", "results"]
                assert caught["state"] | {"user_id": "", "start_time": ""} == {
                    "status": "completed",
                    "total": "2",
                    "processed_count": "1",
                    "failed_count": "1",
                    "progress": "1.0",
                    "user_id": "",
                    "db_job_id": true["db_job_id"],
                    "start_time": "",
                }
                assert float(caught["state"]["start_time"]) > 1.7e9
                assert [(row["row_id"], row["row_number"], row["success"]) for row in caught["results"]] == [
                    (0, 1, True),
                    (1, 2, False),
                ]
                assert len(caught["results"][0]["tags"]) == 4
                assert (caught["results"][0]["title"], caught["results"][0]["error"], tokens) == ("Document 1", None, 2)
                assert end == {
                    "type": "completed",
                    "processed_count": "1",
                    "failed_count": "1",
                    "message": end["message"],
                }
                assert code == 1000
                assert [row["status"] for row in old.json()["documents"]] == ["success", "failed"]

        asyncio.run(flow())

    def test_each_end_has_its_word(self) -> None:
        """
        Late, a job that failed is `failed`, and one that was cancelled `cancelled`.
        """

        async def flow() -> None:
            async with tagging() as on:
                failed = await on.start(
                    documents=documents(GOOD), config={"api_key": "k", "model_name": "sandbox/broken"}
                )
                cancelled = await on.start(*[GOOD] * 9)
                await on.command(cancelled, "cancel")
                for job, word in ((failed, "failed"), (cancelled, "cancelled")):
                    await on.reaches(job, word)
                    async with on.listening(job) as socket:
                        frames, code = await socket.hears_until_closed()

                    assert ([frame["type"] for frame in frames], code) == (["catchup", word], 1000)

        asyncio.run(flow())

    def test_results_outlive_the_state(self) -> None:
        """
        With the state gone a status ask is a 404, and the rows are still caught up with.
        """

        async def flow() -> None:
            async with tagging(speed=600) as on:
                job = await on.start(GOOD)
                await on.over(job)
                await on.control(f"expire/{job}")
                async with on.listening(job) as socket:
                    caught = await socket.hears()

                assert (await on.ask(job)).status_code == 404
                assert (caught["state"], len(caught["results"])) == ({}, 1)

        asyncio.run(flow())

    def test_a_huge_frame(self) -> None:
        """
        Filler in the first result makes the one frame larger than what clients take by default.
        """

        async def flow() -> None:
            async with tagging(speed=600, catchup_padding=3 * MIB) as on:
                job = await on.start(GOOD, GOOD)
                await on.over(job)
                async with on.listening(job) as socket:
                    caught = await socket.hears()

                assert [len(row["metadata"].get("filler", "")) for row in caught["results"]] == [3 * MIB, 0]

        asyncio.run(flow())


class TestLive:
    def test_row_by_row(self) -> None:
        """
        Rows come without a type, as they begin and as they end; the end has its counts as numbers.
        """

        async def flow() -> None:
            async with tagging(speed=100, row_seconds=40) as on:
                job = await on.start(documents=[*documents(GOOD, FAILING), {"title": "no path"}])
                async with on.listening(job) as socket:
                    frames, code = await socket.hears_until_closed()
                rows = [frame for frame in frames if "type" not in frame]
                done = {row["row_id"]: row for row in rows if row["status"] != "processing"}
                (end,) = [frame for frame in frames if frame.get("type") == "completed"]

                assert frames[0]["type"] == "catchup"
                assert [(row_id, row["status"]) for row_id, row in done.items()] == [
                    (0, "success"),
                    (1, "failed"),
                    (2, "failed"),
                ]
                assert (1, "processing", 1 / 3) in [(row["row_id"], row["status"], row["progress"]) for row in rows]
                assert done[0].keys() == {
                    *("job_id", "row_id", "row_number", "title", "status", "progress"),
                    *("tags", "error", "model_name", "metadata"),
                }
                assert done[0].keys() - done[2].keys() == {"tags", "model_name", "metadata"}
                assert [done[row_id]["progress"] for row_id in (0, 1, 2)] == [1 / 3, 2 / 3, 2 / 3]
                assert (end["total_documents"], end["processed_count"], end["failed_count"]) == (3, 1, 2)
                assert isinstance(end["processing_time"], float)
                assert code == 1000

        asyncio.run(flow())

    def test_a_job_that_fails_says_error(self) -> None:
        """
        Live it is `error` and not `failed`; a cancel is told with its counts.
        """

        async def flow() -> None:
            async with tagging(speed=1000, write_seconds=500) as on:
                config = {"api_key": "k", "model_name": "sandbox/broken"}
                failed = await on.start(documents=documents(GOOD), config=config)
                cancelled = await on.start(GOOD)
                await on.command(cancelled, "cancel")
                heard = await asyncio.gather(*(_last_frame(on, job) for job in (failed, cancelled)))

                assert heard[0].keys() == {"type", "error"}
                assert heard[0]["type"] == "error"
                assert heard[1] == {
                    "type": "cancelled",
                    "processed_count": 0,
                    "failed_count": 0,
                    "message": heard[1]["message"],
                }

        asyncio.run(flow())

    def test_nobody_and_nothing(self) -> None:
        """
        An unknown job has an empty state, and every 30 seconds a keepalive without a status; to listen makes no ghost.
        """

        async def flow() -> None:
            async with tagging(speed=600) as on:
                began = time.monotonic()
                async with on.listening("unknown") as socket:
                    heard = [await socket.hears() for _ in range(3)]
                silent = time.monotonic() - began

                assert heard[0] == {"type": "catchup", "job_id": "unknown", "state": {}, "results": []}
                assert silent >= 2 * 30 / 600
                assert heard[1:] == [{"type": "keepalive", "job_id": "unknown", "status": None}] * 2
                assert (await on.ask("unknown")).status_code == 404
                assert (await on.truth())["asks"]["socket"] == 1

        asyncio.run(flow())

    def test_an_end_that_nobody_told(self) -> None:
        """
        It is found at the next keepalive, and told without counts. Here the worker is held between the two.
        """

        async def flow() -> None:
            async with tagging(speed=1000, write_seconds=700) as on:
                job = await on.start("")
                await on.set(write_seconds=1_000_000)
                async with on.listening(job) as socket:
                    frames, code = await socket.hears_until_closed()

                assert frames[0]["state"]["status"] == "pending"
                assert frames[1] == {"type": "keepalive", "job_id": job, "status": "pending"}
                assert frames[-1] == {"type": "completed", "message": frames[-1]["message"]}
                assert code == 1000

        asyncio.run(flow())

    def test_a_fault_of_the_server(self) -> None:
        """
        Without Redis the socket is told so in a frame without a type, and closed.
        """

        async def flow() -> None:
            async with tagging(speed=600) as on:
                async with on.listening("job") as socket:
                    await from_the_start(socket)
                    await on.set(redis_down=True)
                    frames, code = await socket.hears_until_closed()
                async with on.listening("job") as socket:
                    again = await socket.hears_until_closed()

                assert frames[-1].keys() == {"error", "job_id"}
                assert code == 1011
                assert again == (frames[-1:], code)

        asyncio.run(flow())


class TestGettingIn:
    def test_accepted_and_then_refused(self) -> None:
        """
        A bad token is told in a frame, and the close is a 1008; the header will do as well as the query.
        """

        async def flow() -> None:
            async with tagging() as on:
                for token in ("", "bad"):
                    async with on.listening("job", token=token) as socket:
                        frames, code = await socket.hears_until_closed()

                    assert frames == [{"error": "Authentication required", "job_id": "job"}]
                    assert code == 1008
                header = {"Authorization": on.client.headers["authorization"]}
                async with on.listening("job", token="", additional_headers=header) as socket:
                    assert (await socket.hears())["type"] == "catchup"

        asyncio.run(flow())

    def test_a_token_that_ends_meanwhile(self) -> None:
        """
        It is not looked at again.
        """

        async def flow() -> None:
            async with tagging(speed=600) as on, on.listening("job") as socket:
                await socket.hears()
                await on.control("revoke/access")

                assert (await socket.hears())["type"] == "keepalive"

        asyncio.run(flow())


class TestStopping:
    def test_a_stop_closes_and_a_kill_cuts(self) -> None:
        """
        Neither sends an end; a stop closes with 1012, and after a kill there is no close at all.
        """

        async def flow() -> None:
            async with tagging(speed=600, row_seconds=6000) as on:
                codes = []
                for way in ("stop", "kill"):
                    job = await on.start(GOOD)
                    async with on.listening(job) as socket:
                        await from_the_start(socket)
                        await on.control(way)
                        frames, code = await socket.hears_until_closed()
                    codes.append(code)
                    assert all(frame["type"] == "keepalive" for frame in frames)

                assert codes == [1012, 1006]

        asyncio.run(flow())


async def _last_frame(on: Tagging, job: str) -> dict[str, Any]:
    async with on.listening(job) as socket:
        frames, _ = await socket.hears_until_closed()
    return frames[-1]
