"""What a verdict is made from, read from the database: fixes, the grid of the day, the policies."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from geoalchemy2 import WKBElement
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import Week
from geo.area import GridArea
from geo.cells import unpacked
from geo.models import Grid, GridVersion
from geo.queries import version_on
from patrol.fixes import Fixes, decode
from patrol.models import Patrol, PatrolPolicy, Segment
from patrol.policies import Policy, PolicyRow
from patrol.weeks import closes_at

_AREAS = 512  # prepared grids kept per process, about 100 KiB each


@dataclass(frozen=True, slots=True)
class JudgedGrid:
    """The grid of a patrol as it was on the day of the patrol."""

    version_id: int
    path: str
    street_code: str
    kind: str
    geom: bytes  # its own polygon; for floors and counters that of the grid around them
    cells: bytes
    has_polygon: bool


def stored_fixes(session: Session, patrol: Patrol) -> Fixes:
    """All fixes of a patrol; for one delivered in time, those that came before its week was closed.

    What comes later is kept, but a closed week changes only by an appeal (design 5).
    """
    statement = select(Segment.fixes).where(Segment.patrol_id == patrol.patrol_id)
    closing = closes_at(Week.of(patrol.started_at))
    if (patrol.finish_received_at or patrol.start_received_at) < closing:
        statement = statement.where(Segment.received_at < closing)
    return decode(session.scalars(statement).all())


def grid_on(session: Session, grid_id: int, day: date) -> JudgedGrid:
    """The grid as it was on that day; before its first version, as that one describes it."""
    own = shown = _version(session, grid_id, day)
    while shown.geom is None:
        assert shown.parent_id is not None, "levels 1 to 3 have a polygon (clause 5.2.5)"
        shown = _version(session, shown.parent_id, day)
    return JudgedGrid(
        version_id=own.version_id,
        path=own.path,
        street_code=own.street_code,
        kind=own.kind,
        geom=bytes(shown.geom.data),
        cells=shown.cells or b"",
        has_polygon=own.geom is not None,
    )


@dataclass(frozen=True, slots=True)
class _Version:
    version_id: int
    kind: str
    geom: WKBElement | None
    cells: bytes | None
    path: str
    street_code: str
    parent_id: int | None


def _version(session: Session, grid_id: int, day: date) -> _Version:
    row = session.execute(
        select(
            GridVersion.version_id,
            GridVersion.kind,
            GridVersion.geom,
            GridVersion.cells,
            Grid.path,
            Grid.street_code,
            Grid.parent_id,
        )
        .join(Grid, Grid.grid_id == GridVersion.grid_id)
        .where(GridVersion.grid_id == grid_id)
        .order_by(version_on(day).desc(), GridVersion.valid_from)
        .limit(1)
    ).one()
    return _Version(*row)


def stored_policies(session: Session) -> list[PolicyRow]:
    """Every policy there is: a handful per street."""
    rows = session.execute(
        select(
            PatrolPolicy.policy_id,
            PatrolPolicy.path,
            PatrolPolicy.kind,
            PatrolPolicy.valid_from,
            PatrolPolicy.thresholds,
        )
    )
    return [
        PolicyRow(policy_id, path, kind, valid_from, Policy.of(thresholds))
        for policy_id, path, kind, valid_from, thresholds in rows
    ]


@lru_cache(maxsize=_AREAS)
def area_of(geom: bytes, cells: bytes, tolerance_m: float) -> GridArea:
    """A grid prepared for judging; the same bytes are prepared once per process."""
    return GridArea(geom, tolerance_m=tolerance_m, cells=unpacked(cells) if cells else None)
