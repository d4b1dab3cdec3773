"""The grids of one level of a street as an index, for reports that place thousands of things at once."""

from datetime import date

import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.locating.index import GridIndex, IndexedGrid
from geo.models import Grid, GridVersion
from geo.queries import standing_on, version_on


def level_index(session: Session, street_code: str, level: int, day: date) -> GridIndex:
    """An index of the grids of the level that stand on the day; about 0.1 ms a grid to build."""
    rows = session.execute(
        select(Grid.grid_id, func.ST_AsBinary(GridVersion.geom))
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(Grid.street_code == street_code, Grid.level == level)
        .where(GridVersion.geom.is_not(None), standing_on(day), version_on(day))
    )
    return GridIndex(
        [IndexedGrid(grid_id, level, None, shapely.from_wkb(bytes(wkb))) for grid_id, wkb in rows]
    )
