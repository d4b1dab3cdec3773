"""Positions of native trackers that wait for a patrol to belong to."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from core.models import Base


class TrackerFix(Base):
    """A position as a tracker sent it, for minutes only: it goes into a segment of a patrol, or is deleted.

    The device and the device's time are its identity: sent twice, it is one.
    """

    __tablename__ = "tracker_fixes"
    __table_args__ = (Index(None, "received_at"),)

    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("devices.device_id"), primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.person_id"), primary_key=True)
    at_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True)  # UTC epoch
    lon: Mapped[float]
    lat: Mapped[float]
    accuracy_m: Mapped[float | None]
    speed_mps: Mapped[float | None]
    heading_deg: Mapped[float | None]
    altitude_m: Mapped[float | None]
    is_mock: Mapped[bool]
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class TrackerSegment(Base):
    """A segment that was made of a tracker's positions: so that none of them is filed a second time."""

    __tablename__ = "tracker_segments"
    __table_args__ = (Index(None, "patrol_id", "device_id"),)

    segment_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("segments.segment_id", ondelete="CASCADE"), primary_key=True
    )
    patrol_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patrols.patrol_id"))
    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("devices.device_id"))
