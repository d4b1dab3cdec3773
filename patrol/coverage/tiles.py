"""The tile layer `coverage`: the cells of the scope, coloured by what was walked. Read-only."""

from collections.abc import Mapping
from hashlib import blake2b
from types import MappingProxyType

from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import Session

from access.scope import Scope
from geo.models import Grid, GridVersion
from geo.tiles.cells import DrawnCells, box_of, cells_within, render_cells, resolution_at
from geo.tiles.grids import Tile
from patrol.coverage.days import Days
from patrol.coverage.ground import Ground, grounds_of
from patrol.coverage.models import CoverageSum
from patrol.coverage.queries import heat_on, states_of
from patrol.coverage.rolling import A_DAY

LAYER = "coverage"
FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "cell": "H3 index of the hexagon",
        "state": "covered; unknown: only while nothing was recorded; not_covered",
        "visits": "patrols that are evidence (valid or accepted) and passed here",
        "dwell_s": "seconds that they spent here",
        "unconfirmed": "patrols that passed here and are not evidence: doubted, or short of a figure",
    }
)


def coverage_tile(session: Session, scope: Scope, tile: Tile, days: Days) -> bytes:
    """The tile with every cell of the scope's ground, empty bytes where there is none."""
    resolution, box = resolution_at(tile.zoom), box_of(tile)
    grounds = []
    for ground in grounds_of(session, scope, days.ground_day, resolution, box=box):
        cells = cells_within(ground.cells, box)
        if len(cells):
            grounds.append(Ground(ground.street_code, cells, ground.fine))
    heat = heat_on(session, grounds, days, resolution)
    drawn = DrawnCells(
        cells=heat.cells,
        visits=heat.visits.tolist(),
        dwell_s=heat.dwell_s.round().astype(int).tolist(),
        unconfirmed=heat.unconfirmed.tolist(),
        states=[state.value for state in states_of(heat)],
    )
    return render_cells(session, LAYER, tile, drawn)


def fingerprint(session: Session, scope: Scope, days: Days) -> str:
    """Changes whenever anything changes that these tiles show to this scope, whatever process asks."""
    sums = session.execute(
        select(func.count(), func.max(CoverageSum.rolled_up_at)).where(
            or_(false(), *(_street_of(prefix) for prefix in scope.prefixes)),
            CoverageSum.days == A_DAY,
            CoverageSum.first_day.between(days.first, days.last),
        )
    ).one()
    grids = session.execute(
        select(func.count(), func.max(GridVersion.version_id), func.max(Grid.retired_on))
        .join(Grid, Grid.grid_id == GridVersion.grid_id)
        .where(scope.clause(Grid.path))
    ).one()
    return blake2b(repr((days, tuple(sums), tuple(grids))).encode(), digest_size=8).hexdigest()


def _street_of(prefix: str) -> ColumnElement[bool]:
    street_code, slash, _ = prefix.partition("/")
    if slash:
        return CoverageSum.street_code == street_code
    return Scope((street_code,)).clause(CoverageSum.street_code)
