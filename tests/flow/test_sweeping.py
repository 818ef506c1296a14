"""The sweep: on an account with history nothing is fetched that is not ours, and what is ours is found."""

import asyncio
from typing import Any

import pytest
from service import DEFAULT_ENDPOINT_ID, Provider, Stage, batch, listed, said, service, stage, until
from sqlalchemy import func, select

from operators.clock import now
from schemas.ids import shown
from schemas.tables import JobRow, SubmissionRow
from storage import submissions
from storage.rows import table

OFTEN = {"sweep_seconds": 0.1}
ROW = b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-5","messages":[]}}\n'


async def swept(on: Stage, times: int = 3) -> dict[str, Any]:
    """The source as operators see it once so many sweeps have been shown; the third began no earlier than this."""
    seen: set[str] = set()

    async def enough() -> dict[str, Any] | None:
        source = await on.service.source()
        seen.update({source["list"]["swept_at"]} - {None})
        return source if len(seen) >= times else None

    found: dict[str, Any] = await until(enough, f"{times} sweeps")
    return found


async def known(on: Stage) -> int:
    async with on.service.store.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(table(JobRow))) or 0


@pytest.mark.parametrize("adopt", ["none", "signed", "all"])
def test_an_account_with_300_old_batches(adopt: str) -> None:
    """Whatever the policy, of three hundred old batches none is fetched or becomes a job. Operators see how many are shown, a
    hundred of each status at most, and for which there may be more. A job of ours lives through its whole life beside them.
    """

    async def flow() -> None:
        async with stage(old_batches=300, more={"adopt": adopt, **OFTEN}) as on:
            old = set(await on.truth())
            ours = await on.watched()
            await on.service.settles(ours)
            source = await swept(on)
            asked = await on.requests()

            assert len(old) == 300
            assert await known(on) == 1
            assert not [path for path in asked if any(job in path for job in old)]
            assert {path.split("/")[2] for path in asked} == {"batches", "files", "webhook-endpoints"}
            named = [output["file_id"] for output in (await on.service.view(ours))["outputs"]]
            files = {f"GET /v1/files/{name}{what}" for name in named for what in ("", "/content")}
            assert {path for path in asked if "/files" in path} == files
            assert source["orphans"] == {"batch": 99 + 50 + 50}, "completed beside ours, failed, expired"
            assert source["list"]["shows_all"] is False
            assert source["list"]["message"].startswith("its page is full for completed; jobs whose creation hangs ")
            assert all(truth["gets"] == 0 for job, truth in (await on.truth()).items() if job in old)

    asyncio.run(flow())


@pytest.mark.parametrize(("adopt", "adopted"), [("none", False), ("signed", False), ("all", True)])
def test_a_new_batch_of_somebody_elses(adopt: str, adopted: bool) -> None:
    """Only `adopt = "all"` takes on a batch that the list shows and nobody told of, and then only one made since we listen."""

    async def flow() -> None:
        async with stage(old_batches=5, more={"adopt": adopt, **OFTEN}) as on:
            await swept(on, 1)
            theirs = await on.create(webhook_endpoint_id=None)
            source = await swept(on)

            assert source["orphans"] == {"batch": 5 if adopted else 6}
            assert (source["list"]["shows_all"], source["list"]["message"]) == (True, None)
            if adopted:
                (view,) = await on.service.settles(theirs)
                assert (view["status"], view["origin"], view["failures"]) == ("completed", "sweep", [])
            else:
                assert await known(on) == 0
                assert (await on.truth())[theirs]["gets"] == 0

    asyncio.run(flow())


WORDS = ["pending", "in_progress", "cancelled", "failed", "expired", "completed"]


@pytest.mark.parametrize("obeys", [True, False])
def test_status_by_status(obeys: bool) -> None:
    """A full page is followed by one for each status, each with one word that the gateway knows; none is followed by nothing.
    A gateway that does not obey the first is asked no further, and what it showed all the same is taken in.
    """

    async def flow() -> None:
        newest = [batch(f"batch_{number}", "failed") for number in range(100)]
        hidden = batch("batch_hidden", "cancelling")

        def script(asked: Any) -> bytes:
            if not asked.is_list:
                return said(batch(asked.job_id))
            word = asked.target.partition("&status=")[2]
            if not obeys:
                return listed(*newest[:-1], hidden) if word else listed(*newest)
            return listed(*{"": newest, "failed": newest, "in_progress": [hidden]}.get(word, []))

        async with (
            Provider(script, has_list=True).listening() as provider,
            service(provider.base_url, more=OFTEN) as running,
        ):

            async def seen() -> dict[str, Any] | None:
                source = await running.source()
                return source if source["orphans"] == {"batch": 101} else None

            source = await until(seen, "the hidden one to be seen")
            await until(lambda: _lists(provider, 21), "three sweeps")
            words = [asked.target.partition("/v1/batches?limit=100")[2] for asked in provider.lists()]
            once = ["", *(f"&status={word}" for word in (WORDS if obeys else WORDS[:1]))]

            assert words == (once * 21)[: len(words)]
            assert source["list"]["shows_all"] is False
            assert ("page is full for failed" in source["list"]["message"]) is obeys
            assert ("did not obey its filter status=pending" in source["list"]["message"]) is not obeys

    asyncio.run(flow())


def test_trouble_on_the_way() -> None:
    """A sweep that ends early takes in what it has seen, and says what ended it; the next one that is whole says nothing."""

    async def flow() -> None:
        full, looked_at = listed(*(batch(f"batch_{number}", "failed") for number in range(100))), asyncio.Event()
        answers = iter([full, said(b"Internal Server Error", 500)])

        async def script(_: Any) -> bytes:
            answer = next(answers, None)
            if answer is None:
                await looked_at.wait()
            return answer or listed(batch("batch_1"))

        async with (
            Provider(script, has_list=True).listening() as provider,
            service(provider.base_url, more=OFTEN) as running,
        ):

            async def told() -> str | None:
                message: str | None = (await running.source())["list"]["message"]
                return message

            message = await until(told, "the trouble to be shown")
            assert (await running.source())["orphans"] == {"batch": 100}
            assert message.endswith("; it ended early (gateway): HTTP 500: Internal Server Error")
            looked_at.set()

            async def whole() -> bool:
                return (await running.source())["list"]["shows_all"] and await told() is None

            await until(whole, "the next sweep to be whole")

    asyncio.run(flow())


def test_a_source_without_jobs_is_tried_by_the_sweep() -> None:
    """Where no job is there to be asked about, the sweep finds out that a source is back; where one is, the job does."""

    async def flow() -> None:
        away = True

        def script(_: Any) -> bytes:
            return said(b"Internal Server Error", 500) if away else listed()

        start = now()
        async with (
            Provider(script, has_list=True).listening() as provider,
            service(provider.base_url, more=OFTEN, clock=lambda: start + (now() - start) * 20) as running,
        ):

            async def circuit(*words: str) -> bool:
                return (await running.source())["circuit"] in words

            await until(lambda: circuit("open", "trying"), "the circuit to open")
            away = False
            await until(lambda: circuit("closed"), "the sweep to find out that the source is back")
            away = True
            await running.track("batch_1")
            await until(lambda: circuit("open", "trying"), "the circuit to open again")
            seen, tries = len(provider.lists()), len(provider.about("batch_1"))
            await until(lambda: _about(provider, "batch_1", tries + 3), "the job to try it")

            assert len(provider.lists()) <= seen + 1

    asyncio.run(flow())


def test_no_more_than_the_limit() -> None:
    """`adopt = "all"` takes on no more open jobs than `adopt_limit`; the others are counted."""

    async def flow() -> None:
        open_jobs = [batch(f"batch_{number}", created_at="2999-01-01T00:00:00Z") for number in range(5)]

        def script(asked: Any) -> bytes:
            return listed(*open_jobs) if asked.is_list else said(batch(asked.job_id))

        more = {"adopt": "all", "adopt_limit": 2, **OFTEN}
        async with (
            Provider(script, has_list=True).listening() as provider,
            service(provider.base_url, more=more) as running,
        ):

            async def three_left() -> bool:
                return (await running.source())["orphans"] == {"batch": 3}

            await until(three_left, "three orphans")
            await until(lambda: _asked(provider, 2), "two jobs to be asked about")
            seen = len(provider.lists())
            await until(lambda: _lists(provider, seen + 3), "more sweeps")
            assert len({asked.job_id for asked in provider.asked if asked.job_id}) == 2

    asyncio.run(flow())


async def _asked(provider: Provider, many: int) -> bool:
    return len({asked.job_id for asked in provider.asked if asked.job_id}) >= many


async def _lists(provider: Provider, many: int) -> bool:
    return len(provider.lists()) >= many


@pytest.mark.parametrize("adopt", ["none", "signed", "all"])
def test_a_create_whose_answer_was_lost(adopt: str) -> None:
    """A batch that a submission of ours made is found by its input file, whatever the policy, and belongs to it from then on."""

    async def flow() -> None:
        async with stage(old_batches=20, more={"adopt": adopt, **OFTEN}) as on:
            upload = await on.client.post("/v1/files", files={"file": ("a.jsonl", ROW)}, data={"purpose": "batch"})
            file_id = upload.json()["id"]
            number = await _unconfirmed(on, file_id)
            order = {
                "input_file_id": file_id,
                "endpoint": "/v1/chat/completions",
                "webhook_endpoint_id": DEFAULT_ENDPOINT_ID,
                "metadata": {"batchkeeper_submission": shown("sub", number), "scenario": "webhook_lost"},
            }
            made = (await on.client.post("/v1/batches", json=order)).json()["id"]

            job = await on.service.reaches(made, "completed")
            async with on.service.store.reading() as connection:
                submission = await submissions.get(connection, number)

            assert (job.origin, job.submission_id, job.has_webhook) == ("sweep", number, 1)
            assert submission is not None
            assert (submission.state, submission.job_id, submission.message) == ("created", made, None)
            assert await known(on) == 1

    asyncio.run(flow())


async def _unconfirmed(on: Stage, file_id: str) -> int:
    """A submission as it stands when the answer to its create was lost."""
    number = on.service.store.new_id()
    row = SubmissionRow(
        id=number,
        source="gateway",
        state="unconfirmed",
        input_name="a.jsonl",
        input_sha256="0" * 64,
        input_bytes=len(ROW),
        row_count=1,
        input_file_id=file_id,
        message="no whole answer within 30 s",
        created_at=now(),
        updated_at=now(),
    )
    async with on.service.store.writing() as connection:
        await submissions.store(connection, row)
    return number


def test_an_end_that_the_list_shows() -> None:
    """A job that a sweep shows ended is asked about at once, long before its turn; its own answer ends it, not the list."""

    async def flow() -> None:
        statuses = {"list": "in_progress", "own": "in_progress"}

        def script(asked: Any) -> bytes:
            if asked.is_list:
                return listed(batch("batch_a", statuses["list"]))
            return said(batch("batch_a", statuses["own"], provider="anthropic"))

        slow = {"poll_seconds": 600, "poll_cap_seconds": 600, "first_poll_seconds": 600}
        async with (
            Provider(script, has_list=True).listening() as provider,
            service(provider.base_url, slow, more=OFTEN) as running,
        ):
            await running.track("batch_a")
            await running.reaches("batch_a", "running")
            assert len(provider.about("batch_a")) == 1
            statuses["list"] = "completed"
            await until(lambda: _about(provider, "batch_a", 2), "the job to be asked about again")
            before = await running.view("batch_a")
            seen = len(provider.lists())
            await until(lambda: _lists(provider, seen + 5), "the list to say it again and again")
            asked_since = len(provider.about("batch_a"))
            statuses["own"] = "completed"
            job = await running.reaches("batch_a", "completed")

            assert before["status"] == "running"
            assert asked_since <= 3, "a claim that was heard is not heard anew from every list"
            assert job.ended_by == "poll"
            assert "list" in {seen["asked"] for seen in (await running.view("batch_a"))["observations"]}

    asyncio.run(flow())


async def _about(provider: Provider, job_id: str, many: int) -> bool:
    return len(provider.about(job_id)) >= many
