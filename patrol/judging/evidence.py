"""What a verdict is made from, read from the database: fixes, the grid of the day, the policies."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import numpy as np
from geoalchemy2 import WKBElement
from sqlalchemy import Row, ScalarSelect, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session

from access.scope import Scope
from core.clock import Week, local_date
from geo.area import GridArea
from geo.cells import unpacked
from geo.models import Grid, GridVersion
from patrol.closing import closes_at
from patrol.fixes import Fixes, decode
from patrol.models import Patrol, PatrolPolicy, Segment
from patrol.policies import Policy, PolicyRow
from patrol.presence.clocks import Clock
from patrol.presence.models import CheckIn, PatrolGap
from patrol.presence.rules import CheckInFact, Evidence, GapFact, StandingCheckpoint
from registry.models import Checkpoint, RetiredPlate
from registry.placing import OF_CHECKPOINTS, Home, grid_at, near

_AREAS = 512  # prepared grids kept per process, about 100 KiB each
_TOGETHER = 16  # patrols decoded at a time: more would not fit into the processor's cache


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


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """Everything stored of a patrol that counts, on the server's clock."""

    fixes: Fixes
    started_ms: int
    finished_ms: int | None
    evidence: Evidence

    @property
    def ends_ms(self) -> int:
        """The finish; without one, the latest moment that anything speaks of."""
        if self.finished_ms is not None:
            return self.finished_ms
        last_ms = int(self.fixes.at_ms.max()) if len(self.fixes) else self.started_ms
        return max(last_ms, self.evidence.last_ms, self.started_ms)


@dataclass(frozen=True, slots=True)
class StoredRows:
    """The rows of one patrol that came in time, and what its segments hold."""

    segments: Sequence[Row[*tuple[Any, ...]]]
    fixes: Fixes
    check_ins: Sequence[Row[*tuple[Any, ...]]]
    gaps: Sequence[Row[*tuple[Any, ...]]]


def recorded(session: Session, patrol: Patrol, grid: JudgedGrid) -> Recorded:
    """What there is of a patrol; of one delivered in time, what came before its week was closed.

    What comes later is kept, but a closed week changes only by an appeal (design 5).
    """
    rows = stored_rows(session, [patrol])[patrol.patrol_id]
    return recorded_of(patrol, rows, checkpoints_of(session, patrol, grid))


def stored_rows(session: Session, patrols: Collection[Patrol]) -> dict[uuid.UUID, StoredRows]:
    """The rows of each patrol, read together."""
    ids = [patrol.patrol_id for patrol in patrols]
    segments, check_ins, gaps = (
        _by_patrol(session.execute(statement).all())
        for statement in (_segments(ids), _check_ins(ids), _gaps(ids))
    )
    own = [_in_time(segments, patrol) for patrol in patrols]
    return {
        patrol.patrol_id: StoredRows(its, fixes, _in_time(check_ins, patrol), _in_time(gaps, patrol))
        for patrol, its, fixes in zip(patrols, own, _decoded(own), strict=True)
    }


def recorded_of(patrol: Patrol, rows: StoredRows, checkpoints: tuple[StandingCheckpoint, ...]) -> Recorded:
    """The same from rows that were read already."""
    offsets = (row.clock_offset_s for row in (*rows.segments, *rows.check_ins, *rows.gaps))
    clock = Clock.of([patrol.start_clock_offset_s, patrol.finish_clock_offset_s, *offsets])
    finished_at = patrol.finished_at
    return Recorded(
        fixes=_on_time(rows, clock),
        started_ms=clock.milliseconds(patrol.started_at, patrol.start_clock_offset_s),
        finished_ms=None
        if finished_at is None
        else clock.milliseconds(finished_at, patrol.finish_clock_offset_s),
        evidence=Evidence(
            checkpoints=checkpoints,
            check_ins=tuple(_check_in(row, clock) for row in rows.check_ins),
            gaps=tuple(_gap(row, clock) for row in rows.gaps),
            clock_offset_s=clock.worst_s,
        ),
    )


def newest_of_patrol() -> list[ScalarSelect[Any]]:
    """When the last segment, check-in and gap of a patrol were received, each null for none."""
    return [
        select(func.max(table.received_at)).where(table.patrol_id == Patrol.patrol_id).scalar_subquery()
        for table in (Segment, CheckIn, PatrolGap)
    ]


def closing_of(patrol: Patrol) -> datetime | None:
    """When the week of a patrol was closed for what came later; None for one that itself came later."""
    closing = closes_at(Week.of(patrol.started_at))
    is_in_time = (patrol.finish_received_at or patrol.start_received_at) < closing
    return closing if is_in_time else None


def _by_patrol(rows: Iterable[Row[Any]]) -> dict[uuid.UUID, list[Row[Any]]]:
    found: dict[uuid.UUID, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.patrol_id].append(row)
    return found


def _in_time(rows: Mapping[uuid.UUID, list[Row[Any]]], patrol: Patrol) -> list[Row[Any]]:
    closing, own = closing_of(patrol), rows.get(patrol.patrol_id, [])
    return own if closing is None else [row for row in own if row.received_at < closing]


def _segments(patrol_ids: list[uuid.UUID]) -> Select[*tuple[Any, ...]]:
    columns = (
        Segment.patrol_id,
        Segment.fixes,
        Segment.fix_count,
        Segment.clock_offset_s,
        Segment.received_at,
    )
    return select(*columns).where(Segment.patrol_id.in_(patrol_ids))


def _decoded(groups: Sequence[Sequence[Row[*tuple[Any, ...]]]]) -> Iterator[Fixes]:
    """The fixes of each group of segments; several are decoded at a time, which costs half."""
    for first in range(0, len(groups), _TOGETHER):
        some = groups[first : first + _TOGETHER]
        fixes, start = decode([segment.fixes for group in some for segment in group]), 0
        for group in some:
            end = start + sum(segment.fix_count for segment in group)
            yield fixes.part(start, end)
            start = end


def _on_time(rows: StoredRows, clock: Clock) -> Fixes:
    """The fixes on the server's clock."""
    if not clock.is_wrong:
        return rows.fixes
    more_ms = np.array([clock.correction_ms(segment.clock_offset_s) for segment in rows.segments], np.int64)
    counts = [segment.fix_count for segment in rows.segments]
    return replace(rows.fixes, at_ms=rows.fixes.at_ms + np.repeat(more_ms, counts))


def _check_ins(patrol_ids: list[uuid.UUID]) -> Select[*tuple[Any, ...]]:
    same_plate = and_(
        RetiredPlate.checkpoint_id == CheckIn.checkpoint_id, RetiredPlate.generation == CheckIn.generation
    )
    return (
        select(CheckIn.__table__, RetiredPlate.retired_at)
        .outerjoin(RetiredPlate, same_plate)
        .where(CheckIn.patrol_id.in_(patrol_ids))
    )


def _check_in(row: Row[*tuple[Any, ...]], clock: Clock) -> CheckInFact:
    return CheckInFact(
        check_in_id=row.check_in_id,
        checkpoint_id=row.checkpoint_id,
        proof=row.proof,
        at_ms=clock.milliseconds(row.at, row.clock_offset_s),
        replaced_ms=row.retired_at and round(row.retired_at.timestamp() * 1000),
        lon=row.lon,
        lat=row.lat,
        accuracy_m=row.accuracy_m,
    )


def _gaps(patrol_ids: list[uuid.UUID]) -> Select[*tuple[Any, ...]]:
    return select(PatrolGap.__table__).where(PatrolGap.patrol_id.in_(patrol_ids))


def _gap(row: Row[*tuple[Any, ...]], clock: Clock) -> GapFact:
    from_ms, to_ms = (clock.milliseconds(at, row.clock_offset_s) for at in (row.from_at, row.to_at))
    return GapFact(row.gap_id, from_ms, to_ms, row.reason)


@dataclass(frozen=True, slots=True)
class PlacedCheckpoint:
    """A checkpoint, with the path of the grid that it stood in on a day."""

    path: str
    created_at: datetime
    checkpoint: StandingCheckpoint


def checkpoints_of(session: Session, patrol: Patrol, grid: JudgedGrid) -> tuple[StandingCheckpoint, ...]:
    """The checkpoints that stood in the grid, and in those below it, when the patrol began."""
    placed = checkpoints_on(session, grid.path, local_date(patrol.started_at))
    return standing_in(placed, grid.path, patrol.started_at)


def standing_in(
    placed: Iterable[PlacedCheckpoint], path: str, moment: datetime
) -> tuple[StandingCheckpoint, ...]:
    """Those among checkpoints of its day that stood below the path at a moment."""
    return tuple(one.checkpoint for one in placed if one.path.startswith(path) and one.created_at <= moment)


def checkpoints_on(session: Session, path: str, day: date) -> list[PlacedCheckpoint]:
    """All checkpoints below the path, of a grid or of a street, that were not retired on the day."""
    placed = grid_at(OF_CHECKPOINTS, day)
    point = OF_CHECKPOINTS.point
    rows = session.execute(
        select(
            placed.c.path,
            Checkpoint.created_at,
            Checkpoint.checkpoint_id,
            Checkpoint.name,
            Checkpoint.kind,
            func.ST_X(point),
            func.ST_Y(point),
            Checkpoint.radius_m,
            Checkpoint.building_id,
            func.coalesce(Home.compound, "") + Home.name,
            Checkpoint.floor,
            Checkpoint.entrance,
        )
        .outerjoin(Home, Home.building_id == Checkpoint.building_id)
        .join(placed, true())
        .where(
            near(Scope((path,)), OF_CHECKPOINTS, day),
            func.starts_with(placed.c.path, path),
            or_(Checkpoint.retired_on.is_(None), Checkpoint.retired_on > day),
        )
        .order_by(Checkpoint.checkpoint_id)
    )
    return [
        PlacedCheckpoint(in_path, created_at, StandingCheckpoint(*rest))
        for in_path, created_at, *rest in rows
    ]


def grid_on(session: Session, grid_id: int, day: date) -> JudgedGrid:
    """The grid as it was on that day; before its first version, as that one describes it."""
    return grids_on(session, {(grid_id, day)})[grid_id, day]


def grids_on(session: Session, wanted: Collection[tuple[int, date]]) -> dict[tuple[int, date], JudgedGrid]:
    """The same for many, read together."""
    versions = _versions(session, {grid_id for grid_id, _ in wanted})
    found = {}
    for grid_id, day in wanted:
        own = shown = _on(versions[grid_id], day)
        while shown.geom is None:
            assert shown.parent_id is not None, "levels 1 to 3 have a polygon (clause 5.2.5)"
            if shown.parent_id not in versions:
                versions |= _versions(session, {shown.parent_id})
            shown = _on(versions[shown.parent_id], day)
        found[grid_id, day] = JudgedGrid(
            version_id=own.version_id,
            path=own.path,
            street_code=own.street_code,
            kind=own.kind,
            geom=bytes(shown.geom.data),
            cells=shown.cells or b"",
            has_polygon=own.geom is not None,
        )
    return found


@dataclass(frozen=True, slots=True)
class _Version:
    grid_id: int
    version_id: int
    kind: str
    geom: WKBElement | None
    cells: bytes | None
    valid_from: date
    valid_to: date | None
    path: str
    street_code: str
    parent_id: int | None


def _on(versions: Sequence[_Version], day: date) -> _Version:
    """The version that holds on the day, else the first; they are in order of their days."""
    holding = (
        one for one in versions if one.valid_from <= day and (one.valid_to is None or one.valid_to > day)
    )
    return next(holding, versions[0])


def _versions(session: Session, grid_ids: Collection[int]) -> dict[int, list[_Version]]:
    rows = session.execute(
        select(
            GridVersion.grid_id,
            GridVersion.version_id,
            GridVersion.kind,
            GridVersion.geom,
            GridVersion.cells,
            GridVersion.valid_from,
            GridVersion.valid_to,
            Grid.path,
            Grid.street_code,
            Grid.parent_id,
        )
        .join(Grid, Grid.grid_id == GridVersion.grid_id)
        .where(GridVersion.grid_id.in_(grid_ids))
        .order_by(GridVersion.grid_id, GridVersion.valid_from)
    )
    found: dict[int, list[_Version]] = defaultdict(list)
    for row in rows:
        found[row.grid_id].append(_Version(**row._asdict()))
    return dict(found)


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
