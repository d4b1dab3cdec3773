"""Which stored patrols may be alike to some, or share a phone with them: three queries for a whole batch.

Read-only. Only what was delivered before the week of the patrol that asks was closed is found.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Double,
    FromClause,
    Select,
    Uuid,
    bindparam,
    column,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from core.clock import day_begins, local_date
from geo.models import CGCS2000
from patrol.judging.evidence import closing_of
from patrol.judging.likeness import Trace, middle_of
from patrol.models import Patrol, PatrolVerdict

# Copies have their middle in this box around their own: degrees and days.
_COPY_LON, _COPY_LAT, _COPY_DAYS = 7e-4, 6e-4, 35.0
# Walks of one time may overlap in part, so their middles lie further apart.
_BESIDE_LON, _BESIDE_LAT, _BESIDE_DAYS = 6e-3, 5e-3, 0.25
_MOST_COMPARED = 200  # the nearest in time first
_MIDDLE = ("lon", "lat", "day")


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A patrol that asks; what it lacks is not looked for."""

    patrol: Patrol
    mark: tuple[int, float] | None  # number of fixes and metres
    trace: Trace | None


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """A judged patrol in the neighbourhood; its trace as stored."""

    patrol_id: uuid.UUID
    person_id: uuid.UUID
    started_at: datetime
    trace: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """What was found for one patrol, the earliest first."""

    exact: list[tuple[uuid.UUID, datetime]] = field(default_factory=list)  # in its grid with its very mark
    near: list[Near] = field(default_factory=list)
    sharers: list[tuple[uuid.UUID, uuid.UUID]] = field(default_factory=list)  # patrol and other person


def neighbours_of(session: Session, asked: Sequence[Asked]) -> dict[uuid.UUID, Neighbours]:
    """The neighbours of each of these patrols."""
    found = {one.patrol.patrol_id: Neighbours() for one in asked}
    _find_exact(session, asked, found)
    _find_near(session, asked, found)
    _find_sharers(session, asked, found)
    return found


def _find_exact(session: Session, asked: Sequence[Asked], found: dict[uuid.UUID, Neighbours]) -> None:
    """Patrols of the grid with exactly this track, at another time."""
    given = [
        {**_own(one.patrol), "grid_id": one.patrol.grid_id, "fix_count": one.mark[0], "length_m": one.mark[1]}
        for one in asked
        if one.mark is not None
    ]
    for of_id, patrol_id, started_at in _rows(session, _exact_statement(), given):
        found[of_id].exact.append((patrol_id, started_at))


def _find_near(session: Session, asked: Sequence[Asked], found: dict[uuid.UUID, Neighbours]) -> None:
    """Judged patrols whose middle lies near this one's, by the index over place and time."""
    given = [
        {**_own(one.patrol), **dict(zip(_MIDDLE, middle_of(one.trace), strict=True))}
        for one in asked
        if one.trace is not None
    ]
    known: dict[uuid.UUID, Near] = {}  # most are near to several of a batch
    for of_id, patrol_id, *row in _rows(session, _near_statement(), given):
        if patrol_id not in known:
            known[patrol_id] = Near(patrol_id, *row)
        found[of_id].near.append(known[patrol_id])
    for one in found.values():
        one.near.sort(key=lambda other: (other.started_at, other.patrol_id))


def _find_sharers(session: Session, asked: Sequence[Asked], found: dict[uuid.UUID, Neighbours]) -> None:
    """Patrols that other people made with this phone on the same day."""
    given = [
        {
            **_own(one.patrol),
            "device_id": one.patrol.device_id,
            "person_id": one.patrol.person_id,
            "midnight": day_begins(local_date(one.patrol.started_at)),
        }
        for one in asked
        if one.patrol.device_id is not None
    ]
    for of_id, patrol_id, person_id in _rows(session, _sharers_statement(), given):
        found[of_id].sharers.append((patrol_id, person_id))


def _own(patrol: Patrol) -> dict[str, Any]:
    return {
        "patrol_id": patrol.patrol_id,
        "started_at": patrol.started_at,
        "closing": closing_of(patrol),
    }


def _rows(
    session: Session, statement: Select[*tuple[Any, ...]], given: list[dict[str, Any]]
) -> Iterable[Any]:
    if not given:
        return ()
    return session.execute(statement, {f"{name}s": [one[name] for one in given] for name in given[0]})


# ------------------------------------------------------------------------------------------- statements

_MOMENT: TypeEngine[Any] = DateTime(timezone=True)


def _these(**more: TypeEngine[Any]) -> FromClause:
    """The patrols that ask, a row each."""
    types = {"patrol_id": Uuid(), "started_at": _MOMENT, "closing": _MOMENT, **more}
    lists = (bindparam(f"{name}s", type_=ARRAY(kind)) for name, kind in types.items())
    columns = (column(name, kind) for name, kind in types.items())
    return func.unnest(*lists).table_valued(*columns).render_derived(name="this")


def _in_time(this: FromClause) -> ColumnElement[bool]:
    """What was delivered after a week was closed changes nothing in it."""
    return or_(this.c.closing.is_(None), Patrol.start_received_at < this.c.closing)


@cache
def _exact_statement() -> Select[*tuple[Any, ...]]:
    """Built once, like those below: that takes longer than running it."""
    this = _these(grid_id=BigInteger(), fix_count=BigInteger(), length_m=Double())
    return (
        select(this.c.patrol_id, PatrolVerdict.patrol_id, PatrolVerdict.started_at)
        .select_from(this)
        .join(
            PatrolVerdict,
            (PatrolVerdict.grid_id == this.c.grid_id)
            & (PatrolVerdict.fix_count == this.c.fix_count)
            & (PatrolVerdict.length_m == this.c.length_m),
        )
        .join(Patrol, Patrol.patrol_id == PatrolVerdict.patrol_id)
        .where(
            PatrolVerdict.patrol_id != this.c.patrol_id,
            PatrolVerdict.started_at != this.c.started_at,
            _in_time(this),
        )
        .order_by(PatrolVerdict.started_at, PatrolVerdict.patrol_id)
    )


@cache
def _near_statement() -> Select[*tuple[Any, ...]]:
    this = _these(lon=Double(), lat=Double(), day=Double())
    apart = func.abs(func.extract("epoch", PatrolVerdict.started_at - this.c.started_at))
    columns: list[Any] = [
        PatrolVerdict.patrol_id,
        PatrolVerdict.person_id,
        PatrolVerdict.started_at,
        PatrolVerdict.trace,
    ]
    near = (
        select(*columns)
        .join(Patrol, Patrol.patrol_id == PatrolVerdict.patrol_id)
        .where(
            or_(
                _in_box(this, (_COPY_LON, _COPY_LAT, _COPY_DAYS)),
                _in_box(this, (_BESIDE_LON, _BESIDE_LAT, _BESIDE_DAYS)),
            ),
            PatrolVerdict.patrol_id != this.c.patrol_id,
            _in_time(this),
        )
        .order_by(apart, PatrolVerdict.patrol_id)
        .limit(_MOST_COMPARED)
        .lateral("near")
    )
    return select(this.c.patrol_id, *near.c).select_from(this).join(near, true())


def _in_box(this: FromClause, reach: Sequence[float]) -> ColumnElement[bool]:
    low, high = (
        func.ST_MakePoint(*(this.c[axis] + sign * by for axis, by in zip(_MIDDLE, reach, strict=True)))
        for sign in (-1, 1)
    )
    box = func.ST_SetSRID(func.ST_MakeLine(low, high), CGCS2000)
    return PatrolVerdict.middle.op("&&&", is_comparison=True)(box)


@cache
def _sharers_statement() -> Select[*tuple[Any, ...]]:
    this = _these(device_id=Uuid(), person_id=Uuid(), midnight=_MOMENT)
    return (
        select(this.c.patrol_id, Patrol.patrol_id, Patrol.person_id)
        .select_from(this)
        .join(Patrol, Patrol.device_id == this.c.device_id)
        .where(
            Patrol.person_id != this.c.person_id,
            Patrol.started_at >= this.c.midnight,
            Patrol.started_at < this.c.midnight + timedelta(days=1),
            _in_time(this),
        )
        .order_by(Patrol.started_at, Patrol.patrol_id)
    )
