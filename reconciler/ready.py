"""Ready and settled: when a job may be handed on, and when the asking ends. What is missing is named."""

from dataclasses import dataclass

from reconciler.accounting import Reckoning
from reconciler.classify import output_is_missing
from reconciler.facts import Facts
from reconciler.whole import RECORDED_ROLES, ROW_ROLES
from schemas.tables import OutputRow
from schemas.words import Basis, OutputState, Status


@dataclass(frozen=True, slots=True)
class Missing:
    """One condition that does not hold yet, and since when it has been waited for (microseconds)."""

    condition: str
    since: int
    is_parked: bool = False  # it takes room here, or a larger cap, and no more of the provider


def missing_for_ready(facts: Facts, now: int) -> tuple[Missing, ...]:
    """What keeps a job from being ready: its end, and each output safe on our side or known to be absent, its rows matched.

    Outputs that are not fetched only have to be found. What the provider denies for good has none: should it know the job
    again one day, that is a new revision.
    """
    job = facts.job
    if not facts.status.is_terminal:
        return (Missing("has not ended", job.created_at),)
    if job.basis == Basis.INFERRED:
        return ()
    waiting = missing_outputs(facts, now)
    if not waiting and awaits_match(facts):
        since = max([job.ended_at or job.updated_at, *(row.fetched_at or 0 for row in facts.current_outputs)])
        return (Missing("its rows have not been matched with what was asked yet", since),)
    return waiting


def missing_outputs(facts: Facts, now: int) -> tuple[Missing, ...]:
    """The outputs of an ended job of which we do not know enough."""
    since = facts.job.ended_at or facts.job.updated_at
    noted = facts.current_outputs
    known = {(row.role, row.file_id) for row in noted}
    waiting = [
        Missing(_UNFOUND.format(file_id), since) for role, file_id in facts.files if (role, file_id) not in known
    ]
    waiting += [missing for row in noted if (missing := _missing(row, bool(facts.job.hands_on))) is not None]
    if awaits_file_id(facts) and not output_is_missing(facts, now):
        waiting.append(Missing("the provider has not named its output file yet", since))
    return tuple(waiting)


_UNFOUND = "file {} has not been found yet"


def _missing(row: OutputRow, is_fetched: bool) -> Missing | None:
    last = f": {row.message}" if row.message else ""
    what = f"file {row.file_id}" if row.role in RECORDED_ROLES else f"its {row.role}"
    match row.state:
        case OutputState.NAMED:
            return Missing(_UNFOUND.format(row.file_id), row.named_at)
        case OutputState.EXISTS if is_fetched:
            return Missing(f"{what} has not been fetched yet{last}", row.named_at)
        case OutputState.PARKED if is_fetched:
            return Missing(f"{what} is parked{last}", row.named_at, is_parked=True)
    return None


def awaits_match(facts: Facts) -> bool:
    """Its rows are among our files, as far as they are to be had, and have not been compared with what was asked."""
    if not facts.job.hands_on or not has_rows(facts):
        return False
    return facts.current_match is None or facts.job.match_due_at is not None


def has_rows(facts: Facts) -> bool:
    """Its provider shows rows of it: in files, or in some other place that it told of."""
    return bool(facts.job.writes_files) or any(row.role in ROW_ROLES for row in facts.current_outputs)


def match_due(facts: Facts, now: int) -> int | None:
    """When the rows of a job are to be matched; None: not before something changes."""
    if not facts.status.is_terminal or facts.job.basis == Basis.INFERRED:
        return None
    if missing_outputs(facts, now) or not awaits_match(facts):
        return None
    return facts.job.match_due_at or now


def awaits_file_id(facts: Facts) -> bool:
    """Rows succeeded and the provider writes files, but it has not said which."""
    job = facts.job
    succeeded = facts.status is Status.COMPLETED and (job.rows_completed or 0) > 0
    return succeeded and bool(job.writes_files) and job.output_file_id is None


def awaits_file(facts: Facts) -> bool:
    """A file that the provider named was looked for, and is not there yet: asking for the job may bring it about."""
    return any(row.state == OutputState.NAMED and row.checks > 0 for row in facts.outputs)


def missing_for_settled(facts: Facts, reckonings: tuple[Reckoning, ...], now: int) -> tuple[Missing, ...]:
    """What keeps the asking going: readiness, and every expected delivery that may still come."""
    since = facts.job.ended_at or facts.job.created_at
    late = tuple(
        Missing(f"{reckoning.name} may still come", since) for reckoning in reckonings if not reckoning.is_over
    )
    return missing_for_ready(facts, now) + late
