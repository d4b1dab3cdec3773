"""Appeals, supervisors' decisions, and the results of closed weeks."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.models import Base


class Appeal(Base):
    """A worker asks that a patrol count: one that was recorded, or one that could not be (补签).

    `patrol_id` is null while nothing was recorded; an accepted appeal then names the patrol made of it. Grid
    and times are the patrol's own, or what the worker says they were.
    """

    __tablename__ = "appeals"
    __table_args__ = (
        CheckConstraint("kind IN ('recorded', 'unrecorded')", name="kind"),
        CheckConstraint("kind = 'unrecorded' OR patrol_id IS NOT NULL", name="patrol"),
        CheckConstraint("decision IN ('accepted', 'rejected')", name="decision"),
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided"),
        CheckConstraint("withdrawn_at IS NULL OR decision IS NULL", name="one_end"),
        CheckConstraint("finished_at IS NULL OR finished_at >= started_at", name="times"),
        Index(None, "grid_id", "received_at"),
        Index(None, "person_id", "received_at"),
        # One open question at a time about a patrol.
        Index(
            "uq_appeals_open",
            "patrol_id",
            unique=True,
            postgresql_where=text("decision IS NULL AND withdrawn_at IS NULL"),
        ),
    )

    appeal_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # made by the phone
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.person_id"))
    kind: Mapped[str]
    patrol_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("patrols.patrol_id"))
    grid_id: Mapped[int] = mapped_column(ForeignKey("grids.grid_id"))
    week: Mapped[date]  # Monday, Asia/Shanghai, of the start
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    note: Mapped[str]
    photos: Mapped[list[str]] = mapped_column(
        JSONB
    )  # SHA-256 in hex, of photos that may still be on their way
    body_hash: Mapped[bytes]
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    withdrawn_at: Mapped[datetime | None]
    decision: Mapped[str | None]  # accepted, rejected
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.person_id"))
    decision_note: Mapped[str | None]


class PatrolDecision(Base):
    """What a supervisor decided on a patrol, and what had been computed then; the newest one holds.

    The newest is copied to PatrolVerdict.decision. Rows are added, never changed.
    """

    __tablename__ = "patrol_decisions"
    __table_args__ = (
        CheckConstraint("decision IN ('accepted', 'rejected')", name="decision"),
        Index(None, "patrol_id", "decision_id"),
    )

    decision_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    patrol_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patrols.patrol_id"))
    appeal_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("appeals.appeal_id"))  # none: a review
    decision: Mapped[str]
    note: Mapped[str]
    decided_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.person_id"))
    decided_at: Mapped[datetime]
    computed_status: Mapped[str]  # what the decision was based on
    results: Mapped[list[dict[str, Any]]]


class FrozenWeek(Base):
    """The results of a street's week were written down at this moment, once."""

    __tablename__ = "frozen_weeks"

    week: Mapped[date] = mapped_column(primary_key=True)
    street_code: Mapped[str] = mapped_column(primary_key=True)
    frozen_at: Mapped[datetime]


class WeekResult(Base):
    """How a person stood in an own grid when the week was frozen; only decisions made later add to it."""

    __tablename__ = "week_results"
    __table_args__ = (Index(None, "grid_id", "week"), Index(None, "person_id", "week"))

    week: Mapped[date] = mapped_column(primary_key=True)
    grid_id: Mapped[int] = mapped_column(ForeignKey("grids.grid_id"), primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.person_id"), primary_key=True)
    required: Mapped[int]
    counted: Mapped[int]
    met: Mapped[bool]
    patrols: Mapped[list[dict[str, Any]]]  # patrol/weeks/frozen.py gives the fields
    policy_id: Mapped[int] = mapped_column(ForeignKey("patrol_policies.policy_id"))
    frozen_at: Mapped[datetime]
