"""What stands in the grids of a street: checkpoints, buildings and households. Read-only.

Thousands of places are put into grids at once by an index in memory, which finds the same as
registry/placing.py does one by one: a grid chosen by hand goes first, for as long as it stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from geo.cells import Cells, cells_of, neighbours_of
from geo.locating.index import GridIndex
from geo.models import Grid
from geo.queries import standing_on
from patrol.coverage.days import Days
from patrol.coverage.facts import is_evidence
from patrol.coverage.sums import Int64
from patrol.models import PatrolVerdict
from patrol.visits.counting import Outcome
from patrol.visits.models import Visit
from registry.inventory import standing_buildings
from registry.models import Building, Checkpoint
from registry.people.models import Household
from registry.people.placing import OF_HOUSEHOLDS, at_their_doors
from registry.people.queries import standing
from registry.placing import OF_BUILDINGS, OF_CHECKPOINTS, Home, Whereabouts

Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Things with the grid of the level that each lies in, 0 for none; `row` is what the statement said."""

    grid_ids: Int64
    cells: Cells
    rows: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Placing:
    """How things of a street are put into the grids of a level on a day."""

    street_code: str
    level: int
    day: date
    index: GridIndex


def buildings(session: Session, placing: Placing) -> Placed:
    """Standing buildings; rows with `households`, None where nobody entered the number."""
    statement = select(Building.households).where(
        Building.street_code == placing.street_code, standing_buildings(placing.day)
    )
    return _placed(session, statement, OF_BUILDINGS, placing)


def checkpoints(session: Session, placing: Placing) -> Placed:
    """Checkpoints in use; rows with `checkpoint_id`."""
    statement = (
        select(Checkpoint.checkpoint_id)
        .outerjoin(Home, Home.building_id == Checkpoint.building_id)
        .where(Checkpoint.street_code == placing.street_code)
        .where(or_(Checkpoint.retired_on.is_(None), Checkpoint.retired_on > placing.day))
    )
    return _placed(session, statement, OF_CHECKPOINTS, placing)


def visited_checkpoints(session: Session, street_code: str, days: Days) -> set[str]:
    """Checkpoints that patrols which are evidence proved to have visited, by plate or by track."""
    rows = session.scalars(
        select(PatrolVerdict.visits)
        .join(Grid, Grid.grid_id == PatrolVerdict.grid_id)
        .where(Grid.street_code == street_code, is_evidence(), PatrolVerdict.checkpoints_visited > 0)
        .where(PatrolVerdict.started_at >= days.begin_at, PatrolVerdict.started_at < days.end_at)
        .where(PatrolVerdict.week.between(*days.mondays))
    )
    return {visit["checkpoint_id"] for visits in rows for visit in visits}


def households(session: Session, placing: Placing, days: Days) -> Placed:
    """Registered households; rows with `is_visited`: somebody was met at the door."""
    met = (
        select(Visit.household_id)
        .where(Visit.outcome == Outcome.MET.value, Visit.at >= days.begin_at, Visit.at < days.end_at)
        .distinct()
        .subquery()
    )
    statement: Select[Any] = select(met.c.household_id.is_not(None).label("is_visited")).select_from(
        Household
    )
    statement = at_their_doors(statement).outerjoin(met, met.c.household_id == Household.household_id)
    own = statement.where(Household.street_code == placing.street_code, standing(placing.day))
    return _placed(session, own, OF_HOUSEHOLDS, placing)


def near(cells: Cells, covered: Cells) -> Bool:
    """Which of the cells are covered, or touch a covered one."""
    found: Bool = np.isin(cells, neighbours_of(np.intersect1d(neighbours_of(cells), covered)))
    return found


def _placed(
    session: Session, statement: Select[*tuple[Any, ...]], place: Whereabouts, placing: Placing
) -> Placed:
    manual = _stands(place.manual_grid_id, placing.day)
    columns: list[ColumnElement[Any]] = [
        func.ST_X(place.point).label("lon"),
        func.ST_Y(place.point).label("lat"),
        manual.label("manual_path"),
    ]
    rows = session.execute(statement.add_columns(*columns)).all()
    lon, lat = (np.array([getattr(row, name) for row in rows], np.float64) for name in ("lon", "lat"))
    grid_ids = placing.index.locate(lon, lat)[:, placing.level - 1].astype(np.int64)
    for number, row in enumerate(rows):
        if row.manual_path is not None:
            grid_ids[number] = _grid_in(row.manual_path, placing.level)
    return Placed(grid_ids, cells_of(lon, lat), rows)


def _stands(grid_id: ColumnElement[Any], day: date) -> ColumnElement[Any]:
    """The path of the grid chosen by hand, while it stands."""
    return select(Grid.path).where(Grid.grid_id == grid_id, standing_on(day)).scalar_subquery()


def _grid_in(path: str, level: int) -> int:
    """The grid of the level on a path, 0 when the path ends above it."""
    steps = path.rstrip("/").split("/")[1:]
    return int(steps[level - 1]) if len(steps) >= level else 0
