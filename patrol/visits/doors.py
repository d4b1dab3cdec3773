"""The doors of a part of the tree on a day: which households stand there, where, and in which order they lie.

Households of one building share its position, so a grid is looked for once per position and not once per
household: a street of 36,000 households has some 1,500 positions.
"""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import CTE, ColumnElement, Row, String, and_, any_, cast, func, select, true, union
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, Scope, require, scope_of
from core.errors import Forbidden
from geo.models import Grid, GridVersion
from geo.queries import version_on
from patrol.rights import GridUnknown
from registry.models import Address, Building
from registry.people.masking import mask_name
from registry.people.models import Household, Resident
from registry.people.placing import OF_HOUSEHOLDS, Door, House, at_their_doors, building_id
from registry.people.queries import standing
from registry.people.tags import special_on
from registry.placing import OF_BUILDINGS, Whereabouts, grid_at, near

NAMES_SHOWN = 3
_GRID_SLASHES = 2  # of the path of a grid: "<street>/<grid>/"
_HEAD = "head"  # of the household, GB/T 4761
_WIDTH = 6  # to which parts of a door are filled, so that 2 comes before 10


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the tree: what the actor sees of it, and the grid that was asked for; kind is its own."""

    scope: Scope
    below: Scope
    path: str
    kind: str


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


def doors_of(part: Part, day: date, *wanted: ColumnElement[bool]) -> CTE:
    """The wanted households that lie in the part on the day.

    Columns: household_id, is_special, point, building_id, and door, a text that puts neighbours side by side.
    """
    candidates = _candidates(part, day, wanted)
    inside = _spots_inside(part, day, candidates)
    same = and_(
        candidates.c.street_code == inside.c.street_code,
        candidates.c.point == inside.c.point,
        candidates.c.manual_grid_id.is_not_distinct_from(inside.c.manual_grid_id),
    )
    shown = ("household_id", "is_special", "point", "building_id", "door")
    return (
        select(*(candidates.c[name] for name in shown))
        .join(inside, same)
        .cte("doors")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )


def _candidates(part: Part, day: date, wanted: Iterable[ColumnElement[bool]]) -> CTE:
    """The wanted households near the part, by indexes alone."""
    statement: Any = at_their_doors(
        select(
            Household.household_id,
            Household.street_code,
            special_on(day).label("is_special"),
            OF_HOUSEHOLDS.point.label("point"),
            OF_HOUSEHOLDS.manual_grid_id.label("manual_grid_id"),
            building_id().label("building_id"),
            _in_order_of_doors().label("door"),
        )
    )
    near_by = statement.where(_near(part.below, day), *wanted)
    found: CTE = near_by.cte("candidates").prefix_with("MATERIALIZED", dialect="postgresql")
    return found


def _near(scope: Scope, day: date) -> ColumnElement[bool]:
    """A superset of the households in the scope, one index at a time: an OR over three tables uses none."""
    if any(prefix.count("/") < _GRID_SLASHES for prefix in scope.prefixes):
        return near(scope, OF_HOUSEHOLDS, day)
    buildings = select(Building.building_id).where(near(scope, OF_BUILDINGS, day))
    at_buildings = select(Address.address_id).where(Address.building_id.in_(buildings))
    own = Whereabouts(Address.street_code, (Address.geom,), (Address.manual_grid_id,))
    addresses = select(Address.address_id).where(near(scope, own, day))
    free = Whereabouts(Household.street_code, (Household.geom,), (Household.manual_grid_id,))
    ways = (
        near(scope, free, day),
        Household.building_id.in_(buildings),
        Household.address_id.in_(at_buildings),
        Household.address_id.in_(addresses),
    )
    found = union(*(select(Household.household_id).where(way) for way in ways))
    # As an array it is looked up in the key's index; as a subquery the planner reads all households.
    return Household.household_id == any_(func.array(found.scalar_subquery()))


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
    ).where(Household.household_id.in_(household_ids))
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
            Resident.household_id.in_(household_ids),
            Resident.left_on.is_(None),
            Resident.erased_at.is_(None),
        )
        .order_by(func.coalesce(Resident.relation, "") != _HEAD, Resident.created_at, Resident.resident_id)
    )
    found: dict[uuid.UUID, list[str]] = {}
    for household_id, name in rows:
        found.setdefault(household_id, []).append(mask_name(name))
    return {key: (tuple(names[:NAMES_SHOWN]), len(names)) for key, names in found.items()}
