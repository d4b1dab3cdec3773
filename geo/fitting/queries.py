"""How the stored grids of a day fit: a whole street with its neighbours, or everything below one grid."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from core.errors import NotFound
from geo.fitting.faults import TreeCheck, check_top, check_tree
from geo.models import CGCS2000, Grid, GridVersion
from geo.queries import PathScope, standing_on, version_on


@dataclass(frozen=True, slots=True)
class PlacedGrid:
    """A grid as it lies on some day."""

    code: str
    name: str
    level: int
    parent_id: int | None
    shape: BaseGeometry


@dataclass(frozen=True, slots=True)
class TopologyReport:
    """What was found, by grid id, and the grids themselves."""

    check: TreeCheck[int]
    grids: Mapping[int, PlacedGrid]


def topology_below(session: Session, below: PathScope, day: date) -> TopologyReport:
    """How the grids of this part of the tree fill their parents."""
    grids = _placed(session, below.clause(Grid.path), day)
    return TopologyReport(_tree(grids), grids)


def topology_of_street(session: Session, street_code: str, day: date, *, gap_m: float) -> TopologyReport:
    """The same for a street, its level-1 grids also compared among themselves and with the streets around.

    Between grids of level 1, which have no parent to fill, gaps narrower than `gap_m` are looked for.
    Raises: NotFound when the street has no grids on that day.
    """
    grids = _placed(session, Grid.street_code == street_code, day)
    if not grids:
        raise NotFound
    check = _tree(grids)
    tops = {key: grid.shape for key, grid in grids.items() if grid.level == 1}
    near = _beside(session, street_code, list(tops.values()), day)
    top = check_top(tops, {key: grid.shape for key, grid in near.items()}, gap_m=gap_m)
    check.faults += top.faults
    check.grids += top.grids
    return TopologyReport(check, {**near, **grids})


def _tree(grids: Mapping[int, PlacedGrid]) -> TreeCheck[int]:
    shapes = {key: grid.shape for key, grid in grids.items()}
    return check_tree(shapes, {key: grid.parent_id for key, grid in grids.items()})


def _beside(session: Session, street_code: str, tops: list[BaseGeometry], day: date) -> dict[int, PlacedGrid]:
    """Level-1 grids of other streets whose box touches that of these."""
    if not tops:
        return {}
    box = func.ST_MakeEnvelope(*shapely.total_bounds(tops).tolist(), CGCS2000)
    where = GridVersion.geom.op("&&", is_comparison=True)(box)
    return _placed(session, (Grid.level == 1) & (Grid.street_code != street_code) & where, day)


def _placed(session: Session, where: ColumnElement[bool], day: date) -> dict[int, PlacedGrid]:
    """Grids with a shape, by id, in the order of their codes."""
    rows = session.execute(
        select(
            Grid.grid_id,
            Grid.code,
            GridVersion.name,
            Grid.level,
            Grid.parent_id,
            func.ST_AsBinary(GridVersion.geom).label("wkb"),
        )
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(where, version_on(day), standing_on(day), GridVersion.geom.is_not(None))
        .order_by(Grid.code)
    ).all()
    shapes = shapely.from_wkb(np.array([bytes(row.wkb) for row in rows], dtype=object))
    return {
        row.grid_id: PlacedGrid(row.code, row.name, row.level, row.parent_id, shape)
        for row, shape in zip(rows, shapes, strict=True)
    }
