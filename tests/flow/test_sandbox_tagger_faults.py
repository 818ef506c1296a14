"""What can go wrong with the tagger: stops, kills, lost state, stores that are down, a blocked loop, cut connections."""

import asyncio
import time
from typing import Any

import httpx
import pytest
from standing_in import until
from tagging import GOOD, UNKNOWN, Tagging, documents, order, tagging
from websockets.exceptions import InvalidStatus

PLAIN = (500, "text/plain; charset=utf-8", "Internal Server Error")
FOR_EVER = 1_000_000
MANY = [GOOD] * 300


def plain(answer: httpx.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.headers["content-type"], answer.text


async def running(on: Tagging, *paths: str) -> str:
    """A job of which a row is being worked on."""
    job = await on.start(*paths)
    await on.reaches(job, "processing")
    return job


class TestStopping:
    def test_a_graceful_stop(self) -> None:
        """
        What ran is `cancelled`, its counts as they were, and history keeps saying processing; what was over stays over.
        """

        async def flow() -> None:
            async with tagging(speed=1000, row_seconds=0) as on:
                over = await on.start(GOOD)
                await on.over(over)
                await on.set(row_seconds=FOR_EVER)
                job = await running(on, GOOD, GOOD)
                stopped = await on.control("stop")
                told, true = await on.status(job), await on.true_job(job)

                assert stopped.json() == {"stopped": [job]}
                assert told == {"job_id": job, "status": "cancelled"} | UNKNOWN | {"total": 2}
                assert (true["status"], true["done"], true["rows"]) == ("cancelled", True, ["pending", "pending"])
                assert [each["status"] for each in await on.history()] == ["processing", "completed"]
                assert (await on.status(over))["status"] == "completed"

        asyncio.run(flow())

    def test_a_hard_kill(self) -> None:
        """
        What ran says processing for ever, is active, and acknowledges a cancel that nobody reads; then its time is up.
        """

        async def flow() -> None:
            async with tagging(row_seconds=0) as on:
                job = await on.start(*MANY)
                await on.sees(job, lambda told: told["processed_count"] >= 1)
                killed = await on.control("kill")
                before = await on.status(job)
                cancelled = await on.command(job, "cancel")
                told = [await on.status(job) for _ in range(20)]
                true, active = await on.true_job(job), await on.active()
                (old,) = await on.history()
                await on.control(f"expire/{job}")

                assert (killed.json(), cancelled.status_code) == ({"killed": [job]}, 200)
                assert before["status"] == "processing"
                assert all(each == before for each in told)
                assert (true["status"], true["done"], true["told"], true["lost"]) == ("dead", True, "processing", False)
                assert [each["job_id"] for each in active] == [job]
                assert (old["status"], old["completed_at"]) == ("processing", None)
                assert (await on.ask(job)).json() == {"detail": "Job not found"}
                assert (await on.true_job(job))["lost"] is True

        asyncio.run(flow())

    def test_a_kill_cuts_whoever_waits(self) -> None:
        """
        A request that was not answered before the kill never is.
        """

        async def flow() -> None:
            async with tagging(row_seconds=FOR_EVER, blocking=True) as on:
                job = await on.start(GOOD)
                await on.truly(job, "processing")
                waiting = asyncio.create_task(on.ask(job))
                await until_asked(on, "status")
                await on.control("kill")

                with pytest.raises(httpx.TransportError):
                    await waiting
                assert (await on.status(job))["status"] == "processing"

        asyncio.run(flow())


class TestLosing:
    def test_the_time_is_up_while_it_runs(self) -> None:
        """
        First a 404, then `unknown` with the counts and no total, at last `completed` with no total, kept for ever.
        """

        async def flow() -> None:
            async with tagging(row_seconds=50) as on:
                job = await running(on, *[GOOD] * 20)
                await on.control(f"expire/{job}")
                gone = await on.ask(job)
                await on.set(row_seconds=2)
                await until_answered(on, job, 200)
                told = await on.sees(job, lambda told: bool(told["progress"] == 1))

                assert (gone.status_code, gone.json()) == (404, {"detail": "Job not found"})
                assert {each["status"] for each in told} == {"unknown", "completed"}
                assert {each["total"] for each in told} == {0}
                assert any(each["status"] == "unknown" and each["processed_count"] > 0 for each in told)
                assert (told[0]["processed_count"], told[0]["results_count"]) == (20, 20)
                true = await on.true_job(job)
                assert (true["status"], true["total"], true["lost"]) == ("completed", 20, True)

        asyncio.run(flow())

    def test_the_time_counts_from_the_start(self) -> None:
        """
        The state ends by itself, after the time that is set; a ghost does not, and history stays.
        """

        async def flow() -> None:
            async with tagging(speed=1000, row_seconds=0, ttl_seconds=300) as on:
                began = time.monotonic()
                job = await on.start(GOOD)
                await on.over(job)
                await until_answered(on, job, 404)
                lived = time.monotonic() - began
                await on.command(job, "cancel")

                assert lived >= 0.3
                assert (await on.status(job))["status"] == "unknown"
                assert [each["status"] for each in await on.history()] == ["completed"]

        asyncio.run(flow())

    def test_everything_is_lost(self) -> None:
        """
        All jobs and ghosts are a 404 at once, results too; what still runs comes back as `unknown`.
        """

        async def flow() -> None:
            async with tagging(row_seconds=200) as on:
                running_on = await running(on, GOOD, GOOD)
                done = await on.start("")
                await on.over(done)
                await on.command("ghost", "cancel")
                lost = await on.control("lose")
                gone = [(await on.ask(job)).status_code for job in (running_on, done, "ghost")]
                await until_answered(on, running_on, 200)

                assert sorted(lost.json()["lost"]) == sorted([running_on, done, "ghost"])
                assert gone == [404, 404, 404]
                assert (await on.status(running_on))["status"] in {"unknown", "completed"}
                assert (await on.true_job(done))["lost"] is True

        asyncio.run(flow())

    def test_one_is_lost(self) -> None:
        """
        State and results of that one; to lose what is not there is refused with advice.
        """

        async def flow() -> None:
            async with tagging(speed=600) as on:
                jobs = [await on.start(GOOD), await on.start(GOOD)]
                for job in jobs:
                    await on.over(job)
                await on.control(f"lose/{jobs[0]}")
                async with on.listening(jobs[0]) as socket:
                    caught = await socket.hears()
                again = [await on.control(f"lose/{jobs[0]}"), await on.control(f"expire/{jobs[0]}")]

                assert [(await on.ask(job)).status_code for job in jobs] == [404, 200]
                assert (caught["state"], caught["results"]) == ({}, [])
                assert [answer.status_code for answer in again] == [404, 404]
                assert "/tagger/sandbox/truth" in again[0].json()["error"]

        asyncio.run(flow())


class TestStores:
    def test_redis_is_down(self) -> None:
        """
        Whatever is about jobs is a plain-text 500, health and history are fine, and the worker dies at its next write.
        """

        async def flow() -> None:
            async with tagging(row_seconds=10) as on:
                job = await running(on, GOOD, GOOD)
                await on.set(redis_down=True)
                asked = [
                    await on.ask(job),
                    await on.client.get("/api/batch/active"),
                    await on.client.post("/api/batch/start", json=order(GOOD, job_id="never")),
                    *[await on.command(job, word) for word in ("cancel", "pause", "resume")],
                ]
                fine = [(await on.client.get(path)).status_code for path in ("/api/health", "/api/history/jobs")]
                await on.truly(job, "dead")
                await on.set(redis_down=False)

                assert [plain(answer) for answer in asked] == [PLAIN] * 6
                assert fine == [200, 200]
                assert (await on.status(job))["status"] == "processing"
                assert (await on.ask("never")).status_code == 404
                assert [each["status"] for each in await on.history()] == ["pending", "processing"]

        asyncio.run(flow())

    def test_postgresql_is_down(self) -> None:
        """
        Whoever has a good token gets a plain-text 500 and who has none a 401; logins are a 500 in JSON, health is fine.
        """

        async def flow() -> None:
            async with tagging(speed=1000) as on:
                job = await on.start(GOOD)
                await on.set(postgresql_down=True)
                good = [
                    await on.ask(job),
                    await on.client.get("/api/batch/active"),
                    await on.client.get("/api/auth/me"),
                ]
                bad = await on.client.get("/api/auth/me", headers={"Authorization": "Bearer x"})
                spent = {"refresh_token": on.tokens["refresh_token"]}
                closed = [await on.log_in(), await on.client.post("/api/auth/refresh", json=spent)]
                healthy = [(await on.client.get(path)).status_code for path in ("/api/health", "/api/status")]
                async with on.listening(job) as socket:
                    frames, _ = await socket.hears_until_closed()
                await on.truly(job, "completed")
                await on.set(postgresql_down=False)

                assert [plain(answer) for answer in good] == [PLAIN] * 3
                assert bad.status_code == 401
                assert [(answer.status_code, answer.json()["detail"]) for answer in closed] == [
                    (500, "Failed to login"),
                    (500, "Failed to refresh token"),
                ]
                assert healthy == [200, 200]
                assert list(frames[0]) == ["error", "job_id"]
                assert (await on.over(job))["status"] == "completed"

        asyncio.run(flow())

    def test_one_bad_row_stops_history(self) -> None:
        """
        A row without a path, or too long for its column: the job runs, and all history of it and later ones stays pending.
        """

        async def flow() -> None:
            async with tagging(speed=1000) as on:
                for bad in (
                    {"title": "no path"},
                    documents(f"https://x/{'x' * 1000}")[0],
                    {"title": "x" * 501} | GOOD_ROW,
                ):
                    jobs = [await on.start(documents=[bad]), await on.start(GOOD)]
                    for job in jobs:
                        await on.over(job)
                    later, spoiled = (await on.history())[:2]
                    db_job_ids = [(await on.true_job(job))["db_job_id"] for job in jobs]

                    assert [later["status"], spoiled["status"]] == ["pending", "pending"]
                    assert (later["processed_count"], later["failed_count"], later["total_documents"]) == (0, 0, 1)
                    assert db_job_ids == [None, later["id"]]
                    await on.control("stop")
                    await on.over(await on.start(GOOD))
                    assert (await on.history())[0]["status"] == "completed"

        asyncio.run(flow())


class TestHistory:
    def test_it_has_ids_of_its_own(self) -> None:
        """
        A job id is no history id; pages are newest first, and the total does not heed the filter.
        """

        async def flow() -> None:
            async with tagging(speed=1000) as on:
                jobs = [await on.start(GOOD), await on.start(GOOD), await on.start(*[GOOD] * 5)]
                for job in jobs:
                    await on.over(job)
                db_ids = [(await on.true_job(job))["db_job_id"] for job in jobs]
                pages = [
                    (await on.client.get(f"/api/history/jobs?{query}")).json()
                    for query in ("limit=1&offset=1", "status=completed", "status=COMPLETED")
                ]
                wrong = [
                    (await on.client.get(f"/api/history/jobs{rest}")).status_code
                    for rest in ("?limit=101", "?limit=0", "?offset=-1", "?limit=x", "/x", f"/{jobs[0]}")
                ]
                deleted = await on.client.delete(f"/api/history/jobs/{db_ids[0]}")
                gone = await on.client.get(f"/api/history/jobs/{db_ids[0]}")

                assert [each["id"] for each in pages[0]["jobs"]] == [db_ids[1]]
                assert (pages[0]["limit"], pages[0]["offset"]) == (1, 1)
                assert [(len(page["jobs"]), page["total"]) for page in pages] == [(1, 3), (3, 3), (0, 3)]
                assert wrong == [422, 422, 422, 422, 422, 404]
                assert (deleted.status_code, gone.status_code) == (200, 404)
                assert (await on.status(jobs[0]))["status"] == "completed"

        asyncio.run(flow())


class TestTrouble:
    def test_a_blocked_loop_answers_nobody(self) -> None:
        """
        While a row is worked on every request waits, health too; all that waited at once are counted.
        """

        async def flow() -> None:
            async with tagging(row_seconds=30, blocking=True) as on:
                job = await on.start(GOOD)
                await on.truly(job, "processing")
                before = (await on.true_job(job))["rows"]
                asks = [on.ask(job), on.ask(job), on.client.get("/api/health")]
                answers = await asyncio.gather(*asks)
                truth = await on.truth()

                assert before == ["pending"]
                assert truth["jobs"][0]["rows"] == ["success"]
                assert [answer.status_code for answer in answers] == [200, 200, 200]
                assert (truth["most_at_once"]["status"], truth["most_at_once"]["any"]) == (2, 3)
                assert truth["jobs"][0]["asks"] == {"status": 2}

        asyncio.run(flow())

    def test_one_poll_at_a_time_is_seen(self) -> None:
        """
        Who never asks twice at once is never counted as more than one.
        """

        async def flow() -> None:
            async with tagging(speed=600) as on:
                await on.over(await on.start(GOOD))

                assert set((await on.truth())["most_at_once"].values()) == {1}

        asyncio.run(flow())

    def test_resets(self) -> None:
        """
        So many requests are reset, and a 500 can spoil the next one on the same connection.
        """

        async def flow() -> None:
            async with tagging() as on:
                await on.set(resets=2)

                async def asked() -> Any:
                    try:
                        return (await on.client.get("/api/batch/active")).status_code
                    except httpx.TransportError:
                        return "reset"

                first = [await asked() for _ in range(3)]
                await on.set(redis_down=True, reset_after_500=True)
                second = [await asked() for _ in range(4)]

                assert first == ["reset", "reset", 200]
                assert second == [500, "reset", 500, "reset"]

        asyncio.run(flow())

    def test_starts_that_are_not_answered(self) -> None:
        """
        One is not carried out and one is, and neither caller is told: the id that was chosen tells them apart.
        """

        async def flow() -> None:
            async with tagging(speed=600, starts_not_accepted=1, starts_lost=1) as on:
                for job in ("never", "lost"):
                    with pytest.raises(httpx.TransportError):
                        await on.start(GOOD, job_id=job)
                answers = [(await on.ask(job)).status_code for job in ("never", "lost")]

                assert answers == [404, 200]
                assert [job["job_id"] for job in (await on.truth())["jobs"]] == ["lost"]
                assert await on.start(GOOD)

        asyncio.run(flow())

    def test_the_first_status_asks_fail(self) -> None:
        """
        The first so many about each job, whatever the job is doing.
        """

        async def flow() -> None:
            async with tagging(speed=600, status_failures=2) as on:
                for job in [await on.start(GOOD), await on.start(GOOD)]:
                    answers = [await on.ask(job) for _ in range(3)]

                    assert [answer.status_code for answer in answers] == [500, 500, 200]
                    assert plain(answers[0]) == PLAIN

        asyncio.run(flow())

    def test_a_proxy_that_leads_elsewhere(self) -> None:
        """
        Every path is the 404 that is not about a job.
        """

        async def flow() -> None:
            async with tagging(speed=600) as on:
                job = await on.start(GOOD)
                await on.set(routes_missing=True)
                answers = [await on.ask(job), await on.client.get("/api/health")]

                assert [(answer.status_code, answer.json()) for answer in answers] == [
                    (404, {"detail": "Not Found"})
                ] * 2
                with pytest.raises(InvalidStatus):
                    async with on.listening(job):
                        pass

        asyncio.run(flow())

    def test_switches_are_checked(self) -> None:
        """
        What is refused changes nothing, and says what is wanted; what is taken is answered with all switches.
        """

        async def flow() -> None:
            async with tagging() as on:
                before = (await on.client.get("/sandbox/switches")).json()
                for body, told in REFUSED:
                    answer = await on.client.post("/sandbox/switches", content=body)

                    assert answer.status_code == 400
                    assert told in answer.json()["error"]
                assert (await on.client.get("/sandbox/switches")).json() == before
                assert await on.set(mode="as-documented", resets=3) == before | {"mode": "as-documented", "resets": 3}

        asyncio.run(flow())


GOOD_ROW = {"file_path": GOOD}
REFUSED = [
    (b"{", "no JSON"),
    (b"[" * 100_000, "no JSON"),
    (b"\xff", "no JSON"),
    (b"[]", "no object"),
    (b'{"speed": 1}', 'There is no "speed". Known switches: mode, row_seconds,'),
    (b'{"mode": "as-it-was"}', "'as-is' or 'as-documented'"),
    (b'{"row_seconds": -1}', "row_seconds: Input should be greater than or equal to 0"),
    (b'{"row_seconds": NaN}', "row_seconds: Input should be a finite number"),
    (b'{"row_seconds": "1"}', "row_seconds: Input should be a valid number"),
    (b'{"blocking": 1, "resets": 1}', "blocking: Input should be a valid boolean"),
    (b'{"resets": true}', "resets: Input should be a valid integer"),
    (b'{"account": "gone"}', "'active', 'disabled' or 'deleted'"),
    (b'{"catchup_padding": 1000000000}', "less than or equal to 67108864"),
]


async def until_asked(on: Tagging, kind: str) -> None:
    """By the tagger's own count, which nothing blocks."""

    async def asked() -> bool:
        return bool((await on.truth())["asks"].get(kind))

    await until(asked)


async def until_answered(on: Tagging, job: str, status: int) -> None:
    async def answered() -> bool:
        return (await on.ask(job)).status_code == status

    await until(answered)
