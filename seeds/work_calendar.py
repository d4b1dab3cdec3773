"""The published years of the work calendar, from chinesecalendar; a new release brings a new year."""

from datetime import date, timedelta

import chinese_calendar
from sqlalchemy import Integer, cast, extract, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.models import CalendarDay
from core.work_calendar import Day, DayKind

SOURCE = "chinesecalendar"
FIRST_YEAR = 2015  # of DB32/T 2763-2015: nothing is counted before it

# The library names them in English.
_NAMES = {holiday.value: holiday.chinese for holiday in chinese_calendar.Holiday}


def load_work_calendar(session: Session) -> None:
    """Each year that the library knows is in the table; days that somebody has set stay as they are."""
    year_of = cast(extract("year", CalendarDay.day), Integer)
    stored = set(session.scalars(select(year_of).where(CalendarDay.source == SOURCE).distinct()))
    missing = [year for year in known_years() if year not in stored]
    rows = [_row(day) for year in missing for day in published_days(year)]
    if rows:
        session.execute(insert(CalendarDay).on_conflict_do_nothing(), rows)


def known_years() -> range:
    """The years whose holidays the library knows."""
    return range(FIRST_YEAR, max(chinese_calendar.constants.holidays).year + 1)


def published_days(year: int) -> list[Day]:
    """Every day of a year as published."""
    first = date(year, 1, 1)
    days = (first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days))
    return [_published(day) for day in days]


def _published(day: date) -> Day:
    constants = chinese_calendar.constants
    if day in constants.holidays:
        return _of(day, DayKind.HOLIDAY, constants.holidays[day])
    if day in constants.workdays:
        return _of(day, DayKind.WORKDAY, constants.workdays[day])
    return _of(day, DayKind.WORKDAY if day.weekday() < 5 else DayKind.REST, "")


def _of(day: date, kind: DayKind, name: str) -> Day:
    return Day(day, kind, _NAMES.get(name, name), SOURCE, is_provisional=False)


def _row(day: Day) -> dict[str, object]:
    return {
        "day": day.day,
        "kind": day.kind.value,
        "name": day.name,
        "source": day.source,
        "is_provisional": day.is_provisional,
    }
