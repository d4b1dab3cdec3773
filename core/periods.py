"""Spans of days in which something is due or summed up: a week, month, quarter, half or whole year.

Written 2026-W47, 2026-11, 2026-Q4, 2026-H2, 2026; days are those of Asia/Shanghai. A year is the calendar
year; an ISO week belongs to the month, quarter, half and year of its Thursday, so that every week belongs to
exactly one of each (ISO 8601 gives a week to the year of its Thursday).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from core.clock import YEARS, Week, day_begins

_TEXT = re.compile(r"([0-9]{4})(?:-(?:W([0-9]{2})|Q([1-4])|H([12])|([0-9]{2})))?")
_THURSDAY = timedelta(days=3)


class PeriodKind(StrEnum):
    """How long a period is."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF = "half"
    YEAR = "year"


MONTHS = {PeriodKind.MONTH: 1, PeriodKind.QUARTER: 3, PeriodKind.HALF: 6, PeriodKind.YEAR: 12}


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A named span of days, both ends included; make it by `of` or `parse`."""

    first: date
    last: date
    kind: PeriodKind

    @classmethod
    def of(cls, kind: PeriodKind, day: date) -> "Period":
        """The period of this kind that holds the day."""
        if kind is PeriodKind.WEEK:
            week = Week.of_day(day)
            return cls(week.monday, week.sunday, kind)
        return _of_months(kind, day.year, (day.month - 1) // MONTHS[kind])

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Period of `2026-W47`, `2026-11`, `2026-Q4`, `2026-H2` or `2026`; ValueError says what is wrong."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise ValueError(
                f"a period is written like 2026-W47, 2026-11, 2026-Q4, 2026-H2, 2026, not {text!r}"
            )
        year, (week, quarter, half, month) = int(match[1]), match.groups()[1:]
        if year not in YEARS:
            raise ValueError(f"the year must be from {YEARS.start} to {YEARS.stop - 1}, not {match[1]}")
        if week:
            return cls.of(PeriodKind.WEEK, date.fromisocalendar(year, int(week), 1))
        if month:
            return cls.of(PeriodKind.MONTH, date(year, int(month), 1))
        if quarter:
            return _of_months(PeriodKind.QUARTER, year, int(quarter) - 1)
        return (
            _of_months(PeriodKind.HALF, year, int(half) - 1) if half else _of_months(PeriodKind.YEAR, year, 0)
        )

    def shifted(self, periods: int) -> "Period":
        """The period of the same kind so many later, or earlier when negative."""
        if self.kind is PeriodKind.WEEK:
            return Period.of(self.kind, self.first + timedelta(weeks=periods))
        per_year = 12 // MONTHS[self.kind]
        number = self.first.year * per_year + (self.first.month - 1) // MONTHS[self.kind] + periods
        return _of_months(self.kind, *divmod(number, per_year))

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last

    @property
    def days(self) -> Iterator[date]:
        return (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))

    @property
    def weeks(self) -> list[Week]:
        """The ISO weeks whose Thursday lies in the period."""
        week, weeks = Week.of_day(self.first), []
        while week.monday + _THURSDAY <= self.last:
            if week.monday + _THURSDAY >= self.first:
                weeks.append(week)
            week = week.shifted(1)
        return weeks

    @property
    def starts_at(self) -> datetime:
        return day_begins(self.first)

    @property
    def ends_at(self) -> datetime:
        """First moment that no longer belongs to it."""
        return day_begins(self.last + timedelta(days=1))

    def __str__(self) -> str:
        if self.kind is PeriodKind.WEEK:
            return str(Week(self.first))
        part = (self.first.month - 1) // MONTHS[self.kind] + 1
        of_year = {
            PeriodKind.MONTH: f"-{part:02d}",
            PeriodKind.QUARTER: f"-Q{part}",
            PeriodKind.HALF: f"-H{part}",
            PeriodKind.YEAR: "",
        }
        return f"{self.first.year:04d}{of_year[self.kind]}"


def _of_months(kind: PeriodKind, year: int, part: int) -> Period:
    """The `part`-th such period of a year, from 0."""
    first = date(year, part * MONTHS[kind] + 1, 1)
    after = first.replace(day=28) + timedelta(days=4 + 31 * (MONTHS[kind] - 1))
    return Period(first, after.replace(day=1) - timedelta(days=1), kind)
