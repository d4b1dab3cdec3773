"""A proposal to subdivide a grid that is too large (clause 5.2.4): its buildings in compact, even parts.

Nothing is written; whoever accepts the proposal splits the grid in a division plan along the parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.errors import Conflict
from geo.codes import Reason
from geo.dividing.graph_cut import BALANCE_TOLERANCE
from geo.dividing.partition import Footprints, Outline, footprints_of, partition, parts_for, polygonal
from geo.fitting.topology import geodesic_area_m2
from geo.models import CGCS2000
from geo.norms import LEVEL_3, size_finding, size_norm
from registry.inventory import NOTHING, Figures, standing_buildings
from registry.models import Building

# Someone waits for the proposal: a street of 5,000 buildings takes some seconds, 20,000 would take a minute.
MOST_BUILDINGS = 5_000


class NothingToSubdivide(Conflict):
    """The grid is not large enough for two parts of this size."""

    code = "nothing-to-subdivide"


class TooManyBuildings(Conflict):
    """There are too many buildings to divide at once; split the grid by a line first."""

    code = "too-many-buildings"


@dataclass(frozen=True, slots=True)
class Ground:
    """What is to be divided; level, kind and scattered choose the norm that grid and parts are measured by.

    `grids_below` are not cut: an area is divided into whole level-3 grids.
    """

    shape: Outline  # CGCS2000
    declared: int | None = None  # households, as the grid itself says
    level: int = 3
    kind: str = "residential"
    scattered: bool = False
    grids_below: Sequence[Outline] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of ground with what stands on it, and why its size is not right, if so."""

    shape: Outline
    area_m2: float
    figures: Figures
    size: Reason | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """The grid as it is and as it could be; parts in reading order."""

    before: Part
    parts: tuple[Part, ...]
    target: int  # households per part
    method: str
    balance: float  # the largest part, relative to the mean
    tolerance: float  # of the balance, where whole buildings allow it
    border_m: float


@dataclass(frozen=True, slots=True)
class _Site:
    lon: float
    lat: float
    footprint: bytes | None
    figures: Figures


def propose(session: Session, ground: Ground, day: date, *, target: int | None = None) -> Proposal:
    """Parts of about `target` households (by default as the norm wants them), no building cut.

    Buildings count by position. Where the list of buildings knows fewer households than the grid declares,
    the declared number decides how many parts there are.
    Raises: NothingToSubdivide, TooFewBuildings, TooManyBuildings.
    """
    sites = _sites(session, ground.shape, day)
    if len(sites) > MOST_BUILDINGS:
        raise TooManyBuildings(limit=MOST_BUILDINGS)
    whole = sum((site.figures for site in sites), NOTHING)
    total = max(whole.households, ground.declared or 0)
    target, parts = _wanted(ground, total, target)
    found = partition(
        ground.shape,
        np.array([(site.lon, site.lat) for site in sites]).reshape(-1, 2),
        [site.figures.households for site in sites],
        parts=parts,
        footprints=_uncut(ground, sites),
    )
    return Proposal(
        before=_part(ground, ground.shape, whole, total),
        parts=tuple(
            _part(ground, shape, figures, figures.households)
            for shape, figures in zip(
                found.polygons, _by_part(sites, found.labels.tolist(), parts), strict=True
            )
        ),
        target=target,
        method=found.method,
        balance=found.balance,
        tolerance=BALANCE_TOLERANCE,
        border_m=found.cut_m,
    )


def _wanted(ground: Ground, total: int, target: int | None) -> tuple[int, int]:
    """Households per part, and how many parts. Raises: NothingToSubdivide."""
    norm = size_norm(ground.level, ground.kind, scattered=ground.scattered) or LEVEL_3
    target = norm.aim if target is None else target
    parts = parts_for(total, target)
    if parts < 2:
        zh, en = (
            f"{total} 户，不足以分成每份约 {target} 户",
            f"{total} households make no two parts of {target}",
        )
        raise NothingToSubdivide(f"{zh} / {en}", households=total, target=target)
    return target, parts


def _uncut(ground: Ground, sites: Sequence[_Site]) -> Footprints:
    """What no border may cross."""
    if ground.grids_below:  # a building across the edge of two of them would bind them together
        return polygonal(ground.grids_below)
    return footprints_of([site.footprint for site in sites if site.footprint is not None])


def _by_part(sites: Sequence[_Site], labels: Sequence[int], parts: int) -> list[Figures]:
    sums = [NOTHING] * parts
    for site, label in zip(sites, labels, strict=True):
        sums[label] += site.figures
    return sums


def _part(ground: Ground, shape: Outline, figures: Figures, households: int) -> Part:
    finding = size_finding(ground.level, ground.kind, households, ground.scattered)
    return Part(shape, geodesic_area_m2(shape), figures, finding)


def _sites(session: Session, shape: Outline, day: date) -> list[_Site]:
    """Buildings on the ground, in a fixed order: the same list gives the same parts."""
    outline = func.ST_GeomFromWKB(shape.wkb, CGCS2000)
    rows = session.execute(
        select(
            func.ST_X(Building.geom).label("lon"),
            func.ST_Y(Building.geom).label("lat"),
            func.ST_AsBinary(Building.footprint).label("footprint"),
            Building,
        )
        .where(func.ST_Covers(outline, Building.geom), standing_buildings(day))
        .order_by(Building.building_id)
        .limit(MOST_BUILDINGS + 1)
    )
    return [
        _Site(row.lon, row.lat, row.footprint and bytes(row.footprint), _figures(row.Building))
        for row in rows
    ]


def _figures(building: Building) -> Figures:
    return Figures(
        buildings=1,
        households=building.households or 0,
        without_households=int(building.households is None),
        entrances=building.entrances or 0,
        organisations=building.organisations or 0,
        shops=building.shops or 0,
        compounds=frozenset(() if building.compound is None else (building.compound,)),
    )
