"""Plans for people: changes beside what was, grids and faults as GeoJSON features."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from geo.fitting.faults import FamilyFault, fault_collection
from geo.fitting.topology import flat, geodesic_area_m2
from geo.plans.checking import PlanFault
from geo.plans.records import DRAFT, SUBMITTED
from geo.plans.world import RETIRE, PlanGrid, World

_DIGITS = 8  # of coordinates: a millimetre, so that what the page sends back still fits


@dataclass(frozen=True, slots=True)
class Was:
    """A grid before its change."""

    name: str
    kind: str
    households: int | None
    area_m2: float | None
    version: int


@dataclass(frozen=True, slots=True)
class Outdate:
    """Who changed a grid after the plan took it up, and when."""

    by: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A change of the plan as a list shows it."""

    change_id: uuid.UUID
    action: str
    grid: str
    code: str | None
    level: int
    name: str
    kind: str
    households: int | None
    attributes: Mapping[str, Any]
    parent: str | None
    area_m2: float | None
    was: Was | None
    outdated: Outdate | None
    sources: list[str]


def changes_of(world: World) -> list[ShownChange]:
    """The plan's changes from level 1 down, in reading order of their references."""
    codes = {stored.grid_id: code for code, stored in world.around.items()}
    is_open = world.plan.status in {DRAFT, SUBMITTED}
    touched = [grid for grid in world.grids.values() if grid.action is not None]
    return [
        _shown(grid, [codes[key] for key in grid.sources if key in codes], is_open=is_open)
        for grid in sorted(touched, key=lambda grid: (grid.level, grid.action or "", grid.name, grid.ref))
    ]


def feature_of(grid: PlanGrid, parent_ref: str | None) -> dict[str, Any]:
    """The grid as a GeoJSON feature (RFC 7946), its id the reference."""
    return {
        "type": "Feature",
        "id": grid.ref,
        "geometry": None if grid.shape is None else geometry_of(grid.shape),
        "properties": {
            "ref": grid.ref,
            "code": grid.code,
            "name": grid.name,
            "level": grid.level,
            "parent": parent_ref,
            "kind": grid.kind,
            "households": grid.households,
            "area_m2": _area(grid),
            "action": grid.action,
        },
    }


def feature_of_fault(found: PlanFault) -> dict[str, Any]:
    """The misfit as a GeoJSON feature that names the grids it is between."""
    known = {grid.ref: grid for grid in (*found.grids, *([found.parent] if found.parent else []))}

    def label(ref: str) -> dict[str, Any]:
        return {"ref": ref, "code": known[ref].code, "name": known[ref].name}

    parent = found.parent
    named = FamilyFault(found.fault, parent.ref if parent else None, tuple(grid.ref for grid in found.grids))
    feature: dict[str, Any] = fault_collection([named], label)["features"][0]
    feature["properties"] |= {"level": parent.level + 1 if parent else 1, "blocks": found.blocks}
    return feature


def geometry_of(shape: BaseGeometry) -> dict[str, Any]:
    """GeoJSON geometry, outer rings counter-clockwise."""
    rounded = shapely.transform(flat(shape), lambda xy: xy.round(_DIGITS))
    geometry: dict[str, Any] = json.loads(shapely.to_geojson(rounded))
    return geometry


def _shown(grid: PlanGrid, sources: list[str], *, is_open: bool) -> ShownChange:
    assert grid.change_id is not None
    assert grid.action is not None
    return ShownChange(
        change_id=grid.change_id,
        action=grid.action,
        grid=grid.ref,
        code=grid.code,
        level=grid.level,
        name=grid.name,
        kind=grid.kind,
        households=grid.households,
        attributes=grid.attributes,
        parent=grid.parent_ref,
        area_m2=_area(grid),
        was=_was(grid),
        outdated=_outdate(grid) if is_open else None,
        sources=sources,
    )


def _area(grid: PlanGrid) -> float | None:
    return None if grid.shape is None else geodesic_area_m2(grid.shape)


def _was(grid: PlanGrid) -> Was | None:
    stored = grid.stored
    if stored is None:
        return None
    area_m2 = None if stored.shape is None else geodesic_area_m2(stored.shape)
    return Was(stored.name, stored.kind, stored.households, area_m2, stored.version)


def _outdate(grid: PlanGrid) -> Outdate | None:
    stored = grid.stored
    if stored is None or grid.action is None or grid.base_version_id is None:
        return None
    if stored.version_id == grid.base_version_id and (grid.action == RETIRE or not stored.is_retired):
        return None
    return Outdate(stored.changed_by, stored.changed_at)
