"""Buildings, addresses and checkpoints (DB32/T 2763-2015 11.1.2). Households will hang on addresses.

No row says which grid it lies in: the grid follows from the position on the day (registry/placing.py), so a
new division can leave nothing behind. `manual_grid_id` overrides that where a position misleads.
"""

import uuid
from datetime import date, datetime
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, func
from sqlalchemy import text as sql_text
from sqlalchemy.orm import Mapped, mapped_column

from core.models import Base
from geo.models import CGCS2000


class Building(Base):
    """A building 楼栋. A figure of None is not known, which is not the same as 0."""

    __tablename__ = "buildings"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('residential', 'mixed', 'commercial', 'office', 'school', 'public', 'other')",
            name="kind",
        ),
        UniqueConstraint("street_code", "code"),
        Index("ix_buildings_geom", "geom", postgresql_using="gist"),
        Index(None, "street_code", "building_id"),  # keyset pages
    )

    building_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # made by the client
    street_code: Mapped[str] = mapped_column(ForeignKey("divisions.code"))
    code: Mapped[str | None]  # what the owner of the list calls it; a file's row finds its building by it
    name: Mapped[str]
    kind: Mapped[str]
    compound: Mapped[str | None]  # 小区
    floors: Mapped[int | None] = mapped_column(SmallInteger)
    entrances: Mapped[int | None] = mapped_column(SmallInteger)  # 单元
    households: Mapped[int | None]
    organisations: Mapped[int | None]  # 驻区单位
    shops: Mapped[int | None]
    geom: Mapped[WKBElement] = mapped_column(Geometry("POINT", srid=CGCS2000, spatial_index=False))
    footprint: Mapped[WKBElement | None] = mapped_column(
        Geometry("MULTIPOLYGON", srid=CGCS2000, spatial_index=False)
    )
    source_datum: Mapped[str]
    source: Mapped[str]  # where it is known from: a survey, a file, "synthetic"
    manual_grid_id: Mapped[int | None] = mapped_column(ForeignKey("grids.grid_id"), index=True)
    attributes: Mapped[dict[str, Any]]  # whatever else a file carried
    retired_on: Mapped[date | None]
    revision: Mapped[int]  # grows with every change; the entity tag
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_by: Mapped[str]  # name, for whoever finds their copy outdated


class Address(Base):
    """A standard address 标准地址: a text that stands for a position, its own or that of its building."""

    __tablename__ = "addresses"
    __table_args__ = (
        CheckConstraint("geom IS NOT NULL OR building_id IS NOT NULL", name="position"),
        Index(
            "uq_addresses_standing",
            "street_code",
            "normalised",
            unique=True,
            postgresql_where=sql_text("retired_on IS NULL"),
        ),
        # Geocoding asks for beginnings: road and number, then building, then the whole.
        Index("ix_addresses_normalised", "normalised", postgresql_ops={"normalised": "text_pattern_ops"}),
        Index("ix_addresses_geom", "geom", postgresql_using="gist"),
        Index(None, "street_code", "address_id"),
    )

    address_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    street_code: Mapped[str] = mapped_column(ForeignKey("divisions.code"))
    text: Mapped[str]  # as people write it
    normalised: Mapped[str]  # as it is compared (registry/address_text.py)
    building_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("buildings.building_id"), index=True)
    geom: Mapped[WKBElement | None] = mapped_column(Geometry("POINT", srid=CGCS2000, spatial_index=False))
    source_datum: Mapped[str]
    source: Mapped[str]
    manual_grid_id: Mapped[int | None] = mapped_column(ForeignKey("grids.grid_id"), index=True)
    attributes: Mapped[dict[str, Any]]
    retired_on: Mapped[date | None]
    revision: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_by: Mapped[str]


class Checkpoint(Base):
    """A place that a patrol visits: outdoor by position, indoor and in staircases by its plate 点位牌.

    The plate's token is not stored: it is computed from a key outside the database (registry/plates.py).
    """

    __tablename__ = "checkpoints"
    __table_args__ = (
        CheckConstraint("kind IN ('outdoor', 'indoor', 'vertical')", name="kind"),
        CheckConstraint("geom IS NOT NULL OR building_id IS NOT NULL", name="position"),
        CheckConstraint("radius_m > 0", name="radius"),
        UniqueConstraint("street_code", "code"),
        Index("ix_checkpoints_geom", "geom", postgresql_using="gist"),
        Index(None, "street_code", "checkpoint_id"),
    )

    checkpoint_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    street_code: Mapped[str] = mapped_column(ForeignKey("divisions.code"))
    code: Mapped[str | None]
    name: Mapped[str]
    kind: Mapped[str]
    building_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("buildings.building_id"), index=True)
    floor: Mapped[str | None]  # as the building counts: "3", "B1"
    entrance: Mapped[str | None]  # 单元
    geom: Mapped[WKBElement | None] = mapped_column(Geometry("POINT", srid=CGCS2000, spatial_index=False))
    radius_m: Mapped[float]
    short_code: Mapped[str] = mapped_column(unique=True)  # on the plate, for typing; ends with a check sign
    generation: Mapped[int]  # of the plate: re-issuing makes the older ones worthless
    source_datum: Mapped[str]
    source: Mapped[str]
    manual_grid_id: Mapped[int | None] = mapped_column(ForeignKey("grids.grid_id"), index=True)
    attributes: Mapped[dict[str, Any]]
    retired_on: Mapped[date | None]
    revision: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_by: Mapped[str]


class RetiredPlate(Base):
    """A plate that was replaced, and until when it was good: what was scanned before counts all the same."""

    __tablename__ = "retired_plates"
    __table_args__ = (Index(None, "short_code"),)

    checkpoint_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("checkpoints.checkpoint_id"), primary_key=True
    )
    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    short_code: Mapped[str]
    retired_at: Mapped[datetime] = mapped_column(server_default=func.now())
