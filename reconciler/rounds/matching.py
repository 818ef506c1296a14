"""The match round: the rows of jobs whose outputs are all here, or known to be absent, are compared with what was asked."""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.asking import Asking, Back
from reconciler.gather import gather
from reconciler.matching import Matched, Place, match
from reconciler.news import about
from reconciler.owned import Owned
from reconciler.record import review_job
from reconciler.rounds.each import write_each
from reconciler.whole import ROW_ROLES
from schemas.contents import NoRow, ResultRow
from schemas.dialects import Dialect
from schemas.ids import shown
from schemas.jsonl import LONGEST_LINE, Line, lines_of
from schemas.tables import JobRow, OutputRow, RowMatchRow, SubmissionRow
from schemas.times import MINUTE
from schemas.words import OutputRole, OutputState
from storage import jobs, outputs, row_matches, submissions
from storage.files import Files

log = structlog.get_logger()

SET_ASIDE_FOR = 5 * MINUTE
_ORDER = (OutputRole.OUTPUT, OutputRole.RESULTS, OutputRole.ERROR)


@dataclass(frozen=True, slots=True)
class Failed:
    """It could not be done now."""

    message: str


@dataclass(frozen=True, slots=True)
class Gone:
    """A file that we had is not among our files any more."""

    output: OutputRow


Answer = Matched | Gone | Failed
MatchBack = Back[JobRow, Answer]


class Stopped(Exception):
    """Nobody waits for it any more."""


class MatchRound:
    """The match round of one source. Files are read in a thread, one job's at a time; nobody is asked anything."""

    def __init__(self, owned: Owned) -> None:
        self._owned = owned
        self.asking: Asking[JobRow, Answer] = Asking(
            self._match, Failed("an error of ours while matching"), owned.clock, owned.woken.set, spend=lambda: None
        )

    async def run_once(self, now: int) -> int:
        """Write what has come back and begin with the next. How many that were."""
        answers = self.asking.answers()
        await self._write(answers, now)
        return len(answers) + await self._start(now)

    async def _start(self, now: int) -> int:
        if self.asking.busy:
            return 0
        async with self._owned.store.reading() as connection:
            due = await jobs.match_due(connection, self._owned.source.name, now, 1)
        for job in due:
            self.asking.start(job.id, job)
        return len(due)

    async def _match(self, job: JobRow) -> Answer:
        owned, stopped = self._owned, threading.Event()
        async with owned.store.reading() as connection:
            facts = await gather(connection, job, owned.source, owned.dialect, owned.terms)
            submission = await submissions.get(connection, job.submission_id) if job.submission_id else None
        try:
            return await asyncio.to_thread(
                match_files, owned.files, owned.dialect, submission, facts.current_outputs, stopped
            )
        except OSError as error:
            return Failed(f"{owned.files.place} cannot be read: {error}")
        finally:
            stopped.set()

    async def _write(self, answers: list[MatchBack], now: int) -> None:
        owned = self._owned

        async def write(connection: AsyncConnection, back: MatchBack) -> None:
            match back.answer:
                case Matched():
                    await _keep(connection, back.item, back.answer, now)
                case Gone(output):
                    place = {"output": shown("out", output.id), "stored_as": output.stored_as}
                    log.error("output_gone", source=owned.source.name, **about(back.item), **place)
                    await outputs.change(connection, output.id, {"state": OutputState.EXISTS.value, "due_at": now})
                case Failed(message):
                    log.error("not_matched", source=owned.source.name, **about(back.item), message=message)
                    await set_aside(connection, back)
            await review_job(connection, owned, back.item.id, now, answered=False)

        async def set_aside(connection: AsyncConnection, back: MatchBack) -> None:
            await jobs.change(connection, back.item.id, {"match_due_at": now + SET_ASIDE_FOR}, now)

        await write_each(owned, answers, write, set_aside, ("", ""))
        self.asking.written([back.item.id for back in answers])


async def _keep(connection: AsyncConnection, before: JobRow, found: Matched, now: int) -> None:
    """Unless the job has another end by now, or another file: then it is matched anew."""
    job = await jobs.get(connection, before.id)
    if job is None or (job.revision, job.match_due_at) != (before.revision, before.match_due_at):
        return
    row = RowMatchRow(
        job=job.id,
        revision=job.revision,
        asked=found.asked,
        succeeded=found.succeeded,
        failed=found.failed,
        missing=found.missing,
        repeated=found.repeated,
        strange=found.strange,
        unreadable=found.unreadable,
        examples=json.dumps(found.examples),
        matched_at=now,
    )
    await row_matches.keep(connection, row)
    await jobs.change(connection, job.id, {"match_due_at": None}, now)


def match_files(
    files: Files,
    dialect: Dialect,
    submission: SubmissionRow | None,
    named: Sequence[OutputRow],
    stopped: threading.Event,
) -> Matched | Gone:
    """Read what was asked and what came. To be run in a thread; when `stopped` is set it gives up.

    Raises:
        OSError: the files cannot be read at present.
    """
    fetched = [row for row in named if row.state == OutputState.FETCHED and row.role in ROW_ROLES]
    fetched.sort(key=lambda row: (_ORDER.index(OutputRole(row.role)), row.id))
    for row in fetched:
        try:
            files.open(str(row.stored_as)).close()
        except FileNotFoundError:
            return Gone(row)
    asked = asked_ids(files, dialect, submission.staged_as if submission else None)
    count = submission.row_count if submission else None
    return match(asked, _rows(files, dialect, fetched, stopped), count)


def asked_ids(files: Files, dialect: Dialect, staged_as: str | None) -> list[str] | None:
    """The custom ids of an input, in its order; None where it is not kept here, or is no such file."""
    if staged_as is None:
        return None
    try:
        with files.open(staged_as) as stream:
            found = [dialect.read_custom_id(line.content or b"") for line in lines_of(stream)]
    except FileNotFoundError:
        return None
    return None if None in found else [custom_id for custom_id in found if custom_id is not None]


def _rows(
    files: Files, dialect: Dialect, fetched: Sequence[OutputRow], stopped: threading.Event
) -> Iterator[tuple[Place, ResultRow | NoRow]]:
    for row in fetched:
        with files.open(str(row.stored_as)) as stream:
            for line in lines_of(stream):
                if stopped.is_set():
                    raise Stopped
                yield Place(row.role, line.number), read_line(dialect, line)


def read_line(dialect: Dialect, line: Line) -> ResultRow | NoRow:
    if line.content is None:
        return NoRow(f"longer than {LONGEST_LINE} bytes")
    return dialect.read_row(line.content)
