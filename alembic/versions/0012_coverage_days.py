"""Coverage of cells by street and day.

Revision: 0012
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "coverage_sums",
        sa.Column("street_code", sa.Text(), nullable=False),
        sa.Column("resolution", sa.SmallInteger(), nullable=False),
        sa.Column("days", sa.SmallInteger(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("cells", sa.LargeBinary(), nullable=False),
        sa.Column(
            "rolled_up_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["street_code"], ["divisions.code"], name=op.f("fk_coverage_sums_street_code_divisions")
        ),
        sa.PrimaryKeyConstraint(
            "street_code", "resolution", "days", "first_day", name=op.f("pk_coverage_sums")
        ),
    )
    op.create_index(
        op.f("ix_coverage_sums_resolution_days_first_day"),
        "coverage_sums",
        ["resolution", "days", "first_day"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("coverage_sums")
