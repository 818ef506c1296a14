"""Apply: what an answer does to a job. Only an answer to a question of ours moves it, and only a decisive one ends it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from schemas.readings import Billing, Denied, NotFoundRule, Observation, RowCounts, Troubled
from schemas.tables import JobRow
from schemas.words import Asked, Basis, Status, Trouble

WEBHOOK = "webhook"
OPEN_AFTER_END = "open_after_end"
PAUSED_AND_MOVING = "paused_and_moving"


@dataclass(frozen=True, slots=True)
class Move:
    """A change of status, to be recorded as a transition."""

    to_status: Status
    basis: Basis | None
    revision: int


@dataclass(frozen=True, slots=True)
class Applied:
    """Columns of the job to change, the move if there is one, and what is odd about the answer."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    move: Move | None = None
    flag: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What the dialect and the configuration have to say. Times in microseconds."""

    not_found: NotFoundRule
    claim_patience: int  # how long a reported end may stay unconfirmed before it is trouble
    doubts_pause: int = 0  # how long counts have to stand still before a job is taken for paused


def apply(
    job: JobRow, asked: Asked, sent_at: int, answer: Observation | Denied | Troubled, rules: Rules, now: int
) -> Applied:
    """Decide what one answer changes. `sent_at` is when its question left, `now` when the answer is written."""
    if not asked.is_decisive:
        return _indicated(job, asked, sent_at, answer, now)
    match answer:
        case Troubled():
            return Applied(_troubled(job, answer, now))
        case Denied():
            return _denied(job, answer, sent_at, rules.not_found, now)
        case Observation():
            believed = _believed(job, answer, sent_at, rules.doubts_pause)
            applied = _answered(job, believed, sent_at, rules.claim_patience, now)
            return applied if believed is answer else replace(applied, flag=applied.flag or PAUSED_AND_MOVING)


def _believed(job: JobRow, answer: Observation, sent_at: int, doubts: int) -> Observation:
    """A job of which rows get done is not paused, whatever its provider says; and whether any do, only a second look tells."""
    if answer.status is not Status.PAUSED or not doubts:
        return answer
    stands_still = (answer.counts.completed, answer.counts.failed) == (job.rows_completed, job.rows_failed)
    said_before = job.native_status == answer.native_status and sent_at - (job.answered_at or sent_at) >= doubts
    if stands_still and (job.status == Status.PAUSED or said_before):
        return answer
    return replace(answer, status=Status.RUNNING)


def _answered(job: JobRow, answer: Observation, sent_at: int, patience: int, now: int) -> Applied:
    """A decisive answer: the design's table, row by row."""
    status, known = answer.status, Status(job.status)
    evidence = _evidence_left(job, status, sent_at, now)
    changes = {**_asking_went_well(job, sent_at, now), **evidence, **_still_open(job, evidence, patience, now)}
    if _has_ended(job):
        if not status.is_terminal:
            return Applied(changes, flag=OPEN_AFTER_END)
        if status == known:
            return Applied({**changes, **_refreshed(answer)})
    move = _move(job, status)
    return Applied({**changes, **_said(answer), **_moved(move, answer, now)}, move)


def _has_ended(job: JobRow) -> bool:
    """The provider itself said so. An end that we only inferred is open to anything that it says."""
    return Status(job.status).is_terminal and job.basis != Basis.INFERRED


def _move(job: JobRow, status: Status) -> Move | None:
    if status == job.status and job.basis != Basis.INFERRED:
        return None
    if status.is_terminal:
        return Move(status, Basis.OBSERVED, job.revision + 1)
    return Move(status, None, job.revision)


def _moved(move: Move | None, answer: Observation, now: int) -> dict[str, Any]:
    if move is None:
        return {}
    ended = {"ended_at": now, "provider_ended_at": answer.ended_at} if move.to_status.is_terminal else _NOT_ENDED
    return {
        "status": move.to_status.value,
        "basis": move.basis.value if move.basis else None,
        "revision": move.revision,
        **_UNDECIDED,
        **ended,
    }


_NOT_ENDED: dict[str, Any] = {"ended_at": None, "provider_ended_at": None}
_UNDECIDED: dict[str, Any] = {"ready_at": None, "settled_at": None}


def _said(answer: Observation) -> dict[str, Any]:
    """What the provider says about the job, beside its status. A later answer that leaves a file out does not take it away,
    and neither one that leaves out where else to ask."""
    said = {
        "native_status": answer.native_status,
        "progress": answer.progress,
        **_total(answer.counts),
        "rows_completed": answer.counts.completed,
        "rows_failed": answer.counts.failed,
        "writes_files": int(answer.writes_files),
        "cancel_url": answer.cancel_url,
        "error_code": answer.error_code,
        "error_message": answer.error_message,
    }
    lasting = {
        "output_file_id": answer.output_file_id,
        "error_file_id": answer.error_file_id,
        "provider_created_at": answer.created_at,
        "polling_url": answer.polling_url,
    }
    return {**said, **{name: value for name, value in lasting.items() if value is not None}, **_cost(answer.billing)}


def _total(counts: RowCounts) -> dict[str, Any]:
    """How many rows there are. Who counts those that are done and has lost the total leaves it as it was told before."""
    has_lost_it = counts.total is None and (counts.completed is not None or counts.failed is not None)
    return {} if has_lost_it else {"rows_total": counts.total}


def _refreshed(answer: Observation) -> dict[str, Any]:
    """What a further answer adds to an end that we know. What it leaves out was said before, and still holds."""
    return {name: value for name, value in _said(answer).items() if value is not None} | _cost(answer.billing)


def _cost(bill: Billing | None) -> dict[str, Any]:
    """What a job costs as far as the bill goes: settled, else held, else estimated. A bill without a sum changes nothing."""
    sums = (bill.settled_nanos, bill.held_nanos, bill.estimated_nanos) if bill else ()
    nanos = next((told for told in sums if told is not None), None)
    if bill is None or nanos is None:
        return {}
    return {"cost_nanos": nanos, "cost_currency": bill.currency, "cost_state": bill.state}


def _asking_went_well(job: JobRow, sent_at: int, now: int) -> dict[str, Any]:
    return {**_asked(job, sent_at, now), "denials": 0, "denied_since": None, **_NO_TROUBLE}


def _asked(job: JobRow, sent_at: int, now: int) -> dict[str, Any]:
    return {"asked_at": sent_at, "answered_at": now, "asks": job.asks + 1, "failed_asks": 0}


_NO_TROUBLE: dict[str, Any] = {"trouble": None, "trouble_message": None, "trouble_since": None}


def _evidence_left(job: JobRow, status: Status, sent_at: int, now: int) -> dict[str, Any]:
    """What remains of the evidence. It is not lost while a question is in flight: only one sent after it, or one that
    confirms it, settles it. A claimed end that the provider does not confirm stays a claim, and is asked about again soon."""
    still_wanted = _still_wanted(job, sent_at, now)
    if status == job.wanted_status or (status.is_terminal and not still_wanted):
        return {"wanted_at": None, "wanted_status": None, "claimed_at": None, "claimed_by": None, "claim_asks": 0}
    if still_wanted:
        return still_wanted
    if job.claimed_at is not None:
        return {"wanted_at": None, "claim_asks": job.claim_asks + 1}
    return {"wanted_at": None, "wanted_status": None}


def _still_wanted(job: JobRow, sent_at: int, now: int) -> dict[str, Any]:
    """Evidence that came after the question had left. Were it from the future, our clock was set back meanwhile: it then
    counts from now, or nothing would settle it, and we would ask without pause, until the clock has caught up."""
    if job.wanted_at is None or sent_at > job.wanted_at:
        return {}
    return {"wanted_at": min(job.wanted_at, now)}


def _still_open(job: JobRow, evidence: Mapping[str, Any], patience: int, now: int) -> dict[str, Any]:
    claimed_at = evidence.get("claimed_at", job.claimed_at)
    if claimed_at is None or now - claimed_at < patience:
        return {}
    message = f"reported {job.wanted_status} long ago, and its status endpoint still says that it is open"
    return in_trouble(job, Trouble.STILL_OPEN, message, now)


def _indicated(job: JobRow, asked: Asked, sent_at: int, answer: Observation | Denied | Troubled, now: int) -> Applied:
    """A list or a socket: it may show progress and make us ask, no more. That it is in trouble says nothing, and neither does
    a word that is older than the job's own last answer."""
    if isinstance(answer, Troubled) or Status(job.status).is_terminal or _is_overtaken(job, sent_at):
        return Applied()
    if isinstance(answer, Denied):
        is_asked_already = job.wanted_at is not None or job.denials > 0
        return Applied() if is_asked_already else Applied(claimed(job, None, now))
    if not answer.status.is_terminal:
        return Applied(_progress(job, answer))
    if job.claimed_at is not None and job.wanted_status == answer.status:
        return Applied()  # claimed already, and being asked about at the pace of a claim
    return Applied(claimed(job, answer.status, now, asked.value))


def _progress(job: JobRow, answer: Observation) -> dict[str, Any]:
    """How far a job is, where an indicative word knows that and it is news, and where it can be asked about, where nobody has
    said that yet. The status and the provider's word for it stay a pair, as its own answer gave them."""
    counts = answer.counts
    told = {
        "progress": answer.progress,
        "rows_total": counts.total,
        "rows_completed": counts.completed,
        "rows_failed": counts.failed,
        "polling_url": job.polling_url or answer.polling_url,
    }
    return {name: value for name, value in told.items() if value not in (None, getattr(job, name))}


def _is_overtaken(job: JobRow, sent_at: int) -> bool:
    return job.asked_at is not None and job.asked_at >= sent_at


def claimed(job: JobRow, status: Status | None, now: int, by: str = WEBHOOK) -> dict[str, Any]:
    """Evidence that the job is not as we know it: ask now, and remember a claimed end until it is confirmed or denied.

    `by` says who claims it: a webhook, or which question of ours was answered so.
    """
    wanted = {"wanted_at": now, "due_at": now}
    if status is not None and status.is_terminal:
        first = {} if job.claimed_at else {"claimed_at": now, "claimed_by": by}
        return {**wanted, "wanted_status": status.value, **first}
    if job.claimed_at is not None:
        return wanted
    return {**wanted, "wanted_status": status.value if status else None}


def _troubled(job: JobRow, trouble: Troubled, now: int) -> dict[str, Any]:
    """The asking went wrong. When it is about the whole source, this job is not to blame and keeps its own count."""
    if trouble.about_source:
        return {}
    return {"failed_asks": job.failed_asks + 1, **in_trouble(job, trouble.trouble, trouble.message, now)}


def in_trouble(job: JobRow, trouble: Trouble, message: str, now: int) -> dict[str, Any]:
    """Reconciliation trouble with one job, and since when it has been the same."""
    since = job.trouble_since if job.trouble == trouble else None
    return {"trouble": trouble.value, "trouble_message": message, "trouble_since": since or now}


def _denied(job: JobRow, denied: Denied, sent_at: int, rule: NotFoundRule, now: int) -> Applied:
    """The provider does not know the job. That is trouble of ours, until it has been said often and long enough."""
    changes = {**_asked(job, sent_at, now), **(_still_wanted(job, sent_at, now) or {"wanted_at": None})}
    if _has_ended(job):
        return Applied({**changes, **_NO_TROUBLE})
    denials, since = job.denials + 1, job.denied_since or now
    changes |= {"denials": denials, "denied_since": since, **in_trouble(job, Trouble.NOT_FOUND, denied.message, now)}
    if Status(job.status).is_terminal or denials < rule.times or now - since < rule.over:
        return Applied(changes)
    move = Move(rule.becomes, Basis.INFERRED, job.revision + 1)
    ended = {"status": move.to_status.value, "basis": Basis.INFERRED.value, "revision": move.revision, "ended_at": now}
    return Applied({**changes, **_UNDECIDED, **ended}, move)
