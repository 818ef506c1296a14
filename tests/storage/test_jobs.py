"""Jobs: born once whoever learns of them, found in the order in which they are to be asked about."""

import asyncio
from typing import Any

from stored import NOON, Another, Run, a_job, everything, within

from schemas.tables import JobRow, SubmissionRow
from schemas.times import MINUTE, SECOND
from schemas.words import OPEN, Origin, Status
from storage import jobs, submissions
from storage.listing import Part
from storage.store import Store

IDENTITY = ("acme", "batch", "batch_1")

EVERY = Part()


async def names(store: Store, limit: int = 10, now: int = NOON, without: Any = (), source: str = "acme") -> list[str]:
    found = await within(store.reading(), jobs.wanted_due, source, now, limit, without)
    found += await within(store.reading(), jobs.routine_due, source, now, limit - len(found), without)
    return [job.job_id for job in found]


async def bear(store: Store, origin: Origin = Origin.DELIVERY, now: int = NOON, **known: Any) -> JobRow:
    return await within(store.writing(), jobs.bear, store.new_id(), IDENTITY, origin, now, **known)


async def a_submission(store: Store) -> int:
    number = store.new_id()
    row = SubmissionRow(
        id=number,
        source="acme",
        state="stored",
        input_name="rows.jsonl",
        input_sha256="0" * 64,
        input_bytes=5,
        row_count=1,
        created_at=NOON,
        updated_at=NOON,
    )
    await within(store.writing(), submissions.store, row)
    return number


def test_newborn(store: Store, run: Run) -> None:
    """A job begins unknown, without an answer, and due at once."""

    async def flow() -> None:
        job = await bear(store, Origin.TRACK)

        assert (job.source, job.kind, job.job_id) == IDENTITY
        assert (job.status, job.origin, job.due_at, job.created_at) == ("unknown", "track", NOON, NOON)
        assert (job.native_status, job.wanted_at, job.has_webhook, job.submission_id) == (None, None, None, None)
        assert await within(store.reading(), jobs.get, job.id) == job
        assert await within(store.reading(), jobs.by_identity, *IDENTITY) == job

    run(flow())


def test_born_again(store: Store, run: Run) -> None:
    """A job that is known already stays as it is: its id, its origin, its state and when it is due."""

    async def flow() -> None:
        first = await bear(store, Origin.SWEEP)
        changes = {"status": "running", "due_at": NOON + MINUTE, "asks": 3}
        await within(store.writing(), jobs.change, first.id, changes, NOON + SECOND)
        again = await bear(store, Origin.DELIVERY, now=NOON + 2 * SECOND)

        assert (again.id, again.origin, again.created_at) == (first.id, "sweep", NOON)
        assert (again.status, again.due_at, again.asks) == ("running", NOON + MINUTE, 3)
        assert again.updated_at == NOON + SECOND

    run(flow())


def test_born_64_times_at_once(store: Store, another: Another, run: Run) -> None:
    """However many learn of a job at once, over several connections, there is one row, and all are told the same."""

    async def flow() -> None:
        stores = [store, another(), another(), another()]
        born = await asyncio.gather(*(bear(stores[turn % 4]) for turn in range(64)))

        assert len({job.id for job in born}) == 1
        assert len(await everything(store, JobRow)) == 1

    run(flow())


def test_submission_joined_later(store: Store, run: Run) -> None:
    """A job whose webhook came before its submission was answered gets the submission; a second one changes nothing."""

    async def flow() -> None:
        one, two = await a_submission(store), await a_submission(store)
        heard = await bear(store, Origin.DELIVERY, has_webhook=True)
        joined = await bear(store, Origin.SUBMIT, submission_id=one)
        later = await bear(store, Origin.SUBMIT, submission_id=two, has_webhook=False)

        assert (heard.submission_id, heard.has_webhook) == (None, 1)
        assert (joined.submission_id, joined.has_webhook, joined.origin) == (one, 1, "delivery")
        assert (later.submission_id, later.has_webhook) == (one, 1)

    run(flow())


def test_identity_is_compared_as_bytes(store: Store, run: Run) -> None:
    """Jobs that differ in source, kind, case or a trailing blank are different jobs."""

    async def flow() -> None:
        identities = [
            ("acme", "batch", "b1"),
            ("other", "batch", "b1"),
            ("acme", "video", "b1"),
            ("acme", "batch", "B1"),
            ("acme", "batch", "b1 "),
            ("acme", "batch", "01"),
            ("acme", "batch", "1"),
        ]
        born = [
            await within(store.writing(), jobs.bear, store.new_id(), identity, Origin.TRACK, NOON)
            for identity in identities
        ]

        assert len({job.id for job in born}) == len(identities)
        assert [(job.source, job.kind, job.job_id) for job in born] == identities

    run(flow())


def test_named(store: Store, run: Run) -> None:
    """A bare provider's id finds the jobs of all sources that have it, or of the one that is named."""

    async def flow() -> None:
        one, two = await a_job(store, "b1", "acme"), await a_job(store, "b1", "other")
        await a_job(store, "b2", "acme")

        assert await within(store.reading(), jobs.named, "b1") == [one, two]
        assert await within(store.reading(), jobs.named, "b1", "other") == [two]
        assert await within(store.reading(), jobs.named, "b3") == []

    run(flow())


def test_wanted_ones_first(store: Store, run: Run) -> None:
    """The wanted ones come first, then the routine ones; within each, what is due longest."""

    async def flow() -> None:
        await a_job(store, "routine_late", due_at=NOON - SECOND)
        await a_job(store, "routine_early", due_at=NOON - MINUTE)
        await a_job(store, "wanted_late", due_at=NOON, wanted_at=NOON - MINUTE)
        await a_job(store, "wanted_early", due_at=NOON - SECOND, wanted_at=NOON)
        await a_job(store, "later", due_at=NOON + 1)
        await a_job(store, "wanted_later", due_at=NOON + 1, wanted_at=NOON - MINUTE)
        await a_job(store, "never", due_at=None)
        await a_job(store, "elsewhere", source="other", due_at=NOON - MINUTE, wanted_at=NOON - MINUTE)
        whole = ["wanted_early", "wanted_late", "routine_early", "routine_late"]

        assert await names(store) == whole
        for limit in range(len(whole)):
            assert await names(store, limit) == whole[:limit]
        assert await names(store, now=NOON + 1) == [*whole[:2], "wanted_later", *whole[2:], "later"]

    run(flow())


def test_excluded_ones_hide_nobody(store: Store, run: Run) -> None:
    """A whole page of jobs that are in flight, wanted and routine, leaves the page to those behind them."""

    async def flow() -> None:
        busy = [await a_job(store, f"wanted_{number}", due_at=NOON - MINUTE, wanted_at=NOON) for number in range(5)]
        busy += [await a_job(store, f"routine_{number}", due_at=NOON - MINUTE) for number in range(5)]
        await a_job(store, "wanted_behind", due_at=NOON, wanted_at=NOON)
        await a_job(store, "routine_behind", due_at=NOON)
        flying = {job.id for job in busy}

        assert await names(store, 2, without=flying) == ["wanted_behind", "routine_behind"]
        assert await names(store, 1, without=flying) == ["wanted_behind"]
        assert await names(store, 3, without=flying - {busy[7].id}) == ["wanted_behind", "routine_2", "routine_behind"]

    run(flow())


def test_next_due(store: Store, run: Run) -> None:
    """The soonest of a source, be it past or to come; None when nothing of it will ever be due."""

    async def flow() -> None:
        assert await within(store.reading(), jobs.next_due, "acme") is None
        done = await a_job(store, "done", due_at=None)
        assert await within(store.reading(), jobs.next_due, "acme") is None
        await a_job(store, "later", due_at=NOON + MINUTE)
        await a_job(store, "elsewhere", source="other", due_at=NOON - MINUTE)
        assert await within(store.reading(), jobs.next_due, "acme") == NOON + MINUTE
        await within(store.writing(), jobs.change, done.id, {"due_at": NOON - SECOND}, NOON)
        assert await within(store.reading(), jobs.next_due, "acme") == NOON - SECOND

    run(flow())


def test_adopted_open(store: Store, run: Run) -> None:
    """Only open jobs that a delivery brought count against the bound, and only as far as the bound."""

    async def flow() -> None:
        for number, status in enumerate(Status):
            await a_job(store, f"adopted_{number}", origin="delivery", status=status.value)
            await a_job(store, f"tracked_{number}", origin="track", status=status.value)
        await a_job(store, "elsewhere", source="other", origin="delivery")

        assert await within(store.reading(), jobs.adopted_open, "acme", 100) == len(OPEN)
        assert await within(store.reading(), jobs.adopted_open, "acme", 2) == 2
        assert await within(store.reading(), jobs.adopted_open, "nobody", 2) == 0

    run(flow())


def test_newest(store: Store, run: Run) -> None:
    """Listings go from the newest on, cut at a limit, by source and by status."""

    async def flow() -> None:
        statuses = ["running", "failed", "expired", "failed"]
        made = [await a_job(store, f"b{number}", status=status) for number, status in enumerate(statuses)]
        made.append(await a_job(store, "b9", "other", status="failed"))
        one, two, three, four, other = (job.id for job in made)

        async def listed(part: Part = EVERY, *arguments: Any, **named: Any) -> list[int]:
            return [job.id for job in await within(store.reading(), jobs.newest, part, *arguments, **named)]

        assert await listed() == [other, four, three, two, one]
        assert await listed(Part(2)) == [other, four]
        assert await listed(Part(2, before=four)) == [three, two]
        assert await listed(Part(3), "acme") == [four, three, two]
        assert await listed(EVERY, "acme", status=["failed", "expired"]) == [four, three, two]
        assert await listed(Part(2), status=["failed", "expired"]) == [other, four]
        assert await listed(EVERY, status=["failed"]) == [other, four, two]
        assert await listed(EVERY, kind="video") == []
        assert await listed(EVERY, in_trouble=True) == []

    run(flow())


def test_change_touches_one(store: Store, run: Run) -> None:
    """A change is of one job and notes when it was made."""

    async def flow() -> None:
        one, two = await a_job(store, "b1"), await a_job(store, "b2")
        await within(store.writing(), jobs.change, one.id, {"progress": 40}, NOON + SECOND)
        changed = await within(store.reading(), jobs.get, one.id)

        assert changed is not None
        assert (changed.progress, changed.updated_at) == (40, NOON + SECOND)
        assert await within(store.reading(), jobs.get, two.id) == two
        assert await within(store.reading(), jobs.get, 1) is None

    run(flow())


def test_submission_kept(store: Store, run: Run) -> None:
    """A submission is stored before anybody is asked, and told what became of it."""

    async def flow() -> None:
        number = await a_submission(store)
        changes = {"state": "created", "job_id": "batch_1"}
        await within(store.writing(), submissions.change, number, changes, NOON + SECOND)
        found = await within(store.reading(), submissions.get, number)

        assert found is not None
        assert (found.state, found.job_id, found.updated_at) == ("created", "batch_1", NOON + SECOND)
        assert await within(store.reading(), submissions.get, 1) is None

    run(flow())


def test_by_identities(store: Store, run: Run) -> None:
    """Those of many identities that are known are found, also beyond what one statement takes; others of theirs are not."""

    async def flow() -> None:
        known = [await a_job(store, f"batch_{number}") for number in range(3)]
        await a_job(store, "batch_1", source="other")
        names = [("batch", f"batch_{number}") for number in range(1, 1200)]
        found = await within(store.reading(), jobs.by_identities, "acme", [*names, ("video", "batch_0")])

        assert sorted(job.id for job in found) == [known[1].id, known[2].id]
        assert await within(store.reading(), jobs.by_identities, "acme", []) == []

    run(flow())


def test_adopted_from_the_list(store: Store, run: Run) -> None:
    """Jobs adopted from the list count with those from deliveries."""

    async def flow() -> None:
        for number, origin in enumerate([Origin.DELIVERY, Origin.SWEEP, Origin.TRACK, Origin.SUBMIT]):
            identity = ("acme", "batch", f"batch_{number}")
            await within(store.writing(), jobs.bear, store.new_id(), identity, origin, NOON)

        assert await within(store.reading(), jobs.adopted_open, "acme", 10) == 2

    run(flow())


def test_submissions_behind_a_list(store: Store, run: Run) -> None:
    """Submissions are found by the file that they uploaded or by their own id, each once, and only those of the source."""

    async def flow() -> None:
        by_file, by_number, neither = [await a_submission(store) for _ in range(3)]
        for number, file_id in ((by_file, "file-1"), (neither, "file-2")):
            await within(store.writing(), submissions.change, number, {"input_file_id": file_id}, NOON)
        look = submissions.that_may_have_made
        found = await within(store.reading(), look, "acme", {"file-1", "file-9"}, {by_number, by_file})

        assert {row.id for row in found} == {by_file, by_number}
        assert len(found) == 2
        assert await within(store.reading(), look, "other", {"file-1"}, {by_file}) == []

    run(flow())


def test_what_waits_longest(store: Store, run: Run) -> None:
    """The oldest jobs without a result: open ones of any source, and of those asked about the ended ones that are not ready."""

    async def flow() -> list[str]:
        await a_job(store, "ready", status="completed", ready_at=NOON)
        await a_job(store, "not_ready", status="completed", ended_at=NOON)
        await a_job(store, "settled", status="failed", ready_at=NOON, settled_at=NOON)
        await a_job(store, "open_elsewhere", source="gone", status="paused")
        await a_job(store, "ended_elsewhere", source="gone", status="failed")
        await a_job(store, "open", status="running")
        await a_job(store, "unknown")
        async with store.reading() as connection:
            whole = await jobs.waiting_longest(connection, ["acme"], 10)
            two = await jobs.waiting_longest(connection, [], 2)
        return [row.job_id for row in (*whole, *two)]

    assert run(flow()) == ["not_ready", "open_elsewhere", "open", "unknown", "open_elsewhere", "open"]
