"""Organisations, shops, facilities; samples that are checked again.

Revision: 0014
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "samples",
        sa.Column("sample_id", sa.Uuid(), nullable=False),
        sa.Column("street_code", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("grid_code", sa.Text(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("confirmed_since", sa.Date(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("frame_count", sa.Integer(), nullable=False),
        sa.Column("drawn_by", sa.Uuid(), nullable=False),
        sa.Column(
            "drawn_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("size > 0 AND frame_count >= 0", name=op.f("ck_samples_size")),
        sa.ForeignKeyConstraint(
            ["street_code"], ["divisions.code"], name=op.f("fk_samples_street_code_divisions")
        ),
        sa.PrimaryKeyConstraint("sample_id", name=op.f("pk_samples")),
    )
    op.create_index(op.f("ix_samples_path_drawn_at"), "samples", ["path", "drawn_at"], unique=False)
    op.create_geospatial_table(
        "organisations",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("street_code", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("credit_code", sa.Text(), nullable=True),
        sa.Column("building_id", sa.Uuid(), nullable=True),
        sa.Column("floor", sa.Text(), nullable=True),
        sa.Column("room", sa.Text(), nullable=True),
        sa.Column("licensed_from", sa.Date(), nullable=True),
        sa.Column("licensed_to", sa.Date(), nullable=True),
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
        sa.CheckConstraint(
            "kind IN ('organisation', 'shop', 'facility')", name=op.f("ck_organisations_kind")
        ),
        sa.CheckConstraint(
            "geom IS NOT NULL OR building_id IS NOT NULL", name=op.f("ck_organisations_position")
        ),
        sa.CheckConstraint(
            "licensed_to IS NULL OR licensed_from IS NULL OR licensed_to > licensed_from",
            name=op.f("ck_organisations_licence"),
        ),
        sa.ForeignKeyConstraint(
            ["building_id"], ["buildings.building_id"], name=op.f("fk_organisations_building_id_buildings")
        ),
        sa.ForeignKeyConstraint(
            ["manual_grid_id"], ["grids.grid_id"], name=op.f("fk_organisations_manual_grid_id_grids")
        ),
        sa.ForeignKeyConstraint(
            ["street_code"], ["divisions.code"], name=op.f("fk_organisations_street_code_divisions")
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("street_code", "code", name=op.f("uq_organisations_street_code_code")),
    )
    op.create_index(op.f("ix_organisations_building_id"), "organisations", ["building_id"], unique=False)
    op.create_index(op.f("ix_organisations_credit_code"), "organisations", ["credit_code"], unique=False)
    op.create_geospatial_index(
        "ix_organisations_geom",
        "organisations",
        ["geom"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        op.f("ix_organisations_manual_grid_id"), "organisations", ["manual_grid_id"], unique=False
    )
    op.create_index(
        op.f("ix_organisations_street_code_organisation_id"),
        "organisations",
        ["street_code", "organisation_id"],
        unique=False,
    )
    op.create_table(
        "sampled_households",
        sa.Column("sample_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("is_correct", sa.Boolean(), nullable=True),
        sa.Column("wrong_fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("checked_by", sa.Uuid(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(is_correct IS NULL) = (checked_at IS NULL)", name=op.f("ck_sampled_households_checked")
        ),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["households.household_id"],
            name=op.f("fk_sampled_households_household_id_households"),
        ),
        sa.ForeignKeyConstraint(
            ["sample_id"], ["samples.sample_id"], name=op.f("fk_sampled_households_sample_id_samples")
        ),
        sa.PrimaryKeyConstraint("sample_id", "household_id", name=op.f("pk_sampled_households")),
        sa.UniqueConstraint("sample_id", "place", name=op.f("uq_sampled_households_sample_id_place")),
    )
    op.create_index(
        op.f("ix_sampled_households_household_id"), "sampled_households", ["household_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_sampled_households_household_id"), table_name="sampled_households")
    op.drop_table("sampled_households")
    op.drop_index(op.f("ix_organisations_street_code_organisation_id"), table_name="organisations")
    op.drop_index(op.f("ix_organisations_manual_grid_id"), table_name="organisations")
    op.drop_geospatial_index(
        "ix_organisations_geom", table_name="organisations", postgresql_using="gist", column_name="geom"
    )
    op.drop_index(op.f("ix_organisations_credit_code"), table_name="organisations")
    op.drop_index(op.f("ix_organisations_building_id"), table_name="organisations")
    op.drop_geospatial_table("organisations")
    op.drop_index(op.f("ix_samples_path_drawn_at"), table_name="samples")
    op.drop_table("samples")
