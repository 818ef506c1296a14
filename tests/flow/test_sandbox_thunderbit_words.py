"""Each scenario word of the sandbox's Thunderbit, over real sockets."""

import asyncio
import json
import time

import httpx
import pytest
from at_thunderbit import GOOD, outcomes, thunderbit
from standing_in import until

MANY = [GOOD] * 100
SIX = range(1, 7)


class TestWebhooks:
    def test_lost(self) -> None:
        """
        Nothing is attempted, and the job settles.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800) as at:
                job = await at.create("webhook_lost")
                truth = await at.settled(job)

                assert (truth["status"], truth["sent"], at.receipts(job)) == ("COMPLETED", [], [])

        asyncio.run(flow())

    def test_delayed(self) -> None:
        """
        The first attempt goes out a minute of life after the end.
        """

        async def flow() -> None:
            async with thunderbit(speed=200) as at:
                began = time.time()
                job = await at.create("webhook_delayed")
                await at.settled(job)
                sent_at = int(at.receipts(job)[0].headers["x-webhook-timestamp"]) / 1_000

                assert sent_at - began > (30 + 60) / 200

        asyncio.run(flow())

    def test_repeated(self) -> None:
        """
        Each attempt is three requests, and one that is taken is enough.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800) as at:
                at.receiver.plan += [500, 500, 500, 500]
                job = await at.create("webhook_repeated")
                truth = await at.settled(job)

                assert [attempt for attempt, _ in outcomes(truth)] == [1, 1, 1, 2, 2, 2]
                assert at.told(job) == ["COMPLETED"] * 6

        asyncio.run(flow())

    @pytest.mark.parametrize(("words", "status"), [("webhook_early", "COMPLETED"), ("webhook_early,fails", "FAILED")])
    def test_early(self, words: str, status: str) -> None:
        """
        The webhook has come before create is answered.
        """

        async def flow() -> None:
            async with thunderbit(speed=1) as at:
                job = await at.create(words)

                assert at.told(job) == [status]
                assert (await at.shown(job))["status"] == status

        asyncio.run(flow())

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ("webhook_conflicting", ["COMPLETED", "FAILED"]),
            ("webhook_wrong", ["FAILED"]),
            ("webhook_wrong,fails", ["COMPLETED"]),
        ],
    )
    def test_another_end(self, words: str, said: list[str]) -> None:
        """
        A webhook says another end than the true one, well signed; alone, or after the true one.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800) as at:
                job = await at.create(words)
                truth = await at.settled(job)

                assert at.told(job) == [sent["said"] for sent in truth["sent"]] == said
                assert all(each.genuine for each in at.receipts(job))
                assert truth["status"] == ("FAILED" if "fails" in words else "COMPLETED")

        asyncio.run(flow())

    @pytest.mark.parametrize("word", ["webhook_badly_signed", "webhook_unsigned", "webhook_tampered"])
    def test_never_genuine(self, word: str) -> None:
        """
        No attempt has the signature of its body.
        """

        async def flow() -> None:
            async with thunderbit(speed=20_000) as at:
                job = await at.create(word)
                truth = await at.settled(job)
                headers = [set(each.headers) for each in at.receipts(job)]

                assert outcomes(truth) == [(n, "rejected") for n in SIX]
                assert not any(each.genuine for each in at.receipts(job))
                assert {"x-webhook-signature" in each for each in headers} == {word != "webhook_unsigned"}
                assert set(at.told(job)) == {"FAILED" if word == "webhook_tampered" else "COMPLETED"}

        asyncio.run(flow())

    def test_badly_signed_once(self) -> None:
        """
        The second attempt is genuine.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800) as at:
                job = await at.create("webhook_badly_signed_once")
                truth = await at.settled(job)

                assert outcomes(truth) == [(1, "rejected"), (2, "delivered")]
                assert [each.genuine for each in at.receipts(job)] == [False, True]

        asyncio.run(flow())

    def test_given_up(self) -> None:
        """
        Six connections are refused, and the receiver hears nothing.
        """

        async def flow() -> None:
            async with thunderbit(speed=20_000) as at:
                job = await at.create("webhook_given_up")
                truth = await at.settled(job)

                assert outcomes(truth) == [(n, "broken") for n in SIX]
                assert at.receipts(job) == []

        asyncio.run(flow())


class TestEnds:
    def test_fails(self) -> None:
        """
        A job that fails as a whole has an error, keeps the rows that it has read, and is told as FAILED.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800) as at:
                job = await at.create("fails", urls=MANY)
                await at.settled(job)
                shown, told = await at.shown(job), json.loads(at.receipts(job)[0].body)

                assert (shown["status"], shown["error"]["code"]) == ("FAILED", "PIPELINE_ERROR")
                assert (shown["completed"], shown["failed"]) == (told["completed"], told["failed"]) == (50, 50)
                assert told["status"] == "FAILED"

        asyncio.run(flow())

    def test_all_rows_fail(self) -> None:
        """
        A job of which every row has failed has completed, and costs nothing.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800) as at:
                job = await at.create("all_rows_fail")
                truth = await at.settled(job)
                shown = await at.shown(job)

                assert (shown["status"], shown["completed"], shown["failed"], truth["credits"]) == (
                    "COMPLETED",
                    0,
                    2,
                    0,
                )

        asyncio.run(flow())

    def test_strange_status(self) -> None:
        """
        While in work the status is a word that is in no guide.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800, lag_seconds=100_000) as at:
                job = await at.create("status_strange")
                await at.settled(job)
                strange = await at.shown(job)
                await at.switch(lag_seconds=0)

                assert (strange["status"], (await at.shown(job))["status"]) == ("WARMING_UP", "COMPLETED")

        asyncio.run(flow())


class TestCancels:
    @pytest.mark.parametrize(
        ("word", "answered", "end"),
        [
            ("cancel_late", 200, "CANCELLED"),
            ("cancel_loses", 200, "COMPLETED"),
            ("cancel_refused", 409, "COMPLETED"),
            ("cancel_too_late", 409, "COMPLETED"),
        ],
    )
    def test_how_it_fares(self, word: str, answered: int, end: str) -> None:
        """
        A cancel comes late, loses, is refused, or meets the end.
        """

        async def flow() -> None:
            async with thunderbit(speed=50) as at:
                job = await at.create(word, urls=MANY)
                answer = await at.cancel(job)
                truth = await at.settled(job)

                assert (answer.status_code, truth["status"], at.told(job)) == (answered, end, [end])

        asyncio.run(flow())

    def test_unheard_and_misspelt(self) -> None:
        """
        A cancel is carried out and not answered, and the second one is; CANCELED has one L in status answers and the webhook.
        """

        async def flow() -> None:
            async with thunderbit(speed=20) as at:
                job = await at.create("cancel_unheard,cancelled_as_canceled", urls=MANY)
                with pytest.raises(httpx.RemoteProtocolError):
                    await at.cancel(job)
                again = await at.cancel(job)
                truth = await at.settled(job)

                assert again.status_code in {200, 409}
                assert (truth["status"], at.told(job)) == ("CANCELLED", ["CANCELED"])
                assert (await at.shown(job))["status"] == "CANCELED"

        asyncio.run(flow())


STATUS_WORDS = {
    # word: HTTP status and code, None for a page
    "status_404": (404, "JOB_NOT_FOUND"),
    "status_429": (429, "RATE_LIMIT_EXCEEDED"),
    "status_target_429": (429, "SCRAPE_TARGET_RATE_LIMITED"),
    "status_402": (402, "INSUFFICIENT_CREDITS"),
    "status_408": (408, "REQUEST_TIMEOUT"),
    "status_500": (500, "INTERNAL_ERROR"),
    "status_502": (502, None),
    "status_page_404": (404, None),
}


class TestStatusAnswers:
    def test_first_three(self) -> None:
        """
        Three status answers are the error that the word names; the fourth is well. Words come one after the other.
        """

        async def flow() -> None:
            async with thunderbit(speed=1) as at:
                job = await at.create(",".join(STATUS_WORDS))
                for word, (status, code) in STATUS_WORDS.items():
                    for answer in [await at.ask(job) for _ in range(3)]:
                        is_page = answer.headers["content-type"].startswith("text/html")
                        said = None if is_page else answer.json()["error"]["code"]
                        assert (answer.status_code, said) == (status, code), word
                assert (await at.shown(job))["status"] == "PENDING"
                assert (await at.truth(job))["gets"] == 3 * len(STATUS_WORDS) + 1

        asyncio.run(flow())

    def test_malformed(self) -> None:
        """
        Cut JSON, a page and another job come with 200, one after the other.
        """

        async def flow() -> None:
            async with thunderbit(speed=1) as at:
                job = await at.create("status_malformed")
                cut, page, other = [await at.ask(job) for _ in range(3)]

                assert {each.status_code for each in (cut, page, other)} == {200}
                with pytest.raises(json.JSONDecodeError):
                    cut.json()
                assert not job.endswith(other.json()["data"]["id"])
                assert page.text.startswith("<!doctype html>")
                assert (await at.ask(job)).json()["data"]["status"] == "PENDING"

        asyncio.run(flow())

    def test_no_answers(self) -> None:
        """
        The connection is cut, or the caller is kept waiting.
        """

        async def flow() -> None:
            async with thunderbit(speed=1, faulty_answers=1) as at:
                job = await at.create("status_cut,status_silent")
                with pytest.raises(httpx.RemoteProtocolError):
                    await at.ask(job)
                with pytest.raises(httpx.ReadTimeout):
                    await at.client.get(at.base + job, timeout=0.3)
                assert (await at.shown(job))["status"] == "PENDING"

        asyncio.run(flow())

    def test_stale(self) -> None:
        """
        The webhook has come, and status answers know of no end until 20 seconds of life later.
        """

        async def flow() -> None:
            async with thunderbit(speed=3) as at:
                job = await at.create("webhook_early,status_stale")

                async def is_told() -> bool:
                    return bool(at.told(job))

                async def knows() -> bool:
                    return bool((await at.shown(job))["status"] == "COMPLETED")

                await until(is_told)
                stale = await at.shown(job)
                await until(knows)
                assert (at.told(job), stale["status"]) == (["COMPLETED"], "PENDING")

        asyncio.run(flow())


class TestCreates:
    def test_lost_and_living(self) -> None:
        """
        Create is cut, broken or cut short; each time there is a job, and the caller does not know its id.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800) as at:
                with pytest.raises(httpx.RemoteProtocolError):
                    await at.post("create_lost")
                uncaught, malformed = await at.post("create_uncaught"), await at.post("create_malformed")
                jobs = await at.jobs()
                for job in jobs:
                    await at.settled(job["job_id"])

                assert (uncaught.status_code, uncaught.json()["error"]["code"]) == (500, "INTERNAL_ERROR")
                assert malformed.status_code == 200
                with pytest.raises(json.JSONDecodeError):
                    malformed.json()
                assert [job["scenario"] for job in jobs] == ["create_lost", "create_uncaught", "create_malformed"]
                assert not any(job["job_id"] in malformed.text for job in jobs)
                assert all(at.told(job["job_id"]) == ["COMPLETED"] for job in jobs)

        asyncio.run(flow())

    def test_unavailable(self) -> None:
        """
        Create is 503, and no job comes of it.
        """

        async def flow() -> None:
            async with thunderbit() as at:
                answer = await at.post("create_unavailable")

                assert (answer.status_code, answer.json()["error"]["code"]) == (503, "DOWNSTREAM_SERVICE_UNAVAILABLE")
                assert await at.jobs() == []

        asyncio.run(flow())
