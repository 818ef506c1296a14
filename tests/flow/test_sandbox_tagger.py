"""The tagger's jobs over real sockets, as they really are: starts, statuses, rows, and commands that do what they do."""

import asyncio
import time
import uuid
from typing import Any

from tagging import FAILING, GOOD, LLM_KEY, UNKNOWN, Tagging, documents, order, tagging

REFUSED: list[tuple[Any, int, Any]] = [
    (order(), 400, "No documents provided"),
    (order(GOOD, key=""), 400, "API key is required"),
    ({"documents": documents(GOOD), "config": {}}, 422, [("missing", "body.config.api_key")]),
    ({"config": {"api_key": LLM_KEY}}, 422, [("missing", "body.documents")]),
    (order(GOOD, column_mapping=None), 422, [("dict_type", "body.column_mapping")]),
    (
        {"documents": documents(GOOD), "config": {"api_key": LLM_KEY, "num_tags": 99, "num_pages": 0}},
        422,
        [("greater_than_equal", "body.config.num_pages"), ("less_than_equal", "body.config.num_tags")],
    ),
    ({"documents": documents(GOOD), "config": {"api_key": [LLM_KEY]}}, 422, [("string_type", "body.config.api_key")]),
    (order(GOOD, job_id=[{"api_key": LLM_KEY}]), 422, [("string_type", "body.job_id")]),
    ("{", 422, [("json_invalid", "body.0")]),
    ("[" * 100_000, 422, [("json_invalid", "body.0")]),
    ('{"documents": [{"title": "\\ud800"}]}', 422, [("json_invalid", "body.0")]),
]
TROUBLES = {
    FAILING: "Download failed: ",
    "https://unreadable.example/a.pdf": "Text extraction failed: ",
    "https://empty.example/a.pdf": "Insufficient text extracted from document",
    "https://limited.example/a.pdf": "Tag generation failed: RATE_LIMITED: ",
    "https://crashes.example/a.pdf": "Processing error: ",
    "https://stalls.example/a.pdf": "Processing timed out (5 minutes)",
}
BROKEN: list[dict[str, Any]] = [
    {"title": "a"},
    {"title": "a", "file_path": ""},
    {"title": "a", "file_path": None},
    {"title": None, "file_path": GOOD},
]


class TestStarting:
    def test_a_good_start(self) -> None:
        """
        200 with the id, the number of documents and a message; without an id, or with an empty one, it is a UUIDv4.
        """

        async def flow() -> None:
            async with tagging() as on:
                named = await on.client.post("/api/batch/start", json=order(GOOD, GOOD, GOOD, job_id="mine"))
                made = [await on.start(GOOD), await on.start(GOOD, job_id="")]

                assert named.status_code == 200
                assert named.json() == {
                    "job_id": "mine",
                    "total_documents": 3,
                    "message": "Started processing of 3 documents",
                }
                assert [uuid.UUID(job).version for job in made] == [4, 4]

        asyncio.run(flow())

    def test_refusals(self) -> None:
        """
        A text in `detail` for two of them, a list for the rest; no job comes of any, and the key of the LLM is not echoed.
        """

        async def flow() -> None:
            async with tagging() as on:
                for body, status, told in REFUSED:
                    sent = {"content": body} if isinstance(body, str) else {"json": body}
                    answer = await on.client.post("/api/batch/start", **sent)
                    found = answer.json()["detail"]
                    if isinstance(found, list):
                        found = [(each["type"], ".".join(map(str, each["loc"]))) for each in found]

                    assert (answer.status_code, found) == (status, told)
                    assert LLM_KEY not in answer.text
                assert (await on.truth())["jobs"] == []

        asyncio.run(flow())

    def test_an_id_with_a_slash_is_never_found(self) -> None:
        """
        It starts, and no path leads to it, also when percent-encoded: the text is not the one about jobs.
        """

        async def flow() -> None:
            async with tagging() as on:
                job = await on.start(GOOD, job_id="a/b")
                answers = [await on.ask("a/b"), await on.ask("a%2Fb")]

                assert [(answer.status_code, answer.json()) for answer in answers] == [
                    (404, {"detail": "Not Found"})
                ] * 2
                assert (await on.truly(job, "completed"))["succeeded"] == 1

        asyncio.run(flow())

    def test_posted_twice_it_runs_twice(self) -> None:
        """
        No 409: two workers share one state, the total is that of the second, and the results are of both.
        """

        async def flow() -> None:
            async with tagging(speed=60) as on:
                job = await on.start(GOOD, GOOD, GOOD, job_id="twice")
                await on.start(GOOD, GOOD, job_id=job)
                first = await on.over(job)
                told = (await on.sees(job, lambda told: told["results_count"] == 5))[0]
                runs = (await on.truth())["jobs"]

                assert first["total"] == told["total"] == 2
                assert [(run["job_id"], run["total"]) for run in runs] == [(job, 3), (job, 2)]

        asyncio.run(flow())

    def test_paths_and_methods(self) -> None:
        """
        The two 404s have two texts; a trailing slash is a 307 to an absolute address, a wrong method a 405.
        """

        async def flow() -> None:
            async with tagging() as on:
                unknown, nowhere = await on.ask("unknown"), await on.client.get("/api/batch/jobs/unknown")
                slashed = await on.client.get("/api/batch/jobs/unknown/status/")
                wrong = await on.client.get("/api/batch/start")

                assert (unknown.status_code, unknown.json()) == (404, {"detail": "Job not found"})
                assert (nowhere.status_code, nowhere.json()) == (404, {"detail": "Not Found"})
                assert (slashed.status_code, slashed.content) == (307, b"")
                assert slashed.headers["location"] == f"{on.box.url}/tagger/api/batch/jobs/unknown/status"
                assert (wrong.status_code, wrong.json()) == (405, {"detail": "Method Not Allowed"})
                assert wrong.headers["allow"] == "POST"

        asyncio.run(flow())


class TestRunning:
    def test_a_day_without_switches(self) -> None:
        """
        Three documents take ten seconds of life; progress is a fraction, and a failed row is not among the processed.
        """

        async def flow() -> None:
            async with tagging(speed=60) as on:
                began = time.monotonic()
                job = await on.start(GOOD, FAILING, "s3://bucket/annex.pdf")
                told = list(reversed(await on.sees(job, lambda told: bool(told["progress"] == 1))))
                lived = (time.monotonic() - began) * 60
                true = await on.true_job(job)
                (old,) = await on.history()

                assert told[-1] == {
                    "job_id": job,
                    "status": "completed",
                    "progress": 1.0,
                    "processed_count": 2,
                    "failed_count": 1,
                    "total": 3,
                    "results_count": 3,
                }
                assert lived >= 10
                assert {each["progress"] for each in told} <= {0, 1 / 3, 2 / 3, 1}
                assert {each["status"] for each in told} <= {"pending", "processing", "completed"}
                assert (true["status"], true["done"], true["told"], true["lost"]) == (
                    "completed",
                    True,
                    "completed",
                    False,
                )
                assert true["rows"] == ["success", "failed", "success"]
                assert (old["id"], old["status"], old["total_documents"]) == (true["db_job_id"], "completed", 3)
                assert (old["processed_count"], old["failed_count"]) == (2, 1)

        asyncio.run(flow())

    def test_counts_do_not_fit_for_a_moment(self) -> None:
        """
        A row's result is there before it is counted, and the end before the progress of 1: so they stand if writes take for ever.
        """

        async def flow() -> None:
            async with tagging(speed=1000, write_seconds=500, row_seconds=0) as on:
                worked, broken = await on.start(GOOD), await on.start("")
                await on.set(write_seconds=1_000_000)
                ahead = (await on.sees(worked, lambda told: told["results_count"] == 1))[0]
                ended = await on.reaches(broken, "completed")

                assert (ahead["status"], ahead["processed_count"], ahead["progress"]) == ("processing", 0, 0)
                assert (ended["failed_count"], ended["total"], ended["progress"]) == (1, 1, 0)

        asyncio.run(flow())

    def test_the_host_says_how_a_row_fails(self) -> None:
        """
        Each failing host has its text; a job of which every row failed is `completed` all the same.
        """

        async def flow() -> None:
            async with tagging(speed=3000) as on:
                job = await on.start(*TROUBLES)
                told = await on.over(job)
                async with on.listening(job) as socket:
                    results = (await socket.hears())["results"]
                errors = [row["error"] for row in results]

                assert (told["status"], told["processed_count"], told["failed_count"]) == ("completed", 0, 6)
                assert [(row["success"], row["tags"], row["metadata"]) for row in results] == [(False, [], {})] * 6
                assert [text.startswith(prefix) for text, prefix in zip(errors, TROUBLES.values(), strict=True)] == [
                    True
                ] * 6

        asyncio.run(flow())

    def test_with_a_wrong_key_every_row_fails(self) -> None:
        """
        A key is not looked at before the first row. It is never shown, in the truth neither: only whether it was good.
        """

        async def flow() -> None:
            async with tagging(speed=1000) as on:
                wrong, good = await on.start(GOOD, key="wrong"), await on.start(GOOD)
                ends = [await on.over(wrong), await on.over(good)]
                truth = await on.client.get("/sandbox/truth")
                old = await on.client.get(f"/api/history/jobs/{(await on.true_job(good))['db_job_id']}")

                assert [(told["status"], told["failed_count"]) for told in ends] == [("completed", 1), ("completed", 0)]
                assert [run["key_good"] for run in truth.json()["jobs"]] == [False, True]
                assert old.json()["config"]["num_tags"] == 8
                assert LLM_KEY not in truth.text + old.text

        asyncio.run(flow())

    def test_rows_that_fail_before_they_are_processed(self) -> None:
        """
        They are accepted, count as failed, leave no result and do not move the progress.
        """

        async def flow() -> None:
            async with tagging(speed=600) as on:
                job = await on.start(documents=[*documents(GOOD), *BROKEN])
                told = await on.sees(job, lambda told: bool(told["progress"] == 1))
                true = await on.true_job(job)

                assert (told[0]["processed_count"], told[0]["failed_count"], told[0]["results_count"]) == (1, 4, 1)
                assert {each["progress"] for each in told} <= {0, 1 / 5, 1}
                assert (told[0]["status"], true["rows"]) == ("completed", ["success"] + ["failed"] * 4)

        asyncio.run(flow())

    def test_the_whole_job_fails(self) -> None:
        """
        Without a client for the LLM it is `failed`, nothing counted; history has the reason, and its rows are pending.
        """

        async def flow() -> None:
            async with tagging() as on:
                job = await on.start(documents=documents(GOOD), config={"api_key": "k", "model_name": "sandbox/broken"})
                told = await on.reaches(job, "failed")
                old = (await on.client.get(f"/api/history/jobs/{(await on.true_job(job))['db_job_id']}")).json()

                assert told == {"job_id": job, "status": "failed"} | UNKNOWN | {"total": 1}
                assert old["status"] == "failed"
                assert old["error_message"]
                assert [row["status"] for row in old["documents"]] == ["pending"]

        asyncio.run(flow())


class TestCommands:
    def test_cancel_between_rows(self) -> None:
        """
        The row in work finishes and no other begins; the progress keeps its fraction.
        """

        async def flow() -> None:
            async with tagging(row_seconds=0) as on:
                job = await on.start(*[GOOD] * 300)
                seen = (await on.sees(job, lambda told: told["processed_count"] >= 2))[0]
                answer = await on.command(job, "cancel")
                told = await on.reaches(job, "cancelled")
                afterwards = [(await on.command(job, word)).status_code for word in ("cancel", "resume")]

                assert (answer.status_code, answer.json()) == (200, {"message": f"Cancel command sent to job {job}"})
                assert seen["processed_count"] <= told["processed_count"] < 300
                assert told["progress"] == told["processed_count"] / 300
                assert told["results_count"] == told["processed_count"]
                assert (afterwards, await on.status(job)) == ([200, 200], told)
                assert (await on.true_job(job))["status"] == "cancelled"
                assert [job["status"] for job in await on.history()] == ["cancelled"]

        asyncio.run(flow())

    def test_cancel_during_the_last_row_is_ignored(self) -> None:
        """
        It is acknowledged, and the job ends as completed.
        """

        async def flow() -> None:
            async with tagging(row_seconds=20) as on:
                job = await on.start(GOOD)
                await on.reaches(job, "processing")
                answer = await on.command(job, "cancel")
                told = await on.over(job)

                assert (answer.status_code, told["status"], told["processed_count"]) == (200, "completed", 1)

        asyncio.run(flow())

    def test_commands_change_nothing_about_what_is_over(self) -> None:
        """
        Each is a 200, and the job stays as it ended.
        """

        async def flow() -> None:
            async with tagging(speed=1000) as on:
                job = await on.start(GOOD)
                before = await on.over(job)
                answers = [(await on.command(job, word)).status_code for word in ("cancel", "pause", "resume")]

                assert answers == [200, 200, 200]
                assert await on.status(job) == before

        asyncio.run(flow())

    def test_a_command_to_nobody_makes_a_ghost(self) -> None:
        """
        From then on its status is a 200 that says unknown, and it has no end.
        """

        async def flow() -> None:
            async with tagging(ttl_seconds=0) as on:
                for word in ("cancel", "pause", "resume"):
                    ghost = f"ghost-{word}"
                    before = (await on.ask(ghost)).status_code
                    answer = await on.command(ghost, word)

                    assert (before, answer.status_code) == (404, 200)
                    assert answer.json() == {"message": f"{word.capitalize()} command sent to job {ghost}"}
                    assert await on.status(ghost) == {"job_id": ghost, "status": "unknown"} | UNKNOWN
                assert (await on.truth())["ghosts"] == ["ghost-cancel", "ghost-pause", "ghost-resume"]
                assert await on.active() == []

        asyncio.run(flow())

    def test_a_left_over_command_hits_the_next_run(self) -> None:
        """
        The slot is not cleared by a start: a cancel after the end cancels the same id when it is posted again.
        """

        async def flow() -> None:
            async with tagging(speed=1000) as on:
                job = await on.start(GOOD)
                await on.over(job)
                await on.command(job, "cancel")
                await on.start(GOOD, job_id=job)

                assert (await on.reaches(job, "cancelled"))["processed_count"] == 0

        asyncio.run(flow())

    def test_a_later_command_takes_the_place_of_an_earlier_one(self) -> None:
        """
        There is one slot: a resume wipes a cancel that nobody has read.
        """

        async def flow() -> None:
            async with tagging(row_seconds=30) as on:
                job = await on.start(GOOD, GOOD)
                await on.reaches(job, "processing")
                await on.command(job, "cancel")
                await on.command(job, "resume")

                assert (await on.over(job))["status"] == "completed"

        asyncio.run(flow())


class TestPausing:
    def test_it_stops_for_a_second_and_goes_on_as_paused(self) -> None:
        """
        Rows go on while the status says paused, to the end; a later resume is dropped, and the job is not active.
        """

        async def flow() -> None:
            async with tagging(speed=50, row_seconds=0) as on:
                job = await on.start(*[GOOD] * 40)
                await on.sees(job, lambda told: told["processed_count"] >= 3)
                assert [each["job_id"] for each in await on.active()] == [job]
                await on.command(job, "pause")
                at = (await on.reaches(job, "paused"))["processed_count"]
                moved = (await on.sees(job, lambda told: told["processed_count"] > at))[0]
                true, active = await on.true_job(job), await on.active()
                resumed = await on.command(job, "resume")
                told = await on.sees(job, lambda told: bool(told["progress"] == 1))

                assert (moved["status"], true["status"], active) == ("paused", "processing", [])
                assert resumed.status_code == 200
                assert {each["status"] for each in told} == {"paused", "completed"}
                assert (told[0]["processed_count"], told[0]["failed_count"]) == (40, 0)

        asyncio.run(flow())

    def test_inside_the_second_commands_are_heard(self) -> None:
        """
        A resume makes it `processing` again, and a cancel ends it without another row.
        """

        async def resumed(on: Tagging) -> None:
            job = await on.start(*[GOOD] * 4)
            await on.command(job, "pause")
            await on.reaches(job, "paused")
            await on.command(job, "resume")
            await on.reaches(job, "processing")

        async def cancelled(on: Tagging) -> None:
            job = await on.start(*[GOOD] * 4)
            await on.command(job, "pause")
            at = await on.reaches(job, "paused")
            await on.command(job, "cancel")
            assert (await on.reaches(job, "cancelled"))["processed_count"] == at["processed_count"]

        async def flow() -> None:
            async with tagging(speed=1, row_seconds=0, write_seconds=0.2) as on:
                await asyncio.gather(resumed(on), cancelled(on))

        asyncio.run(flow())

    def test_who_keeps_asking_really_holds_it(self) -> None:
        """
        While pauses keep coming no row is done, for longer than one pause is; then it goes on.
        """

        async def flow() -> None:
            async with tagging(speed=2, row_seconds=0) as on:
                job = await on.start(*[GOOD] * 3)
                await on.command(job, "pause")
                at = (await on.reaches(job, "paused"))["processed_count"]
                until = asyncio.get_running_loop().time() + 1.1
                while asyncio.get_running_loop().time() < until:
                    await on.command(job, "pause")
                held = (await on.status(job))["processed_count"]

                assert held == at
                assert (await on.true_job(job))["status"] == "paused"
                await on.sees(job, lambda told: told["processed_count"] > at)

        asyncio.run(flow())


class TestSharing:
    def test_anybody_controls_any_job(self) -> None:
        """
        Status, cancel and socket are open to every account; active and history are one's own.
        """

        async def flow() -> None:
            async with tagging(row_seconds=0) as on:
                other = {"headers": await on.second_account()}
                job = await on.start(*[GOOD] * 300)
                true = await on.true_job(job)
                await on.reaches(job, "processing")
                mine, theirs = await on.active(), await on.active(**other)
                old = await on.client.get(f"/api/history/jobs/{true['db_job_id']}", **other)
                asked, cancelled = await on.ask(job, **other), await on.command(job, "cancel", **other)
                async with on.listening(job, token=other["headers"]["Authorization"].split()[1]) as socket:
                    caught = await socket.hears()

                assert list(mine[0]) == ["job_id", "status", "progress", "processed_count", "failed_count", "total"]
                assert (len(mine), theirs, old.status_code) == (1, [], 403)
                assert (asked.status_code, cancelled.status_code, caught["type"]) == (200, 200, "catchup")
                await on.reaches(job, "cancelled")

        asyncio.run(flow())

    def test_some_ids_are_never_active(self) -> None:
        """
        The search for states passes over ids that look like the keys of something else.
        """

        async def flow() -> None:
            async with tagging(row_seconds=100) as on:
                for job in ("a:results", "a:progress", "plain"):
                    await on.reaches(await on.start(GOOD, job_id=job), "processing")

                assert [each["job_id"] for each in await on.active()] == ["plain"]

        asyncio.run(flow())
