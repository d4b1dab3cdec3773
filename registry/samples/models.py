"""Samples of households that are checked again at the door (annex A 15)."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from core.models import Base


class Sample(Base):
    """A drawn sample; its seed and its frame draw the same households again."""

    __tablename__ = "samples"
    __table_args__ = (
        CheckConstraint("size > 0 AND frame_count >= 0", name="size"),
        Index(None, "path", "drawn_at"),
    )

    sample_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    street_code: Mapped[str] = mapped_column(ForeignKey("divisions.code"))
    path: Mapped[str]  # of the area it was drawn from: a street or a grid
    grid_code: Mapped[str | None]
    day: Mapped[date]
    confirmed_since: Mapped[date]  # the frame: standing households confirmed since then
    seed: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int]  # asked for; of a smaller frame all are drawn
    frame_count: Mapped[int]
    drawn_by: Mapped[uuid.UUID]
    drawn_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class SampledHousehold(Base):
    """A household of a sample, and what was found when it was checked again."""

    __tablename__ = "sampled_households"
    __table_args__ = (
        UniqueConstraint("sample_id", "place"),
        CheckConstraint("(is_correct IS NULL) = (checked_at IS NULL)", name="checked"),
    )

    sample_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("samples.sample_id"), primary_key=True)
    household_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("households.household_id"), primary_key=True, index=True
    )
    place: Mapped[int]  # in the order of the draw
    revision: Mapped[int]  # of the household when it was drawn
    is_correct: Mapped[bool | None]
    wrong_fields: Mapped[list[dict[str, Any]]]  # [{"field": "phone"}]: names, never what they hold
    checked_by: Mapped[uuid.UUID | None]
    checked_at: Mapped[datetime | None]
