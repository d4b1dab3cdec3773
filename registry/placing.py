"""Which grid a place lies in on a day: the deepest grid with a shape around its position.

Nothing is stored that could drift from the division: a boundary that moves, a plan that comes into force
tomorrow and a look at last year all find each place where it lies (docs/decisions/0010). Of two grids that
share the edge a place lies on, the one with the lower code has it. A place lies only in grids of its own
street. A grid chosen by hand goes first, for as long as it stands.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    any_,
    false,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased
from sqlalchemy.sql.selectable import LateralFromClause

from access.scope import EVERYWHERE, Scope
from geo.models import Grid, GridVersion
from geo.queries import standing_on, version_on
from registry.models import Address, Building, Checkpoint
from registry.organisations.models import Organisation

Place = type[Building] | type[Address] | type[Checkpoint]
Column = ColumnElement[Any] | InstrumentedAttribute[Any]


@dataclass(frozen=True, slots=True)
class PlacedIn:
    """The grid of a place on a day."""

    code: str
    name: str
    level: int
    path: str
    is_manual: bool


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The columns that say where a kind of place is."""

    street_code: Column
    points: tuple[Column, ...]  # the first that is not null counts
    manual_grid_ids: tuple[Column, ...]

    @property
    def point(self) -> ColumnElement[Any]:
        return func.coalesce(*self.points)

    @property
    def manual_grid_id(self) -> ColumnElement[Any]:
        return func.coalesce(*self.manual_grid_ids)


# An address or a checkpoint without a position of its own lies where its building lies.
Home = aliased(Building, name="home")

OF_BUILDINGS = Whereabouts(Building.street_code, (Building.geom,), (Building.manual_grid_id,))
OF_ADDRESSES = Whereabouts(
    Address.street_code, (Address.geom, Home.geom), (Address.manual_grid_id, Home.manual_grid_id)
)
OF_CHECKPOINTS = Whereabouts(
    Checkpoint.street_code, (Checkpoint.geom, Home.geom), (Checkpoint.manual_grid_id, Home.manual_grid_id)
)

OF_ORGANISATIONS = Whereabouts(
    Organisation.street_code,
    (Organisation.geom, Home.geom),
    (Organisation.manual_grid_id, Home.manual_grid_id),
)


def grid_at(place: Whereabouts, day: date | ColumnElement[date]) -> LateralFromClause:
    """The grid of each place on the day: at most one row with grid_id, code, name, level, path, is_manual.

    Join it to a statement over the place's tables: `.outerjoin(grid_at(OF_BUILDINGS, day), true())`.
    """
    is_manual = func.coalesce(GridVersion.grid_id == place.manual_grid_id, false())
    return (
        select(Grid.grid_id, Grid.code, GridVersion.name, Grid.level, Grid.path, is_manual.label("is_manual"))
        .join(GridVersion, Grid.grid_id == GridVersion.grid_id)
        .where(
            # Two indexes of one table, so that the planner can use both.
            or_(
                GridVersion.grid_id == place.manual_grid_id,
                func.ST_Covers(GridVersion.geom, place.point),
            ),
            Grid.street_code == place.street_code,
            standing_on(day),
            version_on(day),
        )
        .order_by(is_manual.desc(), Grid.level.desc(), Grid.code)
        .limit(1)
        .lateral("placed")
    )


def with_grids(
    statement: Select[*tuple[Any, ...]], place: Whereabouts, scope: Scope, day: date, *below: Scope
) -> Select[*tuple[Any, ...]]:
    """The statement with the grid of each place, narrowed to places that the scope shows.

    Adds the columns grid_code, grid_name, grid_level, grid_path, grid_is_manual. A place in no grid is shown
    to those who see its whole street. `below` narrows further, without showing more.
    """
    placed = grid_at(place, day)
    path = func.coalesce(placed.c.path, place.street_code + "/")
    return (
        statement.add_columns(
            placed.c.code.label("grid_code"),
            placed.c.name.label("grid_name"),
            placed.c.level.label("grid_level"),
            placed.c.path.label("grid_path"),
            placed.c.is_manual.label("grid_is_manual"),
        )
        .outerjoin(placed, true())
        .where(
            *(clause for part in (scope, *below) for clause in (near(part, place, day), part.clause(path)))
        )
    )


def placed_in(row: Row[Any]) -> PlacedIn | None:
    """The grid in a row of `with_grids`."""
    if row.grid_code is None:
        return None
    return PlacedIn(row.grid_code, row.grid_name, row.grid_level, row.grid_path, row.grid_is_manual)


def near(scope: Scope, place: Whereabouts, day: date) -> ColumnElement[bool]:
    """A superset of the places in the scope, by indexed columns alone: whoever walks one grid must not wait
    for the grid of every place of the street to be found.
    """
    return or_(*_near(scope, place, day)) if scope.prefixes else true()


def _near(scope: Scope, place: Whereabouts, day: date) -> Iterator[ColumnElement[bool]]:
    for prefix in scope.prefixes:
        street_code, slash, below = prefix.partition("/")
        if prefix == EVERYWHERE:
            yield true()
        elif not slash:
            yield Scope((prefix,)).clause(place.street_code)
        elif not below:
            yield place.street_code == street_code
        else:
            yield and_(place.street_code == street_code, _around(prefix, place, day))


def _around(prefix: str, place: Whereabouts, day: date) -> ColumnElement[bool]:
    """Places in the box of the grid that ends the path, or put by hand into it or a grid below."""
    version, inside = aliased(GridVersion), aliased(Grid)
    grid_id = int(prefix.rstrip("/").rpartition("/")[2])
    shape = (
        select(version.geom)
        .where(
            version.grid_id == grid_id,
            version.valid_from <= day,
            or_(version.valid_to.is_(None), version.valid_to > day),
        )
        .scalar_subquery()
    )
    below = select(inside.grid_id).where(Scope((prefix,)).clause(inside.path))
    by_hand = func.array(below.scalar_subquery())
    return or_(
        *(point.op("&&", is_comparison=True)(shape) for point in place.points),
        *(manual == any_(by_hand) for manual in place.manual_grid_ids),
    )
