"""Appeals, the decisions on doubts, and the results of closed weeks.

Revision: 0009
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "frozen_weeks",
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("street_code", sa.Text(), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("week", "street_code", name=op.f("pk_frozen_weeks")),
    )
    op.create_table(
        "week_results",
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("required", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("met", sa.Boolean(), nullable=False),
        sa.Column("patrols", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["grid_id"], ["grids.grid_id"], name=op.f("fk_week_results_grid_id_grids")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_week_results_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"],
            ["patrol_policies.policy_id"],
            name=op.f("fk_week_results_policy_id_patrol_policies"),
        ),
        sa.PrimaryKeyConstraint("week", "grid_id", "person_id", name=op.f("pk_week_results")),
    )
    op.create_index(op.f("ix_week_results_grid_id_week"), "week_results", ["grid_id", "week"], unique=False)
    op.create_index(
        op.f("ix_week_results_person_id_week"), "week_results", ["person_id", "week"], unique=False
    )
    op.create_table(
        "appeals",
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("patrol_id", sa.Uuid(), nullable=True),
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("photos", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decision_note", sa.Text(), nullable=True),
        sa.CheckConstraint("decision IN ('accepted', 'rejected')", name=op.f("ck_appeals_decision")),
        sa.CheckConstraint("kind = 'unrecorded' OR patrol_id IS NOT NULL", name=op.f("ck_appeals_patrol")),
        sa.CheckConstraint("kind IN ('recorded', 'unrecorded')", name=op.f("ck_appeals_kind")),
        sa.CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name=op.f("ck_appeals_decided")),
        sa.CheckConstraint("finished_at IS NULL OR finished_at >= started_at", name=op.f("ck_appeals_times")),
        sa.CheckConstraint("withdrawn_at IS NULL OR decision IS NULL", name=op.f("ck_appeals_one_end")),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["people.person_id"], name=op.f("fk_appeals_decided_by_people")
        ),
        sa.ForeignKeyConstraint(["grid_id"], ["grids.grid_id"], name=op.f("fk_appeals_grid_id_grids")),
        sa.ForeignKeyConstraint(
            ["patrol_id"], ["patrols.patrol_id"], name=op.f("fk_appeals_patrol_id_patrols")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_appeals_person_id_people")
        ),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_appeals")),
    )
    op.create_index(
        op.f("ix_appeals_grid_id_received_at"), "appeals", ["grid_id", "received_at"], unique=False
    )
    op.create_index(
        op.f("ix_appeals_person_id_received_at"), "appeals", ["person_id", "received_at"], unique=False
    )
    op.create_index(
        "uq_appeals_open",
        "appeals",
        ["patrol_id"],
        unique=True,
        postgresql_where=sa.text("decision IS NULL AND withdrawn_at IS NULL"),
    )
    op.create_table(
        "patrol_decisions",
        sa.Column("decision_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("patrol_id", sa.Uuid(), nullable=False),
        sa.Column("appeal_id", sa.Uuid(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("computed_status", sa.Text(), nullable=False),
        sa.Column("results", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("decision IN ('accepted', 'rejected')", name=op.f("ck_patrol_decisions_decision")),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["appeals.appeal_id"], name=op.f("fk_patrol_decisions_appeal_id_appeals")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["people.person_id"], name=op.f("fk_patrol_decisions_decided_by_people")
        ),
        sa.ForeignKeyConstraint(
            ["patrol_id"], ["patrols.patrol_id"], name=op.f("fk_patrol_decisions_patrol_id_patrols")
        ),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_patrol_decisions")),
    )
    op.create_index(
        op.f("ix_patrol_decisions_patrol_id_decision_id"),
        "patrol_decisions",
        ["patrol_id", "decision_id"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_patrol_decisions_patrol_id_decision_id"), table_name="patrol_decisions")
    op.drop_table("patrol_decisions")
    op.drop_index(
        "uq_appeals_open",
        table_name="appeals",
        postgresql_where=sa.text("decision IS NULL AND withdrawn_at IS NULL"),
    )
    op.drop_index(op.f("ix_appeals_person_id_received_at"), table_name="appeals")
    op.drop_index(op.f("ix_appeals_grid_id_received_at"), table_name="appeals")
    op.drop_table("appeals")
    op.drop_index(op.f("ix_week_results_person_id_week"), table_name="week_results")
    op.drop_index(op.f("ix_week_results_grid_id_week"), table_name="week_results")
    op.drop_table("week_results")
    op.drop_table("frozen_weeks")
