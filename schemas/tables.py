"""The tables. Ids are 63-bit integers made in the process, times are microseconds, words are text.

Who writes what is said at each table. JSON columns are for showing: no decision reads one.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

# On SQLite an INTEGER key is the row's own address, which spares a second index.
_BIG = BigInteger().with_variant(Integer(), "sqlite")
# Compared as bytes everywhere, as SQLite does by itself.
_TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def _where(condition: str) -> Any:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def _id() -> Any:
    return Field(sa_column=Column(_BIG, primary_key=True, autoincrement=False))


def _of(target: str, index: bool = False) -> Any:
    return Field(sa_column=Column(_BIG, ForeignKey(target), nullable=False, index=index))


def _maybe_of(target: str, index: bool = False) -> Any:
    return Field(default=None, sa_column=Column(_BIG, ForeignKey(target), nullable=True, index=index))


def _big(default: int | None = None) -> Any:
    server = None if default is None else text(str(default))
    return Field(default=default, sa_column=Column(_BIG, nullable=False, server_default=server))


def _maybe_big() -> Any:
    return Field(default=None, sa_column=Column(_BIG, nullable=True))


def _words(default: str | None = None, key: bool = False) -> Any:
    server = None if default is None else text(f"'{default}'")
    return Field(default=default, sa_column=Column(_TEXT, nullable=False, primary_key=key, server_default=server))


def _maybe_words() -> Any:
    return Field(default=None, sa_column=Column(_TEXT, nullable=True))


class SourceRow(SQLModel, table=True):
    """A source as it went here. Written by the reconciler that holds its lease, and once by whoever starts first."""

    __tablename__ = "sources"
    name: str = _words(key=True)
    dialect: str = _words()
    listening_since: int = _big()
    trouble: str | None = _maybe_words()
    trouble_message: str | None = _maybe_words()
    trouble_since: int | None = _maybe_big()
    asking_again_at: int | None = _maybe_big()
    last_answer_at: int | None = _maybe_big()
    recorded_at: int | None = (
        _maybe_big()
    )  # when what follows was as it stands here; the reconciler's own count goes on
    asked_last_minute: int = _big(0)
    budget_left: int | None = _maybe_big()  # null: no budget
    listed_at: int | None = _maybe_big()
    swept_at: int | None = _maybe_big()
    list_is_full: int = _big(0)  # 1: there may be jobs that the list does not show
    list_unreadable: int = _big(0)
    orphans: str = _words("{}")  # jobs of the last sweep that are not ours to ask about, by kind; to be shown


class GroupRow(SQLModel, table=True):
    """A fan-out: several jobs submitted as one piece of work."""

    __tablename__ = "groups"
    id: int = _id()
    size: int = _big()
    policy: str = _words("wait_for_all")
    created_at: int = _big()
    completed_at: int | None = _maybe_big()


class SubmissionRow(SQLModel, table=True):
    """Our intent to create a job. Written by whoever submits, before the provider is asked and after each answer, and by
    the sweep that finds the job of one whose answer was lost."""

    __tablename__ = "submissions"
    __table_args__ = (
        Index("ix_submissions_state", "state", "id"),
        Index("ix_submissions_input_file", "source", "input_file_id"),
    )
    id: int = _id()
    source: str = _words()
    group_id: int | None = _maybe_of("groups.id", index=True)
    state: str = _words()
    input_name: str = _words()
    input_sha256: str = _words()
    input_bytes: int = _big()
    row_count: int = _big()
    endpoint: str | None = _maybe_words()
    completion_window: str | None = _maybe_words()
    details: str = _words("{}")
    input_file_id: str | None = _maybe_words()
    job_id: str | None = _maybe_words()
    message: str | None = _maybe_words()
    created_at: int = _big()
    updated_at: int = _big()


class JobRow(SQLModel, table=True):
    """A job. Born by insert-or-ignore from whoever learns of it; from then on changed only under its source's lease."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("source", "kind", "job_id"),
        Index("ix_jobs_due", "source", "due_at", "id", **_where("due_at IS NOT NULL")),
        Index("ix_jobs_wanted", "source", "due_at", "id", **_where("wanted_at IS NOT NULL")),
        Index("ix_jobs_adopted", "source", "origin", "status"),
        Index("ix_jobs_source", "source", "id"),
        Index("ix_jobs_provider_id", "job_id", "source"),
        Index("ix_jobs_status", "status", "id"),
    )
    id: int = _id()
    source: str = _words()
    kind: str = _words()
    job_id: str = _words()
    origin: str = _words()
    submission_id: int | None = _maybe_of("submissions.id")
    group_id: int | None = _maybe_of("groups.id", index=True)
    status: str = _words("unknown")
    native_status: str | None = _maybe_words()
    basis: str | None = _maybe_words()
    revision: int = _big(0)
    progress: int | None = _maybe_big()
    rows_total: int | None = _maybe_big()
    rows_completed: int | None = _maybe_big()
    rows_failed: int | None = _maybe_big()
    output_file_id: str | None = _maybe_words()
    error_file_id: str | None = _maybe_words()
    writes_files: int = _big(1)
    polling_url: str | None = _maybe_words()
    cancel_url: str | None = _maybe_words()
    error_code: str | None = _maybe_words()
    error_message: str | None = _maybe_words()
    has_webhook: int | None = _maybe_big()  # null: nobody has told yet
    webhook_events: str | None = _maybe_words()  # what this job alone subscribes to, by its own word; blank-separated
    account_seen_at: int | None = _maybe_big()
    pending_retries: int = _big(0)
    reported_status: str | None = _maybe_words()
    reported_native: str | None = _maybe_words()
    reported_progress: int | None = _maybe_big()
    reported_at: int | None = _maybe_big()
    created_at: int = _big()
    updated_at: int = _big()
    ended_at: int | None = _maybe_big()
    ended_by: str | None = _maybe_words()
    provider_created_at: int | None = _maybe_big()
    provider_ended_at: int | None = _maybe_big()
    wanted_at: int | None = _maybe_big()
    wanted_status: str | None = _maybe_words()
    claimed_at: int | None = _maybe_big()  # since when a terminal status is reported that the provider does not confirm
    claim_asks: int = _big(0)
    due_at: int | None = _maybe_big()
    asks: int = _big(0)
    failed_asks: int = _big(0)
    asked_at: int | None = _maybe_big()
    answered_at: int | None = _maybe_big()
    denials: int = _big(0)
    denied_since: int | None = _maybe_big()
    trouble: str | None = _maybe_words()
    trouble_message: str | None = _maybe_words()
    trouble_since: int | None = _maybe_big()
    ready_at: int | None = _maybe_big()
    settled_at: int | None = _maybe_big()


class LabelRow(SQLModel, table=True):
    """A label of a job or a group, given by whoever submitted it."""

    __tablename__ = "labels"
    __table_args__ = (Index("ix_labels_key_value", "key", "value"),)
    subject: int = Field(sa_column=Column(_BIG, primary_key=True, autoincrement=False))
    key: str = _words(key=True)
    value: str = _words()


class DeliveryRow(SQLModel, table=True):
    """One event of one job, however often it came. Inserted and counted by the ledger; its verdict is set by the judge."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("source", "kind", "job_id", "delivery_key"),
        Index("ix_deliveries_source", "source", "id"),
    )
    id: int = _id()
    source: str = _words()
    kind: str = _words()
    job_id: str = _words()
    delivery_key: str = _words()
    event_type: str | None = _maybe_words()
    reported_status: str | None = _maybe_words()
    verdict: str | None = _maybe_words()
    times_received: int = _big(1)
    first_received_at: int = _big()
    last_received_at: int = _big()


class ReceiptRow(SQLModel, table=True):
    """One accepted request. Inserted by the ledger; its verdict is set by the judge. Without one it is in the inbox."""

    __tablename__ = "receipts"
    __table_args__ = (
        Index("ix_receipts_inbox", "source", "id", **_where("verdict IS NULL")),
        Index("ix_receipts_delivery", "delivery_id", "digest"),
    )
    id: int = _id()
    delivery_id: int = _of("deliveries.id")
    body_id: int = _big()  # the receipt that the bytes came with first
    source: str = _words()
    digest: int = _big()  # the first 63 bits of the body's SHA-256
    received_at: int = _big()
    signed_at: int | None = _maybe_big()
    secret_index: int = _big(0)
    submission: str | None = _maybe_words()  # the further part of the path
    event_type: str | None = _maybe_words()
    event_id: str | None = _maybe_words()
    attempt: int | None = _maybe_big()
    reported_status: str | None = _maybe_words()
    native_status: str | None = _maybe_words()
    progress: int | None = _maybe_big()
    unreadable: str | None = _maybe_words()
    verdict: str | None = _maybe_words()
    judge_after: int = _big(0)


class BodyRow(SQLModel, table=True):
    """The bytes as they arrived, apart from the receipt, so that a verdict does not write them again."""

    __tablename__ = "bodies"
    id: int = _id()  # of the receipt that they came with
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class RefusalRow(SQLModel, table=True):
    """A request that we did not accept. Written by the receiver, a bounded number a minute; the rest is only tallied."""

    __tablename__ = "refusals"
    __table_args__ = (Index("ix_refusals_source", "source", "id"),)
    id: int = _id()
    source: str = _words()
    reason: str = _words()
    http_status: int = _big()
    received_at: int = _big()
    remote: str | None = _maybe_words()
    body_bytes: int | None = _maybe_big()


class ObservationRow(SQLModel, table=True):
    """A run of equal answers about a job. A new row only when something differs."""

    __tablename__ = "observations"
    __table_args__ = (Index("ix_observations_job", "job", "id"),)
    id: int = _id()
    job: int = _of("jobs.id")
    asked: str = _words()
    status: str | None = _maybe_words()  # null: the provider denied the job, or the asking went wrong
    native_status: str | None = _maybe_words()
    progress: int | None = _maybe_big()
    trouble: str | None = _maybe_words()
    http_status: int | None = _maybe_big()
    message: str | None = _maybe_words()
    flag: str | None = _maybe_words()  # open_after_end, url_mismatch
    details: str = _words("{}")
    first_seen_at: int = _big()
    last_seen_at: int = _big()
    times_seen: int = _big(1)


class AttemptRow(SQLModel, table=True):
    """One entry of the provider's account of its deliveries, kept when the provider's own list has moved on."""

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("job", "delivery_key", "number", "tried_at"),)
    id: int = _id()
    job: int = _of("jobs.id")
    delivery_key: str = _words()
    number: int = _big()
    tried_at: int = _big(0)  # 0: the provider does not say
    outcome: str = _words()
    response_status: int | None = _maybe_big()
    timed_out: int = _big(0)
    error: str | None = _maybe_words()
    preview: str | None = _maybe_words()
    first_seen_at: int = _big()


class TransitionRow(SQLModel, table=True):
    """One change of a job's status, with the observation that caused it."""

    __tablename__ = "transitions"
    __table_args__ = (Index("ix_transitions_job", "job", "id"),)
    id: int = _id()
    job: int = _of("jobs.id")
    revision: int = _big()
    from_status: str = _words()
    to_status: str = _words()
    basis: str | None = _maybe_words()
    observation: int = _of("observations.id", index=True)
    at: int = _big()


class FailureRow(SQLModel, table=True):
    """A classified fact about a job. Cleared when it no longer holds, never deleted."""

    __tablename__ = "failures"
    __table_args__ = (
        UniqueConstraint("job", "category", "code", "subject"),
        Index("ix_failures_category", "category", "code", "id"),
    )
    id: int = _id()
    job: int = _of("jobs.id")
    category: str = _words()
    code: str = _words()
    subject: str = _words("")
    message: str = _words()
    evidence: str = _words("{}")
    detected_at: int = _big()
    cleared_at: int | None = _maybe_big()


class ActionRow(SQLModel, table=True):
    """What was asked for. Inserted by operators or automation; answered by the reconciler that holds the lease."""

    __tablename__ = "actions"
    __table_args__ = (
        Index("ix_actions_due", "source", "due_at", **_where("due_at IS NOT NULL")),
        Index("ix_actions_job", "job", "id"),
    )
    id: int = _id()
    job: int = _of("jobs.id")
    source: str = _words()
    verb: str = _words()
    state: str = _words("asked")
    asked_by: str = _words()
    reason: str | None = _maybe_words()
    asked_at: int = _big()
    cancel_url_present: int | None = _maybe_big()  # at the moment of asking; null: the provider had told nothing yet
    cancel_url_read_at: int | None = _maybe_big()
    due_at: int | None = _maybe_big()
    sends: int = _big(0)
    sent_at: int | None = _maybe_big()
    answered_at: int | None = _maybe_big()
    http_status: int | None = _maybe_big()
    message: str | None = _maybe_words()


class OutputRow(SQLModel, table=True):
    """A file that a terminal job names, and whether it is there."""

    __tablename__ = "outputs"
    __table_args__ = (
        UniqueConstraint("job", "role", "file_id"),
        Index("ix_outputs_due", "due_at", **_where("due_at IS NOT NULL")),
    )
    id: int = _id()
    job: int = _of("jobs.id")
    role: str = _words()
    file_id: str = _words()
    state: str = _words("named")
    size: int | None = _maybe_big()
    named_at: int = _big()
    checked_at: int | None = _maybe_big()
    checks: int = _big(0)
    due_at: int | None = _maybe_big()
    message: str | None = _maybe_words()


class HandoffRow(SQLModel, table=True):
    """The outbox: downstream is told about a ready job, once for each target and revision. Its id is the hand-off's id."""

    __tablename__ = "handoffs"
    __table_args__ = (UniqueConstraint("job", "target", "revision"), Index("ix_handoffs_due", "target", "due_at"))
    id: int = _id()
    job: int = _of("jobs.id")
    target: str = _words()
    revision: int = _big()
    state: str = _words("waiting")
    attempts: int = _big(0)
    due_at: int | None = _maybe_big()
    done_at: int | None = _maybe_big()
    message: str | None = _maybe_words()


class LeaseRow(SQLModel, table=True):
    """Who may change a source's jobs. Every take-over raises the fence, and every write is checked against it."""

    __tablename__ = "leases"
    name: str = _words(key=True)
    holder: str = _words()
    fence: int = _big()
    until: int = _big()


class TallyRow(SQLModel, table=True):
    """Counters per minute, so that nobody has to count rows."""

    __tablename__ = "tallies"
    minute: int = Field(sa_column=Column(_BIG, primary_key=True, autoincrement=False))  # minutes since 1970
    source: str = _words(key=True)
    what: str = _words(key=True)
    count: int = _big()


METADATA = SQLModel.metadata
