"""The one thing in a diary that is typed."""

import uuid
from datetime import date, datetime

from sqlalchemy import ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from core.models import Base


class DiaryRemark(Base):
    """A worker's own remark on a day; of several the one that is newest by the phone's clock."""

    __tablename__ = "diary_remarks"

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.person_id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    remark: Mapped[str]
    at: Mapped[datetime]  # device time
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
