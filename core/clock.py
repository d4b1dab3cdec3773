"""The only source of the current time, and the local week it falls in.

Weeks are ISO weeks in Asia/Shanghai: a patrol at 00:30 on Monday local time belongs to the new week.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LOCAL_ZONE = ZoneInfo("Asia/Shanghai")
YEARS = range(1900, 3000)  # in which days and weeks can be asked for: arithmetic on them stays a date
_WEEK_TEXT = re.compile(r"^([0-9]{4})-W([0-9]{2})$")


def now() -> datetime:
    return datetime.now(UTC)


def local_date(moment: datetime) -> date:
    """The calendar day on which an aware moment falls for people in China."""
    return moment.astimezone(LOCAL_ZONE).date()


def today() -> date:
    return local_date(now())


def day_begins(day: date) -> datetime:
    """The midnight with which a calendar day begins for people in China."""
    return datetime.combine(day, time(), LOCAL_ZONE)


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """One ISO week, named by its Monday."""

    monday: date

    @classmethod
    def of(cls, moment: datetime) -> "Week":
        return cls.of_day(local_date(moment))

    @classmethod
    def of_day(cls, day: date) -> "Week":
        return cls(day - timedelta(days=day.weekday()))

    @classmethod
    def parse(cls, text: str) -> "Week":
        """Week of `2026-W47`; ValueError says what is wrong."""
        match = _WEEK_TEXT.match(text)
        if match is None:
            raise ValueError(f"a week is written like 2026-W47, not {text!r}")
        if int(match[1]) not in YEARS:
            raise ValueError(f"the year must be from {YEARS.start} to {YEARS.stop - 1}, not {match[1]}")
        return cls(date.fromisocalendar(int(match[1]), int(match[2]), 1))

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)

    @property
    def starts_at(self) -> datetime:
        return day_begins(self.monday).astimezone(UTC)

    @property
    def ends_at(self) -> datetime:
        """First moment that no longer belongs to the week."""
        return self.shifted(1).starts_at

    def shifted(self, weeks: int) -> "Week":
        return Week(self.monday + timedelta(weeks=weeks))

    def __str__(self) -> str:
        year, week, _ = self.monday.isocalendar()
        return f"{year}-W{week:02d}"
