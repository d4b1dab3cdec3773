"""How members, grids, communities and streets stood over the weeks of a longer period. Read-only.

A week belongs to the period of its Thursday (core/periods.py), so that months add up to quarters and these to
the year of the ISO weeks. Frozen weeks are read as they were written down, all in one statement; a week that
may still change, or that a decision has changed since, is counted by patrol/weeks/standing.py.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, func, select, true
from sqlalchemy.orm import Session

from access.models import Person
from access.roles import Action
from access.scope import Actor, require, scope_of
from core.clock import Week, now, today
from core.periods import Period
from core.work_calendar import WorkCalendar, load_calendar
from geo.models import Division, Grid, GridVersion
from geo.queries import version_on
from patrol.appeals.models import FrozenWeek, PatrolDecision, WeekResult
from patrol.duties.gathering import day_within
from patrol.duties.rules import prorated
from patrol.judging.evidence import stored_policies
from patrol.models import PatrolVerdict
from patrol.policies import PolicyRow
from patrol.rights import GridUnknown
from patrol.weeks.counting import GridStatus, grid_status
from patrol.weeks.standing import StandingGrid, grids_in_week, pairs_in_week

# A decision made about when the week was frozen may not be in what was written down.
_AROUND_FREEZING = timedelta(hours=1)
_WEEK_DAYS = 7


class By(StrEnum):
    """What the pairs of person and own grid are added up to."""

    MEMBER = "member"  # the pair itself
    GRID = "grid"  # pairs of exactly this grid
    COMMUNITY = "community"  # all grids of a community
    STREET = "street"


@dataclass(frozen=True, slots=True)
class PairWeek:
    """One person and one own grid in one week."""

    week: Week
    grid_id: int
    person_id: uuid.UUID
    person_name: str
    required: int
    counted: int
    policy_id: int


@dataclass(frozen=True, slots=True)
class Sums:
    """Weeks of pairs added up; `exempted_*` are what they would be less long legal holidays."""

    pairs_due: int = 0
    pairs_met: int = 0
    patrols_needed: int = 0
    patrols_counted: int = 0  # up to the required number of each pair and week
    exempted_needed: int = 0
    exempted_met: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.pairs_due + other.pairs_due,
            self.pairs_met + other.pairs_met,
            self.patrols_needed + other.patrols_needed,
            self.patrols_counted + other.patrols_counted,
            self.exempted_needed + other.exempted_needed,
            self.exempted_met + other.exempted_met,
        )

    @property
    def status(self) -> GridStatus:
        return grid_status(
            pairs_due=self.pairs_due, pairs_met=self.pairs_met, patrols_counted=self.patrols_counted
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One member, grid, community or street with its weeks."""

    code: str
    name: str
    level: int | None  # of a grid
    person_id: uuid.UUID | None
    person_name: str | None
    total: Sums
    weeks: Mapping[Week, Sums]

    @property
    def place(self) -> tuple[str, str]:
        return self.code, str(self.person_id or "")


@dataclass(frozen=True, slots=True)
class PeriodStanding:
    """A part of the tree over the weeks of a period; lines by code and person, never by merit."""

    period: Period
    by: By
    grid: StandingGrid | None
    weeks: tuple[Week, ...]  # that have begun
    to_come: int
    total: Sums
    lines: tuple[Line, ...]
    policies: tuple[PolicyRow, ...]  # by which it was counted


def standing_over(
    session: Session,
    actor: Actor,
    period: Period,
    by: By,
    *,
    grid_code: str | None = None,
    level: int | None = None,
) -> PeriodStanding:
    """How the pairs at and below a grid, or all the actor may read, stood in the weeks that have begun.

    Raises: GridUnknown, Forbidden.
    """
    within, top = _within(session, actor, grid_code), None
    if level is not None:
        within = and_(within, Grid.level == level)
    weeks = [week for week in period.weeks if week.starts_at <= now()]
    grids = _grids(session, within, day_within(period, today()))
    if grid_code is not None:
        (top,) = _grids(session, Grid.code == grid_code, day_within(period, today())).values()
    pairs = _pair_weeks(session, within, grids, weeks)
    holidays = _holidays(load_calendar(session), weeks)
    lines = _lines(session, by, grids, pairs, holidays)
    used = {pair.policy_id for pair in pairs}
    return PeriodStanding(
        period=period,
        by=by,
        grid=top,
        weeks=tuple(weeks),
        to_come=len(period.weeks) - len(weeks),
        total=sum((line.total for line in lines), Sums()),
        lines=tuple(lines),
        policies=tuple(row for row in stored_policies(session) if row.policy_id in used),
    )


def _within(session: Session, actor: Actor, grid_code: str | None) -> ColumnElement[bool]:
    if grid_code is None:
        return scope_of(actor, Action.READ_COMPLIANCE).clause(Grid.path)
    path = session.scalar(select(Grid.path).where(Grid.code == grid_code))
    if path is None:
        raise GridUnknown
    require(actor, Action.READ_COMPLIANCE, path, missing=GridUnknown)
    return func.starts_with(Grid.path, path)


def _grids(session: Session, within: ColumnElement[bool], day: date) -> dict[int, StandingGrid]:
    """Every grid that ever was there, as it is called on the day."""
    rows = session.execute(
        select(
            Grid.grid_id,
            Grid.code,
            func.coalesce(GridVersion.name, Grid.code),
            Grid.level,
            Grid.path,
            func.coalesce(GridVersion.kind, ""),
        )
        .outerjoin(GridVersion, and_(GridVersion.grid_id == Grid.grid_id, version_on(day)))
        .where(within)
    )
    return {row[0]: StandingGrid(*row) for row in rows}


# ------------------------------------------------------------------------------------------- pairs and weeks


def _pair_weeks(
    session: Session, within: ColumnElement[bool], grids: Mapping[int, StandingGrid], weeks: Collection[Week]
) -> list[PairWeek]:
    if not weeks or not grids:
        return []
    streets = {grid.path.partition("/")[0] for grid in grids.values()}
    written = _written_down(session, streets, weeks)
    found = _frozen(session, grids, written)
    for week in weeks:
        open_streets = [street for street in streets if (week.monday, street) not in written]
        if open_streets:
            here = and_(within, Grid.street_code.in_(open_streets) if len(streets) > 1 else true())
            standing = grids_in_week(session, here, week)
            found += [
                PairWeek(
                    week,
                    pair.grid.grid_id,
                    pair.person_id,
                    pair.person_name,
                    pair.policy.required_per_week,
                    pair.counted,
                    pair.policy_id,
                )
                for pair in pairs_in_week(session, standing, week)
            ]
    return found


def _written_down(
    session: Session, streets: Collection[str], weeks: Collection[Week]
) -> set[tuple[date, str]]:
    """Weeks and streets whose results were frozen and that no decision has touched since."""
    mondays = [week.monday for week in weeks]
    frozen = and_(FrozenWeek.week.in_(mondays), FrozenWeek.street_code.in_(streets))
    touched = (
        select(FrozenWeek.week, FrozenWeek.street_code)
        .join(PatrolVerdict, PatrolVerdict.week == FrozenWeek.week)
        .join(Grid, and_(Grid.grid_id == PatrolVerdict.grid_id, Grid.street_code == FrozenWeek.street_code))
        .join(PatrolDecision, PatrolDecision.patrol_id == PatrolVerdict.patrol_id)
        .where(frozen, PatrolDecision.decided_at > FrozenWeek.frozen_at - _AROUND_FREEZING)
        .distinct()
    )
    rows = session.execute(select(FrozenWeek.week, FrozenWeek.street_code).where(frozen))
    return {(row[0], row[1]) for row in rows} - {(row[0], row[1]) for row in session.execute(touched)}


def _frozen(
    session: Session, grids: Mapping[int, StandingGrid], written: Collection[tuple[date, str]]
) -> list[PairWeek]:
    if not written:
        return []
    rows = session.execute(
        select(
            WeekResult.week,
            WeekResult.grid_id,
            WeekResult.person_id,
            Person.name,
            WeekResult.required,
            WeekResult.counted,
            WeekResult.policy_id,
        )
        .join(Person, Person.person_id == WeekResult.person_id)
        .where(WeekResult.week.in_({monday for monday, _ in written}), WeekResult.grid_id.in_(grids))
    )
    return [
        PairWeek(Week(row[0]), *row[1:])
        for row in rows
        if (row[0], grids[row[1]].path.partition("/")[0]) in written
    ]


def _holidays(calendar: WorkCalendar, weeks: Iterable[Week]) -> dict[Week, int]:
    return {week: len(calendar.long_holidays(week.monday, week.sunday)) for week in weeks}


# ------------------------------------------------------------------------------------------------- adding up


def _lines(
    session: Session,
    by: By,
    grids: Mapping[int, StandingGrid],
    pairs: Iterable[PairWeek],
    holidays: Mapping[Week, int],
) -> list[Line]:
    grouped: dict[tuple[str, uuid.UUID | None], dict[Week, Sums]] = defaultdict(dict)
    heads: dict[tuple[str, uuid.UUID | None], tuple[StandingGrid, str | None]] = {}
    for pair in pairs:
        grid = grids[pair.grid_id]
        key = (_code_of(by, grid), pair.person_id if by is By.MEMBER else None)
        weeks = grouped[key]
        weeks[pair.week] = weeks.get(pair.week, Sums()) + sums_of(pair, holidays[pair.week])
        heads[key] = grid, pair.person_name if by is By.MEMBER else None
    names = _division_names(session, {code for code, _ in grouped}) if by in (By.COMMUNITY, By.STREET) else {}
    lines = []
    for (code, person_id), weeks in grouped.items():
        grid, person_name = heads[code, person_id]
        is_grid = by in (By.MEMBER, By.GRID)
        name = grid.name if is_grid else names.get(code, code)
        level = grid.level if is_grid else None
        total = sum(weeks.values(), Sums())
        lines.append(Line(code, name, level, person_id, person_name, total, dict(sorted(weeks.items()))))
    return sorted(lines, key=lambda line: line.place)


def sums_of(pair: PairWeek, holidays: int) -> Sums:
    """One pair in one week; `holidays` of its days lie in a long legal holiday."""
    less = prorated(pair.required, _WEEK_DAYS - holidays, _WEEK_DAYS)
    return Sums(
        pairs_due=1,
        pairs_met=int(pair.counted >= pair.required),
        patrols_needed=pair.required,
        patrols_counted=min(pair.counted, pair.required),
        exempted_needed=less,
        exempted_met=int(pair.counted >= less),
    )


def _code_of(by: By, grid: StandingGrid) -> str:
    """Digits 7 to 15 of a grid code are the street, 7 to 18 the community."""
    if by is By.STREET:
        return grid.code[6:15]
    return grid.code[6:18] if by is By.COMMUNITY else grid.code


def _division_names(session: Session, codes: Collection[str]) -> dict[str, str]:
    rows = session.execute(select(Division.code, Division.name).where(Division.code.in_(codes)))
    return {row.code: row.name for row in rows}
