"""The grids of whole streets as they stand, to plan changes against."""

from collections.abc import Collection, Sequence
from datetime import date

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, defer

from geo.codes import parse
from geo.importing.plan import StoredGrid
from geo.models import CGCS2000, Grid, GridVersion


def stored_grids(
    session: Session, streets: Collection[str], tops: Sequence[BaseGeometry] = ()
) -> dict[str, StoredGrid]:
    """Every grid of the streets by code, newest version each; and other streets' level 1 around `tops`."""
    where: list[ColumnElement[bool]] = [Grid.street_code.in_(streets)]
    if tops:
        box = func.ST_MakeEnvelope(*shapely.total_bounds(tops).tolist(), CGCS2000)
        where.append(and_(Grid.level == 1, GridVersion.geom.op("&&", is_comparison=True)(box)))
    current = and_(GridVersion.grid_id == Grid.grid_id, GridVersion.valid_to.is_(None))
    rows = session.execute(
        select(Grid, GridVersion, func.ST_AsBinary(GridVersion.geom).label("wkb"))
        .outerjoin(GridVersion, current)
        .options(defer(GridVersion.geom), defer(GridVersion.geom_3857), defer(GridVersion.cells))
        .where(or_(*where))
    ).all()
    shapes = shapely.from_wkb(np.array([row.wkb and bytes(row.wkb) for row in rows], dtype=object))
    return {
        grid.code: _stored(grid, version, shape)
        for (grid, version, _), shape in zip(rows, shapes, strict=True)
    }


def _stored(grid: Grid, version: GridVersion | None, shape: BaseGeometry | None) -> StoredGrid:
    """A grid without a current version is as good as retired."""
    return StoredGrid(
        grid_id=grid.grid_id,
        code=parse(grid.code),
        level=grid.level,
        parent_id=grid.parent_id,
        path=grid.path,
        is_retired=grid.retired_on is not None or version is None,
        version=version.version if version else 0,
        version_id=version.version_id if version else None,
        changed_by=version.changed_by if version else "",
        changed_at=version.created_at if version else None,
        name=version.name if version else "",
        kind=version.kind if version else "",
        households=version.households if version else None,
        attributes=version.attributes if version else {},
        shape=shape,
        source_datum=version.source_datum if version else "",
        valid_from=version.valid_from if version else date.min,
    )
