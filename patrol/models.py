"""Policies, patrols, their track segments, verdicts and the weekly roll-up."""

import uuid
from datetime import date, datetime
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.models import Base
from geo.models import CGCS2000


class PatrolPolicy(Base):
    """What makes a patrol count, for a kind of grid in a part of the tree, from a day on. A local setting."""

    __tablename__ = "patrol_policies"
    __table_args__ = (UniqueConstraint("path", "kind", "valid_from"),)

    policy_id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    path: Mapped[str]  # prefix of Grid.path; "" is the default for all; the longest prefix wins
    kind: Mapped[str]  # GridVersion.kind; "" is any kind
    valid_from: Mapped[date]
    thresholds: Mapped[dict[str, Any]]  # patrol/policies.py gives the fields and their units


class Patrol(Base):
    """One round of one person in one grid, made by the phone. Its state is derived, never stored."""

    __tablename__ = "patrols"
    __table_args__ = (
        CheckConstraint("finished_at IS NULL OR finished_at >= started_at", name="times"),
        Index(None, "grid_id", "started_at"),
        Index(None, "person_id", "started_at"),
        Index("ix_patrols_with_fixes", "started_at", postgresql_where=text("fixes_deleted_at IS NULL")),
    )

    patrol_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.person_id"))
    grid_id: Mapped[int] = mapped_column(ForeignKey("grids.grid_id"))
    source: Mapped[str]  # "app", "gpx", "tracker"
    device_id: Mapped[uuid.UUID | None] = mapped_column(index=True)  # as the phone says; access/models.py
    # Times are those of the phone plus the error of its clock, known when it says when it sent (trust: three
    # times per fact): what the phone itself said is the time less the offset.
    started_at: Mapped[datetime]
    start_clock_offset_s: Mapped[int] = mapped_column(server_default="0")
    start_received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    finished_at: Mapped[datetime | None]
    finish_clock_offset_s: Mapped[int] = mapped_column(server_default="0")
    finish_received_at: Mapped[datetime | None]
    fixes_deleted_at: Mapped[datetime | None]  # kept long enough: the verdict stays as it is from then on


class Segment(Base):
    """One uploaded batch of fixes: a row per batch, not per fix, in the compact codec of patrol/fixes.py.

    Fixes are converted to CGCS2000 and to the server's clock once, on arrival; the declared datum and the
    offset stay, so that the original can be recomputed.
    """

    __tablename__ = "segments"
    __table_args__ = (Index(None, "patrol_id"),)

    segment_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    patrol_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patrols.patrol_id"))
    seq: Mapped[int]
    datum: Mapped[str]
    body_hash: Mapped[bytes]
    # server minus phone, as `sent_at` tells; added to the fixes; 0 when under a minute or not told
    clock_offset_s: Mapped[int] = mapped_column(server_default="0")
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    fix_count: Mapped[int] = mapped_column(SmallInteger)
    fixes: Mapped[bytes]


class PatrolVerdict(Base):
    """The judgement of a patrol as computed from everything stored when `judged_at`; one row, rewritten."""

    __tablename__ = "patrol_verdicts"
    __table_args__ = (
        Index(None, "grid_id", "week"),
        Index(None, "person_id", "week"),
        Index(None, "week", "status"),
        Index(
            "ix_patrol_verdicts_middle",
            "middle",
            postgresql_using="gist",
            postgresql_ops={"middle": "gist_geometry_ops_nd"},
        ),
    )

    patrol_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patrols.patrol_id"), primary_key=True)
    person_id: Mapped[
        uuid.UUID
    ]  # copied from the patrol with grid_id and week: the weekly count needs one table only
    grid_id: Mapped[int]
    week: Mapped[date]  # Monday, Asia/Shanghai, of the patrol's start
    started_at: Mapped[datetime]
    status: Mapped[str]  # as computed: valid, invalid, pending_review
    decision: Mapped[str | None]  # of a supervisor: accepted, rejected; what was computed stays beside it
    results: Mapped[list[dict[str, Any]]]  # each check: measured, required, passed, reason code
    flags: Mapped[dict[str, Any]]  # number of fixes per quality flag
    fix_count: Mapped[int]
    observed_s: Mapped[float]
    in_grid_s: Mapped[float]
    length_m: Mapped[float]
    coverage_ratio: Mapped[float]
    cells: Mapped[bytes]  # H3 resolution 11 cells passed, uint64 little endian, sorted
    dwell_s: Mapped[bytes]  # seconds per cell, float32 little endian, same order
    geom: Mapped[WKBElement | None] = mapped_column(
        Geometry("MULTILINESTRING", srid=CGCS2000, spatial_index=False)
    )  # cleaned path, one line per unbroken stretch
    checkpoints_visited: Mapped[int] = mapped_column(server_default="0")
    checkpoints_total: Mapped[int] = mapped_column(server_default="0")  # standing in the grid on the day
    visits: Mapped[list[dict[str, Any]]] = mapped_column(server_default="[]")  # checkpoint, proof, time
    check_ins: Mapped[list[dict[str, Any]]] = mapped_column(
        server_default="[]"
    )  # those that prove nothing: why
    indoor_s: Mapped[float] = mapped_column(server_default="0")  # between plates of a building; in in_grid_s
    unknown_s: Mapped[float] = mapped_column(server_default="0")  # reported gaps without a position
    gaps: Mapped[list[dict[str, Any]]] = mapped_column(
        server_default="[]"
    )  # each: reason, from, to, unknown_s
    clock_offset_s: Mapped[int] = mapped_column(server_default="0")  # the largest error of the phone's clock
    # Where the walker was every 30 s, and their middle in degrees and days: how copies are found
    # (patrol/judging/likeness.py).
    trace: Mapped[bytes | None]
    middle: Mapped[WKBElement | None] = mapped_column(
        Geometry("POINTZ", srid=CGCS2000, dimension=3, spatial_index=False)
    )
    related: Mapped[list[uuid.UUID]] = mapped_column(
        ARRAY(Uuid), server_default="{}"
    )  # alike, or same device
    policy_id: Mapped[int] = mapped_column(ForeignKey("patrol_policies.policy_id"))
    grid_version_id: Mapped[int] = mapped_column(ForeignKey("grid_versions.version_id"))
    judged_at: Mapped[datetime]


class GridWeek(Base):
    """How a grid's subtree stands in a week; rewritten by patrol/weeks/roll_up.py from facts."""

    __tablename__ = "grid_weeks"

    week: Mapped[date] = mapped_column(primary_key=True)
    grid_id: Mapped[int] = mapped_column(ForeignKey("grids.grid_id"), primary_key=True)
    pairs_due: Mapped[int]
    pairs_met: Mapped[int]
    patrols_needed: Mapped[int]
    patrols_counted: Mapped[int]
