"""Hand-offs over real sockets: downstream is told of each job once it is ready, whatever downstream does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable

import pytest
from downstream import Downstream, adopted, all_are, data_of, ended, hand_on, outbox, told
from service import ROW_OF_A_FILE, Asked, Provider, Said, SourceAt, batch, environment, file_of, said, service, until

from operators.clock import now
from reconciler.daemon import Reconciler
from reconciler.leasing import leased
from reconciler.outbox import hand_on_group
from reconciler.rounds.handing import HandingRound
from reconciler.target import Target, telling_of
from schemas.config import Config
from schemas.ids import shown
from schemas.tables import GroupRow, LabelRow, SubmissionRow
from schemas.times import HOUR, SECOND, parse_rfc3339
from storage import handoffs
from storage.counting import totals
from storage.rows import add
from storage.standing import handoffs_now

DONE, DEAD, WAITING, WITHDRAWN = "done", "dead", "waiting", "withdrawn"


@pytest.mark.both_stores
def test_a_ready_job_is_handed_on() -> None:
    """Downstream is told once of a job that is ready, with what is known of it, in a form that any library verifies."""

    async def flow() -> None:
        down = Downstream()
        async with told(ended(usage={"total_tokens": 5}), down) as running:
            await hand_on(running, "batch_1", {"team": "search"})
            [row] = await all_are(running, 1, DONE)
            job = await running.row("batch_1")
            [event] = down.events

        assert job is not None
        assert (row.attempts, row.http_status, row.message, row.due_at) == (1, 204, None, None)
        assert (event["specversion"], event["datacontenttype"]) == ("1.0", "application/json")
        assert (event["source"], event["subject"]) == ("/batchkeeper/gateway", "batch_1")
        assert event["type"] == "batchkeeper.job.completed"
        assert parse_rfc3339(event["time"]) == job.ready_at
        data = event["data"]
        assert (data["job_id"], data["kind"], data["revision"], data["basis"]) == ("batch_1", "batch", 1, "observed")
        assert (data["status"], data["labels"], data["rows"]) == (
            "completed",
            {"team": "search"},
            {"asked": None, "succeeded": 1, "failed": 0, "missing": None},
        )
        [output] = data["outputs"]
        assert (output["role"], output["bytes"], output["state"]) == ("output", len(ROW_OF_A_FILE), "fetched")
        assert output["url"].startswith("file:///")
        assert (data["results_withheld"], data["failures"]) == (False, [])

    asyncio.run(flow())


@pytest.mark.both_stores
def test_every_attempt_says_the_same() -> None:
    """Whatever goes wrong, the same bytes come again under the same id, signed anew, until they are taken; then no more."""
    answers = iter(
        [
            said(b"not now", status=500),
            b"",  # the connection ends without an answer
            b"garbage\r\n\r\n",
            said(status=302, location="http://127.0.0.1:9/"),
            said(status=410),
            said(b"x" * 1_000_000, status=503),
            said(status=200),
        ]
    )

    async def flow() -> None:
        down = Downstream(lambda _: next(answers))
        async with told(ended(), down) as running:
            await hand_on(running, "batch_1")
            [row] = await all_are(running, 1, DONE)
            said_of_failures = [line["message"] for line in running.logged if line["event"] == "handoff_failed"]

        assert row.attempts == 7
        assert (
            len({asked.body for asked in down.asked}) == len({asked.headers["webhook-id"] for asked in down.asked}) == 1
        )
        assert [message[:30] for message in said_of_failures] == [
            "HTTP 500: not now",
            "RemoteProtocolError: Server di",
            "RemoteProtocolError: illegal s",
            "HTTP 302: redirects are not fo",
            "HTTP 410",
            f"HTTP 503: {'x' * 20}",
        ]
        assert all(len(message) <= 320 for message in said_of_failures)

    asyncio.run(flow())


def test_a_hanging_target_holds_nobody_up() -> None:
    """A target that hangs or drips is given up at its deadline; meanwhile the other one is told of every job, and jobs end."""

    async def hang(_: Asked) -> bytes:
        await asyncio.Event().wait()
        return b""

    async def drip() -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 500 Drip\r\n"
        while True:
            yield b"x"
            await asyncio.sleep(0.05)

    def answer(asked: Asked) -> Said | Awaitable[Said]:
        return drip() if len(slow.asked) % 2 else hang(asked)

    slow = Downstream(answer)

    async def flow() -> None:
        async with (
            Provider(ended()).listening() as provider,
            slow.listening(),
            Downstream().listening() as quick,
            service(
                provider.base_url,
                handoffs={"slow": {**slow.table, "timeout_seconds": 1, "concurrency": 1}, "quick": quick.table},
            ) as running,
        ):
            names = [f"batch_{number}" for number in range(5)]
            for name in names:
                await hand_on(running, name)

            async def quick_is_done() -> bool:
                rows = [row for row in await outbox(running) if row.target == "quick"]
                return len(rows) == 5 and all(row.state == DONE for row in rows)

            await until(quick_is_done, "the quick target to be told of all")
            assert sorted(event["subject"] for event in quick.events) == names
            assert not any(row.state == DONE for row in await outbox(running) if row.target == "slow")

            async def slow_gave_up() -> bool:
                said_so = [line for line in running.logged if line["event"] == "handoff_failed"]
                return len([line for line in said_so if line["message"] == "no answer within 1 s"]) >= 2

            await until(slow_gave_up, "a hanging and a dripping attempt to be given up")

    asyncio.run(flow())


@pytest.mark.both_stores
def test_dead_after_so_many_attempts() -> None:
    """What is refused as often as it may be is dead, says why, and is not tried again; others still are."""

    async def flow() -> None:
        async with Provider(ended()).listening() as provider:
            refusing = Downstream(lambda asked: said(status=400 if b"batch_1" in asked.body else 200))
            async with (
                refusing.listening() as down,
                service(
                    provider.base_url, handoffs={"down": {**down.table, "most_attempts": 3}}, errors_expected=True
                ) as running,
            ):
                await hand_on(running, "batch_1")
                [dead] = await all_are(running, 1, DEAD)
                await hand_on(running, "batch_2")
                await all_are(running, 2, DEAD, DONE)

        assert (dead.attempts, dead.http_status, dead.message, dead.due_at) == (3, 400, "HTTP 400", None)
        assert len([asked for asked in down.asked if b"batch_1" in asked.body]) == 3
        assert [line["event"] for line in running.errors()] == ["handoff_dead"]

    asyncio.run(flow())


class Changing:
    """A provider that says that its job is completed, until it says something else."""

    def __init__(self) -> None:
        self.status = "completed"

    def __call__(self, asked: Asked) -> bytes:
        return file_of(asked) or said(batch(asked.job_id, self.status))


@pytest.mark.both_stores
def test_a_cancelled_job_hands_on_exactly_one_event() -> None:
    """What was still to be told of a result is withdrawn when the job turns out cancelled: downstream hears of that alone."""
    truth = Changing()

    def answer(asked: Asked) -> bytes:
        return said(status=204 if b"job.cancelled" in asked.body else 503)

    async def flow() -> None:
        down = Downstream(answer)
        async with told(truth, down, {"down": {"retry_seconds": 60, "retry_cap_seconds": 60}}) as running:
            await hand_on(running, "batch_1")

            async def was_tried() -> bool:
                return any(row.http_status == 503 for row in await outbox(running))

            await until(was_tried, "the first event to be refused")
            truth.status = "cancelled"
            await running.poll("batch_1")
            first, second = await all_are(running, 2, DONE, WITHDRAWN)

        assert (first.state, first.revision, first.due_at) == (WITHDRAWN, 1, None)
        assert "revision 1 was completed, and the job turned out to be cancelled" in str(first.message)
        assert (second.state, second.revision) == (DONE, 2)
        assert down.types() == ["batchkeeper.job.completed", "batchkeeper.job.cancelled"]
        data = down.events[1]["data"]
        assert (data["outputs"], data["results_withheld"]) == ([], True)
        assert [one["code"] for one in data["failures"]] == ["cancelled_elsewhere"]

    asyncio.run(flow())


@pytest.mark.both_stores
def test_withdrawn_before_it_is_given_up() -> None:
    """What was found to be spent, and was withdrawn before that is written, stays withdrawn and counts as nothing else."""

    async def flow() -> None:
        async with told(ended(), Downstream(), {"down": {"most_attempts": 1}}, reconciles=False) as running:
            await hand_on(running, "batch_1")
            for source in running.config.sources.values():
                async with running.reconciler._lease(source) as lease:
                    assert lease is not None
                    await running.reconciler._keep_until_quiet(source, lease)
            [row] = await outbox(running)
            async with running.store.writing() as connection:
                assert await handoffs.claim(connection, row.id, now()) is not None
            async with running.store.reading() as connection:
                due = await handoffs.due(connection, "down", now(), 10, ())
            async with running.store.writing() as connection:
                await handoffs.withdraw(connection, row.subject, "it turned out otherwise", now())
            handoff = running.config.handoffs["down"]
            async with leased(running.store, "handoff:down", "here", HOUR, now) as lease:
                assert lease is not None
                telling = telling_of(running.config, handoff, now)
                target = Target(handoff, running.store, telling, lease, now, lambda: 0.5)
                assert await HandingRound(target)._claim(due, now()) == []
                await telling.close()
            [after] = await outbox(running)
            async with running.store.reading() as connection:
                counted = handoffs_now(await totals(connection))

        assert [one.id for one in due] == [row.id]
        assert (after.state, after.message, after.due_at) == (WITHDRAWN, "it turned out otherwise", None)
        assert counted == {("down", WITHDRAWN): 1}

    asyncio.run(flow())


@pytest.mark.both_stores
@pytest.mark.parametrize(("answered", "state"), [(204, DONE), (500, WITHDRAWN)])
def test_withdrawn_while_it_is_told(answered: int, state: str) -> None:
    """What was being told when it was withdrawn says what became of it: done where it arrived, and else never tried again."""
    truth = Changing()

    async def flow() -> None:
        release = asyncio.Event()

        async def answer(asked: Asked) -> bytes:
            if b"job.completed" in asked.body:
                await release.wait()
                return said(status=answered)
            return said(status=204)

        down = Downstream(answer)
        async with told(truth, down) as running:
            await hand_on(running, "batch_1")

            async def is_being_told() -> bool:
                return len(down.asked) == 1

            await until(is_being_told, "the first event to be on its way")
            truth.status = "cancelled"
            await running.poll("batch_1")

            async def is_withdrawn() -> bool:
                return [row.state for row in await outbox(running)][:1] == [WITHDRAWN]

            await until(is_withdrawn, "the first event to be withdrawn")
            release.set()

            async def is_written() -> bool:
                return (await outbox(running))[0].http_status == answered

            await until(is_written, "what became of it")
            first, second = await all_are(running, 2, DONE, WITHDRAWN)

        assert (first.state, second.state) == (state, DONE)
        assert str(first.message).startswith("withdrawn: revision 1 was completed")
        assert down.types().count("batchkeeper.job.completed") == 1

    asyncio.run(flow())


def test_only_what_is_wished() -> None:
    """Targets are told by source, status and label as they wish; of jobs that are not handed on nobody is told."""

    async def flow() -> None:
        async with (
            Provider(ended()).listening() as provider,
            Provider(ended("failed")).listening() as other,
            Downstream().listening() as down,
        ):
            wishes = {
                "all": {},
                "sourced": {"sources": ["other"]},
                "completed": {"statuses": ["completed", "expired"]},
                "labelled": {"labels": ["team=search", "run=1"]},
                "both": {"labels": ["team=search"], "statuses": ["failed"]},
            }
            targets = {name: {**down.table, **wish} for name, wish in wishes.items()}
            sources = {"gateway": SourceAt(provider.base_url), "other": SourceAt(other.base_url)}
            async with service(sources, handoffs=targets) as running:
                await adopted(running, "batch_0")
                await hand_on(running, "batch_1", {"team": "search", "run": "1"})
                await hand_on(running, "batch_2", {"team": "search"}, source="other")
                await running.settles("batch_0", "batch_1", "batch_2")
                rows = await all_are(running, 6, DONE)

        assert {(row.target, data_of(row)["job_id"]) for row in rows} == {
            ("all", "batch_1"),
            ("all", "batch_2"),
            ("sourced", "batch_2"),
            ("completed", "batch_1"),
            ("labelled", "batch_1"),
            ("both", "batch_2"),
        }

    asyncio.run(flow())


@pytest.mark.both_stores
def test_on_terminal_and_on_ready() -> None:
    """A target for ends is told when a job ends, and one for ready jobs only once its files are here."""

    async def flow() -> None:
        release = asyncio.Event()

        async def script(asked: Asked) -> bytes:
            if is_file := file_of(asked):
                await release.wait()
            return is_file or said(batch(asked.job_id, "completed"))

        down = Downstream()
        async with told(script, down, {"ends": {"on": "terminal"}, "readies": {"on": "ready"}}) as running:
            await hand_on(running, "batch_1")
            [end] = await all_are(running, 1, DONE)
            assert (end.target, data_of(end)["ready_at"]) == ("ends", None)
            release.set()
            _, ready = await all_are(running, 2, DONE)

        assert (ready.target, data_of(ready)["outputs"][0]["state"]) == ("readies", "fetched")
        assert ready.revision == end.revision == 1
        assert ready.id != end.id

    asyncio.run(flow())


@pytest.mark.both_stores
def test_findings_are_told() -> None:
    """A failure that begins to hold is told to those who wish it, of jobs that are not handed on too, once each."""

    async def flow() -> None:
        failing = {"request_counts": {"total": 3, "completed": 2, "failed": 1}}
        down = Downstream()
        async with told(ended(**failing), down, {"alarm": {"on": "finding"}, "down": {}}) as running:
            await adopted(running, "batch_1")
            [row] = await all_are(running, 1, DONE)
            await running.settles("batch_1")
            assert len(await outbox(running)) == 1

        assert (row.about, row.target) == ("finding", "alarm")
        [event] = down.events
        assert (event["type"], event["subject"]) == ("batchkeeper.finding.execution", "batch_1")
        found = event["data"]["finding"]
        assert (found["category"], found["code"]) == ("execution", "rows_failed")
        assert row.revision == parse_rfc3339(found["detected_at"])

    asyncio.run(flow())


def test_the_end_of_a_finding_is_told() -> None:
    """That a failure holds no more is told to those who were told that it began, and to nobody else."""

    async def flow() -> None:
        has_ended = asyncio.Event()

        def script(asked: Asked) -> Said:
            if asked.target.endswith("/cancel"):
                return said(batch(asked.job_id, "cancelling"))
            return file_of(asked) or said(batch(asked.job_id, "cancelled" if has_ended.is_set() else "cancelling"))

        down, targets = Downstream(), {"alarm": {"on": "finding"}}
        async with told(script, down, targets, knobs={"stuck_cancel_seconds": 1}) as running:
            await adopted(running, "batch_1")
            await running.cancel("batch_1")
            await all_are(running, 1, DONE)
            has_ended.set()
            await running.settles("batch_1")
            await all_are(running, 3, DONE)

        found = {one["data"]["finding"]["code"]: [] for one in down.events}
        for one in down.events:
            found[one["data"]["finding"]["code"]].append(one["data"]["finding"]["state"])
        assert found == {"stuck": ["began", "closed"], "cancelled_by_operator": ["began"]}
        assert len(set(down.ids())) == 3

    asyncio.run(flow())


def test_targets_come_and_go() -> None:
    """A reload adds, changes and removes targets; what happens from then on is told to those that there are."""

    async def flow() -> None:
        async with (
            Provider(ended()).listening() as provider,
            Downstream().listening() as first,
            Downstream().listening() as second,
            service(provider.base_url, handoffs={"one": first.table}) as running,
        ):
            await hand_on(running, "batch_1")
            await all_are(running, 1, DONE)
            one = running.config.handoffs["one"]
            moved = one.model_copy(update={"url": second.table["url"]})
            both = {"one": moved, "two": moved.model_copy(update={"name": "two"})}
            changed: Config = running.config.model_copy(update={"handoffs": both})
            running.reconciler.reload(changed)
            await hand_on(running, "batch_2")
            await all_are(running, 3, DONE)
            running.reconciler.reload(changed.model_copy(update={"handoffs": {}}))
            await hand_on(running, "batch_3")
            await running.settles("batch_3")
            assert len(await outbox(running)) == 3

            assert [event["subject"] for event in first.events] == ["batch_1"]
            assert [event["subject"] for event in second.events] == ["batch_2", "batch_2"]

    asyncio.run(flow())


@pytest.mark.both_stores
def test_once_hands_on_what_is_due() -> None:
    """Doing what is due once hands on what that made ready, tells each target once, and says how many attempts were made."""

    async def flow() -> None:
        async with (
            Provider(ended()).listening() as provider,
            Downstream().listening() as down,
            Downstream(lambda _: said(status=500)).listening() as refusing,
        ):
            targets = {"down": down.table, "refusing": {**refusing.table, "retry_seconds": 60, "retry_cap_seconds": 60}}
            async with service(provider.base_url, handoffs=targets, reconciles=False) as running:
                for number in range(6):
                    await hand_on(running, f"batch_{number}")
                done = await running.reconciler.run_once()
                states = [(row.target, row.state) for row in await outbox(running)]

        assert (done["handoffs.down"], done["handoffs.refusing"]) == (6, 6)
        assert sorted(states) == [("down", DONE)] * 6 + [("refusing", WAITING)] * 6
        assert len(down.events) == len(refusing.events) == 6

    asyncio.run(flow())


def test_two_reconcilers_tell_once() -> None:
    """Of two reconcilers on one store only one tells a target, and the other goes on when that stops."""

    async def flow() -> None:
        down = Downstream()
        async with told(ended(), down) as running:
            other = asyncio.create_task(Reconciler(running.config, running.store, now).run())
            for number in range(10):
                await hand_on(running, f"batch_{number}")
            await all_are(running, 10, DONE)
            other.cancel()
            await asyncio.gather(other, return_exceptions=True)
            await hand_on(running, "batch_10")
            await all_are(running, 11, DONE)

        assert len(down.ids()) == len(set(down.ids())) == 11

    asyncio.run(flow())


def test_an_attempt_that_was_cut_off_counts() -> None:
    """What was claimed as often as it may be, and never came to an end, is dead and not told for ever."""

    async def flow() -> None:
        down = Downstream()
        async with told(
            ended(), down, {"down": {"most_attempts": 2}}, reconciles=False, errors_expected=True
        ) as running:
            await hand_on(running, "batch_1")
            for source in running.config.sources.values():
                async with running.reconciler._lease(source) as lease:
                    assert lease is not None
                    await running.reconciler._keep_until_quiet(source, lease)
            [row] = await outbox(running)
            for _ in range(2):
                async with running.store.writing() as connection:
                    assert await handoffs.claim(connection, row.id, now()) is not None
            await running.reconciler.run_once()
            [dead] = await outbox(running)

        assert (dead.state, dead.attempts) == (DEAD, 2)
        assert "may have arrived" in str(dead.message)
        assert down.events == []

    asyncio.run(flow())


def test_ready_twice_is_told_once() -> None:
    """A job that was ready, waited for a further file, and is ready again in the same revision is not handed on again."""
    more: dict[str, str] = {}

    async def flow() -> None:
        def script(asked: Asked) -> bytes:
            return file_of(asked) or said(batch(asked.job_id, "completed", **more))

        down = Downstream()
        async with told(script, down) as running:
            await hand_on(running, "batch_1")
            await all_are(running, 1, DONE)
            before = await running.row("batch_1")
            more["error_file_id"] = "file-late"
            await running.poll("batch_1")

            async def is_ready_again() -> bool:
                job = await running.row("batch_1")
                return bool(job and before and job.error_file_id and (job.ready_at or 0) > (before.ready_at or 0))

            await until(is_ready_again, "the job to be ready with its second file")
            rows = await outbox(running)

        assert [row.state for row in rows] == [DONE]
        assert len(down.events) == 1

    asyncio.run(flow())


def test_no_proxy_of_the_environment() -> None:
    """Row 49: what the environment says of proxies does not lead an event elsewhere."""

    async def flow() -> None:
        down = Downstream()
        async with told(ended(), down) as running:
            await hand_on(running, "batch_1")
            await all_are(running, 1, DONE)

    nobody = "http://127.0.0.1:9"
    with environment({"HTTP_PROXY": nobody, "http_proxy": nobody, "ALL_PROXY": nobody, "NO_PROXY": ""}):
        asyncio.run(flow())


def test_retry_after_is_obeyed() -> None:
    """A target that asks to be left alone is left alone so long, within a quarter of an hour."""

    async def flow() -> None:
        down = Downstream(lambda _: said(status=429, retry_after="99999999"))
        async with told(ended(), down) as running:
            await hand_on(running, "batch_1")

            async def was_told_to_wait() -> bool:
                return any(row.http_status == 429 for row in await outbox(running))

            await until(was_told_to_wait, "the first answer")
            [row] = await outbox(running)

        assert row.due_at is not None and row.tried_at is not None
        assert 890 * SECOND < row.due_at - row.tried_at < 1_000 * SECOND
        assert len(down.events) == 1

    asyncio.run(flow())


@pytest.mark.both_stores
def test_a_complete_group_is_told_once() -> None:
    """Those who wish to hear of groups are told of one that is complete, with every member, once however often it is put in."""

    async def flow() -> None:
        down = Downstream()
        wishes = {"groups": {"on": "group", "labels": ["team=search"]}, "others": {"on": "group", "labels": ["team=x"]}}
        async with told(ended(), down, {**wishes, "jobs": {}}, reconciles=False) as running:
            store, [source] = running.store, running.config.sources.values()
            group = GroupRow(
                id=store.new_id(),
                source="gateway",
                input_name="rows.jsonl",
                size=2,
                created_at=now(),
                completed_at=now(),
            )
            members = [a_submission(store.new_id(), group.id, shard) for shard in (2, 1)]
            await hand_on(running, "batch_1")
            job = await running.row("batch_1")
            assert job is not None
            job.submission_id = members[0].id
            async with running.reconciler._lease(source) as lease:
                assert lease is not None
                async with running.reconciler._own(source, lease) as owned, owned.writing() as connection:
                    await add(connection, LabelRow(subject=group.id, key="team", value="search"))
                    for _ in range(2):
                        await hand_on_group(connection, owned, group, members, [job], now())
            done = await running.reconciler.run_once()
            rows = [row for row in await outbox(running) if row.about == "group"]

        assert done["handoffs.groups"] == 1
        [row] = rows
        assert (row.target, row.state, row.revision, row.subject) == ("groups", DONE, 1, group.id)
        [event] = [event for event in down.events if event["type"] == "batchkeeper.group.completed"]
        assert (event["id"], event["data"]["size"]) == (shown("hnd", row.id), 2)
        assert [(one["shard"], one["job_id"]) for one in event["data"]["members"]] == [(1, None), (2, "batch_1")]

    asyncio.run(flow())


def a_submission(number: int, group: int, shard: int) -> SubmissionRow:
    return SubmissionRow(
        id=number,
        source="gateway",
        group_id=group,
        shard=shard,
        state="created" if shard == 2 else "refused",
        input_name="rows.jsonl",
        input_sha256="",
        input_bytes=1,
        row_count=1,
        created_at=now(),
        updated_at=now(),
    )
