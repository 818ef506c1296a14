"""Ready and settled: when a job may be handed on, and when the asking ends. What is missing is named."""

from dataclasses import dataclass

from reconciler.accounting import Reckoning
from reconciler.classify import output_is_missing
from reconciler.facts import Facts
from schemas.words import Basis, OutputState, Status


@dataclass(frozen=True, slots=True)
class Missing:
    """One condition that does not hold yet, and since when it has been waited for (microseconds)."""

    condition: str
    since: int


def missing_for_ready(facts: Facts, now: int) -> tuple[Missing, ...]:
    """What keeps a job from being ready: its end, a decisive answer about it, and knowing where each output is."""
    job = facts.job
    if not facts.status.is_terminal:
        return (Missing("has not ended", job.created_at),)
    since = job.ended_at or job.updated_at
    if job.basis != Basis.OBSERVED:
        return (Missing("its end is inferred, not observed", since),)
    known = {row.file_id: row for row in facts.outputs}
    named = [file_id for file_id in (job.output_file_id, job.error_file_id) if file_id]
    waiting = [
        Missing(f"file {file_id} has not been found yet", since)
        for file_id in named
        if file_id not in known or known[file_id].state == OutputState.NAMED
    ]
    if awaits_file_id(facts) and not output_is_missing(facts, now):
        waiting.append(Missing("the provider has not named its output file yet", since))
    return tuple(waiting)


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
