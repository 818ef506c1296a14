"""The tagger as its own page describes it, where that is not what it does (contract 13)."""

import asyncio
import re

import httpx
from tagging import FAILING, GOOD, order, tagging

DOCUMENTED = {"mode": "as-documented"}


class TestDocumented:
    def test_starting(self) -> None:
        """
        A fixed text, an id with the time in it, a mapping that may be null, and 400 for a malformed body.
        """

        async def flow() -> None:
            async with tagging(**DOCUMENTED) as on:
                answers = [await on.client.post("/api/batch/start", json=order(*[GOOD] * rows)) for rows in (1, 2)]
                mapped = await on.client.post("/api/batch/start", json=order(GOOD, column_mapping=None))
                malformed = [
                    await on.client.post("/api/batch/start", content=body) for body in ("{", '{"documents": []}')
                ]

                assert len({answer.json()["message"] for answer in answers}) == 1
                assert all(re.fullmatch(r"batch-\d{10}-\w+", answer.json()["job_id"]) for answer in answers)
                assert mapped.status_code == 200
                assert [answer.status_code for answer in malformed] == [400, 400]
                assert all(isinstance(answer.json()["detail"], str) for answer in malformed)

        asyncio.run(flow())

    def test_status_and_active(self) -> None:
        """
        `total_documents` in both, no count of results; active has paused jobs, too, and says when they began.
        """

        async def flow() -> None:
            async with tagging(**DOCUMENTED, row_seconds=0) as on:
                job = await on.start(*[GOOD] * 300)
                await on.command(job, "pause")
                told = await on.reaches(job, "paused")
                (active,) = await on.active()

                assert list(told) == [
                    "job_id",
                    "status",
                    "progress",
                    "processed_count",
                    "failed_count",
                    "total_documents",
                ]
                assert active == told | {"started_at": active["started_at"]}
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", active["started_at"])

        asyncio.run(flow())

    def test_a_pause_is_one(self) -> None:
        """
        No row is done until it is resumed, for many looks at the slot, and then it goes on as processing.
        """

        async def flow() -> None:
            async with tagging(**DOCUMENTED, speed=200, row_seconds=0) as on:
                job = await on.start(GOOD, FAILING)
                await on.command(job, "pause")
                at = await on.reaches(job, "paused")
                many = [await on.status(job) for _ in range(50)]
                paused = await on.true_job(job)
                answer = await on.command(job, "resume")
                told = await on.sees(job, lambda told: bool(told["progress"] == 1))

                assert all(each == at for each in many)
                assert (paused["status"], paused["done"]) == ("paused", False)
                assert answer.json() == {"job_id": job, "message": f"Resume command sent to job {job}"}
                assert (told[0]["processed_count"], told[0]["failed_count"]) == (1, 1)

        asyncio.run(flow())

    def test_a_cancel_is_heard_in_the_last_row(self) -> None:
        """
        The only row finishes, and the job is cancelled.
        """

        async def flow() -> None:
            async with tagging(**DOCUMENTED, row_seconds=20) as on:
                job = await on.start(GOOD)
                await on.reaches(job, "processing")
                await on.command(job, "cancel")

                assert (await on.reaches(job, "cancelled"))["processed_count"] == 1

        asyncio.run(flow())

    def test_states_are_checked(self) -> None:
        """
        A command to an unknown id is a 404 and makes no ghost; in the wrong state it is a 409, and so is a known id.
        """

        async def flow() -> None:
            async with tagging(**DOCUMENTED, speed=1000) as on:
                job = await on.start(GOOD)
                await on.over(job)
                unknown = [await on.command("ghost", word) for word in ("cancel", "pause", "resume")]
                wrong = [await on.command(job, word) for word in ("cancel", "pause", "resume")]
                again = await on.client.post("/api/batch/start", json=order(GOOD, job_id=job))

                assert [(answer.status_code, answer.json()) for answer in unknown] == [
                    (404, {"detail": "Job not found"})
                ] * 3
                assert [answer.status_code for answer in wrong] == [409] * 3
                assert (await on.ask("ghost")).status_code == 404
                assert again.status_code == 409
                assert len((await on.truth())["jobs"]) == 1

        asyncio.run(flow())

    def test_a_missing_token_is_a_401(self) -> None:
        """
        As a bad one is.
        """

        async def flow() -> None:
            async with tagging(**DOCUMENTED) as on, httpx.AsyncClient(trust_env=False) as bare:
                answer = await bare.get(f"{on.box.url}/tagger/api/batch/active")

                assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})
                assert answer.headers["www-authenticate"] == "Bearer"

        asyncio.run(flow())

    def test_there_is_no_unknown(self) -> None:
        """
        What the mode as-is calls `unknown` is not found as documented.
        """

        async def flow() -> None:
            async with tagging() as on:
                await on.command("ghost", "cancel")
                asis = await on.status("ghost")
                await on.set(**DOCUMENTED)
                answer = await on.ask("ghost")

                assert asis["status"] == "unknown"
                assert (answer.status_code, answer.json()) == (404, {"detail": "Job not found"})

        asyncio.run(flow())
