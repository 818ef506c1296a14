"""Shards and what is left to do about them, files on our side, rows matched, hand-offs of jobs, groups and findings."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for name in ("source", "input_name"):
        op.add_column("groups", sa.Column(name, TEXT, server_default=sa.text("''"), nullable=False))
    _submissions()
    _jobs()
    _outputs()
    _row_matches()
    _handoffs()
    op.create_table(
        "idempotency_keys",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("request_sha256", TEXT, nullable=False),
        sa.Column("http_status", BIG, nullable=False),
        sa.Column("answer", TEXT, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_idempotency_keys_created", "idempotency_keys", ["created_at"], unique=False)


def _submissions() -> None:
    op.add_column("submissions", _count("shard", 1))
    for name in ("tries", "sent_bytes"):
        op.add_column("submissions", _count(name, 0))
    for name in ("staged_as", "drop_reason", "drop_asked_by"):
        op.add_column("submissions", sa.Column(name, TEXT, nullable=True))
    for name in ("cancel_after", "due_at", "uploaded_at", "create_sent_at", "confirmed_at", "drop_asked_at"):
        op.add_column("submissions", sa.Column(name, BIG, nullable=True))
    _index("ix_submissions_due", "submissions", ["source", "due_at", "id"], "due_at")
    _index("ix_submissions_uploaded", "submissions", ["source", "uploaded_at"], "uploaded_at")


def _jobs() -> None:
    op.add_column("jobs", _count("hands_on", 0))
    for name in ("cancel_at", "match_due_at", "cost_nanos"):
        op.add_column("jobs", sa.Column(name, BIG, nullable=True))
    for name in ("cost_currency", "cost_state"):
        op.add_column("jobs", sa.Column(name, TEXT, nullable=True))
    _index("ix_jobs_cancel", "jobs", ["source", "cancel_at"], "cancel_at")
    _index("ix_jobs_match", "jobs", ["source", "match_due_at"], "match_due_at")
    _index("ix_jobs_submission", "jobs", ["submission_id"], "submission_id")


def _outputs() -> None:
    for name in ("fetches", "denials"):
        op.add_column("outputs", _count(name, 0))
    for name in ("stored_as", "sha256"):
        op.add_column("outputs", sa.Column(name, TEXT, nullable=True))
    for name in ("lines", "fetched_at", "denied_since"):
        op.add_column("outputs", sa.Column(name, BIG, nullable=True))


def _row_matches() -> None:
    op.create_table(
        "row_matches",
        sa.Column("job", BIG, autoincrement=False, nullable=False),
        sa.Column("revision", BIG, nullable=False),
        sa.Column("asked", BIG, nullable=True),
        sa.Column("succeeded", BIG, nullable=False),
        sa.Column("failed", BIG, nullable=False),
        sa.Column("missing", BIG, nullable=True),
        *(_count(name, 0) for name in ("repeated", "strange", "unreadable")),
        sa.Column("examples", TEXT, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("matched_at", BIG, nullable=False),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"]),
        sa.PrimaryKeyConstraint("job"),
    )


def _handoffs() -> None:
    """The table is made anew: nothing was ever written to the one that there was."""
    op.drop_table("handoffs")
    op.create_table(
        "handoffs",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("about", TEXT, nullable=False),
        sa.Column("subject", BIG, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("revision", BIG, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("state", TEXT, server_default=sa.text("'waiting'"), nullable=False),
        _count("attempts", 0),
        sa.Column("due_at", BIG, nullable=True),
        sa.Column("made_at", BIG, nullable=False),
        sa.Column("tried_at", BIG, nullable=True),
        sa.Column("done_at", BIG, nullable=True),
        sa.Column("http_status", BIG, nullable=True),
        sa.Column("message", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("subject", "target", "revision"),
    )
    _index("ix_handoffs_due", "handoffs", ["target", "due_at", "id"], "due_at")
    op.create_index("ix_handoffs_state", "handoffs", ["state", "id"], unique=False)


def _count(name: str, default: int) -> "sa.Column[int]":
    return sa.Column(name, BIG, server_default=sa.text(str(default)), nullable=False)


def _index(name: str, table: str, columns: list[str], some: str) -> None:
    """An index of the rows that have something in the column `some`."""
    condition = sa.text(f"{some} IS NOT NULL")
    op.create_index(name, table, columns, unique=False, sqlite_where=condition, postgresql_where=condition)
