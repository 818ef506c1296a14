"""The tables of the spine."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # compared as bytes
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # on SQLite the row's own address


def upgrade() -> None:
    op.create_table(
        "bodies",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("job_id", TEXT, nullable=False),
        sa.Column("delivery_key", TEXT, nullable=False),
        sa.Column("event_type", TEXT, nullable=True),
        sa.Column("reported_status", TEXT, nullable=True),
        sa.Column("verdict", TEXT, nullable=True),
        sa.Column("times_received", BIG, server_default=sa.text("1"), nullable=False),
        sa.Column("first_received_at", BIG, nullable=False),
        sa.Column("last_received_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "kind", "job_id", "delivery_key"),
    )
    op.create_index("ix_deliveries_source", "deliveries", ["source", "id"], unique=False)
    op.create_table(
        "groups",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("policy", TEXT, server_default=sa.text("'wait_for_all'"), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("completed_at", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "labels",
        sa.Column("subject", BIG, autoincrement=False, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("subject", "key"),
    )
    op.create_index("ix_labels_key_value", "labels", ["key", "value"], unique=False)
    op.create_table(
        "leases",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("holder", TEXT, nullable=False),
        sa.Column("fence", BIG, nullable=False),
        sa.Column("until", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "refusals",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("http_status", BIG, nullable=False),
        sa.Column("received_at", BIG, nullable=False),
        sa.Column("remote", TEXT, nullable=True),
        sa.Column("body_bytes", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_refusals_source", "refusals", ["source", "id"], unique=False)
    op.create_table(
        "sources",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("dialect", TEXT, nullable=False),
        sa.Column("listening_since", BIG, nullable=False),
        sa.Column("trouble", TEXT, nullable=True),
        sa.Column("trouble_message", TEXT, nullable=True),
        sa.Column("trouble_since", BIG, nullable=True),
        sa.Column("asking_again_at", BIG, nullable=True),
        sa.Column("last_answer_at", BIG, nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "tallies",
        sa.Column("minute", BIG, autoincrement=False, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("what", TEXT, nullable=False),
        sa.Column("count", BIG, nullable=False),
        sa.PrimaryKeyConstraint("minute", "source", "what"),
    )
    op.create_table(
        "receipts",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("delivery_id", BIG, nullable=False),
        sa.Column("body_id", BIG, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("digest", BIG, nullable=False),
        sa.Column("received_at", BIG, nullable=False),
        sa.Column("signed_at", BIG, nullable=True),
        sa.Column("secret_index", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("submission", TEXT, nullable=True),
        sa.Column("event_type", TEXT, nullable=True),
        sa.Column("event_id", TEXT, nullable=True),
        sa.Column("attempt", BIG, nullable=True),
        sa.Column("reported_status", TEXT, nullable=True),
        sa.Column("native_status", TEXT, nullable=True),
        sa.Column("progress", BIG, nullable=True),
        sa.Column("unreadable", TEXT, nullable=True),
        sa.Column("verdict", TEXT, nullable=True),
        sa.Column("judge_after", BIG, server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["deliveries.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_receipts_delivery", "receipts", ["delivery_id", "digest"], unique=False)
    op.create_index(
        "ix_receipts_inbox",
        "receipts",
        ["source", "id"],
        unique=False,
        sqlite_where=sa.text("verdict IS NULL"),
        postgresql_where=sa.text("verdict IS NULL"),
    )
    op.create_table(
        "submissions",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("group_id", BIG, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("input_name", TEXT, nullable=False),
        sa.Column("input_sha256", TEXT, nullable=False),
        sa.Column("input_bytes", BIG, nullable=False),
        sa.Column("row_count", BIG, nullable=False),
        sa.Column("endpoint", TEXT, nullable=True),
        sa.Column("completion_window", TEXT, nullable=True),
        sa.Column("details", TEXT, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("input_file_id", TEXT, nullable=True),
        sa.Column("job_id", TEXT, nullable=True),
        sa.Column("message", TEXT, nullable=True),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("updated_at", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["groups.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_submissions_group_id"), "submissions", ["group_id"], unique=False)
    op.create_index("ix_submissions_state", "submissions", ["state", "id"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("job_id", TEXT, nullable=False),
        sa.Column("origin", TEXT, nullable=False),
        sa.Column("submission_id", BIG, nullable=True),
        sa.Column("group_id", BIG, nullable=True),
        sa.Column("status", TEXT, server_default=sa.text("'unknown'"), nullable=False),
        sa.Column("native_status", TEXT, nullable=True),
        sa.Column("basis", TEXT, nullable=True),
        sa.Column("revision", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("progress", BIG, nullable=True),
        sa.Column("rows_total", BIG, nullable=True),
        sa.Column("rows_completed", BIG, nullable=True),
        sa.Column("rows_failed", BIG, nullable=True),
        sa.Column("output_file_id", TEXT, nullable=True),
        sa.Column("error_file_id", TEXT, nullable=True),
        sa.Column("writes_files", BIG, server_default=sa.text("1"), nullable=False),
        sa.Column("polling_url", TEXT, nullable=True),
        sa.Column("cancel_url", TEXT, nullable=True),
        sa.Column("error_code", TEXT, nullable=True),
        sa.Column("error_message", TEXT, nullable=True),
        sa.Column("has_webhook", BIG, nullable=True),
        sa.Column("webhook_events", TEXT, nullable=True),
        sa.Column("account_seen_at", BIG, nullable=True),
        sa.Column("pending_retries", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("reported_status", TEXT, nullable=True),
        sa.Column("reported_native", TEXT, nullable=True),
        sa.Column("reported_progress", BIG, nullable=True),
        sa.Column("reported_at", BIG, nullable=True),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("updated_at", BIG, nullable=False),
        sa.Column("ended_at", BIG, nullable=True),
        sa.Column("ended_by", TEXT, nullable=True),
        sa.Column("provider_created_at", BIG, nullable=True),
        sa.Column("provider_ended_at", BIG, nullable=True),
        sa.Column("wanted_at", BIG, nullable=True),
        sa.Column("wanted_status", TEXT, nullable=True),
        sa.Column("claimed_at", BIG, nullable=True),
        sa.Column("claim_asks", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", BIG, nullable=True),
        sa.Column("asks", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("failed_asks", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("asked_at", BIG, nullable=True),
        sa.Column("answered_at", BIG, nullable=True),
        sa.Column("denials", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("denied_since", BIG, nullable=True),
        sa.Column("trouble", TEXT, nullable=True),
        sa.Column("trouble_message", TEXT, nullable=True),
        sa.Column("trouble_since", BIG, nullable=True),
        sa.Column("ready_at", BIG, nullable=True),
        sa.Column("settled_at", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["groups.id"],
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submissions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "kind", "job_id"),
    )
    op.create_index("ix_jobs_adopted", "jobs", ["source", "origin", "status"], unique=False)
    op.create_index(
        "ix_jobs_due",
        "jobs",
        ["source", "due_at", "id"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_jobs_group_id"), "jobs", ["group_id"], unique=False)
    op.create_index("ix_jobs_provider_id", "jobs", ["job_id", "source"], unique=False)
    op.create_index("ix_jobs_source", "jobs", ["source", "id"], unique=False)
    op.create_index("ix_jobs_status", "jobs", ["status", "id"], unique=False)
    op.create_index(
        "ix_jobs_wanted",
        "jobs",
        ["source", "due_at", "id"],
        unique=False,
        sqlite_where=sa.text("wanted_at IS NOT NULL"),
        postgresql_where=sa.text("wanted_at IS NOT NULL"),
    )
    op.create_table(
        "actions",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("job", BIG, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("verb", TEXT, nullable=False),
        sa.Column("state", TEXT, server_default=sa.text("'asked'"), nullable=False),
        sa.Column("asked_by", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("asked_at", BIG, nullable=False),
        sa.Column("cancel_url_present", BIG, nullable=True),
        sa.Column("cancel_url_read_at", BIG, nullable=True),
        sa.Column("due_at", BIG, nullable=True),
        sa.Column("sends", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("sent_at", BIG, nullable=True),
        sa.Column("answered_at", BIG, nullable=True),
        sa.Column("http_status", BIG, nullable=True),
        sa.Column("message", TEXT, nullable=True),
        sa.ForeignKeyConstraint(
            ["job"],
            ["jobs.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_actions_due",
        "actions",
        ["source", "due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("ix_actions_job", "actions", ["job", "id"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("job", BIG, nullable=False),
        sa.Column("delivery_key", TEXT, nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("tried_at", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("response_status", BIG, nullable=True),
        sa.Column("timed_out", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("preview", TEXT, nullable=True),
        sa.Column("first_seen_at", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["job"],
            ["jobs.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job", "delivery_key", "number", "tried_at"),
    )
    op.create_table(
        "failures",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("job", BIG, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("subject", TEXT, server_default=sa.text("('')"), nullable=False),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("evidence", TEXT, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("detected_at", BIG, nullable=False),
        sa.Column("cleared_at", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["job"],
            ["jobs.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job", "category", "code", "subject"),
    )
    op.create_index("ix_failures_category", "failures", ["category", "code", "id"], unique=False)
    op.create_table(
        "handoffs",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("job", BIG, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("revision", BIG, nullable=False),
        sa.Column("state", TEXT, server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("attempts", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", BIG, nullable=True),
        sa.Column("done_at", BIG, nullable=True),
        sa.Column("message", TEXT, nullable=True),
        sa.ForeignKeyConstraint(
            ["job"],
            ["jobs.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job", "target", "revision"),
    )
    op.create_index("ix_handoffs_due", "handoffs", ["target", "due_at"], unique=False)
    op.create_table(
        "observations",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("job", BIG, nullable=False),
        sa.Column("asked", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=True),
        sa.Column("native_status", TEXT, nullable=True),
        sa.Column("progress", BIG, nullable=True),
        sa.Column("trouble", TEXT, nullable=True),
        sa.Column("http_status", BIG, nullable=True),
        sa.Column("message", TEXT, nullable=True),
        sa.Column("flag", TEXT, nullable=True),
        sa.Column("details", TEXT, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("first_seen_at", BIG, nullable=False),
        sa.Column("last_seen_at", BIG, nullable=False),
        sa.Column("times_seen", BIG, server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["job"],
            ["jobs.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_observations_job", "observations", ["job", "id"], unique=False)
    op.create_table(
        "outputs",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("job", BIG, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("file_id", TEXT, nullable=False),
        sa.Column("state", TEXT, server_default=sa.text("'named'"), nullable=False),
        sa.Column("size", BIG, nullable=True),
        sa.Column("named_at", BIG, nullable=False),
        sa.Column("checked_at", BIG, nullable=True),
        sa.Column("checks", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", BIG, nullable=True),
        sa.Column("message", TEXT, nullable=True),
        sa.ForeignKeyConstraint(
            ["job"],
            ["jobs.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job", "role", "file_id"),
    )
    op.create_index(
        "ix_outputs_due",
        "outputs",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "transitions",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("job", BIG, nullable=False),
        sa.Column("revision", BIG, nullable=False),
        sa.Column("from_status", TEXT, nullable=False),
        sa.Column("to_status", TEXT, nullable=False),
        sa.Column("basis", TEXT, nullable=True),
        sa.Column("observation", BIG, nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["job"],
            ["jobs.id"],
        ),
        sa.ForeignKeyConstraint(
            ["observation"],
            ["observations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_transitions_job", "transitions", ["job", "id"], unique=False)
    op.create_index(op.f("ix_transitions_observation"), "transitions", ["observation"], unique=False)
