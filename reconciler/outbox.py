"""The outbox: what downstream is to be told is written in the very transaction that makes it true."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.classify import Failure
from reconciler.events import SOURCE_FINDING, Told, finding_event, group_event, job_event, source_finding_event
from reconciler.facts import Facts
from reconciler.owned import Owned
from schemas.config import Handoff
from schemas.tables import FailureRow, FindingRow, GroupRow, HandoffRow, JobRow, SubmissionRow
from schemas.times import HOUR
from schemas.words import HandoffState
from storage import findings, handoffs, labels, row_matches

TOLD_AGAIN_AFTER = HOUR  # a finding that comes and goes must not wake anybody each time
COMPLETED_ONCE = 1  # the revision of a group: it completes once


def wants(target: Handoff, occasion: str, source: str, status: str | None) -> bool:
    """Whether a target is told of such an occasion, as far as its labels allow. A group has no status."""
    is_source = not target.sources or source in target.sources
    return target.on == occasion and is_source and (not target.statuses or status in target.statuses)


def has_labels(target: Handoff, given: Mapping[str, str]) -> bool:
    """Whether all labels of a target are there."""
    return all(given.get(key) == value for key, _, value in (label.partition("=") for label in target.labels))


async def hand_on_job(
    connection: AsyncConnection,
    owned: Owned,
    facts: Facts,
    held: Iterable[Failure],
    occasions: Collection[str],
    now: int,
) -> None:
    """Write what is to be told of a job that is ready, or has ended. `facts` are as they are from now on, `held` its failures."""
    job = facts.job
    wished = [one for occasion in occasions for one in _wishing(owned, occasion, job.source, job.status)]
    if not wished or not job.hands_on:
        return
    given = await _labels(connection, job)
    targets = [one for one in wished if has_labels(one, given)]
    if not targets:
        return
    outputs = [(row, owned.files.url(row.stored_as) if row.stored_as else None) for row in facts.outputs]
    named = [(one.category.value, one.code.value, one.message) for one in held]
    told = Told(given, await row_matches.of_job(connection, job.id), outputs, named)

    def event(number: int) -> str:
        return job_event(number, job, told, now)

    await _put(connection, owned, targets, ("job", job.id, job.source, job.revision), event, now)


async def hand_on_findings(
    connection: AsyncConnection, owned: Owned, job: JobRow, began: Sequence[FailureRow], now: int
) -> None:
    """Write what is to be told of failures that begin to hold. They are told of jobs that are not handed on, too."""
    wished = _wishing(owned, "finding", job.source, job.status) if began else []
    if not wished:
        return
    given = await _labels(connection, job)
    targets = [one for one in wished if has_labels(one, given)]
    for failure in began:
        about = ("finding", failure.id, job.source, failure.detected_at)
        await _put(connection, owned, targets, about, _finding(failure, job, given, now), now)


async def hand_on_cleared(
    connection: AsyncConnection, owned: Owned, job: JobRow, cleared: Sequence[FailureRow], now: int
) -> None:
    """Write that failures hold no more, for whoever was told that they began."""
    given = await _labels(connection, job) if cleared else {}
    for failure in cleared:
        targets = await _told(connection, owned, failure.id)
        revision = max(failure.cleared_at or now, failure.detected_at + 1)
        about = ("finding", failure.id, job.source, revision)
        await _put(connection, owned, targets, about, _finding(failure, job, given, now), now)


async def hand_on_source_findings(
    connection: AsyncConnection, owned: Owned, changed: Sequence[FindingRow], now: int
) -> None:
    """
    Write what is to be told of a source's findings: each that stands, when it opens, but not again within an hour; and that it
    is closed, for whoever was told that it began. A target that picks statuses or labels is about jobs, and is not told.
    """
    source = owned.source.name
    for row in await findings.of_source(connection, source):
        if row.closed_at is None and _is_to_be_told(row, now):
            wished = [one for one in _wishing(owned, "finding", source, None) if has_labels(one, {})]
            about = (SOURCE_FINDING, row.id, source, row.began_at)
            await _put(connection, owned, wished, about, _source_finding(row, now), now)
            await findings.told(connection, row.id, now)
    for row in changed:
        if row.closed_at is not None and _was_told(row):
            about = (SOURCE_FINDING, row.id, source, max(row.closed_at, row.began_at + 1))
            targets = await _told(connection, owned, row.id)
            await _put(connection, owned, targets, about, _source_finding(row, now), now)


def _was_told(row: FindingRow) -> bool:
    """Downstream knows that it began, and not only of an earlier time."""
    return row.told_at is not None and row.told_at >= row.began_at


def _is_to_be_told(row: FindingRow, now: int) -> bool:
    return not _was_told(row) and (row.told_at is None or not 0 <= now - row.told_at < TOLD_AGAIN_AFTER)


async def _told(connection: AsyncConnection, owned: Owned, subject: int) -> list[Handoff]:
    """The targets that were told of a subject and are configured still."""
    names = await handoffs.targets_of(connection, subject)
    return [target for name, target in owned.handoffs().items() if name in names]


async def hand_on_group(
    connection: AsyncConnection,
    owned: Owned,
    group: GroupRow,
    submissions: Sequence[SubmissionRow],
    jobs: Iterable[JobRow],
    now: int,
) -> None:
    """
    Write what is to be told of a group that is complete, in the transaction that completes it.

    `group` is as it is from now on, `submissions` are all its members, `jobs` those that came of them.
    """
    wished = _wishing(owned, "group", group.source, None)
    if not wished:
        return
    given = await labels.of_subjects(connection, [group.id])
    by_submission = {job.submission_id: job for job in jobs if job.submission_id is not None}

    def event(number: int) -> str:
        return group_event(number, group, given, submissions, by_submission, now)

    targets = [one for one in wished if has_labels(one, given)]
    await _put(connection, owned, targets, ("group", group.id, group.source, COMPLETED_ONCE), event, now)


async def withdraw(connection: AsyncConnection, job: JobRow, status: str, now: int) -> None:
    """Take back what still waits to be told of a job's end: the job turned out to be in another status."""
    message = f"withdrawn: revision {job.revision} was {job.status}, and the job turned out to be {status}"
    await handoffs.withdraw(connection, job.id, message, now)


def _wishing(owned: Owned, occasion: str, source: str, status: str | None) -> list[Handoff]:
    return [target for target in owned.handoffs().values() if wants(target, occasion, source, status)]


async def _labels(connection: AsyncConnection, job: JobRow) -> dict[str, str]:
    """A job's own labels, and those of its group beneath them."""
    return await labels.of_subjects(connection, [job.id] if job.group_id is None else [job.group_id, job.id])


def _finding(failure: FailureRow, job: JobRow, given: Mapping[str, str], now: int) -> Callable[[int], str]:
    return lambda number: finding_event(number, failure, job, given, now)


def _source_finding(row: FindingRow, now: int) -> Callable[[int], str]:
    return lambda number: source_finding_event(number, row, now)


async def _put(
    connection: AsyncConnection,
    owned: Owned,
    targets: Iterable[Handoff],
    about: tuple[str, int, str, int],
    event: Callable[[int], str],
    now: int,
) -> None:
    """One row for each target. `about` says what it tells of: the sort, the subject, the source and the revision."""
    sort, subject, source, revision = about
    for target in targets:
        number = owned.store.new_id()
        row = HandoffRow(
            id=number,
            about=sort,
            subject=subject,
            source=source,
            target=target.name,
            revision=revision,
            event=event(number),
            state=HandoffState.WAITING.value,
            attempts=0,
            due_at=now,
            made_at=now,
        )
        await handoffs.put(connection, row)
