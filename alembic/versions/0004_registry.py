"""Registry: addresses, buildings and checkpoints.

Revision: 0004
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_geospatial_table(
        "buildings",
        sa.Column("building_id", sa.Uuid(), nullable=False),
        sa.Column("street_code", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("compound", sa.Text(), nullable=True),
        sa.Column("floors", sa.SmallInteger(), nullable=True),
        sa.Column("entrances", sa.SmallInteger(), nullable=True),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column("organisations", sa.Integer(), nullable=True),
        sa.Column("shops", sa.Integer(), nullable=True),
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
            nullable=False,
        ),
        sa.Column(
            "footprint",
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
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("manual_grid_id", sa.Integer(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("retired_on", sa.Date(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('residential', 'mixed', 'commercial', 'office', 'school', 'public', 'other')",
            name=op.f("ck_buildings_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["manual_grid_id"], ["grids.grid_id"], name=op.f("fk_buildings_manual_grid_id_grids")
        ),
        sa.ForeignKeyConstraint(
            ["street_code"], ["divisions.code"], name=op.f("fk_buildings_street_code_divisions")
        ),
        sa.PrimaryKeyConstraint("building_id", name=op.f("pk_buildings")),
        sa.UniqueConstraint("street_code", "code", name=op.f("uq_buildings_street_code_code")),
    )
    op.create_geospatial_index(
        "ix_buildings_geom", "buildings", ["geom"], unique=False, postgresql_using="gist", postgresql_ops={}
    )
    op.create_index(op.f("ix_buildings_manual_grid_id"), "buildings", ["manual_grid_id"], unique=False)
    op.create_index(
        op.f("ix_buildings_street_code_building_id"),
        "buildings",
        ["street_code", "building_id"],
        unique=False,
    )
    op.create_geospatial_table(
        "addresses",
        sa.Column("address_id", sa.Uuid(), nullable=False),
        sa.Column("street_code", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("normalised", sa.Text(), nullable=False),
        sa.Column("building_id", sa.Uuid(), nullable=True),
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
        sa.Column("retired_on", sa.Date(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("geom IS NOT NULL OR building_id IS NOT NULL", name=op.f("ck_addresses_position")),
        sa.ForeignKeyConstraint(
            ["building_id"], ["buildings.building_id"], name=op.f("fk_addresses_building_id_buildings")
        ),
        sa.ForeignKeyConstraint(
            ["manual_grid_id"], ["grids.grid_id"], name=op.f("fk_addresses_manual_grid_id_grids")
        ),
        sa.ForeignKeyConstraint(
            ["street_code"], ["divisions.code"], name=op.f("fk_addresses_street_code_divisions")
        ),
        sa.PrimaryKeyConstraint("address_id", name=op.f("pk_addresses")),
    )
    op.create_index(op.f("ix_addresses_building_id"), "addresses", ["building_id"], unique=False)
    op.create_geospatial_index(
        "ix_addresses_geom", "addresses", ["geom"], unique=False, postgresql_using="gist", postgresql_ops={}
    )
    op.create_index(op.f("ix_addresses_manual_grid_id"), "addresses", ["manual_grid_id"], unique=False)
    op.create_index(
        "ix_addresses_normalised",
        "addresses",
        ["normalised"],
        unique=False,
        postgresql_ops={"normalised": "text_pattern_ops"},
    )
    op.create_index(
        op.f("ix_addresses_street_code_address_id"), "addresses", ["street_code", "address_id"], unique=False
    )
    op.create_index(
        "uq_addresses_standing",
        "addresses",
        ["street_code", "normalised"],
        unique=True,
        postgresql_where=sa.text("retired_on IS NULL"),
    )
    op.create_geospatial_table(
        "checkpoints",
        sa.Column("checkpoint_id", sa.Uuid(), nullable=False),
        sa.Column("street_code", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("building_id", sa.Uuid(), nullable=True),
        sa.Column("floor", sa.Text(), nullable=True),
        sa.Column("entrance", sa.Text(), nullable=True),
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
        sa.Column("radius_m", sa.Double(), nullable=False),
        sa.Column("short_code", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("source_datum", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("manual_grid_id", sa.Integer(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("retired_on", sa.Date(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('outdoor', 'indoor', 'vertical')", name=op.f("ck_checkpoints_kind")),
        sa.CheckConstraint(
            "geom IS NOT NULL OR building_id IS NOT NULL", name=op.f("ck_checkpoints_position")
        ),
        sa.CheckConstraint("radius_m > 0", name=op.f("ck_checkpoints_radius")),
        sa.ForeignKeyConstraint(
            ["building_id"], ["buildings.building_id"], name=op.f("fk_checkpoints_building_id_buildings")
        ),
        sa.ForeignKeyConstraint(
            ["manual_grid_id"], ["grids.grid_id"], name=op.f("fk_checkpoints_manual_grid_id_grids")
        ),
        sa.ForeignKeyConstraint(
            ["street_code"], ["divisions.code"], name=op.f("fk_checkpoints_street_code_divisions")
        ),
        sa.PrimaryKeyConstraint("checkpoint_id", name=op.f("pk_checkpoints")),
        sa.UniqueConstraint("short_code", name=op.f("uq_checkpoints_short_code")),
        sa.UniqueConstraint("street_code", "code", name=op.f("uq_checkpoints_street_code_code")),
    )
    op.create_index(op.f("ix_checkpoints_building_id"), "checkpoints", ["building_id"], unique=False)
    op.create_geospatial_index(
        "ix_checkpoints_geom",
        "checkpoints",
        ["geom"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(op.f("ix_checkpoints_manual_grid_id"), "checkpoints", ["manual_grid_id"], unique=False)
    op.create_index(
        op.f("ix_checkpoints_street_code_checkpoint_id"),
        "checkpoints",
        ["street_code", "checkpoint_id"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_checkpoints_street_code_checkpoint_id"), table_name="checkpoints")
    op.drop_index(op.f("ix_checkpoints_manual_grid_id"), table_name="checkpoints")
    op.drop_geospatial_index(
        "ix_checkpoints_geom", table_name="checkpoints", postgresql_using="gist", column_name="geom"
    )
    op.drop_index(op.f("ix_checkpoints_building_id"), table_name="checkpoints")
    op.drop_geospatial_table("checkpoints")
    op.drop_index(
        "uq_addresses_standing", table_name="addresses", postgresql_where=sa.text("retired_on IS NULL")
    )
    op.drop_index(op.f("ix_addresses_street_code_address_id"), table_name="addresses")
    op.drop_index(
        "ix_addresses_normalised", table_name="addresses", postgresql_ops={"normalised": "text_pattern_ops"}
    )
    op.drop_index(op.f("ix_addresses_manual_grid_id"), table_name="addresses")
    op.drop_geospatial_index(
        "ix_addresses_geom", table_name="addresses", postgresql_using="gist", column_name="geom"
    )
    op.drop_index(op.f("ix_addresses_building_id"), table_name="addresses")
    op.drop_geospatial_table("addresses")
    op.drop_index(op.f("ix_buildings_street_code_building_id"), table_name="buildings")
    op.drop_index(op.f("ix_buildings_manual_grid_id"), table_name="buildings")
    op.drop_geospatial_index(
        "ix_buildings_geom", table_name="buildings", postgresql_using="gist", column_name="geom"
    )
    op.drop_geospatial_table("buildings")
