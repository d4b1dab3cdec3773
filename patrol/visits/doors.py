"""The doors of a part of the tree on a day: which households stand there, where, and in which order they lie.

Households of one building share its position, so a grid is looked for once per position and not once per
household: a street of 36,000 households has some 1,500 positions.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Row,
    Select,
    String,
    Tuple,
    and_,
    any_,
    cast,
    func,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, Scope, require, scope_of
from core.errors import Forbidden
from core.keys import among
from geo.models import Grid, GridVersion
from geo.queries import version_on
from patrol.rights import GridUnknown
from registry.models import Address, Building
from registry.people.masking import mask_name
from registry.people.models import Household, HouseholdTag, Resident
from registry.people.placing import OF_HOUSEHOLDS, Door, House, at_their_doors, building_id
from registry.people.queries import standing
from registry.people.tags import makes_special
from registry.placing import OF_BUILDINGS, Whereabouts, grid_at, near

NAMES_SHOWN = 3
_GRID_SLASHES = 2  # of the path of a grid: "<street>/<grid>/"
_HEAD = "head"  # of the household, GB/T 4761
_NO_GRID = 0  # they are numbered from 1
_WIDTH = 6  # to which parts of a door are filled, so that 2 comes before 10


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the tree: what the actor sees of it, and the grid that was asked for; kind is its own."""

    scope: Scope
    below: Scope
    path: str
    kind: str

    @property
    def is_whole_streets(self) -> bool:
        """Then the street of a household says whether it lies in the part: no grid has to be found."""
        return all(
            prefix.rstrip("/").count("/") == 0 and self.scope.covers(prefix) for prefix in self.below.prefixes
        )


@dataclass(frozen=True, slots=True)
class DoorPlate:
    """What a worker needs to find a door, with names masked."""

    address: str | None
    building_id: uuid.UUID | None
    building: str | None
    entrance: str | None
    floor: str | None
    room: str | None
    lon: float
    lat: float
    names: tuple[str, ...]
    residents: int


def part_of_tree(
    session: Session,
    actor: Actor,
    grid_code: str | None,
    day: date,
    *,
    action: Action = Action.READ_HOUSEHOLDS,
) -> Part:
    """The grid with this code, or all where the actor may do this. Raises: GridUnknown, Forbidden."""
    scope = scope_of(actor, action)
    if grid_code is None:
        if scope.is_empty:
            told = "您没有该操作权限 / none of your roles allows this"
            raise Forbidden(told, action=action.value)
        path = scope.prefixes[0] if len(scope.prefixes) == 1 else ""
        return Part(scope, scope, path, "")
    found = session.execute(
        select(Grid.path, GridVersion.kind)
        .outerjoin(GridVersion, and_(GridVersion.grid_id == Grid.grid_id, version_on(day)))
        .where(Grid.code == grid_code)
    ).one_or_none()
    if found is None:
        raise GridUnknown
    require(actor, action, found.path, missing=GridUnknown)
    return Part(scope, Scope((found.path,)), found.path, found.kind or "")


def visited_kinds(kinds: Collection[str], day: date) -> ColumnElement[bool]:
    """Households that stand on the day and are of a kind that is visited."""
    return and_(standing(day), Household.kind.in_(kinds))


def doors_of(
    part: Part, day: date, *wanted: ColumnElement[bool], also: Sequence[ColumnElement[Any]] = ()
) -> CTE:
    """The wanted households that lie in the part on the day.

    Columns: household_id, is_special, point, building_id, door, a text that puts neighbours side by side, and
    what is asked for `also`, by its labels: of the tables of `at_their_doors`.
    """
    candidates = _candidates(part, day, wanted, also)
    is_special = _hashed(candidates.c.household_id.in_(_special_of(part, candidates, day))).label(
        "is_special"
    )
    shown = ("household_id", "point", "building_id", "door", *(one.name for one in also))
    statement = select(*(candidates.c[name] for name in shown), is_special)
    if not part.is_whole_streets:
        inside = _spots_inside(part, day, candidates)
        statement = statement.where(_hashed(_spot(candidates).in_(select(*_spot(inside)))))
    return statement.cte("doors").prefix_with("MATERIALIZED", dialect="postgresql")


def _hashed(is_among: ColumnElement[bool]) -> ColumnElement[bool]:
    """Looked up in a hash table. As a mere condition it would be planned as a join, and because the planner
    takes the doors of a street for a few rows, as one that compares each with each.
    """
    return is_among.is_(true())


def _spot(rows: CTE) -> Tuple:
    return tuple_(rows.c.street_code, rows.c.point, func.coalesce(rows.c.manual_grid_id, _NO_GRID))


def _candidates(
    part: Part, day: date, wanted: Iterable[ColumnElement[bool]], also: Iterable[ColumnElement[Any]]
) -> CTE:
    """The wanted households near the part, by indexes alone."""
    statement: Any = at_their_doors(
        select(
            Household.household_id,
            Household.street_code,
            OF_HOUSEHOLDS.point.label("point"),
            OF_HOUSEHOLDS.manual_grid_id.label("manual_grid_id"),
            building_id().label("building_id"),
            _in_order_of_doors().label("door"),
            *also,
        )
    )
    near_by = statement.where(_near(part.below, day), *wanted)
    found: CTE = near_by.cte("candidates").prefix_with("MATERIALIZED", dialect="postgresql")
    return found


def _special_of(part: Part, candidates: CTE, day: date) -> Select[Any]:
    """Households that are special, found at once and not one by one: of whole streets among all that are."""
    special = select(HouseholdTag.household_id).where(makes_special(day))
    if part.is_whole_streets:
        return special
    named = func.array(select(candidates.c.household_id).scalar_subquery())
    return special.where(HouseholdTag.household_id == any_(named))


def _near(scope: Scope, day: date) -> ColumnElement[bool]:
    """A superset of the households in the scope, by indexes of their own table: buildings and addresses are
    looked up first, for an OR over three tables uses none.
    """
    if any(prefix.count("/") < _GRID_SLASHES for prefix in scope.prefixes):
        return near(scope, OF_HOUSEHOLDS, day)
    buildings = select(Building.building_id).where(near(scope, OF_BUILDINGS, day))
    own = Whereabouts(Address.street_code, (Address.geom,), (Address.manual_grid_id,))
    addresses = union_all(
        select(Address.address_id).where(Address.building_id.in_(buildings)),
        select(Address.address_id).where(near(scope, own, day)),
    )
    free = Whereabouts(Household.street_code, (Household.geom,), (Household.manual_grid_id,))
    return or_(
        near(scope, free, day),
        Household.building_id == any_(func.array(buildings.scalar_subquery())),
        Household.address_id == any_(func.array(addresses.scalar_subquery())),
    )


def _spots_inside(part: Part, day: date, candidates: CTE) -> CTE:
    """The positions of the candidates, each once, that lie in the part."""
    columns = (candidates.c.street_code, candidates.c.point, candidates.c.manual_grid_id)
    spots = select(*columns).distinct().cte("spots")
    placed = grid_at(Whereabouts(spots.c.street_code, (spots.c.point,), (spots.c.manual_grid_id,)), day)
    path = func.coalesce(placed.c.path, spots.c.street_code + "/")
    return (
        select(spots)
        .outerjoin(placed, true())
        .where(part.scope.clause(path), part.below.clause(path))
        .cte("inside")
        # Else the planner joins first and looks once per household.
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )


def _in_order_of_doors() -> ColumnElement[str]:
    """A text by which neighbours stand beside each other: building, entrance, floor, room."""
    parts = (
        func.lpad(func.coalesce(part, ""), _WIDTH, "0")
        for part in (Household.entrance, Household.floor, Household.room)
    )
    home = func.coalesce(cast(building_id(), String), cast(Household.address_id, String), "")
    return func.concat_ws("/", home, *parts).collate("C")


def plates_of(session: Session, household_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, DoorPlate]:
    """Where to find each of these households, and who lives there."""
    names = _names_of(session, household_ids)
    statement = at_their_doors(
        select(
            Household.household_id,
            Door.text.label("address"),
            building_id().label("home_id"),
            (func.coalesce(House.compound, "") + House.name).label("building"),
            Household.entrance,
            Household.floor,
            Household.room,
            func.ST_X(OF_HOUSEHOLDS.point).label("lon"),
            func.ST_Y(OF_HOUSEHOLDS.point).label("lat"),
        )
    ).where(among(Household.household_id, household_ids))
    return {
        row.household_id: _plate(row, *names.get(row.household_id, ((), 0)))
        for row in session.execute(statement)
    }


def _plate(row: Row[Any], names: tuple[str, ...], residents: int) -> DoorPlate:
    return DoorPlate(
        address=row.address,
        building_id=row.home_id,
        building=row.building,
        entrance=row.entrance,
        floor=row.floor,
        room=row.room,
        lon=row.lon,
        lat=row.lat,
        names=names,
        residents=residents,
    )


def _names_of(
    session: Session, household_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, tuple[tuple[str, ...], int]]:
    rows = session.execute(
        select(Resident.household_id, Resident.name)
        .where(
            among(Resident.household_id, household_ids),
            Resident.left_on.is_(None),
            Resident.erased_at.is_(None),
        )
        .order_by(func.coalesce(Resident.relation, "") != _HEAD, Resident.created_at, Resident.resident_id)
    )
    found: dict[uuid.UUID, list[str]] = {}
    for household_id, name in rows:
        found.setdefault(household_id, []).append(mask_name(name))
    return {key: (tuple(names[:NAMES_SHOWN]), len(names)) for key, names in found.items()}
