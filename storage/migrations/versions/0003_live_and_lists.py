"""Who watches which job just now, and what kept the last look at a source's list from being whole."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("sources", sa.Column("list_message", TEXT, nullable=True))
    op.create_table(
        "watches",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("job", BIG, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("until", BIG, nullable=False),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_watches_source", "watches", ["source", "until"], unique=False)
    op.create_index(op.f("ix_watches_job"), "watches", ["job"], unique=False)
