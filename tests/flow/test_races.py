"""Poll answers and webhooks race on every job. Whichever comes first, the end is the same, and nothing is counted twice."""

import asyncio
import itertools
import json
import time
from typing import Any

import pytest
from service import (
    Asked,
    Provider,
    Service,
    account,
    batch,
    event,
    ever_told,
    file_of,
    reconciling,
    said,
    service,
    stage,
    told,
    until,
)
from submitted import submitted

pytestmark = pytest.mark.both_stores

SLOW = {"poll_seconds": 60, "poll_cap_seconds": 60, "first_poll_seconds": 60}


async def judged(running: Service, job: str, count: int = 1) -> list[dict[str, Any]]:
    """Wait until all that came about a job has been judged."""

    async def so() -> list[dict[str, Any]]:
        if sum(row["times_received"] for row in await of_it()) < count:
            return []
        async with running.store.reading() as connection:
            left = await connection.exec_driver_sql("SELECT count(*) FROM receipts WHERE verdict IS NULL")
            if left.scalar_one():
                return []
        return await of_it()  # as they are now: the first look may have been before the verdicts

    async def of_it() -> list[dict[str, Any]]:
        return [row for row in await running.deliveries() if row["job_id"] == job]

    found: list[dict[str, Any]] = await until(so, f"{count} receipts about {job} to be judged")
    return found


async def submit(running: Service, folder: Any) -> str:
    rows = folder / "rows.jsonl"
    row = {"custom_id": "a", "method": "POST", "url": "/v1/responses", "body": {"model": "gpt-5", "input": "hello"}}
    rows.write_text(json.dumps(row) + "\n")
    return (await submitted(running, rows)).job_id


def test_a_webhook_before_the_answer_to_the_create(tmp_path: Any) -> None:
    """A job that is announced, and ended, while its create is unanswered: one job, with its submission, that ends right."""

    async def flow() -> None:
        answered = asyncio.Event()

        async def script(asked: Asked) -> bytes:
            if asked.method == "POST" and asked.target.endswith("/files"):
                return said({"id": "file-in", "object": "file"})
            if asked.method == "POST":
                for body in (event("batch_new", "pending", "created"), event("batch_new", "completed")):
                    assert (await running.deliver(body)).status_code == 202
                await running.reaches("batch_new", "completed")
                answered.set()
                return said(batch("batch_new", "validating"))
            return file_of(asked) or said(batch("batch_new", "completed", webhook=account()))

        async with Provider(script).listening() as provider, service(provider.base_url) as running:
            assert await submit(running, tmp_path) == "batch_new"
            (view,) = await running.settles("batch_new")

            assert answered.is_set()
            assert (view["status"], view["origin"], ever_told(view)) == ("completed", "delivery", set())
            assert view["submission"] is not None
            assert {row["delivery_key"] for row in view["deliveries"]} == {"batch.created", "batch.completed"}

    asyncio.run(flow())


def test_a_question_that_itself_makes_the_gateway_send_its_webhook() -> None:
    """The GET that finds the end fires the webhook while its own answer is on the way: one end, nothing asked once more."""

    async def flow() -> None:
        fired: set[str] = set()

        def script(order: str) -> Any:
            async def answer(asked: Asked) -> bytes:
                if found := file_of(asked):
                    return found
                if asked.job_id not in fired:
                    fired.add(asked.job_id)
                    sending = asyncio.create_task(running.deliver(event(asked.job_id, "completed")))
                    if order == "webhook first":
                        await sending
                        await judged(running, asked.job_id)
                    else:
                        late.append(sending)
                return said(batch(asked.job_id, "completed", webhook=account()))

            return answer

        late: list[asyncio.Task[Any]] = []
        for order, job in (("webhook first", "batch_a"), ("answer first", "batch_b")):
            async with Provider(script(order)).listening() as provider, service(provider.base_url) as running:
                await running.track(job)
                (view,) = await running.settles(job)
                await asyncio.gather(*late)

                assert (view["status"], view["revision"], ever_told(view)) == ("completed", 1, set())
                assert [move["to"] for move in view["transitions"]] == ["completed"]
                assert len(provider.about(job)) == 1, "our own question brought the webhook: it needs no other"

    asyncio.run(flow())


def test_64_copies_at_once_while_the_job_is_asked_about() -> None:
    """One row, 64 receipts, every answer 2xx, exactly one of them new; the job ends once and is not asked about 64 times."""

    async def flow() -> None:
        script = _Changing("in_progress")
        async with Provider(script).listening() as provider, service(provider.base_url) as running:
            await running.track("batch_a")
            await running.reaches("batch_a", "running")
            script.status = "completed"
            body = event("batch_a", "completed")
            answers = await asyncio.gather(*(running.deliver(body) for _ in range(64)))
            (view,) = await running.settles("batch_a")
            (delivery,) = await judged(running, "batch_a", 64)

            assert sorted(answer.status_code for answer in answers) == [200] * 63 + [202]
            assert sum(not answer.json()["duplicate"] for answer in answers) == 1
            assert len({answer.json()["receipt"] for answer in answers}) == 64
            assert len({answer.json()["delivery"] for answer in answers}) == 1
            assert delivery["times_received"] == 64
            assert (view["status"], view["revision"], ever_told(view)) == ("completed", 1, set())
            assert len(provider.about("batch_a")) < 16

    asyncio.run(flow())


def test_a_backlog_is_worked_off_without_shutting_the_receiver_out() -> None:
    """Two hundred receipts that waited for a reconciler: while it judges them, new ones are taken in after a moment each."""

    async def flow() -> None:
        async with (
            Provider(_Changing("in_progress")).listening() as provider,
            service(provider.base_url, SLOW, reconciles=False) as running,
        ):
            jobs = [f"batch_{number}" for number in range(20)]
            for job in jobs:
                await running.track(job)
            for start in range(0, 200, 50):
                keys = range(start, start + 50)
                await asyncio.gather(
                    *(running.deliver(event(jobs[key % 20], "completed", f"progress:{key}")) for key in keys)
                )
            waits, backlog = [], await _newest_waiting(running) or 0
            async with reconciling(running.reconciler):
                began = time.monotonic()
                while await _newest_waiting(running, backlog):
                    asked = time.monotonic()
                    answer = await running.deliver(event("batch_0", "completed", f"progress:{1000 + len(waits)}"))
                    waits.append(time.monotonic() - asked)
                    assert answer.status_code == 202, (answer.text, waits[-3:], running.logged[-3:])
                    await asyncio.sleep(0.02)
                took = time.monotonic() - began

            assert len(waits) > 2
            assert max(waits) < took / 3, "one turn of the judge kept everybody else from writing"

    asyncio.run(flow())


async def _newest_waiting(running: Service, until_id: int = 1 << 62) -> int | None:
    """The newest receipt without a verdict, of those up to one."""
    statement = f"SELECT max(id) FROM receipts WHERE verdict IS NULL AND id <= {until_id}"  # noqa: S608
    async with running.store.reading() as connection:
        newest: int | None = (await connection.exec_driver_sql(statement)).scalar_one()
        return newest


class _Changing:
    """A provider whose one word of status the test changes."""

    def __init__(self, status: str) -> None:
        self.status = status

    def __call__(self, asked: Asked) -> bytes:
        return file_of(asked) or said(batch(asked.job_id, self.status))


def test_evidence_that_comes_while_an_answer_is_on_its_way_is_not_lost() -> None:
    """An answer that left before the webhook and says open does not settle it: the job is asked about again at once."""

    async def flow() -> None:
        hold, held = asyncio.Event(), asyncio.Event()

        async def script(asked: Asked) -> bytes:
            if found := file_of(asked):
                return found
            if not held.is_set():
                held.set()
                await hold.wait()
                return said(batch("batch_a", "in_progress"))
            return said(batch("batch_a", "completed", webhook=account()))

        async with Provider(script).listening() as provider, service(provider.base_url, SLOW) as running:
            await running.track("batch_a")
            await held.wait()
            await running.deliver(event("batch_a", "completed"))
            await judged(running, "batch_a")
            hold.set()
            await running.reaches("batch_a", "completed")
            (view,) = await running.settles("batch_a")

            assert [move["to"] for move in view["transitions"]] == ["running", "completed"]
            assert len(provider.about("batch_a")) == 2
            assert provider.about("batch_a")[1].at - provider.about("batch_a")[0].at < 20

    asyncio.run(flow())


def test_evidence_that_comes_while_a_cancel_is_on_its_way_is_not_lost() -> None:
    """A webhook about the end while a cancel is unanswered, and then refused: the claimed end stays claimed until confirmed."""

    async def flow() -> None:
        sent, hold, script = asyncio.Event(), asyncio.Event(), _Changing("in_progress")

        async def answer(asked: Asked) -> bytes:
            if asked.method != "POST":
                return script(asked)
            sent.set()
            await hold.wait()
            return said({"error": {"message": "Cannot cancel.", "type": "invalid_request_error"}}, 409)

        async with Provider(answer).listening() as provider, service(provider.base_url, SLOW) as running:
            await running.track("batch_a")
            await running.reaches("batch_a", "running")
            await running.cancel("batch_a")
            await sent.wait()
            await running.deliver(event("batch_a", "completed"))
            await judged(running, "batch_a")
            hold.set()
            view = await running.shows(
                "batch_a", lambda view: view["actions"][0]["state"] == "refused", "the cancel to be refused"
            )
            row = await running.row("batch_a")

            assert told(view) == {("cancellation", "refused")}
            assert row is not None
            assert (row.claimed_at is not None, row.wanted_status) == (True, "completed")
            script.status = "completed"
            await running.poll("batch_a")
            await running.reaches("batch_a", "completed")
            assert told(await running.view("batch_a")) == {("cancellation", "too_late")}

    asyncio.run(flow())


def test_a_cancel_that_waits_for_its_next_try_is_over_when_its_job_is() -> None:
    """Answered 503 before the job's end or after it, with a long pause asked for: no cancel waits where nothing runs any more."""

    async def flow() -> None:
        sent, hold = asyncio.Event(), asyncio.Event()
        scripts = {"batch_before": _Changing("in_progress"), "batch_after": _Changing("in_progress")}

        async def answer(asked: Asked) -> bytes:
            if asked.method != "POST":
                return file_of(asked) or scripts[asked.job_id](asked)
            if "batch_after" in asked.target:
                sent.set()
                await hold.wait()
            return said({"error": {"message": "Try again."}}, 503, retry_after="240")

        async with Provider(answer).listening() as provider, service(provider.base_url, SLOW) as running:
            for job in scripts:
                await running.track(job)
                await running.reaches(job, "running")
                await running.cancel(job)
            await sent.wait()
            await running.shows("batch_before", lambda view: view["actions"][0]["message"], "the answer of the cancel")
            for job, script in scripts.items():
                script.status = "completed"
                await running.deliver(event(job, "completed"))
                await running.reaches(job, "completed")
            hold.set()
            settled = await running.settles(*scripts)

            for view in settled:
                (action,) = view["actions"]
                assert (action["state"], action["message"]) == ("moot", "the job had ended completed")
                assert told(view) == {("cancellation", "too_late")}

    asyncio.run(flow())


def test_threat_68_two_ends_that_contradict_each_other_are_a_conflict() -> None:
    """Observed completed and reported failed: the verdict says conflict, one more question is asked, and the answer decides."""

    async def flow() -> None:
        script = _Changing("completed")
        async with Provider(script).listening() as provider, service(provider.base_url) as running:
            for job in ("stays", "turns"):
                await running.track(job)
                await running.deliver(event(job, "completed"))
                await running.settles(job)
            before = {job: len(provider.about(job)) for job in ("stays", "turns")}

            await running.deliver(event("stays", "failed"))
            (failed,) = [row for row in await judged(running, "stays", 2) if row["delivery_key"] == "batch.failed"]
            (stays,) = await running.settles("stays")
            assert (failed["verdict"], stays["status"], stays["revision"]) == ("conflict", "completed", 1)
            assert len(provider.about("stays")) == before["stays"] + 1

            script.status = "failed"
            await running.deliver(event("turns", "failed"))
            await running.reaches("turns", "failed")
            (turns,) = await running.settles("turns")
            assert (turns["status"], turns["revision"]) == ("failed", 2)
            assert [move["to"] for move in turns["transitions"]] == ["completed", "failed"]
            assert len(provider.about("turns")) == before["turns"] + 1

    asyncio.run(flow())


def test_threat_68_a_late_stale_delivery_after_the_end_changes_nothing() -> None:
    """Created and progress that arrive after the end are stale: kept, shown, no question asked, no state moved."""

    async def flow() -> None:
        async with (
            Provider(_Changing("completed")).listening() as provider,
            service(provider.base_url) as running,
        ):
            await running.track("batch_a")
            await running.deliver(event("batch_a", "completed"))
            (before,) = await running.settles("batch_a")
            questions = len(provider.asked)
            await running.deliver(event("batch_a", "pending", "created"))
            await running.deliver(event("batch_a", "in_progress", "progress:50"))
            rows = await judged(running, "batch_a", 3)
            (after,) = await running.settles("batch_a")

            verdicts = {row["delivery_key"]: row["verdict"] for row in rows}
            assert verdicts["batch.created"] == verdicts["batch.progress:50"] == "stale"
            assert len(provider.asked) == questions
            changed = {name for name, value in before.items() if after[name] != value}
            assert changed <= {"deliveries", "updated_at", "reported", "asking", "told"}
            assert (after["status"], after["settled_at"]) == (before["status"], before["settled_at"])

    asyncio.run(flow())


def test_threat_68_a_status_endpoint_that_goes_back_after_the_end_is_not_believed() -> None:
    """Completed, then in progress, then failed: the open answer is kept and flagged, the other end is a new revision."""

    async def flow() -> None:
        script = _Changing("completed")
        async with Provider(script).listening() as provider, service(provider.base_url) as running:
            await running.track("batch_a")
            await running.reaches("batch_a", "completed")
            script.status = "in_progress"
            await running.poll("batch_a")
            view = await running.shows(
                "batch_a", lambda view: "open_after_end" in {seen["flag"] for seen in view["observations"]}, "a flag"
            )
            assert (view["status"], view["revision"]) == ("completed", 1)
            script.status = "failed"
            await running.poll("batch_a")
            row = await running.reaches("batch_a", "failed")
            assert row.revision == 2
            assert ("execution", "failed") in told(await running.view("batch_a"))

    asyncio.run(flow())


ORDERS = list(itertools.permutations(("answer", "webhook", "created")))


@pytest.mark.parametrize("end", ["completed", "failed", "expired", "cancelled"])
def test_answer_and_webhooks_in_every_order_end_alike(end: str) -> None:
    """The answer that ends a job, its webhook, and batch.created late or early: six orders, one and the same end."""

    async def flow() -> None:
        open_still: set[str] = set()

        def script(asked: Asked) -> bytes:
            status = "in_progress" if asked.job_id in open_still else end
            return file_of(asked) or said(batch(asked.job_id, status, webhook=account()))

        async def live(job: str, order: tuple[str, ...]) -> dict[str, Any]:
            open_still.add(job)
            await running.track(job)
            await running.reaches(job, "running")
            told_of = {"webhook": event(job, end, "failed" if end == "expired" else end)}
            told_of["created"] = event(job, "pending", "created")
            for step in order:
                if step == "answer":
                    open_still.discard(job)
                    await running.poll(job)
                    await running.reaches(job, end)
                else:
                    await running.deliver(told_of.pop(step))
                    await judged(running, job, 2 - len(told_of))
            (view,) = await running.settles(job)
            return view

        async with Provider(script).listening() as provider, service(provider.base_url, SLOW) as running:
            views = [await live("-".join(order), order) for order in ORDERS]
            ends = [
                {
                    "moves": [move["to"] for move in view["transitions"]],
                    "failures": ever_told(view),
                    "deliveries": {row["delivery_key"] for row in view["deliveries"]},
                    **{name: view[name] for name in ("status", "basis", "revision", "ready", "settled", "trouble")},
                }
                for view in views
            ]
            assert ends == [ends[0]] * len(ORDERS)
            assert ends[0]["moves"] == ["running", end]
            assert "delivery" not in {category for category, _ in ends[0]["failures"]}

    asyncio.run(flow())


def test_repeated_and_reordered_webhooks_of_the_stand_in_leave_one_row_each() -> None:
    """Every attempt three times, and created after the end: one row for each key, and a good day all the same."""

    async def flow() -> None:
        async with stage() as on:
            jobs = [await on.watched("webhook_repeated,webhook_reordered") for _ in range(5)]

            async def all_is_sent() -> bool:
                truth = await on.truth()
                return all(truth[job]["settled"] for job in jobs)

            await until(all_is_sent, "the stand-in has nothing left to send")
            for view in await on.service.settles(*jobs):
                rows = {row["delivery_key"]: row["times_received"] for row in view["deliveries"]}
                assert rows["batch.completed"] == 3
                assert (view["status"], ever_told(view)) == ("completed", set())

    asyncio.run(flow())
