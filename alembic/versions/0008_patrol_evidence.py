"""What else a patrol proves itself by: check-ins and reported gaps; clocks; what doubts follow from.

Revision: 0008
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_NO_ITEMS = sa.text("'[]'::jsonb")
_JSONB = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    op.create_table(
        "retired_plates",
        sa.Column("checkpoint_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("short_code", sa.Text(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["checkpoint_id"],
            ["checkpoints.checkpoint_id"],
            name=op.f("fk_retired_plates_checkpoint_id_checkpoints"),
        ),
        sa.PrimaryKeyConstraint("checkpoint_id", "generation", name=op.f("pk_retired_plates")),
    )
    op.create_index(op.f("ix_retired_plates_short_code"), "retired_plates", ["short_code"], unique=False)
    _create_check_ins()
    _create_gaps()
    # Until now a phone's clock was only guessed at; nothing was added to the times of its fixes.
    op.execute("UPDATE segments SET clock_offset_s = 0 WHERE clock_offset_s <> 0")
    for name in ("start_clock_offset_s", "finish_clock_offset_s"):
        op.add_column("patrols", sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    _extend_verdicts()


def _create_check_ins() -> None:
    op.create_table(
        "check_ins",
        sa.Column("check_in_id", sa.Uuid(), nullable=False),
        sa.Column("patrol_id", sa.Uuid(), nullable=False),
        sa.Column("checkpoint_id", sa.Uuid(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock_offset_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("accuracy_m", sa.Float(), nullable=True),
        sa.Column("datum", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("proof IN ('token', 'short_code', 'position')", name=op.f("ck_check_ins_proof")),
        sa.ForeignKeyConstraint(
            ["checkpoint_id"],
            ["checkpoints.checkpoint_id"],
            name=op.f("fk_check_ins_checkpoint_id_checkpoints"),
        ),
        sa.ForeignKeyConstraint(
            ["patrol_id"], ["patrols.patrol_id"], name=op.f("fk_check_ins_patrol_id_patrols")
        ),
        sa.PrimaryKeyConstraint("check_in_id", name=op.f("pk_check_ins")),
    )
    op.create_index(op.f("ix_check_ins_checkpoint_id_at"), "check_ins", ["checkpoint_id", "at"], unique=False)
    op.create_index(op.f("ix_check_ins_patrol_id"), "check_ins", ["patrol_id"], unique=False)


def _create_gaps() -> None:
    op.create_table(
        "patrol_gaps",
        sa.Column("gap_id", sa.Uuid(), nullable=False),
        sa.Column("patrol_id", sa.Uuid(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("to_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("clock_offset_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "reason IN ('killed', 'permission_lost', 'battery', 'no_fix', 'paused')",
            name=op.f("ck_patrol_gaps_reason"),
        ),
        sa.CheckConstraint("to_at >= from_at", name=op.f("ck_patrol_gaps_times")),
        sa.ForeignKeyConstraint(
            ["patrol_id"], ["patrols.patrol_id"], name=op.f("fk_patrol_gaps_patrol_id_patrols")
        ),
        sa.PrimaryKeyConstraint("gap_id", name=op.f("pk_patrol_gaps")),
    )
    op.create_index(op.f("ix_patrol_gaps_patrol_id"), "patrol_gaps", ["patrol_id"], unique=False)


def _extend_verdicts() -> None:
    for column in (
        sa.Column("checkpoints_visited", sa.Integer(), server_default="0", nullable=False),
        sa.Column("checkpoints_total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("visits", _JSONB, server_default=_NO_ITEMS, nullable=False),
        sa.Column("check_ins", _JSONB, server_default=_NO_ITEMS, nullable=False),
        sa.Column("indoor_s", sa.Float(), server_default="0", nullable=False),
        sa.Column("unknown_s", sa.Float(), server_default="0", nullable=False),
        sa.Column("gaps", _JSONB, server_default=_NO_ITEMS, nullable=False),
        sa.Column("clock_offset_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("trace", sa.LargeBinary(), nullable=True),
        sa.Column("related", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
    ):
        op.add_column("patrol_verdicts", column)
    op.add_geospatial_column(
        "patrol_verdicts",
        sa.Column(
            "middle",
            Geometry(
                geometry_type="POINTZ",
                srid=4490,
                dimension=3,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
    )
    op.create_geospatial_index(
        "ix_patrol_verdicts_middle",
        "patrol_verdicts",
        ["middle"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={"middle": "gist_geometry_ops_nd"},
    )


def downgrade() -> None:
    op.drop_geospatial_index(
        "ix_patrol_verdicts_middle",
        table_name="patrol_verdicts",
        postgresql_using="gist",
        column_name="middle",
    )
    op.drop_geospatial_column("patrol_verdicts", "middle")
    for name in (
        "related",
        "trace",
        "clock_offset_s",
        "gaps",
        "unknown_s",
        "indoor_s",
        "check_ins",
        "visits",
        "checkpoints_total",
        "checkpoints_visited",
    ):
        op.drop_column("patrol_verdicts", name)
    op.drop_column("patrols", "finish_clock_offset_s")
    op.drop_column("patrols", "start_clock_offset_s")
    op.drop_table("patrol_gaps")
    op.drop_table("check_ins")
    op.drop_table("retired_plates")
