"""Base layers: water, roads and what else lies under the grids.

Revision: 0006
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_geospatial_table(
        "base_features",
        sa.Column("feature_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_datum", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "geom", Geometry(srid=4490, dimension=2, spatial_index=False, nullable=False), nullable=False
        ),
        sa.Column(
            "geom_3857",
            Geometry(srid=3857, dimension=2, spatial_index=False, nullable=False),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("feature_id", name=op.f("pk_base_features")),
    )
    op.create_geospatial_index(
        "ix_base_features_geom_3857",
        "base_features",
        ["geom_3857"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(op.f("ix_base_features_layer_area"), "base_features", ["layer", "area"], unique=False)


def downgrade() -> None:
    op.drop_geospatial_table("base_features")
