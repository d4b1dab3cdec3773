"""Division plans: drafts of grids, their steps, and who succeeded whom.

Revision: 0003
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "division_plans",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("street_code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("submitted_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('draft', 'submitted', 'approved', 'withdrawn')", name=op.f("ck_division_plans_status")
        ),
        sa.ForeignKeyConstraint(
            ["street_code"], ["divisions.code"], name=op.f("fk_division_plans_street_code_divisions")
        ),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_division_plans")),
    )
    op.create_index(
        op.f("ix_division_plans_street_code_status"),
        "division_plans",
        ["street_code", "status"],
        unique=False,
    )
    op.create_table(
        "grid_successions",
        sa.Column("predecessor_id", sa.Integer(), nullable=False),
        sa.Column("successor_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["division_plans.plan_id"], name=op.f("fk_grid_successions_plan_id_division_plans")
        ),
        sa.ForeignKeyConstraint(
            ["predecessor_id"], ["grids.grid_id"], name=op.f("fk_grid_successions_predecessor_id_grids")
        ),
        sa.ForeignKeyConstraint(
            ["successor_id"], ["grids.grid_id"], name=op.f("fk_grid_successions_successor_id_grids")
        ),
        sa.PrimaryKeyConstraint("predecessor_id", "successor_id", name=op.f("pk_grid_successions")),
    )
    op.create_index(
        op.f("ix_grid_successions_successor_id"), "grid_successions", ["successor_id"], unique=False
    )
    op.create_table(
        "plan_events",
        sa.Column("event_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["division_plans.plan_id"], name=op.f("fk_plan_events_plan_id_division_plans")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_plan_events")),
    )
    op.create_index(op.f("ix_plan_events_plan_id"), "plan_events", ["plan_id"], unique=False)
    op.create_geospatial_table(
        "planned_changes",
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("grid_id", sa.Integer(), nullable=True),
        sa.Column("base_version_id", sa.Integer(), nullable=True),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("parent_change_id", sa.Uuid(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("object_code", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column("source_datum", sa.Text(), nullable=False),
        sa.Column("sources", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.CheckConstraint("(action = 'create') = (grid_id IS NULL)", name=op.f("ck_planned_changes_grid")),
        sa.CheckConstraint(
            "action IN ('create', 'change', 'retire')", name=op.f("ck_planned_changes_action")
        ),
        sa.CheckConstraint(
            "parent_id IS NULL OR parent_change_id IS NULL", name=op.f("ck_planned_changes_one_parent")
        ),
        sa.ForeignKeyConstraint(
            ["base_version_id"],
            ["grid_versions.version_id"],
            name=op.f("fk_planned_changes_base_version_id_grid_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["grid_id"], ["grids.grid_id"], name=op.f("fk_planned_changes_grid_id_grids")
        ),
        sa.ForeignKeyConstraint(
            ["parent_change_id"],
            ["planned_changes.change_id"],
            name=op.f("fk_planned_changes_parent_change_id_planned_changes"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["grids.grid_id"], name=op.f("fk_planned_changes_parent_id_grids")
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["division_plans.plan_id"], name=op.f("fk_planned_changes_plan_id_division_plans")
        ),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_planned_changes")),
        sa.UniqueConstraint("plan_id", "grid_id", name=op.f("uq_planned_changes_plan_id_grid_id")),
    )
    op.create_index(op.f("ix_planned_changes_plan_id"), "planned_changes", ["plan_id"], unique=False)
    op.add_column("grid_versions", sa.Column("changed_by", sa.Text(), server_default="", nullable=False))
    op.add_column("grid_versions", sa.Column("plan_id", sa.Uuid(), nullable=True))
    op.create_index(op.f("ix_grid_versions_plan_id"), "grid_versions", ["plan_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_grid_versions_plan_id_division_plans"),
        "grid_versions",
        "division_plans",
        ["plan_id"],
        ["plan_id"],
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_grid_versions_plan_id_division_plans"), "grid_versions", type_="foreignkey")
    op.drop_index(op.f("ix_grid_versions_plan_id"), table_name="grid_versions")
    op.drop_column("grid_versions", "plan_id")
    op.drop_column("grid_versions", "changed_by")
    op.drop_index(op.f("ix_planned_changes_plan_id"), table_name="planned_changes")
    op.drop_geospatial_table("planned_changes")
    op.drop_index(op.f("ix_plan_events_plan_id"), table_name="plan_events")
    op.drop_table("plan_events")
    op.drop_index(op.f("ix_grid_successions_successor_id"), table_name="grid_successions")
    op.drop_table("grid_successions")
    op.drop_index(op.f("ix_division_plans_street_code_status"), table_name="division_plans")
    op.drop_table("division_plans")
