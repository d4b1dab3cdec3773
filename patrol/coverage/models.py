"""Daily and weekly sums of judged cells; rewritten from facts by patrol/coverage/rolling.py."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, SmallInteger, func
from sqlalchemy.orm import Mapped, mapped_column

from core.models import Base


class CoverageSum(Base):
    """What was walked in a street on a day, or in an ISO week, per cell of one H3 resolution.

    One row holds every cell with its figures (patrol/coverage/sums.py has the layout): a street's quarter is
    ninety rows, not a hundred thousand.
    """

    __tablename__ = "coverage_sums"
    # A city asks for the weeks of all its streets at once.
    __table_args__ = (Index(None, "resolution", "days", "first_day"),)

    street_code: Mapped[str] = mapped_column(ForeignKey("divisions.code"), primary_key=True)
    resolution: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    days: Mapped[int] = mapped_column(SmallInteger, primary_key=True)  # 1, or 7 from Monday
    first_day: Mapped[date] = mapped_column(primary_key=True)
    cells: Mapped[bytes]  # CELL records of patrol/coverage/sums.py, sorted by cell
    rolled_up_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
