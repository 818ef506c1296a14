"""Classify: which failures hold for a job, on three independent axes, each with the facts that it was decided on.

A failure that no longer holds is simply not named any more; the store then marks it as cleared.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.accounting import reckon
from reconciler.facts import Facts
from schemas.tables import ActionRow, AttemptRow, JobRow, OutputRow
from schemas.times import MINUTE, in_words, rfc3339, rfc3339_or_none
from schemas.words import ActionState, ActionVerb, AskedBy, Basis, Category, Code, OutputRole, OutputState, Status

CLOCKS_APART = 5 * MINUTE  # no more than this between a provider's clock and ours: its signatures would not be fresh


@dataclass(frozen=True, slots=True)
class Failure:
    """One classified fact. Unique by category, code and subject within a job. Times in the evidence are RFC 3339."""

    category: Category
    code: Code
    message: str
    subject: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)


def classify(facts: Facts, now: int) -> tuple[Failure, ...]:
    """Every failure that holds now."""
    return (*execution(facts, now), *cancellation(facts, now), *delivery(facts, now))


def execution(facts: Facts, now: int) -> Iterator[Failure]:
    """failed, expired, rows_failed, output_missing."""
    status = facts.status
    if status in (Status.FAILED, Status.EXPIRED):
        code = Code.FAILED if status is Status.FAILED else Code.EXPIRED
        yield Failure(Category.EXECUTION, code, _end_message(facts), evidence=_end(facts))
    is_missing = output_is_missing(facts, now)
    if status is Status.COMPLETED and (message := _rows_message(facts, is_missing)):
        yield Failure(Category.EXECUTION, Code.ROWS_FAILED, message, evidence=_end(facts))
    if status is Status.COMPLETED and is_missing:
        yield Failure(Category.EXECUTION, Code.OUTPUT_MISSING, _output_message(facts), evidence=_end(facts))


def output_is_missing(facts: Facts, now: int) -> bool:
    """Rows succeeded, the provider writes files, and none could be read for longer than the patience for it; or what it
    shows in another place than a file could not. One for which there is only no room here is not missing."""
    job = facts.job
    if now < (job.ended_at or now) + facts.terms.output_patience:
        return False
    if job.writes_files and job.rows_completed and job.output_file_id is None:
        return True
    return any(_is_out_of_reach(row, job) for row in facts.current_outputs)


def _is_out_of_reach(row: OutputRow, job: JobRow) -> bool:
    if row.state != OutputState.UNREADABLE or row.role == OutputRole.ERROR:
        return False
    return row.role != OutputRole.OUTPUT or bool(job.writes_files and job.rows_completed)


def _rows_message(facts: Facts, output_is_missing: bool) -> str | None:
    """What is wrong with rows of a completed job: as we found them where they were matched, or as the provider counts."""
    job, match = facts.job, facts.current_match
    failed, missing = (match.failed, match.missing or 0) if match else (0, 0)
    missing = 0 if output_is_missing else missing  # why they are is told by that then
    if match is None or not (failed or missing):
        return f"{job.rows_failed} of {job.rows_total or '?'} rows failed" if job.rows_failed else None
    told = [f"{count} {what}" for count, what in ((failed, "failed"), (missing, "missing")) if count]
    total = match.asked if match.asked is not None else match.succeeded + match.failed
    return f"of {total} rows {' and '.join(told)}"


def cancellation(facts: Facts, now: int) -> Iterator[Failure]:
    """By (asked? answer, end), as the design's table has it."""
    asked = [action for action in facts.actions if action.verb == ActionVerb.CANCEL]
    sent = sorted((action for action in asked if action.sent_at is not None), key=lambda action: action.sent_at or 0)
    if facts.status is Status.CANCELLED:
        yield _cancelled(facts, sent)
    for action in telling(asked):
        code = _not_cancelled(action, facts, now)
        if code is not None:
            yield Failure(
                Category.CANCELLATION,
                code,
                _CANCEL_MESSAGES[code].format(status=facts.status),
                evidence=_action(action),
            )


def is_being_cancelled(facts: Facts) -> bool:
    """A cancel was accepted, and the job has not ended."""
    accepted = [one for one in facts.actions if one.verb == ActionVerb.CANCEL and one.state == ActionState.ACCEPTED]
    return bool(accepted) and not facts.status.is_terminal


def telling(asked: list[ActionRow]) -> list[ActionRow]:
    """Of several cancels, the one that tells how it stands: the first that was accepted, else the last."""
    return [action for action in asked if action.state == ActionState.ACCEPTED][:1] or asked[-1:]


def _cancelled(facts: Facts, sent: list[ActionRow]) -> Failure:
    taken = [action for action in sent if _may_have_worked(action, facts)]
    if not taken:
        hint = facts.cancelled_may_mean
        message = f"cancelled, and not by us; {hint}" if hint else "cancelled, and not by us"
        return Failure(Category.CANCELLATION, Code.CANCELLED_ELSEWHERE, message, evidence=_end(facts))
    first = taken[0]
    code = Code.CANCELLED_BY_OPERATOR if first.asked_by == AskedBy.OPERATOR else Code.CANCELLED_BY_AUTOMATION
    message = f"cancelled as the {first.asked_by} asked: {first.reason or 'no reason given'}"
    return Failure(Category.CANCELLATION, code, message, evidence={**_end(facts), **_action(first)})


def _may_have_worked(action: ActionRow, facts: Facts) -> bool:
    """It was sent before the end, and taken. One that was sent again may be refused because its first sending had worked."""
    ended_at = facts.job.provider_ended_at
    if ended_at is not None and action.sent_at is not None and ended_at + CLOCKS_APART < action.sent_at:
        return False
    if action.state == ActionState.REFUSED:
        return action.sends > 1
    return action.state != ActionState.NOT_CANCELLABLE


def _not_cancelled(action: ActionRow, facts: Facts, now: int) -> Code | None:
    """What became of a cancel that was asked for, when the job did not end cancelled."""
    if facts.status is Status.CANCELLED:
        return None
    if action.state == ActionState.NOT_CANCELLABLE:
        return Code.NOT_CANCELLABLE
    if facts.status.is_terminal:
        return Code.TOO_LATE
    if action.state == ActionState.REFUSED:
        return Code.REFUSED
    is_stuck = action.state == ActionState.ACCEPTED and now - (action.answered_at or now) >= facts.terms.stuck_cancel
    return Code.STUCK if is_stuck else None


_CANCEL_MESSAGES = {
    Code.NOT_CANCELLABLE: "a cancel was asked for, and such jobs cannot be cancelled there",
    Code.TOO_LATE: "a cancel was asked for, and the job ended {status} before it took effect",
    Code.REFUSED: "the provider refused to cancel, and the job goes on",
    Code.STUCK: "the provider accepted the cancel, and the job is still {status}",
}


def delivery(facts: Facts, now: int) -> Iterator[Failure]:
    """One failure for each expected delivery that did not arrive and will not."""
    for reckoning in reckon(facts, now):
        if reckoning.code is not None:
            evidence = {
                "expected": reckoning.name,
                "ended_there_at": rfc3339_or_none(facts.job.provider_ended_at),
                "end_known_at": rfc3339_or_none(facts.job.ended_at),
                "window_end": rfc3339_or_none(facts.window_end),
                "account_read_at": rfc3339_or_none(facts.job.account_seen_at),
                "attempts": [_attempt(attempt) for attempt in reckoning.attempts],
            }
            yield Failure(
                Category.DELIVERY, reckoning.code, f"{reckoning.name}: {reckoning.why}", reckoning.name, evidence
            )


def _end_message(facts: Facts) -> str:
    job = facts.job
    if job.basis == Basis.INFERRED:
        return f"taken as {job.status}: the provider has denied knowing it {job.denials} times"
    said = ": ".join(part for part in (job.error_code, job.error_message) if part)
    return f"{job.status}: {said}" if said else f"{job.status}, without a reason from the provider"


def _output_message(facts: Facts) -> str:
    waited = in_words(facts.terms.output_patience)
    if facts.job.writes_files and facts.job.output_file_id is None:
        return f"{facts.job.rows_completed} rows succeeded, and no output file was named within {waited}"
    what = f"output file {facts.job.output_file_id}" if facts.job.output_file_id else "what it made"
    return f"{what} stayed out of reach for {waited}"


def _end(facts: Facts) -> dict[str, Any]:
    job = facts.job
    return {
        "status": job.status,
        "native_status": job.native_status,
        "basis": job.basis,
        "observed_at": rfc3339_or_none(job.ended_at),
        "provider_ended_at": rfc3339_or_none(job.provider_ended_at),
        **_rows(facts),
        "output_file_id": job.output_file_id,
        "error_file_id": job.error_file_id,
        "error_code": job.error_code,
        "error_message": job.error_message,
    }


def _rows(facts: Facts) -> dict[str, Any]:
    """The rows as we found them, if they were matched, beside what the provider counts; else that alone."""
    job, match = facts.job, facts.current_match
    counted = {"total": job.rows_total, "completed": job.rows_completed, "failed": job.rows_failed}
    if match is None:
        return {"rows": counted}
    names = ("asked", "succeeded", "failed", "missing", "repeated", "strange", "unreadable")
    return {"rows": {name: getattr(match, name) for name in names}, "rows_counted": counted}


def _action(action: ActionRow) -> dict[str, Any]:
    return {
        "asked_by": action.asked_by,
        "reason": action.reason,
        "asked_at": rfc3339(action.asked_at),
        "cancel_url_present": None if action.cancel_url_present is None else bool(action.cancel_url_present),
        "cancel_url_read_at": rfc3339_or_none(action.cancel_url_read_at),
        "sent_at": rfc3339_or_none(action.sent_at),
        "answered_at": rfc3339_or_none(action.answered_at),
        "answer": action.state,
        "http_status": action.http_status,
        "message": action.message,
    }


def _attempt(attempt: AttemptRow) -> dict[str, Any]:
    return {
        "attempt": attempt.number,
        "tried_at": rfc3339(attempt.tried_at) if attempt.tried_at else None,
        "outcome": attempt.outcome,
        "response_status": attempt.response_status,
        "error": attempt.error,
        "preview": attempt.preview,
    }
