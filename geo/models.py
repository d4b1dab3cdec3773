"""Divisions, object codes, grids, their dated versions, and the plans that change them."""

import uuid
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
from sqlalchemy.dialects.postgresql import ARRAY, ExcludeConstraint
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
    changed_by: Mapped[str] = mapped_column(server_default="")  # name, for whoever finds their copy outdated
    plan_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("division_plans.plan_id"), index=True)

    grid: Mapped[Grid] = relationship(back_populates="versions", lazy="raise")


class DivisionPlan(Base):
    """Work on a street's division: a draft of new, changed and retired grids, approved as one (clause 5.1.1).

    `revision` grows with every edit of the plan or its changes and is its entity tag.
    """

    __tablename__ = "division_plans"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'submitted', 'approved', 'withdrawn')", name="status"),
        Index(None, "street_code", "status"),
    )

    plan_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # made by the client
    street_code: Mapped[str] = mapped_column(ForeignKey("divisions.code"))
    title: Mapped[str]
    note: Mapped[str]
    status: Mapped[str]
    valid_from: Mapped[date]
    revision: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_by: Mapped[str]  # name, for whoever finds their copy outdated
    submitted_by: Mapped[str | None]  # label of the actor: nobody approves an own submission


class PlanEvent(Base):
    """A step of a plan: created, imported, split, ..., submitted, returned, approved, withdrawn."""

    __tablename__ = "plan_events"

    event_id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    plan_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("division_plans.plan_id"), index=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor: Mapped[str]
    actor_name: Mapped[str]
    event: Mapped[str]
    detail: Mapped[dict[str, Any]]


class PlannedChange(Base):
    """One grid as it shall be when the plan is approved, or shall no longer be.

    A new grid is named by its `change_id` until the approval gives it a code; a parent is a stored grid
    (`parent_id`) or a new one of the same plan (`parent_change_id`).
    """

    __tablename__ = "planned_changes"
    __table_args__ = (
        CheckConstraint("action IN ('create', 'change', 'retire')", name="action"),
        CheckConstraint("(action = 'create') = (grid_id IS NULL)", name="grid"),
        CheckConstraint("parent_id IS NULL OR parent_change_id IS NULL", name="one_parent"),
        UniqueConstraint("plan_id", "grid_id"),
    )

    change_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    plan_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("division_plans.plan_id"), index=True)
    action: Mapped[str]
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("grids.grid_id"))
    base_version_id: Mapped[int | None] = mapped_column(ForeignKey("grid_versions.version_id"))
    level: Mapped[int] = mapped_column(SmallInteger)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("grids.grid_id"))
    parent_change_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("planned_changes.change_id", ondelete="CASCADE")
    )
    place: Mapped[
        str | None
    ]  # of a new level-1 grid: its community (12 digits) or, merging several, street (9)
    object_code: Mapped[str | None]
    code: Mapped[str | None]  # asked for by a file, or given at approval
    name: Mapped[str]
    kind: Mapped[str]
    households: Mapped[int | None]
    attributes: Mapped[dict[str, Any]]
    geom: Mapped[WKBElement | None] = mapped_column(
        Geometry("MULTIPOLYGON", srid=CGCS2000, spatial_index=False)
    )
    source_datum: Mapped[str]
    sources: Mapped[list[int]] = mapped_column(ARRAY(Integer))  # grids whose ground and duties it takes over


class GridSuccession(Base):
    """Which grid took over ground and duties of which, and from when."""

    __tablename__ = "grid_successions"

    predecessor_id: Mapped[int] = mapped_column(ForeignKey("grids.grid_id"), primary_key=True)
    successor_id: Mapped[int] = mapped_column(ForeignKey("grids.grid_id"), primary_key=True, index=True)
    since: Mapped[date]
    plan_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("division_plans.plan_id"))


class BaseFeature(Base):
    """Something that lies under the grids on the map: water, a road, an outline; only drawn."""

    __tablename__ = "base_features"
    __table_args__ = (
        Index(None, "layer", "area"),
        Index("ix_base_features_geom_3857", "geom_3857", postgresql_using="gist"),
    )

    feature_id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    layer: Mapped[str]  # geo/tiles/base_layers.py
    area: Mapped[str]  # prefix of grid paths that its owner answers for; "" for the whole deployment
    name: Mapped[str | None]
    code: Mapped[str | None]  # of a boundary: the division that it is the outline of
    kind: Mapped[str | None]
    source: Mapped[str]  # file name
    source_datum: Mapped[str]
    imported_at: Mapped[datetime] = mapped_column(server_default=func.now())
    geom: Mapped[WKBElement] = mapped_column(Geometry("GEOMETRY", srid=CGCS2000, spatial_index=False))
    geom_3857: Mapped[WKBElement] = mapped_column(
        Geometry("GEOMETRY", srid=WEB_MERCATOR, spatial_index=False),
        Computed(f"ST_Transform(geom, {WEB_MERCATOR})", persisted=True),
    )
