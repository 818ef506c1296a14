"""Record: write one answer about one job, and all that follows from it, within the caller's transaction."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler import outbox
from reconciler.accounting import is_ours
from reconciler.apply import Applied, apply
from reconciler.counted import end_lag, lag_words
from reconciler.details import details_of
from reconciler.effects import ENDED_BY_THE_END, awaited, effect, moot
from reconciler.facts import Facts
from reconciler.gather import gather_to_decide
from reconciler.groups import is_bad, member_ended_badly, member_is_over
from reconciler.making import join
from reconciler.news import News, about
from reconciler.owned import Owned
from reconciler.review import Review, review
from schemas.ids import shown
from schemas.readings import Account, Denied, Expected, NamedOutput, Observation, Observed, Troubled
from schemas.tables import AttemptRow, FailureRow, JobRow, ObservationRow, OutputRow, TransitionRow
from schemas.words import Asked, OutputRole, OutputState, Status
from storage import actions, attempts, failures, jobs, observations, outputs
from storage.counting import count

URL_MISMATCH = "url_mismatch"


async def record(
    connection: AsyncConnection,
    owned: Owned,
    number: int,
    asked: Asked,
    sent_at: int,
    answer: Observed | Denied | Troubled,
    mismatch: str | None,
    now: int,
    request_id: str | None = None,
) -> None:
    """Apply an answer to a job, keep it as an observation, and review the job. `request_id` is the provider's, for the log."""
    job = await _job(connection, number)
    said = answer.observation if isinstance(answer, Observed) else answer
    applied = apply(job, asked, sent_at, said, owned.rules_for(job), now)
    observation = await observations.observe(
        connection, observation_row(owned, job, asked, said, applied, mismatch, now)
    )
    account = said.account if isinstance(said, Observation) else None
    has_ended = applied.move is not None and applied.move.to_status.is_terminal
    changes = {
        **applied.changes,
        **(_ended_by(job, asked, now) if has_ended else {}),
        **(_account_changes(owned, job, said, now) if isinstance(said, Observation) else {}),
    }
    if changes:
        await jobs.change(connection, number, changes, now)
    if asked.is_decisive and isinstance(said, Observation):
        await join(connection, owned, job, said, now)
    if account is not None:
        new = await attempts.keep(connection, list(_attempts(owned, number, account, now)))
        owned.noted.update(f"attempts.{row.outcome}" for row in new)
        owned.attempted = _newest_attempt(account, owned.attempted)
    if applied.move is not None:
        await _move(connection, owned, job, applied.move.to_status, asked, now)
        await observations.record(connection, _transition(owned, job, applied, observation, now))
    if asked.is_decisive:
        owned.news += _of_trouble(job, applied.changes, asked, answer, request_id)
    if has_ended:
        await _ended(connection, owned, number, now)
        owned.noted.update(_end_words(job, changes, now))
    if Status(job.status).is_terminal or has_ended:
        await _name_outputs(connection, owned, number, said.outputs if isinstance(said, Observation) else (), now)
    is_told = not (isinstance(answer, Troubled) and answer.about_source)  # else the job itself was not asked about
    if not is_told:  # behind the others: this one may be what is refused
        await jobs.change(connection, number, {"due_at": now}, now)
    retry_after = answer.retry_after if isinstance(answer, Troubled) else None
    await review_job(connection, owned, number, now, answered=is_told, retry_after=retry_after, has_ended=has_ended)


async def _move(
    connection: AsyncConnection, owned: Owned, job: JobRow, to_status: Status, asked: Asked, now: int
) -> None:
    """What follows from a change of status: what was told of another end is withdrawn, and it is counted and told of."""
    if Status(job.status).is_terminal:
        await outbox.withdraw(connection, job, to_status.value, now)
    await count(connection, job.source, {f"moved.{job.status}.{to_status}": 1}, now)
    told = {"from_status": job.status, "to_status": to_status.value, "asked": asked.value}
    owned.news.append(News("job_moved", {**about(job), **told}))


async def review_job(
    connection: AsyncConnection,
    owned: Owned,
    number: int,
    now: int,
    answered: bool,
    retry_after: int | None = None,
    has_ended: bool = False,
) -> None:
    """
    Decide anew what holds for a job, and hand on what of it is new. What merely arrived never puts off the next question
    about an open one. `has_ended` says that this transaction has ended it.
    """
    job = await _job(connection, number)
    facts = await gather_to_decide(connection, job, owned.source, owned.dialect, owned.terms)
    silent = owned.hearing.is_silent(now)
    reviewed = review(facts, owned.pace_for(job), silent, retry_after, owned.jitter(), now)
    changes = dict(reviewed.changes)
    if not answered and job.due_at is not None and not facts.status.is_terminal:
        changes["due_at"] = min(job.due_at, changes["due_at"] or job.due_at)
    named = [
        failures.Named(item.category.value, item.code.value, item.subject, item.message, item.evidence)
        for item in reviewed.failures
    ]
    for action in awaited(facts.actions):
        if answered and (came := effect(action, job, now)) is not None:
            await actions.change(connection, action.id, came)
    changed = await failures.sync(connection, job, named, owned.store.new_id, now)
    owned.news += [
        News("failure_began", _of_failure(job, one) | {"message": one.message}, "warning") for one in changed.began
    ]
    owned.news += [News("failure_cleared", _of_failure(job, one)) for one in changed.cleared]
    await jobs.change(connection, number, changes, now)
    await _hand_on(connection, owned, facts, reviewed, changed, has_ended, now)
    if job.ready_at is None and changes["ready_at"] is not None:
        await member_is_over(connection, owned, job.group_id, now)
    if job.settled_at is None and changes["settled_at"] is not None and _is_unheard(facts):
        owned.noted[f"healed.{job.ended_by or Asked.POLL}"] += 1
    if answered and job.ended_at == now and _is_unheard(facts):
        owned.hearing = owned.hearing.saw_end(now)


async def _ended(connection: AsyncConnection, owned: Owned, number: int, now: int) -> None:
    job = await _job(connection, number)
    await actions.end(connection, number, ENDED_BY_THE_END, moot(job.status, now))
    if is_bad(job):
        what = f"{job.job_id} ended {job.status}"
        await member_ended_badly(connection, owned, job.group_id, what, job.submission_id, now)


async def _hand_on(
    connection: AsyncConnection,
    owned: Owned,
    facts: Facts,
    reviewed: Review,
    changed: failures.Changed,
    has_ended: bool,
    now: int,
) -> None:
    """Write into the outbox what a review brought: that a job has ended or is ready, and the failures that begin to hold, or
    hold no more."""
    if not owned.handoffs():
        return
    became_ready = facts.job.ready_at is None and reviewed.changes["ready_at"] is not None
    occasions = [*(["terminal"] if has_ended else []), *(["ready"] if became_ready else [])]
    as_it_is = replace(facts, job=JobRow(**(facts.job.model_dump() | reviewed.changes)))
    await outbox.hand_on_job(connection, owned, as_it_is, reviewed.failures, occasions, now)
    await outbox.hand_on_findings(connection, owned, as_it_is.job, changed.began, now)
    await outbox.hand_on_cleared(connection, owned, as_it_is.job, changed.cleared, now)


def _of_failure(job: JobRow, failure: FailureRow) -> dict[str, Any]:
    named = {"category": failure.category, "code": failure.code, "subject": failure.subject or None}
    return {**about(job), "failure": shown("fail", failure.id), **named}


def _of_trouble(
    job: JobRow,
    changes: Mapping[str, Any],
    asked: Asked,
    answer: Observed | Denied | Troubled,
    request_id: str | None,
) -> list[News]:
    """That asking about a job begins to go wrong, goes wrong in another way, or goes well again."""
    if "trouble" not in changes or changes["trouble"] == job.trouble:
        return []
    if changes["trouble"] is None:
        return [News("asking_recovered", {**about(job), "asked": asked.value, "was": job.trouble})]
    told = {
        "asked": asked.value,
        "trouble": changes["trouble"],
        "http_status": answer.http_status if isinstance(answer, Troubled) else None,
        "request_id": request_id,
        "message": changes["trouble_message"],
    }
    return [News("asking_in_trouble", {**about(job), **told}, "warning")]


def _is_unheard(facts: Facts) -> bool:
    return not facts.deliveries and any(isinstance(one, Expected) for one in facts.expectations)


async def _job(connection: AsyncConnection, number: int) -> JobRow:
    job = await jobs.get(connection, number)
    if job is None:
        raise LookupError(f"job {number} is not there")
    return job


def _end_words(job: JobRow, changes: Mapping[str, Any], now: int) -> dict[str, int]:
    """What is counted of an end: who told of it first, and how long after it we know."""
    lag = end_lag(job, changes.get("provider_ended_at"), now)
    return {f"heard.{changes['end_heard_by']}": 1, **(lag_words(lag) if lag is not None else {})}


def _ended_by(job: JobRow, asked: Asked, now: int) -> dict[str, Any]:
    """Who ended a job, and who had told of its end first: whatever claimed it before, or the answer itself."""
    heard_by, heard_at = (asked.value, now) if job.claimed_at is None else (job.claimed_by, job.claimed_at)
    return {"ended_by": asked.value, "end_heard_by": heard_by, "end_heard_at": heard_at}


def _account_changes(owned: Owned, job: JobRow, said: Observation, now: int) -> dict[str, Any]:
    """Whether this job's news comes to us, and when the provider's account of it was read."""
    account = said.account
    if account is None:
        return {} if job.has_webhook else {"has_webhook": int(_is_told_of(owned, job, said))}
    events = [event for event in account.events if event.isascii() and " " not in event]
    seen: dict[str, Any] = {"account_seen_at": now, "pending_retries": account.pending_retries}
    seen["webhook_events"] = " ".join(events) or None  # none of its own: it inherits the endpoint's
    if job.has_webhook:
        return seen
    return {**seen, "has_webhook": int(is_ours(account, owned.source.webhook_endpoint_id, owned.webhook_url))}


def _is_told_of(owned: Owned, job: JobRow, said: Observation) -> bool:
    """Whether news of a job comes that shows no webhook. Where none ever does, all of them are told of at the account's
    endpoint; but one that had ended when it was first asked about may have ended before anybody listened."""
    is_at_endpoint = not owned.dialect.shows_webhooks and owned.source.webhook == "endpoint"
    return is_at_endpoint and job.has_webhook is None and not said.status.is_terminal


def _newest_attempt(account: Account, before: tuple[int, int] | None) -> tuple[int, int] | None:
    told = [(one.tried_at, one.response_status or 0) for one in account.attempts if one.tried_at is not None]
    return max([*told, *([before] if before else [])], default=None)


def _attempts(owned: Owned, number: int, account: Account, now: int) -> Iterator[AttemptRow]:
    for attempt in account.attempts:
        yield AttemptRow(
            id=owned.store.new_id(),
            job=number,
            delivery_key=attempt.delivery_key,
            number=attempt.number,
            tried_at=attempt.tried_at or 0,
            outcome=attempt.outcome.value,
            response_status=attempt.response_status,
            timed_out=int(attempt.timed_out),
            error=attempt.error,
            preview=attempt.preview,
            first_seen_at=now,
        )


def observation_row(
    owned: Owned,
    job: JobRow,
    asked: Asked,
    said: Observation | Denied | Troubled,
    applied: Applied,
    mismatch: str | None,
    now: int,
) -> ObservationRow:
    """An answer about a job, as it is kept."""
    row = ObservationRow(
        id=owned.store.new_id(),
        job=job.id,
        asked=asked.value,
        flag=applied.flag or (URL_MISMATCH if mismatch else None),
        message=f"not followed: {mismatch}" if mismatch else None,
        first_seen_at=now,
        last_seen_at=now,
    )
    match said:
        case Observation():
            row.status, row.native_status, row.progress = said.status.value, said.native_status, said.progress
            row.details = observations.details(details_of(said))
        case Denied():
            row.message, row.http_status = said.message, 404 if asked.is_decisive else None
        case Troubled():
            row.trouble, row.message, row.http_status = said.trouble.value, said.message, said.http_status
    return row


def _transition(owned: Owned, job: JobRow, applied: Applied, observation: int, now: int) -> TransitionRow:
    move = applied.move
    if move is None:
        raise ValueError("there is no move to record")
    return TransitionRow(
        id=owned.store.new_id(),
        job=job.id,
        revision=move.revision,
        from_status=job.status,
        to_status=move.to_status.value,
        basis=move.basis.value if move.basis else None,
        observation=observation,
        at=now,
    )


async def _name_outputs(
    connection: AsyncConnection, owned: Owned, number: int, beside: Sequence[NamedOutput], now: int
) -> None:
    """Note the outputs of a job that has ended: its files are looked for, and what it shows `beside` them can be fetched."""
    job = await _job(connection, number)
    if not Status(job.status).is_terminal:
        return
    for role, file_id in ((OutputRole.OUTPUT, job.output_file_id), (OutputRole.ERROR, job.error_file_id)):
        if file_id is not None:
            await outputs.name(connection, _output(owned, job, role, file_id, OutputState.NAMED, now))
    if job.hands_on:
        for one in beside:
            await outputs.name(connection, _output(owned, job, one.role, one.file_id, OutputState.EXISTS, now))
        await outputs.want(connection, number, now)


def _output(owned: Owned, job: JobRow, role: OutputRole, file_id: str, state: OutputState, now: int) -> OutputRow:
    return OutputRow(
        id=owned.store.new_id(),
        job=job.id,
        role=role.value,
        file_id=file_id,
        state=state.value,
        named_at=now,
        due_at=now,
    )
