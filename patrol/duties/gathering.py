"""Which duty governs which grids in a period, and what their subjects are measured by. Read-only."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor
from core.clock import Week, local_date
from core.periods import Period, PeriodKind
from core.work_calendar import WorkCalendar
from patrol.duties.counters import register_own
from patrol.duties.facts import Asked, Counted, Done, FactKind, Key, kind_of
from patrol.duties.households import Households, due_households
from patrol.duties.queries import (
    Holder,
    holders_in,
    names_of,
    readable_grids,
    stored_duties,
)
from patrol.duties.rules import DaysLeft, DutyRow, SubjectKind, duty_for, is_apart
from patrol.weeks.standing import StandingGrid
from patrol.weeks.substitutes import StandIn, stand_ins_between

register_own()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which duties are asked about; without a period each in the one that runs."""

    grid_code: str | None = None
    period: Period | None = None
    duty: str | None = None
    person_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """One row of a duty in one period, with the grids that it governs."""

    duty: DutyRow
    period: Period
    grids: Mapping[int, StandingGrid]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the subjects of a group are measured by."""

    asked: Asked
    kind: FactKind
    counted: Counted
    done: Mapping[Key, Sequence[Done]]
    holders: Mapping[int, Sequence[Holder]]
    substitutions: Mapping[uuid.UUID, Sequence[StandIn]]
    names: Mapping[uuid.UUID, str]
    holidays: Sequence[date]  # days of the period in long legal holidays
    left: DaysLeft
    households: Households


def groups_of(
    session: Session, actor: Actor, wanted: Wanted, today: date, action: Action = Action.READ_COMPLIANCE
) -> list[Group]:
    """The duty rows that govern the grids asked about, each with its grids.

    Raises: GridUnknown, Forbidden.
    """
    rows = [row for row in stored_duties(session) if wanted.duty in (None, row.code)]
    kinds = {row.period for row in rows}
    periods = {kind: Period.of(kind, today) for kind in kinds}
    if wanted.period is not None:
        periods = {wanted.period.kind: wanted.period}
    known: dict[Week, list[StandingGrid]] = {}
    governed: dict[tuple[int, Period], dict[int, StandingGrid]] = defaultdict(dict)
    # Also where nothing is due a grid that is not to be seen must look unknown.
    for period in periods.values() or [wanted.period or Period.of(PeriodKind.WEEK, today)]:
        week = Week.of_day(day_within(period, today))
        if week not in known:
            known[week] = readable_grids(session, actor, wanted.grid_code, week, action)
        for code in dict.fromkeys(row.code for row in rows):
            of_code = [row for row in rows if row.code == code]
            for grid in known[week]:
                row = duty_for(of_code, path=grid.path, kind=grid.kind, period=period)
                if row is not None and row.period is period.kind:
                    governed[row.duty_id, period][grid.grid_id] = grid
    by_id = {row.duty_id: row for row in rows}
    return [Group(by_id[duty_id], period, grids) for (duty_id, period), grids in governed.items()]


def day_within(period: Period, today: date) -> date:
    """Today, or the end of the period that is nearest to it."""
    return min(max(today, period.first), period.last)


def facts_of(session: Session, group: Group, calendar: WorkCalendar, moment: datetime) -> Facts | None:
    """What the group's subjects are measured by; None where nobody records facts of this kind."""
    kind = kind_of(group.duty.fact)
    if kind is None:
        return None
    today = local_date(moment)
    day = day_within(group.period, today)
    households = Households((), {}, {})
    if group.duty.subject is SubjectKind.HOUSEHOLD:
        households = due_households(session, group.duty, group.grids, group.period, day)
    named = frozenset(one.household_id for one in households.due)
    asked = Asked(group.duty, group.period, group.grids, day, moment, named)
    counted = kind.count(session, asked)
    done = accepted(counted, group.duty)
    holders: dict[int, list[Holder]] = defaultdict(list)
    for holder in holders_in(session, list(group.grids), group.period):
        holders[holder.grid_id].append(holder)
    absent = {holder.person_id for some in holders.values() for holder in some}
    substitutions: dict[uuid.UUID, list[StandIn]] = defaultdict(list)
    for substitution in stand_ins_between(session, absent, group.period.first, group.period.last):
        substitutions[substitution.absent_id].append(substitution)
    names = names_of(session, {one.person_id for one in counted.done})
    left = days_left(group.period, today, calendar)
    holidays = calendar.long_holidays(group.period.first, group.period.last)
    return Facts(asked, kind, counted, done, holders, substitutions, names, holidays, left, households)


def accepted(counted: Counted, duty: DutyRow) -> dict[Key, list[Done]]:
    """The facts of each subject by day; the duty's gap holds where a counter has no rules of its own."""
    found: dict[Key, list[Done]] = defaultdict(list)
    for one in sorted(counted.done, key=lambda one: one.day):
        earlier = found[one.key]
        last = earlier[-1].day if earlier else None
        if one.key in counted.measures or is_apart(one.day, last, duty.options.min_gap_days):
            earlier.append(one)
    return found


def days_left(period: Period, today: date, calendar: WorkCalendar) -> DaysLeft:
    """What remains of a period: all of one that is still to come, nothing of one that is over."""
    days = tuple(day for day in period.days if day >= today)
    yesterday = min(today - timedelta(days=1), period.last)
    return DaysLeft(
        days=days,
        workdays=tuple(day for day in days if calendar.is_workday(day)),
        passed=calendar.workdays_between(period.first, yesterday),
        total=calendar.workdays_between(period.first, period.last),
    )
