"""Matches of rows, kept once for each job; which jobs are due for one; and what `results` finds of a group."""

from stored import NOON, Run, a_job, within

from schemas.tables import GroupRow, OutputRow, RowMatchRow, SubmissionRow
from schemas.times import SECOND
from schemas.words import OutputState
from storage import jobs, outputs, row_matches, submissions
from storage.rows import add
from storage.store import Store


def test_kept_once(store: Store, run: Run) -> None:
    """A later match takes the place of the former one; what is not known stays so."""

    async def flow() -> None:
        job = await a_job(store)
        assert await within(store.reading(), row_matches.of_job, job.id) is None
        first = RowMatchRow(job=job.id, revision=1, asked=3, succeeded=2, failed=1, missing=0, matched_at=NOON)
        await within(store.writing(), row_matches.keep, first)
        again = RowMatchRow(
            job=job.id, revision=2, asked=None, succeeded=3, failed=0, missing=None, matched_at=NOON + 1
        )
        await within(store.writing(), row_matches.keep, again)
        assert await within(store.reading(), row_matches.of_job, job.id) == again

    run(flow())


def test_due(store: Store, run: Run) -> None:
    """The longest due first, of one source; when the next falls due is known."""

    async def flow() -> None:
        assert await within(store.reading(), jobs.next_match_due, "acme") is None
        await a_job(store, "b1", match_due_at=NOON)
        early = await a_job(store, "b2", match_due_at=NOON - SECOND)
        await a_job(store, "b3", match_due_at=NOON + 1)
        await a_job(store, "b4")
        await a_job(store, "b5", "other", match_due_at=NOON - 9 * SECOND)
        found = await within(store.reading(), jobs.match_due, "acme", NOON, 10)
        assert [job.job_id for job in found] == ["b2", "b1"]
        assert await within(store.reading(), jobs.match_due, "acme", NOON, 1) == [early]
        assert await within(store.reading(), jobs.next_match_due, "acme") == NOON - SECOND

    run(flow())


def test_wanted_after_all(store: Store, run: Run) -> None:
    """Files that were only looked for are due, once somebody wants them; no others."""

    async def flow() -> None:
        job, other = await a_job(store, "b1"), await a_job(store, "b2")
        for number, (owner, state, due_at) in enumerate(
            [
                (job, OutputState.EXISTS, None),
                (job, OutputState.EXISTS, NOON + 7),
                (job, OutputState.FETCHED, None),
                (job, OutputState.UNREADABLE, None),
                (other, OutputState.EXISTS, None),
            ]
        ):
            row = OutputRow(
                id=store.new_id(), job=owner.id, role="output", file_id=f"f{number}", state=state.value, named_at=NOON
            )
            row.due_at = due_at
            await within(store.writing(), outputs.name, row)
        await within(store.writing(), outputs.want, job.id, NOON)
        found = await within(store.reading(), outputs.of_job, job.id)
        assert [row.due_at for row in found] == [NOON, NOON + 7, None, None]
        assert [row.due_at for row in await within(store.reading(), outputs.of_job, other.id)] == [None]

    run(flow())


def test_group(store: Store, run: Run) -> None:
    """The members of a group in the order of their shards, and the jobs that came of them."""

    async def flow() -> None:
        group = GroupRow(id=store.new_id(), size=3, created_at=NOON)
        await within(store.writing(), add, group)
        members = []
        for shard in (3, 1, 2):
            told = {
                "source": "acme",
                "group_id": group.id,
                "shard": shard,
                "state": "created",
                "input_name": "rows.jsonl",
            }
            counts = {"input_sha256": "", "input_bytes": 1, "row_count": 1, "created_at": NOON, "updated_at": NOON}
            row = SubmissionRow(id=store.new_id(), job_id=f"b{shard}" if shard != 2 else None, **told, **counts)
            await within(store.writing(), submissions.store, row)
            members.append(row)
        one = await a_job(store, "b1", submission_id=members[1].id)
        await a_job(store, "b3")  # of the same name, and not of the submission
        found = await within(store.reading(), submissions.of_group, group.id)
        assert [row.shard for row in found] == [1, 2, 3]
        assert await within(store.reading(), jobs.of_submissions, [row.id for row in found]) == [one]

    run(flow())
