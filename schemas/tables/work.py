"""What we do: submissions and their groups, actions, outputs and their rows, hand-offs."""

from sqlalchemy import Column, ForeignKey, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from schemas.columns import BIG, big, maybe_big, maybe_of, maybe_words, of, primary, where, words


class GroupRow(SQLModel, table=True):
    """A fan-out: several jobs submitted as one piece of work. Its size is fixed when it is made; it completes once, in the
    transaction that ends the waiting for its last member."""

    __tablename__ = "groups"
    __table_args__ = (Index("ix_groups_source", "source", "id"),)
    id: int = primary()
    source: str = words("")
    input_name: str = words("")
    size: int = big()
    policy: str = words("wait_for_all")
    created_at: int = big()
    completed_at: int | None = maybe_big()


class GroupTallyRow(SQLModel, table=True):
    """Counters of a group's members, so that nobody has to look at all of them. Written with whatever changes a member; what is
    counted, `storage/group_tallies.py` says."""

    __tablename__ = "group_tallies"
    group_id: int = Field(sa_column=Column(BIG, ForeignKey("groups.id"), primary_key=True, autoincrement=False))
    what: str = words(key=True)
    count: int = big()


class SubmissionRow(SQLModel, table=True):
    """Our intent to create a job. Stored by whoever submits, and dropped by operators while it has not been sent; carried out
    step by step by the reconciler that holds the source's lease."""

    __tablename__ = "submissions"
    __table_args__ = (
        Index("ix_submissions_source", "source", "id"),
        Index("ix_submissions_group", "group_id", "shard", **where("group_id IS NOT NULL")),
        Index("ix_submissions_state", "state", "id"),
        Index("ix_submissions_source_state", "source", "state", "id"),
        Index("ix_submissions_input_file", "source", "input_file_id"),
        Index("ix_submissions_due", "source", "due_at", "id", **where("due_at IS NOT NULL")),
        Index("ix_submissions_uploaded", "source", "uploaded_at", **where("uploaded_at IS NOT NULL")),
    )
    id: int = primary()
    source: str = words()
    group_id: int | None = maybe_of("groups.id")
    shard: int = big(1)  # which part of its group, from 1
    state: str = words()
    staged_as: str | None = maybe_words()  # the rows' name among our files; null: they were never kept here
    input_name: str = words()
    input_sha256: str = words()
    input_bytes: int = big()
    row_count: int = big()
    endpoint: str | None = maybe_words()
    completion_window: str | None = maybe_words()
    details: str = words("{}")
    # The one that we chose for its job, where jobs are named by who creates them.
    own_job_id: str | None = maybe_words()
    path_token: str | None = maybe_words()  # what its job's webhooks bring along in their path, to be known by
    input_file_id: str | None = maybe_words()
    job_id: str | None = maybe_words()
    message: str | None = maybe_words()
    cancel_after: int | None = maybe_big()  # how long its job may run before automation cancels it
    # When its next step is to be taken; null: nothing is left to do, or a person decides.
    due_at: int | None = maybe_big()
    tries: int = big(0)  # of the step that it stands before
    sent_bytes: int = big(0)  # of the upload under way; to be shown
    uploaded_at: int | None = maybe_big()
    create_sent_at: int | None = maybe_big()  # committed before the create leaves: from then on a job may exist
    confirmed_at: int | None = maybe_big()  # when the job's own metadata showed our token
    drop_asked_at: int | None = maybe_big()  # too late to drop it: its job is to be cancelled at once
    drop_reason: str | None = maybe_words()
    drop_asked_by: str | None = maybe_words()
    created_at: int = big()
    updated_at: int = big()


class LabelRow(SQLModel, table=True):
    """A label of a job or a group, given by whoever submitted it."""

    __tablename__ = "labels"
    __table_args__ = (Index("ix_labels_key_value", "key", "value", "subject"),)
    subject: int = primary()
    key: str = words(key=True)
    value: str = words()


class ActionRow(SQLModel, table=True):
    """What was asked for. Inserted by operators or automation; answered by the reconciler that holds the lease."""

    __tablename__ = "actions"
    __table_args__ = (
        Index("ix_actions_due", "source", "due_at", **where("due_at IS NOT NULL")),
        Index("ix_actions_job", "job", "id"),
        Index("ix_actions_source", "source", "id"),
        Index("ix_actions_verb", "verb", "id"),
        Index("ix_actions_state", "state", "id"),
        Index("ix_actions_source_verb", "source", "verb", "id"),
        Index("ix_actions_source_state", "source", "state", "id"),
    )
    id: int = primary()
    job: int = of("jobs.id")
    source: str = words()
    verb: str = words()
    state: str = words("asked")
    asked_by: str = words()
    reason: str | None = maybe_words()
    asked_at: int = big()
    cancel_url_present: int | None = maybe_big()  # at the moment of asking; null: the provider had told nothing yet
    cancel_url_read_at: int | None = maybe_big()
    due_at: int | None = maybe_big()
    sends: int = big(0)
    sent_at: int | None = maybe_big()
    answered_at: int | None = maybe_big()
    http_status: int | None = maybe_big()
    message: str | None = maybe_words()


class ReverificationRow(SQLModel, table=True):
    """That somebody had refused requests of a source verified once more, and took in some of them. Written by whoever does it,
    before the first is taken in, so that one who is killed has left word."""

    __tablename__ = "reverifications"
    __table_args__ = (Index("ix_reverifications_source", "source", "id"),)
    id: int = primary()
    source: str = words()
    face: str = words()  # through which it was asked for: cli, api, dashboard
    reason: str = words()
    asked_at: int = big()
    since: int | None = maybe_big()
    until: int | None = maybe_big()
    clock_ahead: int = big(0)
    taken_in: int = big(0)  # so far
    ended_at: int | None = maybe_big()  # null: it is at it still, or was killed


class OutputRow(SQLModel, table=True):
    """A file that a terminal job names: whether it is there, and for jobs whose outputs are fetched, whether we have it."""

    __tablename__ = "outputs"
    __table_args__ = (
        UniqueConstraint("job", "role", "file_id"),
        Index("ix_outputs_due", "due_at", **where("due_at IS NOT NULL")),
    )
    id: int = primary()
    job: int = of("jobs.id")
    role: str = words()
    file_id: str = words()
    state: str = words("named")
    size: int | None = maybe_big()
    named_at: int = big()
    checked_at: int | None = maybe_big()
    checks: int = big(0)
    due_at: int | None = maybe_big()
    message: str | None = maybe_words()
    stored_as: str | None = maybe_words()  # its name among our files, once it is there whole: this row is the proof
    # Before it is stored, of content that nobody could vouch for: it is taken when it comes twice.
    sha256: str | None = maybe_words()
    lines: int | None = maybe_big()
    fetched_at: int | None = maybe_big()
    fetches: int = big(0)  # how often its content was asked for
    denials: int = big(0)  # in a row
    denied_since: int | None = maybe_big()


class RowMatchRow(SQLModel, table=True):
    """How a job's rows compare with what was asked, by custom id. Written by the matching round, once for each revision."""

    __tablename__ = "row_matches"
    job: int = Field(sa_column=Column(BIG, ForeignKey("jobs.id"), primary_key=True, autoincrement=False))
    revision: int = big()
    asked: int | None = maybe_big()  # null: nobody here knows, because it was not submitted from here
    succeeded: int = big()
    failed: int = big()
    missing: int | None = maybe_big()  # null with `asked`
    repeated: int = big(0)  # rows whose custom id had come before; the first one counts
    strange: int = big(0)  # rows with a custom id that nobody asked
    unreadable: int = big(0)  # lines that are no row
    examples: str = words("{}")  # the first few of each, to be shown
    matched_at: int = big()


class HandoffRow(SQLModel, table=True):
    """The outbox: downstream is told once for each target and revision of a subject. Its id is the hand-off's id, and the
    event stands as it will be sent."""

    __tablename__ = "handoffs"
    __table_args__ = (
        UniqueConstraint("subject", "target", "revision"),
        Index("ix_handoffs_due", "target", "due_at", "id", **where("due_at IS NOT NULL")),
        Index("ix_handoffs_state", "state", "id"),
        Index("ix_handoffs_source", "source", "id"),
        Index("ix_handoffs_target", "target", "id"),
        Index("ix_handoffs_target_state", "target", "state", "id"),
        Index("ix_handoffs_source_state", "source", "state", "id"),
    )
    id: int = primary()
    about: str = words()  # job, group, finding (of a job) or source_finding
    subject: int = big()  # the id of that
    source: str = words()
    target: str = words()
    revision: int = big()
    event: str = words()  # CloudEvents JSON
    state: str = words("waiting")
    attempts: int = big(0)
    due_at: int | None = maybe_big()
    made_at: int = big()
    tried_at: int | None = maybe_big()
    done_at: int | None = maybe_big()
    http_status: int | None = maybe_big()
    message: str | None = maybe_words()


class IdempotencyRow(SQLModel, table=True):
    """What an application was answered to a request that carried an Idempotency-Key."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created", "created_at"),)
    key: str = words(key=True)
    request_sha256: str = words()
    http_status: int = big()
    answer: str = words()
    created_at: int = big()


class SpentKeyRow(SQLModel, table=True):
    """What was good once, and has been used: a sign-in link, a session that was signed out, a form that was sent. Written by the
    dashboard, and kept until it would have lapsed by itself."""

    __tablename__ = "spent_keys"
    __table_args__ = (Index("ix_spent_keys_until", "until"),)
    key: str = words(key=True)
    until: int = big()
