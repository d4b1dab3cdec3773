"""The ground that an actor may see coverage of: the cells of grids as they stand on a day. Read-only."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from sqlalchemy import ColumnElement, and_, case, false, func, or_, select, true
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, Scope, require, scope_of
from geo.cells import COVERAGE_RESOLUTION, Cells, parents_of, unpacked
from geo.models import CGCS2000, Grid, GridVersion
from geo.queries import BBox, standing_on, version_on
from patrol.judging.evidence import area_of
from patrol.rights import GridUnknown


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Cells of one street, sorted. `fine` are those of the finest resolution where only a part is meant."""

    street_code: str
    cells: Cells
    fine: Cells | None


@dataclass(frozen=True, slots=True)
class Area:
    """What is asked about: a grid, or everything in the actor's scope."""

    grid_code: str | None
    scope: Scope
    shows_days: bool  # whoever may not read patrols does not learn on which day somebody came by

    @property
    def is_small(self) -> bool:
        """Whether it is a part of one street."""
        return bool(self.scope.prefixes) and all(prefix.count("/") > 1 for prefix in self.scope.prefixes)


def area_asked(session: Session, actor: Actor, grid_code: str | None) -> Area:
    """The grid with all below it, or all that the actor may read; a floor is as large as the grid around it.

    Raises: GridUnknown, Forbidden.
    """
    readable = scope_of(actor, Action.READ_PATROLS)
    if grid_code is None:
        scope = scope_of(actor, Action.READ_COMPLIANCE)
        return Area(None, scope, all(readable.covers(prefix) for prefix in scope.prefixes))
    path = session.scalar(select(Grid.path).where(Grid.code == grid_code))
    if path is None:
        raise GridUnknown
    require(actor, Action.READ_COMPLIANCE, path, missing=GridUnknown)
    return Area(grid_code, Scope((path,)), readable.covers(path))


def area_of_street(actor: Actor, street_code: str) -> Area:
    """The whole of a street. Raises: GridUnknown, Forbidden."""
    path = f"{street_code}/"
    require(actor, Action.READ_COMPLIANCE, path, missing=GridUnknown)
    return Area(None, Scope((path,)), scope_of(actor, Action.READ_PATROLS).covers(path))


def grounds_of(
    session: Session, scope: Scope, day: date, resolution: int, *, box: BBox | None = None
) -> list[Ground]:
    """The cells of the scope by street, in the order of their codes; at least all of those in the box."""
    # The shape is only needed where no cells are stored, and is much longer.
    shape = case((GridVersion.cells.is_(None), func.ST_AsBinary(GridVersion.geom)))
    rows = session.execute(
        select(Grid.street_code, GridVersion.cells, shape)
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(_outermost(scope), standing_on(day), version_on(day), GridVersion.geom.is_not(None))
        .where(true() if box is None else _touches(box))
        .order_by(Grid.street_code, Grid.code)
    )
    parts: dict[str, list[Cells]] = defaultdict(list)
    for street_code, cells, wkb in rows:
        own = area_of(bytes(wkb), b"", 0.0).cells if cells is None else unpacked(cells)
        parts[street_code].append(own)
    return [_ground(code, found, resolution, scope.covers(f"{code}/")) for code, found in parts.items()]


def _outermost(scope: Scope) -> ColumnElement[bool]:
    """The grids that together are the ground of the scope: level 1 of streets, or the grids it names.

    Floors and counters have no ground of their own (5.2.5): that of the grid around them stands for it.
    """
    return or_(false(), *(_ground_of(prefix) for prefix in scope.prefixes))


def _ground_of(prefix: str) -> ColumnElement[bool]:
    street_code, slash, below = prefix.partition("/")
    if not below:
        whole = f"{street_code}/" if slash else street_code
        return and_(Grid.level == 1, Scope((whole,)).clause(Grid.path))
    plane = "/".join(below.split("/")[:3])  # levels 1 to 3
    return Grid.path == f"{street_code}/{plane.rstrip('/')}/"


def _touches(box: BBox) -> ColumnElement[bool]:
    return GridVersion.geom.op("&&", is_comparison=True)(func.ST_MakeEnvelope(*box, CGCS2000))


def _ground(street_code: str, parts: Sequence[Cells], resolution: int, is_whole: bool) -> Ground:
    coarse = [_without_repeats(parents_of(cells, resolution)) for cells in parts]
    needs_fine = not is_whole and resolution < COVERAGE_RESOLUTION
    fine = np.unique(np.concatenate(parts)) if needs_fine else None
    return Ground(street_code, np.unique(np.concatenate(coarse)), fine)


def _without_repeats(cells: Cells) -> Cells:
    """Parents of sorted cells are sorted too."""
    return cells[np.concatenate([[True], cells[1:] != cells[:-1]])] if len(cells) else cells
