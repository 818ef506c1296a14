"""The sweep: what the list shows that we do not know, and which of it is ours to take on. Pure."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from schemas.config import Adopt
from schemas.ids import shown
from schemas.readings import Observation
from schemas.tables import SourceRow, SubmissionRow


@dataclass(frozen=True, slots=True)
class Swept:
    """What the last look through the list came to."""

    at: int | None = None
    orphans: Mapping[str, int] = field(default_factory=dict)  # jobs that were left alone, by kind
    is_full: bool = False  # there may be more than it showed
    unreadable: int = 0
    message: str | None = None  # what kept it from being whole, or a later one from coming to anything


def recorded(row: SourceRow) -> Swept:
    """What the last look came to, by whichever process."""
    orphans = json.loads(row.orphans)
    return Swept(row.swept_at, orphans, bool(row.list_is_full), row.list_unreadable, row.list_message)


@dataclass(frozen=True, slots=True)
class Sorting:
    """What becomes of the jobs of a list that we do not know."""

    ours: Sequence[tuple[Observation, SubmissionRow]]  # made by a submission whose answer was lost
    adopted: Sequence[Observation]
    orphans: Sequence[Observation]

    @property
    def orphans_by_kind(self) -> dict[str, int]:
        return dict(sorted(Counter(seen.kind for seen in self.orphans).items()))


def sort(
    unknown: Iterable[Observation], submissions: Iterable[SubmissionRow], adopt: Adopt, since: int, room: int
) -> Sorting:
    """Decide about each job that the list shows and we do not know.

    What a submission of ours made is ours, whatever the policy. `adopt = "all"` takes on those created `since` we listen,
    as far as there is `room`. Everything else is left alone: not asked about, not classified, not handed on.
    """
    ours: list[tuple[Observation, SubmissionRow]] = []
    adopted: list[Observation] = []
    orphans: list[Observation] = []
    open_submissions = list(submissions)
    for seen in sorted(unknown, key=lambda one: one.created_at or 0):
        row = _submission_of(seen, open_submissions)
        if row is not None:
            ours.append((seen, row))
            open_submissions.remove(row)  # one submission makes one job: the first that was created
        elif adopt == "all" and _is_new(seen, since) and len(adopted) < room:
            adopted.append(seen)
        else:
            orphans.append(seen)
    return Sorting(ours, adopted, orphans)


def _submission_of(seen: Observation, submissions: Iterable[SubmissionRow]) -> SubmissionRow | None:
    """The submission that made this job. A token in its metadata decides. Lists may leave the metadata out: then it is known
    by its input file, which that submission alone has uploaded, unless the submission became another job."""
    for row in submissions:
        is_free = row.job_id in (None, seen.job_id)
        if seen.submission is not None and seen.submission == shown("sub", row.id) and is_free:
            return row
        if seen.submission is None and seen.input_file_id and row.input_file_id == seen.input_file_id and is_free:
            return row
    return None


def _is_new(seen: Observation, since: int) -> bool:
    """One that does not say when it was created may be an old one."""
    return seen.created_at is not None and seen.created_at >= since
