"""Create calls after which a batch lives whose id nobody was told, over real sockets."""

import asyncio

import httpx
import pytest
from standing_in import EXAMPLE, Stage, stage

ALL = ("G1a", "G1b", "G2", "G3")


async def uploaded(on: Stage) -> str:
    upload = {"files": {"file": ("requests.jsonl", EXAMPLE)}, "data": {"purpose": "batch"}}
    answer = await on.client.post("/v1/files", **upload)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def only_batch(on: Stage) -> str:
    """The id of the one batch that the stand-in knows of."""
    (entry,) = (await on.get("/sandbox/truth"))["batches"]
    return str(entry["job_id"])


@pytest.mark.parametrize("generation", ALL)
class TestEveryGeneration:
    def test_a_create_without_an_answer(self, generation: str) -> None:
        """
        The connection is cut before the first byte of an answer; the batch is there, and lives as on a good day.
        """

        async def flow() -> None:
            async with stage(generation=generation) as on:
                order = on.order("create_lost", requests=None, input_file_id=await uploaded(on))
                with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
                    await on.client.post("/v1/batches", json=order)
                job = await only_batch(on)
                await on.settled(job)
                shown = await on.batch(job)

                assert (shown["status"], shown["request_counts"]["completed"]) == ("completed", 12)
                assert shown["input_file_id"] == order["input_file_id"]
                assert [receipt.event["type"] for receipt in on.receipts(job)][-1] == "batch.completed"

        asyncio.run(flow())

    def test_a_create_that_nobody_caught(self, generation: str) -> None:
        """
        The plain-text 500 says nothing of the batch, which is there and lives as on a good day.
        """

        async def flow() -> None:
            async with stage(generation=generation) as on:
                answer = await on.client.post("/v1/batches", json=on.order("create_uncaught"))
                job = await only_batch(on)
                shown = await on.over(job)

                assert (answer.status_code, answer.text) == (500, "Internal Server Error")
                assert answer.headers["content-type"].startswith("text/plain")
                assert shown["status"] == "completed"

        asyncio.run(flow())

    def test_metadata_that_is_never_shown(self, generation: str) -> None:
        """
        Create, get and cancel answer without metadata, the gateway's own entries included; the scenario is played.
        """

        async def flow() -> None:
            async with stage(speed=1, generation=generation) as on:
                order = on.order("metadata_hidden")
                created = (await on.client.post("/v1/batches", json=order)).json()
                got = await on.batch(created["id"])
                cancelled = (await on.client.post(f"/v1/batches/{created['id']}/cancel")).json()
                plain = await on.batch(await on.create())

                assert ["metadata" in shown for shown in (created, got, cancelled, plain)] == [False] * 3 + [True]
                assert (await on.truth(created["id"]))["scenario"] == "metadata_hidden"

        asyncio.run(flow())


@pytest.mark.parametrize("word", ["create_lost", "create_uncaught"])
def test_the_list_shows_it_by_its_input_file(word: str) -> None:
    """
    Each lost create left a batch of its own; whoever knows the file that it was made of finds it in the list.
    """

    async def flow() -> None:
        async with stage(speed=1) as on:
            file_id = await uploaded(on)
            await on.create()
            for _ in range(2):
                try:
                    await on.client.post("/v1/batches", json=on.order(word, requests=None, input_file_id=file_id))
                except httpx.RemoteProtocolError:
                    assert word == "create_lost"
            listed = (await on.get("/v1/batches?limit=100"))["data"]

            found = [item["id"] for item in listed if item["input_file_id"] == file_id]
            assert len(set(found)) == 2
            assert (await on.batch(found[0]))["metadata"]["scenario"] == word

    asyncio.run(flow())


def test_the_connection_that_was_cut_takes_no_other_with_it() -> None:
    """
    Answers that are on their way to others when a create is cut arrive whole.
    """

    async def flow() -> None:
        async with stage(speed=1) as on:
            lost = [on.client.post("/v1/batches", json=on.order("create_lost")) for _ in range(5)]
            good = [on.client.post("/v1/batches", json=on.order()) for _ in range(5)]
            answers = await asyncio.gather(*lost, *good, return_exceptions=True)

            assert [type(answer) for answer in answers] == [httpx.RemoteProtocolError] * 5 + [httpx.Response] * 5
            assert len((await on.get("/sandbox/truth"))["batches"]) == 10

    asyncio.run(flow())
