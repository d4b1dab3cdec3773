"""Drawn paths are stored as they are: coordinates do not compress, and trying took a third of storing.

Revision: 0023
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.execute("ALTER TABLE patrol_verdicts ALTER COLUMN geom SET STORAGE EXTERNAL")  # of rows to come


def downgrade() -> None:
    op.execute("ALTER TABLE patrol_verdicts ALTER COLUMN geom SET STORAGE MAIN")
