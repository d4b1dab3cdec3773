"""The days that a question about coverage is about."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.clock import Week, day_begins, today

MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Days:
    """First and last day, both included."""

    first: date
    last: date

    @property
    def ground_day(self) -> date:
        """The day whose grids are meant: the last one, or today while that is to come."""
        return min(self.last, today())

    @property
    def mondays(self) -> tuple[date, date]:
        """The Mondays of the first and of the last week."""
        return Week.of_day(self.first).monday, Week.of_day(self.last).monday

    @property
    def begin_at(self) -> datetime:
        return day_begins(self.first)

    @property
    def end_at(self) -> datetime:
        """First moment that no longer belongs to them."""
        return day_begins(self.last + timedelta(days=1))
