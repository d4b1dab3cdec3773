"""What a duty asks for, and how its subjects stand: pure rules.

DB32/T 2763-2015 gives counts and periods (11.1.3, 11.2.1, annex A 16). How forecasts are made, how many
visits a day somebody makes, and what a long holiday would excuse are local settings; S1 excuses nothing, so
what it would excuse stands beside the raw figure and never in its place.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Self

from core.periods import MONTHS, Period, PeriodKind

_AHEAD_OF_PACE = 1.5  # more than this times the even pace of the whole period is a risk


class SubjectKind(StrEnum):
    """What a duty is counted for; stored by value in `duties.subject`."""

    PAIR = "pair"  # person × grid
    HOUSEHOLD = "household"
    GRID = "grid"
    COMMUNITY = "community"


class Status(StrEnum):
    """How a subject stands in a period."""

    MET = "met"
    ON_TRACK = "on_track"
    AT_RISK = "at_risk"
    WILL_MISS = "will_miss"
    MISSED = "missed"
    EXEMPT = "exempt"  # of exempted figures alone: nothing would have been asked for


@dataclass(frozen=True, slots=True)
class Options:
    """Details of a duty row with their units; what a row leaves out has the default below."""

    outcomes: tuple[str, ...] = ("met",)  # of visits: patrol/visits/counting.py
    min_gap_days: int = 1  # between two facts that count for one subject; 1 = distinct days
    per_day: int = 20  # subjects that one person can serve on a working day: a local setting
    level: int = 3  # of the grids that are subjects, or whose members serve households
    special_only: bool = False  # of households: only those with a tag that makes them special
    kinds: tuple[str, ...] = ("registered", "floating", "collective")  # of households: nobody lives in 空户

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Options of a stored row. Raises ValueError for a name or a value that is none."""
        known = {field.name: field.default for field in fields(cls)}
        given: dict[str, Any] = {}
        for name, value in stored.items():
            if name not in known:
                raise ValueError(f"unknown option {name!r}")
            default = known[name]
            if isinstance(default, tuple):
                given[name] = tuple(value)
            elif type(value) is not type(default) or (isinstance(value, int) and value < 0):
                raise ValueError(f"option {name} cannot be {value!r}")
            else:
                given[name] = value
        return cls(**given)

    def stored(self) -> dict[str, Any]:
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values}


@dataclass(frozen=True, slots=True)
class DutyRow:
    """A duty as it is stored (models.Duty)."""

    duty_id: int
    code: str
    zh: str
    en: str
    fact: str
    subject: SubjectKind
    count: int
    period: PeriodKind
    path: str
    kind: str
    options: Options
    clause: str
    is_on: bool
    valid_from: date
    valid_to: date | None

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


def duty_for(rows: Iterable[DutyRow], *, path: str, kind: str, period: Period) -> DutyRow | None:
    """The row that measures a grid in a period: the longest path wins, then the kind, then the newest.

    The first day of the period decides, so that nothing changes while it runs. None where it is off.
    """
    fitting = [
        row
        for row in rows
        if path.startswith(row.path) and row.kind in ("", kind) and row.holds_on(period.first)
    ]
    found = max(fitting, key=lambda row: (len(row.path), row.kind != "", row.valid_from), default=None)
    return found if found is not None and found.is_on else None


# ------------------------------------------------------------------------------------------ what is asked for


def prorated(count: int, days: int, of_days: int) -> int:
    """The share of a count that part of a period asks for, rounded up: any part of a quarter asks for one."""
    return math.ceil(count * days / of_days) if days > 0 else 0


def due_by(period: Period, count: int, number: int) -> date:
    """The last day for the `number`-th of `count` facts: equal parts of the period, whole months if possible.

    Of two visits a year the first is due by the end of June. All are asked for by the end of the period.
    """
    months = MONTHS.get(period.kind, 0)
    if months % count == 0 and months:
        part = Period.of(PeriodKind.MONTH, period.first).shifted(months // count * number - 1)
        return min(part.last, period.last)
    days = (period.last - period.first).days + 1
    return period.first + timedelta(days=max(1, days * number // count) - 1)


def spaced(days: Iterable[date], min_gap_days: int) -> list[date]:
    """The days that count: the earliest, and each at least the gap after the last that counts.

    Greedy from the earliest: no other choice counts more.
    """
    kept: list[date] = []
    for day in sorted(days):
        if is_apart(day, kept[-1] if kept else None, min_gap_days):
            kept.append(day)
    return kept


def is_apart(day: date, last: date | None, min_gap_days: int) -> bool:
    """Whether a fact on this day counts after the last one that does; one a day at most."""
    return last is None or (day - last).days >= max(1, min_gap_days)


def reach_by_days(done: Sequence[date], min_gap_days: int, days: Sequence[date]) -> int:
    """How many can count at the end if something is done on each of these days."""
    return len(spaced([*done, *days], min_gap_days))


def most_until(last: date | None, min_gap_days: int, first: date, end: date) -> int:
    """How many more can count on the days from `first` to `end` after the last one that does."""
    gap = max(1, min_gap_days)
    start = first if last is None else max(first, last + timedelta(days=gap))
    return 0 if start > end else (end - start).days // gap + 1


# -------------------------------------------------------------------------------------------------- forecasts


@dataclass(frozen=True, slots=True)
class DaysLeft:
    """What remains of a period from today on; `passed` and `total` count working days."""

    days: tuple[date, ...]
    workdays: tuple[date, ...]
    passed: int
    total: int


Reach = Callable[[Sequence[date]], int]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What will come of it; the figures are those of the sentence."""

    status: Status
    left: int
    still_possible: bool  # on rest days at least
    per_day_needed: float | None = None
    per_day_possible: float | None = None


def forecast_one(required: int, done: int, reach: Reach, left: DaysLeft) -> Forecast:
    """The forecast of a single subject, such as a pair with its patrols of the week.

    Will miss: the working days that are left do not suffice, however they are used. At risk: they suffice
    only if none of them is lost, or less is done than an even pace would have done by now.
    """
    missing = max(0, required - done)
    if not missing:
        return Forecast(Status.MET, 0, still_possible=True)
    possible = reach(left.days) >= required
    if reach(left.workdays) < required:
        return Forecast(Status.WILL_MISS, missing, still_possible=possible)
    behind = done < math.floor(required * left.passed / max(1, left.total) + 0.5)
    if behind or reach(left.workdays[1:]) < required:
        return Forecast(Status.AT_RISK, missing, still_possible=True)
    return Forecast(Status.ON_TRACK, missing, still_possible=True)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Many subjects that some people serve: what is required, what is missing, and by how many people."""

    required: int
    missing: int
    hopeless: int  # subjects whose own gap rule can no longer be kept
    people: int
    per_day: int


def forecast_many(crowd: Crowd, left: DaysLeft) -> Forecast:
    """The forecast of a grid's households: what is left over the days that are left.

    Will miss: more a working day than its people can do, or households that can no longer be visited often
    enough. At risk: half as much again as an even pace over the whole period asks for.
    """
    if not crowd.missing:
        return Forecast(Status.MET, 0, still_possible=True)
    possible_a_day = float(crowd.people * crowd.per_day)
    needed = crowd.missing / len(left.workdays) if left.workdays else None
    still = not crowd.hopeless and crowd.missing <= possible_a_day * len(left.days)
    figures = {"per_day_needed": needed, "per_day_possible": possible_a_day}
    if crowd.hopeless or needed is None or needed > possible_a_day:
        return Forecast(Status.WILL_MISS, crowd.missing, still_possible=still, **figures)
    even = crowd.required / max(1, left.total)
    status = Status.AT_RISK if needed > even * _AHEAD_OF_PACE else Status.ON_TRACK
    return Forecast(status, crowd.missing, still_possible=True, **figures)


# -------------------------------------------------------------------------------------- what would be excused


@dataclass(frozen=True, slots=True)
class Excused:
    """What would be asked for if these days were taken off: information beside the raw figure."""

    required: int
    holidays: int  # days in long legal holidays
    not_assigned: int  # days on which the person did not hold the grid


def excused(required: int, period: Period, holidays: Iterable[date], not_assigned: Iterable[date]) -> Excused:
    """The required number less the share of the days taken off; nobody loses a day twice."""
    days = (period.last - period.first).days + 1
    off, away = set(holidays), set(not_assigned)
    return Excused(
        prorated(required, days - len(off | away), days), holidays=len(off), not_assigned=len(away - off)
    )


def days_without(spans: Iterable[tuple[date, date | None]], period: Period) -> list[date]:
    """Days of the period outside all spans; the second date of a span is the first day after it."""
    held = list(spans)
    return [
        day
        for day in period.days
        if not any(first <= day and (end is None or day < end) for first, end in held)
    ]
