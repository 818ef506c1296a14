"""What operators look at: counters that nobody has to count, what was heard of an end first, findings about sources, what is
kept of a refused request, and an index for every listing."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

HOLDS, HAS_TROUBLE, IS_UNSETTLED = "cleared_at IS NULL", "trouble IS NOT NULL", "settled_at IS NULL"
IS_ODD = "verdict IN ('conflict', 'unknown_job', 'unreadable')"


def upgrade() -> None:
    _jobs()
    _failures()
    _listings()
    _counters()
    _groups()
    _findings()
    _refused_requests()
    _reverifications()
    _spent_keys()


def _jobs() -> None:
    op.add_column("jobs", sa.Column("claimed_by", TEXT, nullable=True))
    op.add_column("jobs", sa.Column("end_heard_by", TEXT, nullable=True))
    op.add_column("jobs", sa.Column("end_heard_at", BIG, nullable=True))
    op.execute("UPDATE jobs SET end_heard_by = ended_by, end_heard_at = ended_at WHERE ended_at IS NOT NULL")
    for columns in (
        ["kind"],
        ["source", "kind"],
        ["source", "status"],
        ["kind", "status"],
        ["source", "kind", "status"],
    ):
        op.create_index(f"ix_jobs_{'_'.join(columns)}", "jobs", [*columns, "id"])
    op.drop_index("ix_jobs_provider_id", table_name="jobs")
    op.create_index("ix_jobs_provider_id", "jobs", ["job_id", "id"])
    op.create_index("ix_jobs_source_provider_id", "jobs", ["source", "job_id", "id"])
    _partial("ix_jobs_trouble", "jobs", ["id"], HAS_TROUBLE)
    _partial("ix_jobs_source_trouble", "jobs", ["source", "id"], HAS_TROUBLE)
    _partial("ix_jobs_unsettled", "jobs", ["source", "id"], IS_UNSETTLED)


def _failures() -> None:
    op.add_column("failures", sa.Column("source", TEXT, server_default=sa.text("''"), nullable=False))
    op.add_column("failures", sa.Column("holds", BIG, server_default=sa.text("1"), nullable=False))
    op.execute("UPDATE failures SET source = (SELECT jobs.source FROM jobs WHERE jobs.id = failures.job)")
    op.execute("UPDATE failures SET holds = 0 WHERE cleared_at IS NOT NULL")
    op.drop_index("ix_failures_category", table_name="failures")
    for columns in ([], ["source"], ["category"], ["code"], ["source", "category"], ["source", "code"]):
        op.create_index("_".join(["ix_failures_holds", *columns]), "failures", ["holds", *columns, "id"])
    for columns in (["category"], ["code"], ["source", "category"], ["source", "code"]):
        _partial(f"ix_failures_job_{'_'.join(columns)}", "failures", [*columns, "job"], HOLDS)


def _listings() -> None:
    op.drop_index("ix_labels_key_value", table_name="labels")
    op.create_index("ix_labels_key_value", "labels", ["key", "value", "subject"])
    _partial("ix_attempts_undelivered", "attempts", ["id"], "outcome <> 'delivered'")
    _partial("ix_deliveries_odd", "deliveries", ["verdict", "id"], IS_ODD)
    _partial("ix_deliveries_source_odd", "deliveries", ["source", "verdict", "id"], IS_ODD)
    for columns in (["reason"], ["source", "reason"]):
        op.create_index(f"ix_refusals_{'_'.join(columns)}", "refusals", [*columns, "id"])
    op.create_index("ix_submissions_source_state", "submissions", ["source", "state", "id"])
    for columns in (["source"], ["target"], ["target", "state"], ["source", "state"]):
        op.create_index(f"ix_handoffs_{'_'.join(columns)}", "handoffs", [*columns, "id"])
    for columns in (["source"], ["verb"], ["state"], ["source", "verb"], ["source", "state"]):
        op.create_index(f"ix_actions_{'_'.join(columns)}", "actions", [*columns, "id"])


def _counters() -> None:
    """The totals begin with what is there, so that no count has to start from nothing."""
    op.create_table(
        "hourly_tallies",
        sa.Column("hour", BIG, autoincrement=False, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("what", TEXT, nullable=False),
        sa.Column("count", BIG, nullable=False),
        sa.PrimaryKeyConstraint("hour", "source", "what"),
    )
    op.execute(
        "INSERT INTO hourly_tallies (hour, source, what, count) "
        "SELECT minute / 60, source, what, sum(count) FROM tallies GROUP BY 1, 2, 3"
    )
    op.create_table(
        "totals",
        sa.Column("source", TEXT, nullable=False),
        sa.Column("what", TEXT, nullable=False),
        sa.Column("count", BIG, nullable=False),
        sa.Column("minute", BIG, server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("source", "what"),
    )
    op.execute(
        "INSERT INTO totals (source, what, count, minute) "
        "SELECT source, what, sum(count), max(minute) FROM tallies GROUP BY source, what "
        "UNION ALL SELECT source, 'born.' || origin, count(*), max(created_at) / 60000000 FROM jobs "
        "GROUP BY source, origin "
        "UNION ALL SELECT source, 'moved.unknown.' || status, count(*), max(updated_at) / 60000000 FROM jobs "
        "WHERE status <> 'unknown' GROUP BY source, status "
        "UNION ALL SELECT source, 'began.' || category || '.' || code, count(*), max(detected_at) / 60000000 "
        "FROM failures GROUP BY source, category, code "
        "UNION ALL SELECT source, 'cleared.' || category || '.' || code, count(*), max(cleared_at) / 60000000 "
        "FROM failures WHERE holds = 0 GROUP BY source, category, code "
        "UNION ALL SELECT source, 'handoff.' || target || '.new.' || state, count(*), max(made_at) / 60000000 "
        "FROM handoffs GROUP BY source, target, state"
    )


def _groups() -> None:
    """Of each group what `storage/group_tallies.py` counts, which begins with what is there."""
    for name, order in (("jobs", "id"), ("submissions", "shard")):
        op.drop_index(f"ix_{name}_group_id", table_name=name)
        _partial(f"ix_{name}_group", name, ["group_id", order], "group_id IS NOT NULL")
    op.create_table(
        "group_tallies",
        sa.Column("group_id", BIG, autoincrement=False, nullable=False),
        sa.Column("what", TEXT, nullable=False),
        sa.Column("count", BIG, nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"]),
        sa.PrimaryKeyConstraint("group_id", "what"),
    )
    lacks = "CASE WHEN m.job IS NULL THEN coalesce(j.rows_failed, 0) ELSE m.failed + coalesce(m.missing, 0) END > 0"
    end = f"CASE WHEN j.ready_at IS NULL THEN 'waits' WHEN {lacks} THEN 'lacks' ELSE 'whole' END"
    word = f"CASE WHEN j.id IS NULL THEN 'without.' || s.state ELSE 'job.' || j.status || '.' || {end} END"
    sums = {
        word: "1",
        "'rows.asked'": "s.row_count",
        "'rows.succeeded'": "m.succeeded",
        "'rows.failed'": "m.failed",
        "'rows.missing'": "m.missing",
        "'cost.jobs'": "CASE WHEN j.cost_nanos IS NOT NULL THEN 1 END",
        "'cost.settled'": "CASE WHEN j.cost_nanos IS NOT NULL AND j.cost_state = 'settled' THEN 1 END",
        "'cost.nanos.' || coalesce(j.cost_currency, '?')": "j.cost_nanos",
    }
    for what, number in sums.items():
        op.execute(
            f"INSERT INTO group_tallies (group_id, what, count) SELECT s.group_id, {what}, sum({number}) "  # noqa: S608
            "FROM submissions s LEFT JOIN jobs j ON j.submission_id = s.id LEFT JOIN row_matches m ON m.job = j.id "
            f"WHERE s.group_id IS NOT NULL GROUP BY 1, 2 HAVING sum({number}) IS NOT NULL"
        )


def _findings() -> None:
    op.create_table(
        "findings",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("rule", TEXT, nullable=False),
        sa.Column("subject", TEXT, server_default=sa.text("''"), nullable=False),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("evidence", TEXT, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("revision", BIG, server_default=sa.text("1"), nullable=False),
        sa.Column("began_at", BIG, nullable=False),
        sa.Column("seen_at", BIG, nullable=False),
        sa.Column("closed_at", BIG, nullable=True),
        sa.Column("told_at", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "rule", "subject"),
    )
    op.create_table(
        "finding_changes",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("finding", BIG, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.ForeignKeyConstraint(["finding"], ["findings.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.add_column("sources", sa.Column("heard_at", BIG, nullable=True))
    op.add_column("sources", sa.Column("unheard_ends", BIG, server_default=sa.text("0"), nullable=False))
    op.add_column("sources", sa.Column("unheard_since", BIG, nullable=True))
    op.add_column("sources", sa.Column("clock_ahead", BIG, nullable=True))
    op.add_column("sources", sa.Column("last_http_status", BIG, nullable=True))
    op.add_column("sources", sa.Column("last_attempt_at", BIG, nullable=True))
    op.add_column("sources", sa.Column("last_attempt_status", BIG, nullable=True))


def _refused_requests() -> None:
    op.add_column("deliveries", sa.Column("times_taken_in", BIG, server_default=sa.text("0"), nullable=False))
    op.add_column("deliveries", sa.Column("taken_in_at", BIG, nullable=True))
    op.add_column("receipts", sa.Column("taken_in_at", BIG, nullable=True))
    op.add_column("receipts", sa.Column("refusal_id", BIG, nullable=True))
    op.create_table(
        "refused_requests",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("presented", TEXT, nullable=False),
        sa.Column("submission", TEXT, nullable=True),
        sa.Column("neighbourhood", TEXT, server_default=sa.text("''"), nullable=False),
        sa.Column("is_extra", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("taken_in_at", BIG, nullable=True),
        sa.Column("receipt_id", BIG, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_refused_requests_source", "refused_requests", ["source", "id"])


def _reverifications() -> None:
    op.create_table(
        "reverifications",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("face", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("asked_at", BIG, nullable=False),
        sa.Column("since", BIG, nullable=True),
        sa.Column("until", BIG, nullable=True),
        sa.Column("clock_ahead", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("taken_in", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("ended_at", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_reverifications_source", "reverifications", ["source", "id"])


def _spent_keys() -> None:
    op.create_table(
        "spent_keys",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("until", BIG, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_spent_keys_until", "spent_keys", ["until"])


def _partial(name: str, table: str, columns: list[str], condition: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))
