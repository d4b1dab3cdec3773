"""Households, residents and their tags; devices; the decision of a supervisor beside the verdict.

Revision: 0007
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "devices",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("app_version", sa.Text(), nullable=False),
        sa.Column(
            "registered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_devices")),
    )
    op.create_table(
        "tag_kinds",
        sa.Column("tag_kind_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("zh", sa.Text(), nullable=False),
        sa.Column("en", sa.Text(), nullable=False),
        sa.Column("is_special", sa.Boolean(), nullable=False),
        sa.Column("is_restricted", sa.Boolean(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("tag_kind_id", name=op.f("pk_tag_kinds")),
        sa.UniqueConstraint("code", "valid_from", name=op.f("uq_tag_kinds_code_valid_from")),
    )
    op.create_table(
        "device_uses",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.device_id"], name=op.f("fk_device_uses_device_id_devices")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_device_uses_person_id_people")
        ),
        sa.PrimaryKeyConstraint("device_id", "person_id", name=op.f("pk_device_uses")),
    )
    op.create_geospatial_table(
        "households",
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("street_code", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("address_id", sa.Uuid(), nullable=True),
        sa.Column("building_id", sa.Uuid(), nullable=True),
        sa.Column("entrance", sa.Text(), nullable=True),
        sa.Column("floor", sa.Text(), nullable=True),
        sa.Column("room", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
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
        sa.Column("source_datum", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("manual_grid_id", sa.Integer(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("collected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_on", sa.Date(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('registered', 'floating', 'collective', 'vacant')", name=op.f("ck_households_kind")
        ),
        sa.CheckConstraint(
            "geom IS NOT NULL OR address_id IS NOT NULL OR building_id IS NOT NULL",
            name=op.f("ck_households_position"),
        ),
        sa.ForeignKeyConstraint(
            ["address_id"], ["addresses.address_id"], name=op.f("fk_households_address_id_addresses")
        ),
        sa.ForeignKeyConstraint(
            ["building_id"], ["buildings.building_id"], name=op.f("fk_households_building_id_buildings")
        ),
        sa.ForeignKeyConstraint(
            ["manual_grid_id"], ["grids.grid_id"], name=op.f("fk_households_manual_grid_id_grids")
        ),
        sa.ForeignKeyConstraint(
            ["street_code"], ["divisions.code"], name=op.f("fk_households_street_code_divisions")
        ),
        sa.PrimaryKeyConstraint("household_id", name=op.f("pk_households")),
        sa.UniqueConstraint("street_code", "code", name=op.f("uq_households_street_code_code")),
    )
    op.create_index(op.f("ix_households_address_id"), "households", ["address_id"], unique=False)
    op.create_index(op.f("ix_households_building_id"), "households", ["building_id"], unique=False)
    op.create_geospatial_index(
        "ix_households_geom", "households", ["geom"], unique=False, postgresql_using="gist", postgresql_ops={}
    )
    op.create_index(op.f("ix_households_manual_grid_id"), "households", ["manual_grid_id"], unique=False)
    op.create_index(
        op.f("ix_households_street_code_household_id"),
        "households",
        ["street_code", "household_id"],
        unique=False,
    )
    op.create_table(
        "residents",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("street_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=True),
        sa.Column("sex", sa.Text(), nullable=True),
        sa.Column("born_on", sa.Date(), nullable=True),
        sa.Column("residence", sa.Text(), nullable=False),
        sa.Column("id_number_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("id_number_index", sa.LargeBinary(), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("joined_on", sa.Date(), nullable=True),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "residence IN ('registered', 'floating', 'other')", name=op.f("ck_residents_residence")
        ),
        sa.CheckConstraint("sex IS NULL OR sex IN ('male', 'female')", name=op.f("ck_residents_sex")),
        sa.CheckConstraint(
            "left_on IS NULL OR joined_on IS NULL OR left_on >= joined_on", name=op.f("ck_residents_dates")
        ),
        sa.ForeignKeyConstraint(
            ["household_id"], ["households.household_id"], name=op.f("fk_residents_household_id_households")
        ),
        sa.ForeignKeyConstraint(
            ["street_code"], ["divisions.code"], name=op.f("fk_residents_street_code_divisions")
        ),
        sa.PrimaryKeyConstraint("resident_id", name=op.f("pk_residents")),
    )
    op.create_index(op.f("ix_residents_household_id"), "residents", ["household_id"], unique=False)
    op.create_index(op.f("ix_residents_phone_index"), "residents", ["phone_index"], unique=False)
    op.create_index(
        op.f("ix_residents_street_code_resident_id"),
        "residents",
        ["street_code", "resident_id"],
        unique=False,
    )
    op.create_index(
        "uq_residents_id_number",
        "residents",
        ["street_code", "id_number_index"],
        unique=True,
        postgresql_where=sa.text("left_on IS NULL AND erased_at IS NULL"),
    )
    op.create_table(
        "household_tags",
        sa.Column("household_tag_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=True),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_household_tags_dates")),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["households.household_id"],
            name=op.f("fk_household_tags_household_id_households"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.resident_id"], name=op.f("fk_household_tags_resident_id_residents")
        ),
        sa.PrimaryKeyConstraint("household_tag_id", name=op.f("pk_household_tags")),
    )
    op.create_index(op.f("ix_household_tags_household_id"), "household_tags", ["household_id"], unique=False)
    op.add_column("patrol_verdicts", sa.Column("decision", sa.Text(), nullable=True))
    # A status that a person had set becomes a decision; the worker computes the status again when asked.
    op.execute(
        "UPDATE patrol_verdicts SET decision = 'accepted', status = 'pending_review'"
        " WHERE status = 'accepted_by_supervisor'"
    )
    op.add_column("patrols", sa.Column("device_id", sa.Uuid(), nullable=True))
    op.create_index(op.f("ix_patrols_device_id"), "patrols", ["device_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_patrols_device_id"), table_name="patrols")
    op.drop_column("patrols", "device_id")
    op.drop_column("patrol_verdicts", "decision")
    op.drop_index(op.f("ix_household_tags_household_id"), table_name="household_tags")
    op.drop_table("household_tags")
    op.drop_index(
        "uq_residents_id_number",
        table_name="residents",
        postgresql_where=sa.text("left_on IS NULL AND erased_at IS NULL"),
    )
    op.drop_index(op.f("ix_residents_street_code_resident_id"), table_name="residents")
    op.drop_index(op.f("ix_residents_phone_index"), table_name="residents")
    op.drop_index(op.f("ix_residents_household_id"), table_name="residents")
    op.drop_table("residents")
    op.drop_index(op.f("ix_households_street_code_household_id"), table_name="households")
    op.drop_index(op.f("ix_households_manual_grid_id"), table_name="households")
    op.drop_geospatial_index(
        "ix_households_geom", table_name="households", postgresql_using="gist", column_name="geom"
    )
    op.drop_index(op.f("ix_households_building_id"), table_name="households")
    op.drop_index(op.f("ix_households_address_id"), table_name="households")
    op.drop_geospatial_table("households")
    op.drop_table("device_uses")
    op.drop_table("tag_kinds")
    op.drop_table("devices")
