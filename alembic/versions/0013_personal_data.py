"""Where residents lived, what changed in the register, looks at full numbers; patrols whose fixes are gone.

Revision: 0013
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "residencies",
        sa.Column("residency_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["household_id"], ["households.household_id"], name=op.f("fk_residencies_household_id_households")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.resident_id"], name=op.f("fk_residencies_resident_id_residents")
        ),
        sa.PrimaryKeyConstraint("residency_id", name=op.f("pk_residencies")),
    )
    op.create_index(op.f("ix_residencies_resident_id"), "residencies", ["resident_id"], unique=False)
    op.create_index(op.f("ix_residencies_household_id"), "residencies", ["household_id"], unique=False)
    op.create_table(
        "registry_changes",
        sa.Column("change_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("street_code", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("content_mark", sa.LargeBinary(), nullable=True),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["households.household_id"],
            name=op.f("fk_registry_changes_household_id_households"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.resident_id"],
            name=op.f("fk_registry_changes_resident_id_residents"),
        ),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_registry_changes")),
    )
    op.create_index(
        op.f("ix_registry_changes_street_code_change_id"),
        "registry_changes",
        ["street_code", "change_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_registry_changes_household_id"), "registry_changes", ["household_id"], unique=False
    )
    op.create_index(
        op.f("ix_registry_changes_resident_id"), "registry_changes", ["resident_id"], unique=False
    )
    op.create_table(
        "personal_looks",
        sa.Column("look_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("look_id", name=op.f("pk_personal_looks")),
    )
    op.create_index(
        op.f("ix_personal_looks_person_id_kind_at"),
        "personal_looks",
        ["person_id", "kind", "at"],
        unique=False,
    )
    op.add_column("patrols", sa.Column("fixes_deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_patrols_with_fixes",
        "patrols",
        ["started_at"],
        unique=False,
        postgresql_where=sa.text("fixes_deleted_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_patrols_with_fixes",
        table_name="patrols",
        postgresql_where=sa.text("fixes_deleted_at IS NULL"),
    )
    op.drop_column("patrols", "fixes_deleted_at")
    op.drop_table("personal_looks")
    op.drop_table("registry_changes")
    op.drop_table("residencies")
