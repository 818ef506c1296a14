"""What `results` is asked for: one job, or the members of a group in their order, and what of it is not there yet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from operators.errors import NotPossible
from operators.outcomes import Member
from operators.queries import facts_of
from operators.work import find_work
from reconciler.classify import output_is_missing
from reconciler.facts import Facts
from reconciler.ready import has_rows, missing_for_ready
from reconciler.whole import ROW_ROLES
from schemas.config import Config
from schemas.ids import shown
from schemas.tables import OutputRow, SubmissionRow
from schemas.words import Origin, OutputRole, OutputState

_ORDER = (OutputRole.OUTPUT, OutputRole.RESULTS, OutputRole.ERROR)


@dataclass(frozen=True, slots=True)
class Part:
    """One job, or a submission of which no job has come yet."""

    facts: Facts | None
    submission: SubmissionRow | None
    lacking: tuple[str, ...]  # what it waits for, so that it is not ready
    rows_lacking: str | None  # why rows are missing for good

    @property
    def name(self) -> str:
        if self.facts is not None:
            return f"{self.facts.job.source}/{self.facts.job.job_id}"
        return shown("sub", self.submission.id) if self.submission else "nothing"

    @property
    def files(self) -> list[OutputRow]:
        """What has rows and is among our files, in the order in which they were matched."""
        named = self.facts.current_outputs if self.facts else []
        fetched = [row for row in named if row.state == OutputState.FETCHED and row.role in ROW_ROLES]
        return sorted(fetched, key=lambda row: (_ORDER.index(OutputRole(row.role)), row.id))


async def parts_of(connection: AsyncConnection, config: Config, name: str, now: int) -> list[Part]:
    """The one part of a job or a submission, or those of a group.

    Raises:
        NoSuchThing, AmbiguousName: by that name.
        NotPossible: it has no rows here, and never will.
    """
    work = await find_work(connection, name)
    return [await _of_member(connection, config, member, now) for member in work.members]


async def _of_member(connection: AsyncConnection, config: Config, member: Member, now: int) -> Part:
    facts = None if member.job is None else (await facts_of(connection, config, member.job, now))[0]
    return _part(facts, member.submission, config, now)


def _part(facts: Facts | None, submission: SubmissionRow | None, config: Config, now: int) -> Part:
    if facts is None:
        return _without_job(submission)
    job = facts.job
    if not job.hands_on:
        way = f"; for jobs to come, set fetch_adopted = true in [sources.{job.source}] of {config.path}"
        advice = way if job.origin in (Origin.DELIVERY, Origin.SWEEP) else ""
        raise NotPossible(f"the outputs of {job.source}/{job.job_id} are only looked for, and not fetched{advice}")
    if facts.status.is_terminal and not has_rows(facts):
        raise NotPossible(f"{job.source}/{job.job_id} has no rows; `batchkeeper job {job.job_id}` says what there is")
    waiting = tuple(one.condition for one in missing_for_ready(facts, now))
    return Part(facts, submission, waiting, None if waiting else _rows_lacking(facts, submission, now))


def _without_job(submission: SubmissionRow | None) -> Part:
    state = submission.state if submission else "unknown"
    return Part(None, submission, (f"no job has come of it: the submission is {state}",), None)


def _rows_lacking(facts: Facts, submission: SubmissionRow | None, now: int) -> str | None:
    match = facts.current_match
    if match is not None and match.missing:
        return f"{match.missing} of {match.asked} rows are missing"
    if output_is_missing(facts, now):
        return "its output stayed out of reach"
    if match is None:
        rows = f" {submission.row_count}" if submission else ""
        return f"it has no outputs, so all{rows} rows are missing"
    return None


def require_all(parts: Sequence[Part], name: str, failed: bool, partial: bool) -> None:
    """Refuse what is not all there, unless a part of it was asked for.

    Raises:
        NotPossible: with what is missing.
    """
    if partial:
        return
    lacking = list(lacking_of(parts, failed))
    if lacking:
        told = "".join(f"\n  {line}" for line in lacking[:20]) + ("\n  ..." if len(lacking) > 20 else "")
        raise NotPossible(
            f"the results of {name} are not whole; --partial shows what is there, --failed what failed or is missing:{told}"
        )


def lacking_of(parts: Sequence[Part], failed: bool) -> Iterator[str]:
    """What is not there, and of which part."""
    for part in parts:
        for condition in part.lacking:
            yield f"{part.name}: {condition}"
        if part.rows_lacking and not failed:
            yield f"{part.name}: {part.rows_lacking}"
