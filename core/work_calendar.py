"""Working days, rest days and legal holidays: a table of published days, and Monday to Friday beyond it.

The State Council publishes the holidays of a year, with the weekends that are worked instead, in the autumn
before. A day that nobody has published is derived and provisional: what is computed from it may change.
Rules are pure over a loaded WorkCalendar; only `load_calendar` and `put_day` touch the table.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import audit
from core.clock import now
from core.models import CalendarDay

DERIVED = "derived"
LONG_HOLIDAY_DAYS = 5  # free days in a row, with a legal holiday among them; shorter ones are long weekends
_DAY = timedelta(days=1)
_SATURDAY = 5


class DayKind(StrEnum):
    """What a day is; stored by value in `calendar_days.kind`."""

    WORKDAY = "workday"
    REST = "rest"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the work calendar. `source` is `derived` for one that nobody has published."""

    day: date
    kind: DayKind
    name: str
    source: str
    is_provisional: bool

    @property
    def is_workday(self) -> bool:
        return self.kind is DayKind.WORKDAY


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """Published days over derived ones."""

    published: Mapping[date, Day]

    def day(self, day: date) -> Day:
        """The day as published, else as Monday to Friday have it."""
        return self.published.get(day) or _derived(day)

    def is_workday(self, day: date) -> bool:
        return self.day(day).is_workday

    def workdays(self, first: date, last: date) -> Iterator[date]:
        """The working days from `first` to `last`, both included."""
        return (day for day in _days(first, last) if self.is_workday(day))

    def workdays_between(self, first: date, last: date) -> int:
        """How many working days lie from `first` to `last`, both included."""
        return sum(1 for _ in self.workdays(first, last))

    def add_workdays(self, day: date, workdays: int) -> date:
        """The working day that comes so many after the day, or before it when negative; the day itself for 0.

        The day itself is not counted, as time limits are not.
        """
        step = _DAY if workdays > 0 else -_DAY
        left = abs(workdays)
        while left:
            day += step
            left -= self.is_workday(day)
        return day

    def is_provisional(self, first: date, last: date) -> bool:
        """Whether some day from `first` to `last` may still be published otherwise."""
        return any(self.day(day).is_provisional for day in _days(first, last))

    def long_holidays(self, first: date, last: date) -> list[date]:
        """The days from `first` to `last` that lie in a long legal holiday, weekends inside it included."""
        return [day for day in _days(first, last) if len(self._legal_run(day)) >= LONG_HOLIDAY_DAYS]

    def _legal_run(self, day: date) -> list[date]:
        """The free days in a row around a day, from its first legal holiday to its last."""
        run: list[date] = []
        if self.is_workday(day):
            return run
        start = day
        while not self.is_workday(start - _DAY):
            start -= _DAY
        while not self.is_workday(start):
            run.append(start)
            start += _DAY
        legal = [one for one in run if self.day(one).kind is DayKind.HOLIDAY]
        return [one for one in run if legal and legal[0] <= one <= legal[-1]] if _holds(legal, day) else []


def load_calendar(session: Session) -> WorkCalendar:
    """Every published day: some hundreds a year, read in milliseconds."""
    rows = session.execute(
        select(
            CalendarDay.day,
            CalendarDay.kind,
            CalendarDay.name,
            CalendarDay.source,
            CalendarDay.is_provisional,
        )
    )
    return WorkCalendar({row.day: Day(row.day, DayKind(row.kind), *row[2:]) for row in rows})


def put_day(session: Session, wanted: Day, *, actor: str) -> None:
    """The day is what is wanted, whoever published something else before."""
    values = {
        "kind": wanted.kind.value,
        "name": wanted.name,
        "source": wanted.source,
        "is_provisional": wanted.is_provisional,
    }
    before = session.get(CalendarDay, wanted.day)
    if before is not None and {name: getattr(before, name) for name in values} == values:
        return
    audit.record(
        session,
        chain="",
        actor=actor,
        action="calendar.set",
        subject=f"day:{wanted.day}",
        detail={**values, "before": before.kind if before else None},
    )
    changed = {**values, "changed_at": now()}
    statement = insert(CalendarDay).values(day=wanted.day, **changed)
    session.execute(statement.on_conflict_do_update(index_elements=[CalendarDay.day], set_=changed))
    session.expire_all()


def _derived(day: date) -> Day:
    kind = DayKind.WORKDAY if day.weekday() < _SATURDAY else DayKind.REST
    return Day(day, kind, "", DERIVED, is_provisional=True)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _holds(run: list[date], day: date) -> bool:
    return bool(run) and run[0] <= day <= run[-1]
