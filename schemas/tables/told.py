"""What we were told and found out: sources, jobs, deliveries, answers and what follows from them; and who may write it."""

from sqlalchemy import Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from schemas.columns import big, maybe_big, maybe_of, maybe_words, of, primary, where, words


class SourceRow(SQLModel, table=True):
    """A source as it went here. Written by the reconciler that holds its lease, and once by whoever starts first."""

    __tablename__ = "sources"
    name: str = words(key=True)
    dialect: str = words()
    listening_since: int = big()
    trouble: str | None = maybe_words()
    trouble_message: str | None = maybe_words()
    trouble_since: int | None = maybe_big()
    asking_again_at: int | None = maybe_big()
    last_answer_at: int | None = maybe_big()
    # When what follows was as it stands here; the reconciler's own count goes on.
    recorded_at: int | None = maybe_big()
    asked_last_minute: int = big(0)
    budget_left: int | None = maybe_big()  # null: no budget
    listed_at: int | None = maybe_big()
    swept_at: int | None = maybe_big()
    list_is_full: int = big(0)  # 1: there may be jobs that the list does not show
    list_unreadable: int = big(0)
    list_message: str | None = maybe_words()  # what kept the last look from being whole; to be shown
    orphans: str = words("{}")  # jobs of the last sweep that are not ours to ask about, by kind; to be shown
    heard_at: int | None = maybe_big()  # the last accepted request
    unheard_ends: int = big(0)  # jobs that we saw end, by asking, since then
    unheard_since: int | None = maybe_big()
    clock_ahead: int | None = maybe_big()  # how far our clock was ahead of the provider's, by its last answer's Date
    last_http_status: int | None = maybe_big()  # of its last answer; 0: it gave none
    last_attempt_at: int | None = maybe_big()  # its newest attempt to deliver, by its own account of it
    last_attempt_status: int | None = maybe_big()  # what we answered to that, as it says; 0: it got no answer


class JobRow(SQLModel, table=True):
    """A job. Born by insert-or-ignore from whoever learns of it; from then on changed only under its source's lease."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("source", "kind", "job_id"),
        Index("ix_jobs_due", "source", "due_at", "id", **where("due_at IS NOT NULL")),
        Index("ix_jobs_wanted", "source", "due_at", "id", **where("wanted_at IS NOT NULL")),
        Index("ix_jobs_adopted", "source", "origin", "status"),
        Index("ix_jobs_source", "source", "id"),
        Index("ix_jobs_provider_id", "job_id", "id"),
        Index("ix_jobs_source_provider_id", "source", "job_id", "id"),
        Index("ix_jobs_status", "status", "id"),
        Index("ix_jobs_kind", "kind", "id"),
        Index("ix_jobs_source_kind", "source", "kind", "id"),
        Index("ix_jobs_source_status", "source", "status", "id"),
        Index("ix_jobs_kind_status", "kind", "status", "id"),
        Index("ix_jobs_source_kind_status", "source", "kind", "status", "id"),
        Index("ix_jobs_trouble", "id", **where("trouble IS NOT NULL")),
        Index("ix_jobs_source_trouble", "source", "id", **where("trouble IS NOT NULL")),
        Index("ix_jobs_unsettled", "source", "id", **where("settled_at IS NULL")),
        Index("ix_jobs_cancel", "source", "cancel_at", **where("cancel_at IS NOT NULL")),
        Index("ix_jobs_match", "source", "match_due_at", **where("match_due_at IS NOT NULL")),
        Index("ix_jobs_group", "group_id", "id", **where("group_id IS NOT NULL")),
        Index("ix_jobs_submission", "submission_id", **where("submission_id IS NOT NULL")),
    )
    id: int = primary()
    source: str = words()
    kind: str = words()
    job_id: str = words()
    origin: str = words()
    submission_id: int | None = maybe_of("submissions.id")
    group_id: int | None = maybe_of("groups.id")
    status: str = words("unknown")
    native_status: str | None = maybe_words()
    basis: str | None = maybe_words()
    revision: int = big(0)
    progress: int | None = maybe_big()
    rows_total: int | None = maybe_big()
    rows_completed: int | None = maybe_big()
    rows_failed: int | None = maybe_big()
    output_file_id: str | None = maybe_words()
    error_file_id: str | None = maybe_words()
    writes_files: int = big(1)
    polling_url: str | None = maybe_words()
    cancel_url: str | None = maybe_words()
    error_code: str | None = maybe_words()
    error_message: str | None = maybe_words()
    has_webhook: int | None = maybe_big()  # null: nobody has told yet
    webhook_events: str | None = maybe_words()  # what this job alone subscribes to, by its own word; blank-separated
    account_seen_at: int | None = maybe_big()
    pending_retries: int = big(0)
    reported_status: str | None = maybe_words()
    reported_native: str | None = maybe_words()
    reported_progress: int | None = maybe_big()
    reported_at: int | None = maybe_big()
    created_at: int = big()
    updated_at: int = big()
    ended_at: int | None = maybe_big()
    ended_by: str | None = maybe_words()
    end_heard_by: str | None = maybe_words()  # who told of the end first: a webhook, or which question of ours
    end_heard_at: int | None = maybe_big()
    provider_created_at: int | None = maybe_big()
    provider_ended_at: int | None = maybe_big()
    wanted_at: int | None = maybe_big()
    wanted_status: str | None = maybe_words()
    claimed_at: int | None = maybe_big()  # since when a terminal status is reported that the provider does not confirm
    claimed_by: str | None = maybe_words()
    claim_asks: int = big(0)
    due_at: int | None = maybe_big()
    asks: int = big(0)
    failed_asks: int = big(0)
    asked_at: int | None = maybe_big()
    answered_at: int | None = maybe_big()
    denials: int = big(0)
    denied_since: int | None = maybe_big()
    trouble: str | None = maybe_words()
    trouble_message: str | None = maybe_words()
    trouble_since: int | None = maybe_big()
    ready_at: int | None = maybe_big()
    settled_at: int | None = maybe_big()
    hands_on: int = big(0)  # 1: its outputs are fetched, and downstream is told
    cancel_at: int | None = maybe_big()  # when automation is to cancel it, should it still be open
    match_due_at: int | None = maybe_big()  # when its rows are to be matched with what was asked
    cost_nanos: int | None = maybe_big()  # billionths of the currency's unit, as the provider last said
    cost_currency: str | None = maybe_words()
    cost_state: str | None = maybe_words()  # pending, estimated, settled or void


_IS_ODD = "verdict IN ('conflict', 'unknown_job', 'unreadable')"


class DeliveryRow(SQLModel, table=True):
    """One event of one job, however often it came. Inserted and counted by the ledger; its verdict is set by the judge."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("source", "kind", "job_id", "delivery_key"),
        Index("ix_deliveries_source", "source", "id"),
        Index("ix_deliveries_odd", "verdict", "id", **where(_IS_ODD)),
        Index("ix_deliveries_source_odd", "source", "verdict", "id", **where(_IS_ODD)),
    )
    id: int = primary()
    source: str = words()
    kind: str = words()
    job_id: str = words()
    delivery_key: str = words()
    event_type: str | None = maybe_words()
    reported_status: str | None = maybe_words()
    verdict: str | None = maybe_words()
    times_received: int = big(1)
    times_taken_in: int = big(0)  # of these, requests that were refused when they came, and taken in later
    taken_in_at: int | None = maybe_big()  # when the last of them was
    first_received_at: int = big()
    last_received_at: int = big()


class ReceiptRow(SQLModel, table=True):
    """One accepted request. Inserted by the ledger; its verdict is set by the judge. Without one it is in the inbox."""

    __tablename__ = "receipts"
    __table_args__ = (
        Index("ix_receipts_inbox", "source", "id", **where("verdict IS NULL")),
        Index("ix_receipts_delivery", "delivery_id", "digest"),
    )
    id: int = primary()
    delivery_id: int = of("deliveries.id")
    body_id: int = big()  # the receipt that the bytes came with first
    source: str = words()
    digest: int = big()  # the first 63 bits of the body's SHA-256
    received_at: int = big()
    signed_at: int | None = maybe_big()
    secret_index: int = big(0)
    submission: str | None = maybe_words()  # the further part of the path
    event_type: str | None = maybe_words()
    event_id: str | None = maybe_words()
    attempt: int | None = maybe_big()
    reported_status: str | None = maybe_words()
    native_status: str | None = maybe_words()
    progress: int | None = maybe_big()
    unreadable: str | None = maybe_words()
    verdict: str | None = maybe_words()
    judge_after: int = big(0)
    # Of one that was refused when it came, as `received_at` says, and taken in later:
    taken_in_at: int | None = maybe_big()
    refusal_id: int | None = maybe_big()


class BodyRow(SQLModel, table=True):
    """The bytes as they arrived, apart from the receipt, so that a verdict does not write them again."""

    __tablename__ = "bodies"
    id: int = primary()  # of the receipt that they came with
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class RefusalRow(SQLModel, table=True):
    """A request that we did not accept. Written by the receiver, a bounded number a minute; the rest is only tallied."""

    __tablename__ = "refusals"
    __table_args__ = (
        Index("ix_refusals_source", "source", "id"),
        Index("ix_refusals_reason", "reason", "id"),
        Index("ix_refusals_source_reason", "source", "reason", "id"),
    )
    id: int = primary()
    source: str = words()
    reason: str = words()
    http_status: int = big()
    received_at: int = big()
    remote: str | None = maybe_words()
    body_bytes: int | None = maybe_big()


class RefusedRequestRow(SQLModel, table=True):
    """What is kept of a refused request, so that it can be verified once more when a secret or a clock has been mended: its
    bytes, and of its signature only hashes. Written by the receiver, within bounds; marked by whoever takes it in later."""

    __tablename__ = "refused_requests"
    __table_args__ = (Index("ix_refused_requests_source", "source", "id"),)
    id: int = primary()  # of the refusal
    source: str = words()
    presented: str = words()  # what its headers presented, without a signature in clear; JSON
    submission: str | None = maybe_words()  # the further part of the path
    neighbourhood: str = words("")  # what shares one share of the room
    is_extra: int = big(0)  # 1: beyond the minute's records, so that its refusal goes when it goes
    taken_in_at: int | None = maybe_big()
    receipt_id: int | None = maybe_big()
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))  # empty once it is taken in: the receipt has it


class ObservationRow(SQLModel, table=True):
    """A run of equal answers about a job. A new row only when something differs."""

    __tablename__ = "observations"
    __table_args__ = (Index("ix_observations_job", "job", "id"),)
    id: int = primary()
    job: int = of("jobs.id")
    asked: str = words()
    status: str | None = maybe_words()  # null: the provider denied the job, or the asking went wrong
    native_status: str | None = maybe_words()
    progress: int | None = maybe_big()
    trouble: str | None = maybe_words()
    http_status: int | None = maybe_big()
    message: str | None = maybe_words()
    flag: str | None = maybe_words()  # open_after_end, url_mismatch
    details: str = words("{}")
    first_seen_at: int = big()
    last_seen_at: int = big()
    times_seen: int = big(1)


class AttemptRow(SQLModel, table=True):
    """One entry of the provider's account of its deliveries, kept when the provider's own list has moved on."""

    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("job", "delivery_key", "number", "tried_at"),
        Index("ix_attempts_undelivered", "id", **where("outcome <> 'delivered'")),
    )
    id: int = primary()
    job: int = of("jobs.id")
    delivery_key: str = words()
    number: int = big()
    tried_at: int = big(0)  # 0: the provider does not say
    outcome: str = words()
    response_status: int | None = maybe_big()
    timed_out: int = big(0)
    error: str | None = maybe_words()
    preview: str | None = maybe_words()
    first_seen_at: int = big()


class TransitionRow(SQLModel, table=True):
    """One change of a job's status, with the observation that caused it."""

    __tablename__ = "transitions"
    __table_args__ = (Index("ix_transitions_job", "job", "id"),)
    id: int = primary()
    job: int = of("jobs.id")
    revision: int = big()
    from_status: str = words()
    to_status: str = words()
    basis: str | None = maybe_words()
    observation: int = of("observations.id", index=True)
    at: int = big()


_HOLDS = "cleared_at IS NULL"


class FailureRow(SQLModel, table=True):
    """A classified fact about a job. Cleared when it no longer holds, never deleted."""

    __tablename__ = "failures"
    __table_args__ = (
        UniqueConstraint("job", "category", "code", "subject"),
        Index("ix_failures_holds", "holds", "id"),
        Index("ix_failures_holds_source", "holds", "source", "id"),
        Index("ix_failures_holds_category", "holds", "category", "id"),
        Index("ix_failures_holds_code", "holds", "code", "id"),
        Index("ix_failures_holds_source_category", "holds", "source", "category", "id"),
        Index("ix_failures_holds_source_code", "holds", "source", "code", "id"),
        Index("ix_failures_job_category", "category", "job", **where(_HOLDS)),
        Index("ix_failures_job_code", "code", "job", **where(_HOLDS)),
        Index("ix_failures_job_source_category", "source", "category", "job", **where(_HOLDS)),
        Index("ix_failures_job_source_code", "source", "code", "job", **where(_HOLDS)),
    )
    id: int = primary()
    job: int = of("jobs.id")
    source: str = words("")
    category: str = words()
    code: str = words()
    subject: str = words("")
    message: str = words()
    evidence: str = words("{}")
    detected_at: int = big()
    cleared_at: int | None = maybe_big()
    holds: int = big(1)  # 0: cleared


class FindingRow(SQLModel, table=True):
    """A conclusion about a source that deserves a person's eye. Written by the reconciler that holds its lease; closed when the
    evidence says so, and opened again, with another revision, when it comes back."""

    __tablename__ = "findings"
    __table_args__ = (UniqueConstraint("source", "rule", "subject"),)
    id: int = primary()
    source: str = words()
    rule: str = words()
    subject: str = words("")
    message: str = words()
    evidence: str = words("{}")
    revision: int = big(1)
    began_at: int = big()
    seen_at: int = big()
    closed_at: int | None = maybe_big()
    told_at: int | None = maybe_big()  # when downstream was told of it last


class FindingChangeRow(SQLModel, table=True):
    """That a finding about a source was opened, or closed. Written with it."""

    __tablename__ = "finding_changes"
    id: int = primary()
    finding: int = of("findings.id")
    state: str = words()  # opened, closed
    message: str = words()
    at: int = big()


class WatchRow(SQLModel, table=True):
    """Somebody looks at a job just now. Written by whoever watches, and renewed while they do; the reconciler that owns the
    source follows the job live until then, and changes nothing here."""

    __tablename__ = "watches"
    __table_args__ = (Index("ix_watches_source", "source", "until"),)
    id: int = primary()
    job: int = of("jobs.id", index=True)
    source: str = words()
    until: int = big()


class LeaseRow(SQLModel, table=True):
    """Who may change a source's jobs. Every take-over raises the fence, and every write is checked against it."""

    __tablename__ = "leases"
    name: str = words(key=True)
    holder: str = words()
    fence: int = big()
    until: int = big()


class TallyRow(SQLModel, table=True):
    """Counters per minute, so that nobody has to count rows. What is counted, `storage/counting.py` says."""

    __tablename__ = "tallies"
    minute: int = primary()  # minutes since 1970
    source: str = words(key=True)
    what: str = words(key=True)
    count: int = big()


class HourlyTallyRow(SQLModel, table=True):
    """The same per hour, for looking back over days."""

    __tablename__ = "hourly_tallies"
    hour: int = primary()  # hours since 1970
    source: str = words(key=True)
    what: str = words(key=True)
    count: int = big()


class TotalRow(SQLModel, table=True):
    """The same since ever. None ever falls: what there is now is the difference of what came and what went."""

    __tablename__ = "totals"
    source: str = words(key=True)
    what: str = words(key=True)
    count: int = big()
    minute: int = big(0)  # the last one in which it was counted, since 1970
