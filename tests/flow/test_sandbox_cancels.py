"""Races between a cancel, its answer and the end of the batch, over real sockets."""

import asyncio

import httpx
import pytest
from standing_in import Stage, stage

ALL = ("G1a", "G1b", "G2", "G3")


async def cancel(on: Stage, job: str) -> httpx.Response:
    return await on.client.post(f"/v1/batches/{job}/cancel")


def told(on: Stage, job: str) -> list[str]:
    ends = ("batch.completed", "batch.failed", "batch.cancelled", "batch.expired")
    return [receipt.event["type"] for receipt in on.receipts(job) if receipt.event["type"] in ends]


@pytest.mark.parametrize("generation", ALL)
class TestEveryGeneration:
    def test_unheard(self, generation: str) -> None:
        """
        The batch is being cancelled although its caller heard nothing; asked again, the gateway answers as usual.
        """

        async def flow() -> None:
            async with stage(speed=1, generation=generation) as on:
                job = await on.create("cancel_unheard")
                with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
                    await cancel(on, job)
                carried_out = (await on.truth(job))["status"]
                again = await cancel(on, job)

                assert carried_out == "cancelling"
                assert (again.status_code, again.json()["status"]) == (200, "cancelling")
                assert (await on.truth(job))["cancels"] == 2

        asyncio.run(flow())

    def test_too_late(self, generation: str) -> None:
        """
        The provider refuses, because the batch has just ended with all of its rows; asked again, it refuses again.
        """

        async def flow() -> None:
            async with stage(speed=1, generation=generation) as on:
                job = await on.create("cancel_too_late")
                before = (await on.batch(job))["status"]
                refused = await cancel(on, job)
                truth = await on.truth(job)
                shown = await on.batch(job)
                again = await cancel(on, job)

                assert (before, refused.status_code) == ("validating", 409)
                assert refused.json()["error"]["message"] == "Cannot cancel a batch with status 'completed'."
                assert (truth["status"], truth["rows"]["answered"]) == ("completed", 6)
                assert (shown["status"], shown["cancelling_at"]) == ("completed", None)
                assert again.status_code == (400 if generation.startswith("G1") else 409)
                await on.settled(job)
                assert told(on, job) == ["batch.completed"]

        asyncio.run(flow())

    def test_at_once(self, generation: str) -> None:
        """
        The very answer to the cancel says cancelled, and the webhook follows.
        """

        async def flow() -> None:
            async with stage(speed=1, generation=generation) as on:
                job = await on.create("cancel_at_once")
                answer = await cancel(on, job)
                await on.settled(job)

                assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
                assert answer.json()["cancelled_at"] == answer.json()["cancelling_at"]
                assert told(on, job) == ["batch.cancelled"]

        asyncio.run(flow())


@pytest.mark.parametrize(
    ("words", "status"),
    [("cancel_late", "cancelling"), ("cancel_loses", "cancelling"), ("cancel_at_once", "cancelled")],
)
def test_unheard_whatever_comes_of_it(words: str, status: str) -> None:
    """
    What becomes of a cancel and whether its answer arrives are two things.
    """

    async def flow() -> None:
        async with stage(speed=1) as on:
            job = await on.create(f"cancel_unheard,{words}")
            with pytest.raises(httpx.RemoteProtocolError):
                await cancel(on, job)

            assert (await on.batch(job))["status"] == status

    asyncio.run(flow())


def test_unheard_and_yet_cancelled() -> None:
    """
    A cancel whose answer was lost ends the batch, and its webhook says so.
    """

    async def flow() -> None:
        async with stage(speed=100) as on:
            job = await on.create("cancel_unheard")
            with pytest.raises(httpx.RemoteProtocolError):
                await cancel(on, job)
            shown = await on.over(job)
            await on.settled(job)

            assert (shown["status"], told(on, job)) == ("cancelled", ["batch.cancelled"])

    asyncio.run(flow())


def test_only_a_cancel_that_is_carried_out_goes_unheard() -> None:
    """
    A batch that is over refuses the first cancel as any other does.
    """

    async def flow() -> None:
        async with stage() as on:
            job = await on.create("cancel_unheard")
            await on.over(job)

            assert (await cancel(on, job)).status_code == 409

    asyncio.run(flow())


def test_without_a_cancel_they_are_good_days() -> None:
    """
    The words are about cancels: where nobody asks for one, nothing goes wrong.
    """

    async def flow() -> None:
        async with stage() as on:
            jobs = [await on.create(word) for word in ("cancel_unheard", "cancel_too_late", "cancel_at_once")]
            await on.settled(*jobs)

            assert [told(on, job) for job in jobs] == [["batch.completed"]] * 3

    asyncio.run(flow())
