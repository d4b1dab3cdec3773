"""Check-ins at checkpoints and gaps that phones report; times are corrected by the error of the clock."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from core.models import Base


class CheckIn(Base):
    """Somebody showed to have been at a checkpoint. Whether it proves anything is decided at judging."""

    __tablename__ = "check_ins"
    __table_args__ = (
        CheckConstraint("proof IN ('token', 'short_code', 'position')", name="proof"),
        Index(None, "patrol_id"),
        Index(None, "checkpoint_id", "at"),
    )

    check_in_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # made by the phone
    patrol_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patrols.patrol_id"))
    checkpoint_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("checkpoints.checkpoint_id"))
    proof: Mapped[str]  # "position": no plate was shown
    generation: Mapped[int | None]  # of the plate that was shown
    at: Mapped[datetime]  # by the phone, corrected
    clock_offset_s: Mapped[int] = mapped_column(
        Integer, server_default="0"
    )  # what was added to the phone's time
    lon: Mapped[float | None]  # CGCS2000
    lat: Mapped[float | None]
    accuracy_m: Mapped[float | None]
    datum: Mapped[str | None]  # as declared
    body_hash: Mapped[bytes]
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class PatrolGap(Base):
    """A time of which the phone knows that it did not record: unknown is not the same as not walked."""

    __tablename__ = "patrol_gaps"
    __table_args__ = (
        CheckConstraint(
            "reason IN ('killed', 'permission_lost', 'battery', 'no_fix', 'paused')", name="reason"
        ),
        CheckConstraint("to_at >= from_at", name="times"),
        Index(None, "patrol_id"),
    )

    gap_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # made by the phone
    patrol_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patrols.patrol_id"))
    from_at: Mapped[datetime]
    to_at: Mapped[datetime]
    reason: Mapped[str]
    clock_offset_s: Mapped[int] = mapped_column(Integer, server_default="0")
    body_hash: Mapped[bytes]
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
