"""Whole or not: what speaks for and against content that came to its end without trouble on the way."""

from dataclasses import dataclass

from schemas.contents import Streamed
from schemas.tables import JobRow, OutputRow
from schemas.words import OutputRole

ROW_ROLES = frozenset({OutputRole.OUTPUT, OutputRole.ERROR, OutputRole.RESULTS})
RECORDED_ROLES = frozenset({OutputRole.OUTPUT, OutputRole.ERROR})  # files, of which the provider keeps a record


@dataclass(frozen=True, slots=True)
class Taken:
    """What came: its size and digest, and where it has rows, how many lines and what is wrong with the last one."""

    size: int
    sha256: str
    lines: int | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Incomplete:
    """Content that is not taken. `look_again`: the file's record may have changed. `sha256`: of content that nothing speaks
    against, but that nobody vouches for, either; it is taken when it comes once more."""

    message: str
    look_again: bool = False
    sha256: str | None = None


def why_incomplete(row: OutputRow, job: JobRow, streamed: Streamed, taken: Taken) -> Incomplete | None:
    """None: it is whole. That is what its head promised, what the file's record said, and a last line that is a whole row.

    Where neither says a length, fewer lines than the provider counted are a reason to fetch it once more.
    """
    if streamed.length is not None and taken.size != streamed.length:
        return Incomplete(f"{taken.size} bytes came of the {streamed.length} that were promised")
    if row.size is not None and taken.size != row.size:
        message = f"{taken.size} bytes came, and the file's record says {row.size}"
        return Incomplete(message, look_again=True)
    if taken.problem is not None:
        return Incomplete(f"{taken.size} bytes came, and {taken.problem}")
    if streamed.length is not None or row.size is not None:
        return None
    doubt = _doubt(row, job, streamed, taken)
    if doubt is None or taken.sha256 == row.sha256:
        return None
    return Incomplete(f"{doubt}: it is fetched once more, and taken when the same comes again", sha256=taken.sha256)


def _doubt(row: OutputRow, job: JobRow, streamed: Streamed, taken: Taken) -> str | None:
    """What lets one doubt content of which nobody told the length."""
    counted = _counted(OutputRole(row.role), job)
    if taken.lines is not None and counted is not None and taken.lines < counted:
        return f"{taken.lines} rows came, and the provider counted {counted}"
    return None if streamed.has_end or taken.lines is not None else "nothing marked its end"


def _counted(role: OutputRole, job: JobRow) -> int | None:
    match role:
        case OutputRole.OUTPUT:
            return job.rows_completed
        case OutputRole.ERROR:
            return job.rows_failed
        case OutputRole.RESULTS:
            return (job.rows_completed or 0) + (job.rows_failed or 0)
        case OutputRole.CONTENT:
            return None
