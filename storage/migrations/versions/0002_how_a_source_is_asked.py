"""How a source is asked, to be shown, and submissions found by their input file."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for name in ("recorded_at", "budget_left", "listed_at", "swept_at"):
        op.add_column("sources", sa.Column(name, BIG, nullable=True))
    for name in ("asked_last_minute", "list_is_full", "list_unreadable"):
        op.add_column("sources", sa.Column(name, BIG, server_default=sa.text("0"), nullable=False))
    op.add_column("sources", sa.Column("orphans", TEXT, server_default=sa.text("'{}'"), nullable=False))
    op.create_index("ix_submissions_input_file", "submissions", ["source", "input_file_id"], unique=False)
