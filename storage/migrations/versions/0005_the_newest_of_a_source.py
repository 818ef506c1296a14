"""The newest submissions and groups of one source, found by index and in order."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_submissions_source", "submissions", ["source", "id"], unique=False)
    op.create_index("ix_groups_source", "groups", ["source", "id"], unique=False)
