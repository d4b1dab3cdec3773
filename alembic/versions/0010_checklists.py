"""Checklists, findings, themes of patrols; photos, their senders and uses; diary remarks.

Revision: 0010
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "checklists",
        sa.Column("checklist_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("zh", sa.Text(), nullable=False),
        sa.Column("en", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("aspects", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_checklists_version")),
        sa.PrimaryKeyConstraint("checklist_id", name=op.f("pk_checklists")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_checklists_code_version")),
    )
    op.create_table(
        "photo_uses",
        sa.Column("photo_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column(
            "named_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("photo_hash", "kind", "item_id", "slot", name=op.f("pk_photo_uses")),
    )
    op.create_index(op.f("ix_photo_uses_kind_item_id"), "photo_uses", ["kind", "item_id"], unique=False)
    op.create_index(op.f("ix_photo_uses_person_id"), "photo_uses", ["person_id"], unique=False)
    op.create_table(
        "photos",
        sa.Column("photo_hash", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("photo_hash", name=op.f("pk_photos")),
    )
    op.create_index(op.f("ix_photos_received_at"), "photos", ["received_at"], unique=False)
    op.create_table(
        "photo_senders",
        sa.Column("photo_hash", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["photo_hash"],
            ["photos.photo_hash"],
            name=op.f("fk_photo_senders_photo_hash_photos"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("photo_hash", "person_id", name=op.f("pk_photo_senders")),
    )
    op.create_table(
        "diary_remarks",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_diary_remarks_person_id_people")
        ),
        sa.PrimaryKeyConstraint("person_id", "day", name=op.f("pk_diary_remarks")),
    )
    op.create_geospatial_table(
        "findings",
        sa.Column("finding_id", sa.Uuid(), nullable=False),
        sa.Column("patrol_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("checklist_id", sa.Integer(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("aspect", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="POINT",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column("datum", sa.Text(), nullable=True),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("handed_to", sa.Uuid(), nullable=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("handed_to IS NULL OR result = 'report'", name=op.f("ck_findings_handed_to")),
        sa.CheckConstraint("result IN ('ok', 'handled', 'report')", name=op.f("ck_findings_result")),
        sa.ForeignKeyConstraint(
            ["checklist_id"], ["checklists.checklist_id"], name=op.f("fk_findings_checklist_id_checklists")
        ),
        sa.ForeignKeyConstraint(
            ["patrol_id"], ["patrols.patrol_id"], name=op.f("fk_findings_patrol_id_patrols")
        ),
        sa.PrimaryKeyConstraint("finding_id", name=op.f("pk_findings")),
    )
    op.create_index(op.f("ix_findings_at_finding_id"), "findings", ["at", "finding_id"], unique=False)
    op.create_index(op.f("ix_findings_checklist_id"), "findings", ["checklist_id"], unique=False)
    op.create_index(
        "ix_findings_open",
        "findings",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("result = 'report' AND handed_to IS NULL"),
    )
    op.create_index(op.f("ix_findings_patrol_id"), "findings", ["patrol_id"], unique=False)
    op.create_index(op.f("ix_findings_person_id_at"), "findings", ["person_id", "at"], unique=False)
    op.create_table(
        "patrol_themes",
        sa.Column("patrol_id", sa.Uuid(), nullable=False),
        sa.Column("themes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["patrol_id"], ["patrols.patrol_id"], name=op.f("fk_patrol_themes_patrol_id_patrols")
        ),
        sa.PrimaryKeyConstraint("patrol_id", name=op.f("pk_patrol_themes")),
    )


def downgrade() -> None:
    op.drop_table("patrol_themes")
    op.drop_index(op.f("ix_findings_person_id_at"), table_name="findings")
    op.drop_index(op.f("ix_findings_patrol_id"), table_name="findings")
    op.drop_index(
        "ix_findings_open",
        table_name="findings",
        postgresql_where=sa.text("result = 'report' AND handed_to IS NULL"),
    )
    op.drop_index(op.f("ix_findings_checklist_id"), table_name="findings")
    op.drop_index(op.f("ix_findings_at_finding_id"), table_name="findings")
    op.drop_geospatial_table("findings")
    op.drop_table("diary_remarks")
    op.drop_table("photo_senders")
    op.drop_index(op.f("ix_photos_received_at"), table_name="photos")
    op.drop_table("photos")
    op.drop_index(op.f("ix_photo_uses_person_id"), table_name="photo_uses")
    op.drop_index(op.f("ix_photo_uses_kind_item_id"), table_name="photo_uses")
    op.drop_table("photo_uses")
    op.drop_table("checklists")
