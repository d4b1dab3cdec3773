"""Divisions, object codes, grids and their dated versions."""

from datetime import date, datetime
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.models import Base

CGCS2000 = 4490  # lon/lat degrees; the datum of everything stored
WEB_MERCATOR = 3857  # the tile matrix; only for drawing


class Division(Base):
    """An administrative division: county (6 digits), street (9), community (12)."""

    __tablename__ = "divisions"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("divisions.code"), index=True)
    source: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]  # first day on which it no longer holds


class ObjectCode(Base):
    """First group of a grid code (CJ/T 348-2010); `is_local` marks codes that are not from the standard."""

    __tablename__ = "object_codes"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_en: Mapped[str]
    standard: Mapped[str]
    is_local: Mapped[bool]


class Grid(Base):
    """A grid's identity: code, level and place in the tree never change; its shape lives in GridVersion."""

    __tablename__ = "grids"
    __table_args__ = (
        CheckConstraint("level BETWEEN 1 AND 5", name="level"),
        CheckConstraint("(level = 1) = (parent_id IS NULL)", name="root_is_level_1"),
        # Subtree questions are prefix questions: path LIKE '320113007/12/%'.
        Index("ix_grids_path", "path", unique=True, postgresql_ops={"path": "text_pattern_ops"}),
        Index(None, "street_code", "level"),
        Index(None, "level"),  # tiles of a whole city: few grids of level 1 among many
    )

    grid_id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)  # CJ/T 349; levels 4-5 with local suffix
    level: Mapped[int] = mapped_column(SmallInteger)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("grids.grid_id"), index=True)
    street_code: Mapped[str] = mapped_column(ForeignKey("divisions.code"))
    community_code: Mapped[str]  # 12 digits; may be a merged community (601+) without a division row
    path: Mapped[str]  # "<street>/<level-1 id>/.../<own id>/"
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    retired_on: Mapped[date | None]

    versions: Mapped[list["GridVersion"]] = relationship(
        back_populates="grid", order_by="GridVersion.valid_from", lazy="raise"
    )


class GridVersion(Base):
    """What a grid is called and where it lies from `valid_from` until before `valid_to`."""

    __tablename__ = "grid_versions"
    __table_args__ = (
        UniqueConstraint("grid_id", "version"),
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="dates"),
        ExcludeConstraint(
            ("grid_id", "="),
            (text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_grid_versions_no_overlap",
        ),
        Index("ix_grid_versions_geom", "geom", postgresql_using="gist"),
        Index("ix_grid_versions_geom_3857", "geom_3857", postgresql_using="gist"),
    )

    version_id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    grid_id: Mapped[int] = mapped_column(ForeignKey("grids.grid_id"))
    version: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str]
    kind: Mapped[str]  # residential, commercial, village, campus, ... : chooses the patrol policy
    households: Mapped[int | None]
    # Levels 4-5 (floors, counters) have no plane polygon of their own (clause 5.2.5).
    geom: Mapped[WKBElement | None] = mapped_column(
        Geometry("MULTIPOLYGON", srid=CGCS2000, spatial_index=False)
    )
    # Stored, so that tiles can use its index; CGCS2000 -> web mercator moves nothing visible.
    geom_3857: Mapped[WKBElement | None] = mapped_column(
        Geometry("MULTIPOLYGON", srid=WEB_MERCATOR, spatial_index=False),
        Computed(f"ST_Transform(geom, {WEB_MERCATOR})", persisted=True),
    )
    area_m2: Mapped[float | None]  # geodesic
    cells: Mapped[
        bytes | None
    ]  # H3 resolution 11 cells whose centre lies inside: uint64 little endian, sorted
    source_datum: Mapped[str]
    attributes: Mapped[dict[str, Any]]  # floor, booth, shop ... of levels 4-5 and whatever the file carried
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    grid: Mapped[Grid] = relationship(back_populates="versions", lazy="raise")
