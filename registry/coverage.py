"""Does the division cover everything: the ground, and every object on it (clause 4.1, appendix A item 1)?

The ground is the street's outline where the boundary layer holds one with its code (geo.tiles.base_layers).
Official outlines are not public; without one it is that of the level-1 grids together.
"""

import uuid
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, exists, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from access.roles import Action
from access.scope import Actor, require
from core.errors import NotFound
from geo.codes import Reason
from geo.ground import Covered, covered, united
from geo.models import Division, Grid, GridVersion
from geo.queries import standing_on, version_on
from geo.tiles.base_layers import outline_of
from registry.inventory import (
    Figures,
    Registered,
    inventory_of,
    level_of,
    registered_in,
    standing_buildings,
)
from registry.models import Building
from registry.placing import OF_BUILDINGS, grid_at

PLANE_LEVELS = (1, 2, 3)  # floors and counters have no ground of their own (5.2.5)


class Why(StrEnum):
    """Why a building lies in no grid of a level."""

    OUTSIDE = "outside-every-grid"
    RETIRED = "grid-retired"
    NOT_DIVIDED = "not-divided"


REASONS = {
    Why.OUTSIDE: Reason(Why.OUTSIDE, "不在任何网格内", "it lies in no grid"),
    Why.RETIRED: Reason(Why.RETIRED, "所在网格已撤销", "the grid it lay in was retired"),
    Why.NOT_DIVIDED: Reason(
        Why.NOT_DIVIDED, "所在网格在此处没有下级网格", "the grid it lies in has no grid below it here"
    ),
}


@dataclass(frozen=True, slots=True)
class LevelCoverage:
    """What lies in a grid of this level."""

    level: int
    grids: int
    ground: Covered
    inside: Figures
    registered: Registered


@dataclass(frozen=True, slots=True)
class Orphan:
    """A building in no grid of the level asked for; `grid_*` name the grid above that it does lie in."""

    building_id: uuid.UUID
    name: str
    compound: str | None
    lon: float
    lat: float
    households: int | None
    grid_code: str | None
    grid_name: str | None
    why: Why


@dataclass(frozen=True, slots=True)
class Coverage:
    """The street by level; `objects` and `registered` are everything that should lie in a grid."""

    street_code: str
    street_name: str
    objects: Figures
    registered: Registered
    levels: tuple[LevelCoverage, ...]
    has_outline: bool  # whether the ground is that of an imported outline


def coverage_of(session: Session, actor: Actor, street_code: str, day: date) -> Coverage:
    """What of the street's ground and objects lies in grids on the day. Raises: NotFound, Forbidden."""
    division = _street(session, actor, street_code)
    inventory, sites = inventory_of(session, street_code, day), registered_in(session, street_code, day)
    shapes: dict[int, list[bytes]] = {level: [] for level in PLANE_LEVELS}
    rows = session.execute(
        select(Grid.level, func.ST_AsBinary(GridVersion.geom))
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(
            Grid.street_code == street_code, GridVersion.geom.is_not(None), standing_on(day), version_on(day)
        )
    )
    for level, wkb in rows:
        shapes[level].append(bytes(wkb))
    outline = outline_of(session, street_code)
    ground = united(shapes[1]) if outline is None else outline
    return Coverage(
        street_code,
        division.name,
        inventory.total,
        sum(sites.values(), Registered()),
        tuple(
            LevelCoverage(
                level,
                len(shapes[level]),
                covered(ground, united(shapes[level])),
                inventory.at_level(level),
                sum((there for path, there in sites.items() if level_of(path) >= level), Registered()),
            )
            for level in PLANE_LEVELS
        ),
        has_outline=outline is not None,
    )


def orphans_of(
    session: Session,
    actor: Actor,
    street_code: str,
    day: date,
    *,
    level: int,
    after: uuid.UUID | None,
    limit: int,
) -> list[Orphan]:
    """Standing buildings of the street in no grid of the level, by id. Raises: NotFound, Forbidden."""
    _street(session, actor, street_code)
    placed = grid_at(OF_BUILDINGS, day)
    why = case(
        (placed.c.code.is_not(None), Why.NOT_DIVIDED.value),
        (_lay_in_a_retired_grid(day), Why.RETIRED.value),
        else_=Why.OUTSIDE.value,
    )
    statement = (
        select(
            Building.building_id,
            Building.name,
            Building.compound,
            func.ST_X(Building.geom).label("lon"),
            func.ST_Y(Building.geom).label("lat"),
            Building.households,
            placed.c.code.label("grid_code"),
            placed.c.name.label("grid_name"),
            why.label("why"),
        )
        .outerjoin(placed, true())
        .where(Building.street_code == street_code, standing_buildings(day))
        .where(or_(placed.c.level.is_(None), placed.c.level < level))
        .order_by(Building.building_id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(Building.building_id > after)
    return [_orphan(row) for row in session.execute(statement)]


def _orphan(row: Row[Any]) -> Orphan:
    return Orphan(**{**row._asdict(), "why": Why(row.why)})


def _street(session: Session, actor: Actor, street_code: str) -> Division:
    """The street, if the actor reads places in all of it."""
    require(actor, Action.READ_PLACES, f"{street_code}/")
    division = session.get(Division, street_code)
    if division is None:
        raise NotFound
    return division


def _lay_in_a_retired_grid(day: date) -> ColumnElement[bool]:
    """Whether a grid that no longer stands on the day was put by hand, or lay around the building."""
    grid, version = aliased(Grid), aliased(GridVersion)
    return exists(
        select(grid.grid_id)
        .join(version, version.grid_id == grid.grid_id)
        .where(
            grid.street_code == Building.street_code,
            grid.retired_on <= day,
            or_(
                grid.grid_id == Building.manual_grid_id,
                and_(version.geom.is_not(None), func.ST_Covers(version.geom, Building.geom)),
            ),
        )
    )
