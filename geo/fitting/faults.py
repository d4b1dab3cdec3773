"""Misfits in a whole tree of grids, family by family, and as GeoJSON for maps. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from geo.fitting.topology import Fault, FaultKind, Tolerance, check_siblings

_DIGITS = 9  # 0.1 mm: a fault may be centimetres wide

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class FamilyFault(Generic[Key]):
    """A misfit among the children of one parent, None at the top; `grids` are the children that touch it."""

    fault: Fault
    parent: Key | None
    grids: tuple[Key, ...]


@dataclass(slots=True)
class TreeCheck(Generic[Key]):
    """What was found in the families looked at; `flawless` is how many of them have no fault."""

    faults: list[FamilyFault[Key]] = field(default_factory=list)
    grids: int = 0
    families: int = 0
    flawless: int = 0

    @property
    def totals(self) -> dict[FaultKind, int]:
        """How many faults there are of each kind."""
        counts = Counter(found.fault.kind for found in self.faults)
        return {kind: counts[kind] for kind in FaultKind}

    @property
    def complete_share(self) -> float | None:
        """Share of the families that fill their parent exactly once; None without any."""
        return self.flawless / self.families if self.families else None

    def add(self, faults: list[FamilyFault[Key]], grids: int) -> None:
        """One more family was looked at."""
        self.faults += faults
        self.grids += grids
        self.families += 1
        self.flawless += not faults


def check_tree(
    shapes: Mapping[Key, BaseGeometry],
    parents: Mapping[Key, Key | None],
    *,
    tolerance: Tolerance | None = None,
) -> TreeCheck[Key]:
    """How the children of each grid here fill it; grids whose parent is not here are only parents."""
    found: TreeCheck[Key] = TreeCheck()
    for parent, children in families(shapes, parents):
        if parent is not None:
            faults = check_siblings(shapes[parent], [shapes[key] for key in children], tolerance)
            found.add([_of_family(fault, parent, children) for fault in faults], len(children))
    return found


def check_top(
    shapes: Mapping[Key, BaseGeometry],
    beside: Mapping[Key, BaseGeometry],
    *,
    gap_m: float,
    tolerance: Tolerance | None = None,
) -> TreeCheck[Key]:
    """How grids without a parent fit among themselves and with those `beside` them.

    Misfits that concern only those beside are left out.
    """
    found: TreeCheck[Key] = TreeCheck()
    if shapes:
        everyone = {**shapes, **beside}
        keys = list(everyone)
        faults = [
            _of_family(fault, None, keys)
            for fault in check_siblings(None, list(everyone.values()), tolerance, gap_m=gap_m)
            if any(index < len(shapes) for index in fault.indices)
        ]
        found.add(faults, len(shapes))
    return found


def families(
    shapes: Mapping[Key, BaseGeometry], parents: Mapping[Key, Key | None]
) -> Iterator[tuple[Key | None, list[Key]]]:
    """Each parent that has a shape with its children that have one, from the top down; None first."""
    children: dict[Key | None, list[Key]] = defaultdict(list)
    for key in shapes:
        parent = parents[key]
        if parent is None or parent in shapes:
            children[parent].append(key)
    waiting: list[Key | None] = [None, *(key for key in shapes if _is_root(key, shapes, parents))]
    for parent in waiting:
        if children[parent]:
            yield parent, children[parent]
        waiting.extend(children[parent] if parent is not None else [])


def _is_root(key: Key, shapes: Mapping[Key, BaseGeometry], parents: Mapping[Key, Key | None]) -> bool:
    parent = parents[key]
    return parent is None or parent not in shapes


def _of_family(fault: Fault, parent: Key | None, children: list[Key]) -> FamilyFault[Key]:
    return FamilyFault(fault, parent, tuple(children[index] for index in fault.indices))


# ------------------------------------------------------------------------------------------- GeoJSON


def fault_collection(
    faults: Iterable[FamilyFault[Key]], label: Callable[[Key], dict[str, Any]]
) -> dict[str, Any]:
    """RFC 7946 features, the largest first; `label` is how a grid is shown in `grids` and `parent`.

    `at` is a position inside, for faults too thin to be seen.
    """
    ordered = sorted(faults, key=lambda found: -found.fault.area_m2)
    return {"type": "FeatureCollection", "features": [_feature(found, label) for found in ordered]}


def _feature(found: FamilyFault[Key], label: Callable[[Key], dict[str, Any]]) -> dict[str, Any]:
    fault = found.fault
    inside = shapely.get_coordinates(shapely.point_on_surface(fault.geometry))
    return {
        "type": "Feature",
        "geometry": _geometry(fault.geometry),
        "properties": {
            "kind": fault.kind.value,
            "source": fault.source.value,
            "area_m2": round(fault.area_m2, 2),
            "width_m": round(fault.width_m, 3),
            "at": np.round(inside[0], _DIGITS).tolist(),
            "grids": [label(key) for key in found.grids],
            "parent": None if found.parent is None else label(found.parent),
        },
    }


def _geometry(polygon: Polygon) -> dict[str, Any]:
    """Right-hand rule: outer ring counter-clockwise, holes clockwise."""
    turned = shapely.orient_polygons(polygon)
    rings = [np.round(shapely.get_coordinates(ring), _DIGITS).tolist() for ring in shapely.get_rings(turned)]
    return {"type": "Polygon", "coordinates": rings}
