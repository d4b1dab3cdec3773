"""Dead jobs keep the names of their locks, so that a second life runs under them again.

Revision: 0021
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | None = "0019"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("dead_jobs", sa.Column("lock", sa.Text(), nullable=True))
    op.add_column("dead_jobs", sa.Column("queueing_lock", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("dead_jobs", "queueing_lock")
    op.drop_column("dead_jobs", "lock")
