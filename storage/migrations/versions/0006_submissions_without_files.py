"""What a submission is known by where its job keeps nothing that we attach to it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("submissions", sa.Column("own_job_id", sa.Text(), nullable=True))
    op.add_column("submissions", sa.Column("path_token", sa.Text(), nullable=True))
