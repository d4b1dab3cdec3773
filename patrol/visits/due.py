"""The due list: households of a part of the tree on a day, the most pressing first. Read-only.

Nothing is stored: the households follow from the division of the day (registry/placing.py) and what was done
from the visits, whoever made them. So an approved plan, a new worker, a late upload or a correction moves
lines of the list in the same moment in which it holds, and there is no job that could be late.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Date,
    Integer,
    Row,
    Select,
    Subquery,
    and_,
    any_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from access.scope import Actor
from core.clock import LOCAL_ZONE, day_begins
from core.keys import among
from patrol.visits.advice import ENOUGH_ATTEMPTS, RANKS, Advice, Figures, State, advise
from patrol.visits.asked import Asked, AskedOfHouseholds, asked_of_households
from patrol.visits.counting import ATTEMPTS, Outcome, VisitFact
from patrol.visits.doors import DoorPlate, doors_of, part_of_tree, plates_of, visited_kinds
from patrol.visits.models import Visit

_NEVER = date(1, 1, 1)
_ATTEMPTS = [outcome.value for outcome in ATTEMPTS]
NOT_DONE = frozenset(set(State) - {State.DONE})


@dataclass(frozen=True, slots=True)
class DueCursor:
    """The last line of a page; the next page begins behind it."""

    rank: int
    last_on: date
    door: str
    household_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class DueLine:
    """One household on the list."""

    household_id: uuid.UUID
    figures: Figures
    plate: DoorPlate
    advice: Advice
    cursor: DueCursor


@dataclass(frozen=True, slots=True)
class DueList:
    """A page of the list, and how many households stand where in all of it, those that are done too."""

    lines: tuple[DueLine, ...]
    counts: Mapping[State, int]
    asked: AskedOfHouseholds
    looked_back_to: date  # visits before that day are not looked at


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a list as the database ranks them, with what they were ranked by."""

    rows: Sequence[Row[Any]]
    counts: Mapping[State, int]
    asked: AskedOfHouseholds
    day: date
    since: date


def due_list(
    session: Session,
    actor: Actor,
    grid_code: str | None,
    day: date,
    *,
    after: DueCursor | None = None,
    limit: int,
    states: frozenset[State] = NOT_DONE,
) -> DueList:
    """Lines of these states, special households first, then the longest unvisited, door by door.

    Raises: GridUnknown, Forbidden.
    """
    listing = listing_of(session, actor, grid_code, day, after=after, limit=limit, states=states)
    lines = lines_of(session, listing, listing.rows)
    return DueList(tuple(lines), listing.counts, listing.asked, listing.since)


def listing_of(
    session: Session,
    actor: Actor,
    grid_code: str | None,
    day: date,
    *,
    after: DueCursor | None = None,
    limit: int,
    states: frozenset[State] = NOT_DONE,
) -> Listing:
    """The rows of `due_list` without names and advice. Raises: GridUnknown, Forbidden."""
    part = part_of_tree(session, actor, grid_code, day)
    asked = asked_of_households(session, part.path, part.kind, day)
    since = date(day.year - 1, 1, 1)
    doors = doors_of(part, day, visited_kinds(asked.kinds, day))
    rows = session.execute(_page(_ranked(doors, asked, day, since), states, after, limit)).all()
    counts = {state: int(getattr(rows[0], state.value)) for state in State}
    return Listing([row for row in rows if row.household_id is not None], counts, asked, day, since)


def _page(ranked: CTE, states: frozenset[State], after: DueCursor | None, limit: int) -> Any:
    """One row per line, each with the counts of the whole list; one row without a line for an empty page."""
    counts = select(
        *(func.count().filter(ranked.c.rank == rank).label(state.value) for rank, state in enumerate(RANKS))
    ).subquery()
    key = (ranked.c.rank, ranked.c.last_key, ranked.c.door, ranked.c.household_id)
    page = (
        select(ranked)
        .where(ranked.c.rank.in_([RANKS.index(state) for state in states]))
        .order_by(*key)
        .limit(limit)
    )
    if after is not None:
        page = page.where(tuple_(*key) > (after.rank, after.last_on, after.door, after.household_id))
    lines = page.subquery()
    order = (lines.c.rank, lines.c.last_key, lines.c.door, lines.c.household_id)
    return select(counts, lines).select_from(counts.outerjoin(lines, true())).order_by(*order)


def _ranked(doors: CTE, asked: AskedOfHouseholds, day: date, since: date) -> CTE:
    """Every door with its figures and its place on the list."""
    one = _figures(doors, asked, day, since).c
    is_special_due = and_(one.is_special, one.done_special < (asked.special.count if asked.special else 0))
    rank = case(
        (and_(is_special_due, one.tried_special >= ENOUGH_ATTEMPTS), RANKS.index(State.SPECIAL_ATTEMPTED)),
        (is_special_due, RANKS.index(State.SPECIAL_DUE)),
        (one.follow_up_on <= day, RANKS.index(State.FOLLOW_UP)),
        (one.done_full >= (asked.full.count if asked.full else 0), RANKS.index(State.DONE)),
        (one.tried_full >= ENOUGH_ATTEMPTS, RANKS.index(State.ATTEMPTED)),
        else_=RANKS.index(State.DUE),
    )
    shown = ("household_id", "is_special", "door", "last_on", "done_special", "done_full", "follow_up_on")
    return _once(
        select(
            *(one[name] for name in shown),
            func.ST_X(one.point).label("lon"),
            func.ST_Y(one.point).label("lat"),
            rank.label("rank"),
            func.coalesce(one.last_on, _NEVER).label("last_key"),
            case((is_special_due, one.tried_special), else_=one.tried_full).label("attempt_days"),
        ),
        "ranked",
    )


def _figures(doors: CTE, asked: AskedOfHouseholds, day: date, since: date) -> CTE:
    """Every door with what its visits say; one without visits too."""
    facts = _facts(doors, asked, day, since)
    numbers = ("done_special", "done_full", "tried_special", "tried_full")
    is_open = or_(facts.c.last_on.is_(None), facts.c.last_on < facts.c.follow_up_on)
    return _once(
        select(
            doors.c.household_id,
            doors.c.is_special,
            doors.c.door,
            doors.c.point,
            facts.c.last_on,
            *(func.coalesce(facts.c[name], 0).label(name) for name in numbers),
            case((is_open, facts.c.follow_up_on)).label("follow_up_on"),
        ).outerjoin(facts, facts.c.household_id == doors.c.household_id),
        "figures",
    )


def _once(statement: Select[*tuple[Any, ...]], name: str) -> CTE:
    """Worked out once and then read, however often it is named."""
    return statement.cte(name).prefix_with("MATERIALIZED", dialect="postgresql")


def _facts(doors: CTE, asked: AskedOfHouseholds, day: date, since: date) -> Subquery:
    """What the visits say of each household; the same rule as patrol/visits/counting.py.

    One pass, and no join of visits with what they come to: the planner takes both for a few rows.
    """
    visits = _visits_at(select(doors.c.household_id), day, since).subquery("seen").c
    counting = func.max(visits.midnight).filter(visits.outcome.in_(asked.outcomes))
    last_at = counting.over(partition_by=visits.household_id).label("last_at")
    shown = (visits[name] for name in ("household_id", "outcome", "follow_up_on", "midnight"))
    one = select(*shown, last_at).subquery("visited").c
    before = day_begins(since - timedelta(days=1))
    return (
        select(
            one.household_id,
            cast(func.timezone(LOCAL_ZONE.key, func.max(one.last_at)), Date).label("last_on"),
            _done(one, asked.special).label("done_special"),
            _done(one, asked.full).label("done_full"),
            _tried(one, asked.special, before).label("tried_special"),
            _tried(one, asked.full, before).label("tried_full"),
            func.max(one.follow_up_on).filter(one.outcome != Outcome.WITHDRAWN.value).label("follow_up_on"),
        )
        .group_by(one.household_id)
        .subquery("facts")
    )


def _visits_at(households: Select[Any], day: date, since: date) -> Select[Any]:
    """The visits at these households up to the day, each with the midnight before it.

    By the index alone and in its order: as a join it would be planned for a few doors. Days are counted off
    from a midnight, for clocks have not been changed here since 1991; asking for the zone takes ten times as
    long.
    """
    named = func.array(households.scalar_subquery())
    midnight = func.date_bin(timedelta(days=1), Visit.at, day_begins(since)).label("midnight")
    return select(Visit.household_id, Visit.outcome, Visit.follow_up_on, midnight).where(
        Visit.household_id == any_(named),
        Visit.at >= day_begins(since),
        Visit.at < day_begins(day + timedelta(days=1)),
    )


def _done(visits: ReadOnlyColumnCollection[str, Any], asked: Asked | None) -> ColumnElement[int]:
    """Days that count in the period. With a gap between them: exact up to two, for more an upper bound."""
    if asked is None:
        return literal(0)
    day, period = visits.midnight, asked.period
    counts = and_(
        visits.outcome.in_(asked.outcomes), day.between(day_begins(period.first), day_begins(period.last))
    )
    days = func.count(day.distinct()).filter(counts)
    if asked.min_gap_days <= 1:
        return days
    span = func.max(day).filter(counts) - func.min(day).filter(counts)
    return func.least(days, cast(func.extract("day", span), Integer) / asked.min_gap_days + 1)


def _tried(
    visits: ReadOnlyColumnCollection[str, Any], asked: Asked | None, before: datetime
) -> ColumnElement[int]:
    """The days in vain of the period since the last visit that counts."""
    if asked is None:
        return literal(0)
    day = visits.midnight
    since_last = and_(
        visits.outcome.in_(_ATTEMPTS),
        day > func.coalesce(visits.last_at, before),
        day >= day_begins(asked.period.first),
    )
    return func.count(day.distinct()).filter(since_last)


# ------------------------------------------------------------------------------------------------- one page


def lines_of(session: Session, listing: Listing, rows: Sequence[Row[Any]]) -> list[DueLine]:
    """Rows of the listing with their doors and the advice for each."""
    ids = [row.household_id for row in rows]
    plates, visits = plates_of(session, ids), _visits_of(session, ids, listing.since, listing.day)
    lines = []
    for row in rows:
        figures = Figures(
            state=RANKS[row.rank],
            is_special=row.is_special,
            last_on=row.last_on,
            done_special=row.done_special,
            done_full=row.done_full,
            attempt_days=row.attempt_days,
            follow_up_on=row.follow_up_on,
        )
        recent = visits.get(row.household_id, [])
        advice = advise(figures, listing.asked, recent, listing.day, listing.since)
        cursor = DueCursor(row.rank, row.last_key, row.door, row.household_id)
        lines.append(DueLine(row.household_id, figures, plates[row.household_id], advice, cursor))
    return lines


def _visits_of(
    session: Session, household_ids: list[uuid.UUID], since: date, day: date
) -> dict[uuid.UUID, list[VisitFact]]:
    rows = session.execute(
        select(Visit.visit_id, Visit.household_id, Visit.person_id, Visit.at, Visit.outcome).where(
            among(Visit.household_id, household_ids),
            Visit.at >= day_begins(since),
            Visit.at < day_begins(day + timedelta(days=1)),
        )
    )
    found: dict[uuid.UUID, list[VisitFact]] = {}
    for visit_id, household_id, person_id, at, outcome in rows:
        fact = VisitFact(visit_id, household_id, person_id, at, Outcome(outcome))
        found.setdefault(household_id, []).append(fact)
    return found
