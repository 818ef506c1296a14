"""Submitting, from a file to jobs: shards and groups, quotas, lost answers, and what is dropped. Against the sandbox, over real
sockets, on both stores."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from downstream import Downstream, all_are
from service import Asked, Provider, Service, batch, event, file_of, reconciling, said, service, stage, told, until
from sqlalchemy import update
from submitted import come_to, states, store

from operators import acts, fan_out
from operators.clock import now
from operators.errors import NotPossible
from operators.submitting import Submitted, Wishes
from schemas.ids import shown
from schemas.tables import ActionRow, JobRow, LeaseRow, SubmissionRow
from schemas.times import SECOND
from schemas.words import Policy
from storage import actions, groups, jobs, labels, submissions
from storage.listing import Part
from storage.rows import table
from storage.wake import wake

pytestmark = pytest.mark.both_stores

ROW = b'{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m"}}\n'
# Lost creates are looked for at once, and given up soon.
OFTEN = {"sweep_seconds": 600}
SOON = {"submit_patience_seconds": 1, "quota_retry_seconds": 0.2}


def rows(folder: Path, count: int, **changes: Any) -> Path:
    path = folder / "rows.jsonl"
    body = {"model": "gpt-5", "messages": [{"role": "user", "content": "hello"}]}
    lines = [
        {"custom_id": f"row-{number}", "method": "POST", "url": "/v1/chat/completions", "body": body, **changes}
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


async def group_of(running: Service, stored: Submitted) -> dict[str, Any]:
    async with running.store.reading() as connection:
        return await fan_out.show_group(connection, stored.name)


async def jobs_of(running: Service, stored: Submitted) -> list[JobRow]:
    async with running.store.reading() as connection:
        return await jobs.of_submissions(connection, [row.id for row in stored.submissions])


async def cancels_of(running: Service, job: JobRow) -> list[ActionRow]:
    async with running.store.reading() as connection:
        return await actions.of_job(connection, job.id)


def test_a_file_becomes_a_group(tmp_path: Path) -> None:
    """A file with more rows than one job may have becomes several, which form a group of a fixed size. Each carries the labels
    and our token, which its own metadata confirms; the group completes once, when the last of them is ready."""

    async def flow() -> None:
        async with stage() as on:
            wishes = Wishes({"team": "search"}, {"run": "nightly"})
            stored = await store(on.service, rows(tmp_path, 7), wishes, shard_rows=3)
            made = await come_to(on.service, stored, "created")
            await on.service.settles(*(str(row.job_id) for row in made))
            group, truth = await group_of(on.service, stored), await on.truth()

            assert [row.row_count for row in made] == [3, 3, 1]
            assert len(truth) == 3
            assert (group["size"], group["done"], group["outcome"]) == (3, "3 of 3", "completed")
            assert group["completed_at"] is not None
            assert [member["part"] for member in group["members"]] == [1, 2, 3]
            assert all(row.confirmed_at is not None for row in await states(on.service, stored))
            for job in await jobs_of(on.service, stored):
                assert (job.hands_on, job.group_id) == (1, stored.group and stored.group.id)
                async with on.service.store.reading() as connection:
                    assert await labels.of(connection, job.id) == {"run": "nightly"}

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("scenario", "confirmed"),
    [("create_lost", True), ("create_uncaught", True), ("create_lost,metadata_hidden", False)],
)
def test_a_create_whose_answer_is_lost(scenario: str, confirmed: bool, tmp_path: Path) -> None:
    """The list shows the batch by its input file: it is the submission's, one and no second. Its own metadata confirms that,
    where it is shown."""

    async def flow() -> None:
        async with stage(knobs=SOON, more=OFTEN) as on:
            wishes = Wishes({"scenario": f"{scenario},webhook_lost"})
            stored = await store(on.service, rows(tmp_path, 2), wishes)
            (row,) = await come_to(on.service, stored, "created")
            (view,) = await on.service.settles(str(row.job_id))
            (row,) = await states(on.service, stored)

            assert view["status"] == "completed"
            assert view["submission"] == shown("sub", row.id)
            assert len(await on.truth()) == 1
            assert (row.confirmed_at is not None) == confirmed

    asyncio.run(flow())


def test_a_webhook_tells_of_a_lost_create(tmp_path: Path) -> None:
    """A batch that a webhook spoke of first, and was adopted, belongs to the submission whose create got no answer."""

    async def flow() -> None:
        created: dict[str, str] = {}

        async def script(asked: Asked) -> bytes:
            if asked.method == "POST" and asked.target.endswith("/files"):
                return said({"id": "file-in", "object": "file"})
            if asked.method == "POST":
                created["metadata"] = json.loads(asked.body)["metadata"]
                assert (await running.deliver(event("batch_new", "completed"))).status_code == 202
                await running.reaches("batch_new", "completed")
                return said({"error": "x"}, status=500)
            told_of = {"input_file_id": "file-in", "metadata": created["metadata"]}
            return file_of(asked) or said(batch("batch_new", "completed", **told_of))

        async with Provider(script).listening() as provider, service(provider.base_url) as running:
            stored = await store(running, rows(tmp_path, 1))
            (row,) = await come_to(running, stored, "created")

            (job,) = await jobs_of(running, stored)
            assert (job.job_id, job.origin, job.hands_on, row.job_id) == ("batch_new", "delivery", 1, "batch_new")

    asyncio.run(flow())


def test_a_create_that_nobody_can_tell_of(tmp_path: Path) -> None:
    """When the list does not show it for as long as patience lasts, a person decides: sending it again has to be meant."""

    async def flow() -> None:
        async with stage(knobs=SOON, more=OFTEN) as on:
            stored = await store(on.service, rows(tmp_path, 2), Wishes({"scenario": "create_unavailable"}))
            (row,) = await come_to(on.service, stored, "unconfirmed")
            name = shown("sub", row.id)
            assert (row.due_at, row.job_id) == (None, None)
            assert "batch_submission_persistence_failed" in str(row.message)
            assert await on.truth() == {}

            async with on.service.store.writing() as connection:
                with pytest.raises(NotPossible, match="would make a second one"):
                    await fan_out.resubmit(connection, name, False, now())
            async with on.service.store.writing() as connection:
                await fan_out.resubmit(connection, name, True, now())
            on.service.reconciler.wake()

            async def asked_again() -> bool:
                return (await on.requests()).get("POST /v1/batches", 0) == 2

            await until(asked_again, "the create to be sent again")

    asyncio.run(flow())


def test_a_part_that_meets_a_quota_waits(tmp_path: Path) -> None:
    """What the quota of uploads does not let through waits, durably, says until when, and goes on by itself."""

    async def flow() -> None:
        async with stage(speed=300, knobs=SOON) as on:  # an hour of the gateway takes twelve seconds
            assert (await on.client.post("/sandbox/quota", json={"uploads_an_hour": 2})).status_code == 200
            stored = await store(on.service, rows(tmp_path, 3), shard_rows=1)

            async def one_waits() -> SubmissionRow | None:
                found = [row for row in await states(on.service, stored) if row.message]
                return found[0] if found else None

            waiting = await until(one_waits, "a part to wait")
            assert str(waiting.message).startswith("waits for the quota of uploads: HTTP 429")
            assert waiting.due_at is not None
            assert waiting.state == "stored"
            await come_to(on.service, stored, "created")
            assert len(await on.truth()) == 3

    asyncio.run(flow())


def test_a_group_is_cancelled(tmp_path: Path) -> None:
    """What has not been sent is dropped, what runs is cancelled, what has ended is spared and said to be; the group completes."""

    async def flow() -> None:
        async with stage(speed=60, knobs={"quota_retry_seconds": 600}) as on:
            assert (await on.client.post("/sandbox/quota", json={"uploads_an_hour": 2})).status_code == 200
            stored = await store(on.service, rows(tmp_path, 3), shard_rows=1)

            async def two_run() -> bool:
                made = await jobs_of(on.service, stored)
                waiting = [row for row in await states(on.service, stored) if row.message]
                return len(waiting) == 1 and [job.status for job in made] == ["running", "running"]

            await until(two_run, "two parts to run and one to wait")
            async with on.service.store.writing() as connection:
                _, done = await acts.cancel_group(connection, stored.name, "not needed", on.service.store.new_id, now())
            on.service.reconciler.wake()
            assert [len(part) for part in (done.dropped, done.cancelled, done.spared)] == [1, 2, 0]

            async def is_complete() -> dict[str, Any] | None:
                group = await group_of(on.service, stored)
                return group if group["completed_at"] else None

            group = await until(is_complete, "the group to complete")
            assert sorted(member["where"] for member in group["members"]) == ["cancelled", "cancelled", "dropped"]
            for job in await jobs_of(on.service, stored):
                assert told(await on.service.view(job.job_id)) == {("cancellation", "cancelled_by_operator")}

            async with on.service.store.writing() as connection:
                with pytest.raises(NotPossible, match=r"every part of .* is over"):
                    await acts.cancel_group(connection, stored.name, "once more", on.service.store.new_id, now())

    asyncio.run(flow())


def test_downstream_is_told_of_a_group(tmp_path: Path) -> None:
    """Each job is told when it is ready, and the group once, with its completion: how many rows were asked and what came."""

    async def flow() -> None:
        down = Downstream()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(down.listening())
            targets = {"jobs": down.table, "groups": {**down.table, "on": "group"}}
            on = await stack.enter_async_context(stage(handoffs=targets))
            stored = await store(on.service, rows(tmp_path, 3), Wishes(labels={"run": "nightly"}), shard_rows=2)
            await come_to(on.service, stored, "created")
            told_of = await all_are(on.service, 3, "done")
            group = await group_of(on.service, stored)

            assert sorted(row.target for row in told_of) == ["groups", "jobs", "jobs"]
            (event,) = [one for one in down.events if one["type"].startswith("batchkeeper.group")]
            assert event["subject"] == stored.name
            assert event["data"]["labels"] == {"run": "nightly"}
            assert group["completed_at"] is not None
            assert group["rows"] == {"asked": 3, "succeeded": 3, "failed": 0, "missing": 0}
            assert len(set(down.ids())) == 3

    asyncio.run(flow())


def test_a_group_that_fails_fast(tmp_path: Path) -> None:
    """The first member that ends badly has the others cancelled, by automation and saying so."""

    async def flow() -> None:
        async with stage(speed=20) as on:
            stored = await store(on.service, rows(tmp_path, 2), Wishes(policy=Policy.FAIL_FAST), shard_rows=1)
            await come_to(on.service, stored, "created")
            first, other = await jobs_of(on.service, stored)
            await on.service.reaches(first.job_id, "running")
            await on.service.reaches(other.job_id, "running")
            await on.service.cancel(first.job_id)

            await on.service.reaches(other.job_id, "cancelled")
            (action,) = await cancels_of(on.service, other)
            assert (action.asked_by, action.reason) == ("automation", f"fail fast: {first.job_id} ended cancelled")
            view = await on.service.shows(other.job_id, lambda view: view["failures"], "its failure")
            assert told(view) == {("cancellation", "cancelled_by_automation")}

            async def is_complete() -> dict[str, Any] | None:
                group = await group_of(on.service, stored)
                return group if group["completed_at"] else None

            assert (await until(is_complete, "the group to complete"))["outcome"] == "cancelled"

    asyncio.run(flow())


@pytest.mark.parametrize("by", ["job", "source"])
def test_stale_work_is_cancelled(by: str, tmp_path: Path) -> None:
    """A job that runs for longer than it may, or than jobs of its source may, is cancelled by automation, once."""

    async def flow() -> None:
        more = {"cancel_after_seconds": 1} if by == "source" else {}
        async with stage(speed=20, more=more) as on:
            wishes = Wishes(cancel_after=SECOND if by == "job" else None)
            (row,) = await come_to(on.service, await store(on.service, rows(tmp_path, 1), wishes), "created")
            job = await on.service.reaches(str(row.job_id), "cancelled")

            (action,) = await cancels_of(on.service, job)
            assert (action.asked_by, action.reason) == ("automation", "not done within 1.0 s")
            assert action.cancel_url_present is not None
            assert job.cancel_at is None

    asyncio.run(flow())


def test_an_input_that_is_gone(tmp_path: Path) -> None:
    """A submission whose rows cannot be read says so and waits; nothing is sent of it."""

    async def flow() -> None:
        async with stage() as on:
            on.service.reconciler.reload(on.service.config.model_copy(update={"sources": {}}))
            stored = await store(on.service, rows(tmp_path, 1))
            Path(on.service.config.data.dir, *str(stored.submissions[0].staged_as).split("/")).unlink()
            on.service.reconciler.reload(on.service.config)
            async with on.service.store.writing() as connection:
                await wake(connection)

            async def says_so() -> SubmissionRow | None:
                (row,) = await states(on.service, stored)
                return row if row.message else None

            row = await until(says_so, "the submission to say what is wrong")
            assert "its rows cannot be read from" in str(row.message)
            assert "No such file" in str(row.message)
            assert (row.state, await on.truth()) == ("stored", {})
            async with on.service.store.reading() as connection:
                assert await groups.newest(connection, Part()) == []

    asyncio.run(flow())


def test_a_poison_submission_costs_only_itself(tmp_path: Path) -> None:
    """One that cannot be read breaks the transaction that it is taken in with the others: each of those is made once all the
    same, and the poison one is put off."""

    async def flow() -> None:
        async with stage(reconciles=False, errors_expected=True) as on:
            stored = await store(on.service, rows(tmp_path, 2), shard_rows=1)
            poison = SubmissionRow(
                id=on.service.store.new_id(),
                source="gateway",
                state="nobody knows this word",
                input_name="",
                input_sha256="",
                input_bytes=0,
                row_count=0,
                due_at=now(),
                created_at=now(),
                updated_at=now(),
            )
            async with on.service.store.writing() as connection:
                for row in stored.submissions:
                    form = {"purpose": "batch"}
                    upload = await on.client.post("/v1/files", files={"file": ("a.jsonl", ROW)}, data=form)
                    uploaded = {"state": "uploaded", "input_file_id": upload.json()["id"]}
                    await submissions.change(connection, row.id, uploaded, now())
                await submissions.store(connection, poison)
            async with reconciling(on.service.reconciler):
                await come_to(on.service, stored, "created")
                made = (await on.client.get("/sandbox/truth")).json()["input_files"]
                async with on.service.store.reading() as connection:
                    put_off = await submissions.get(connection, poison.id)

            assert sorted(made.values()) == [1, 1]
            assert put_off is not None
            assert (put_off.due_at or 0) > now()

    asyncio.run(flow())


def test_what_was_dropped_while_it_was_looked_for(tmp_path: Path) -> None:
    """A part whose create may have worked, and that was dropped then, is sent again only by somebody who is sure."""

    async def flow() -> None:
        async with stage(knobs=SOON, more=OFTEN) as on:
            stored = await store(on.service, rows(tmp_path, 1), Wishes({"scenario": "create_unavailable"}))
            (row,) = await come_to(on.service, stored, "unclear", "unconfirmed")
            name = shown("sub", row.id)
            async with on.service.store.writing() as connection:
                await acts.drop(connection, name, "not needed", now())
            on.service.reconciler.wake()
            await come_to(on.service, stored, "dropped")
            async with on.service.store.writing() as connection:
                with pytest.raises(NotPossible, match="would make a second one"):
                    await fan_out.resubmit(connection, name, False, now())

    asyncio.run(flow())


def test_a_lease_that_lapsed_while_a_file_was_sent(tmp_path: Path) -> None:
    """Whoever submits and stood still for longer than a lease lasts takes it anew, where nobody else has, and goes on. (On
    SQLite it has the lock of a file as well, and has lost nothing.)"""

    async def flow() -> None:
        lapsed: list[str] = []

        async def script(asked: Asked) -> bytes:
            if asked.method == "POST" and asked.target.endswith("/files"):
                if not lapsed:
                    async with running.store.writing() as connection:
                        await connection.execute(update(table(LeaseRow)).values(until=0))
                lapsed.append(asked.target)
                return said({"id": "file-in", "object": "file"})
            if asked.method == "POST":
                return said(batch("batch_new", "queued", metadata=json.loads(asked.body)["metadata"]))
            return file_of(asked) or said(batch("batch_new", "queued", input_file_id="file-in"))

        async with (
            Provider(script).listening() as provider,
            service(provider.base_url, reconciles=False) as running,
        ):
            stored = await store(running, rows(tmp_path, 1))
            assert await running.reconciler.submit(running.config.sources["gateway"])

            (row,) = await states(running, stored)
            assert (row.state, row.job_id) == ("created", "batch_new")

    asyncio.run(flow())
