"""Propose boundaries without gaps, overlaps and parts outside the parent, moving as little as possible. Pure.

Vertices that nearly meet are put together, then every face between the boundaries is given to one grid (see
arrangement.py). shapely.coverage_clean alone will not do: its snapping also thins out boundaries where
nothing is wrong (81 vertices of a square became 27), and it knows of no parent that must stay as it is.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import shapely
from shapely.geometry import MultiPolygon
from shapely.geometry.base import BaseGeometry

from geo.fitting.arrangement import Arrangement, Ground, Mask
from geo.fitting.faults import FamilyFault, families
from geo.fitting.snapping import snap_vertices
from geo.fitting.topology import Fault, Tolerance, check_siblings, flat, geodesic_area_m2, places_between
from geo.plane import LocalPlane

SNAP_M = 1.0
GAP_M = 5.0
_FRAME = 0.01  # degrees: wider than any vertex moves

Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True)
class Repair(Generic[Key]):
    """New shapes of those grids that change, the ground each gains or loses, and what cannot be repaired."""

    shapes: dict[Key, MultiPolygon] = field(default_factory=dict)
    moved_m2: dict[Key, float] = field(default_factory=dict)
    remaining: list[FamilyFault[Key]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a repair may go."""

    snap_m: float = SNAP_M  # vertices nearer than this are put together
    gap_m: float = GAP_M  # gaps narrower than this everywhere are filled
    tolerance: Tolerance = field(default_factory=Tolerance)


def propose_repair(
    parent: BaseGeometry | None,
    children: Mapping[Key, BaseGeometry],
    *,
    reach: Reach | None = None,
    fixed: Sequence[BaseGeometry] = (),
    parent_key: Key | None = None,
) -> Repair[Key]:
    """Boundaries with which the children of one parent form a valid coverage that fills it.

    Parts outside the parent are clipped; gaps up to `gap_m` wide go to the child with the longest border,
    overlaps to the child they border most. Wider gaps, children wholly outside and twins remain as faults.
    Vertices that need not move come back to the bit; a family without faults is left alone. `fixed` are
    neighbours that must not change, for grids without a parent.
    """
    reach = reach or Reach()
    repair: Repair[Key] = Repair()
    if _faults(parent, list(children.values()), fixed, reach):
        around = [*fixed, *([] if parent is None else [_complement(parent)])]
        snapped = snap_vertices(list(children.values()), around, reach.snap_m)
        shapes = _rebuilt(parent, dict(zip(children, snapped, strict=True)), fixed, reach)
        for key, shape in shapes.items():
            if not shapely.equals_exact(flat(children[key]), shape, 0.0, normalize=True):
                repair.shapes[key] = shape
                changed = shapely.symmetric_difference(children[key], shape)
                repair.moved_m2[key] = geodesic_area_m2(changed)
        after = {**children, **repair.shapes}
        keys = list(after)
        for fault in _faults(parent, list(after.values()), fixed, reach):
            touched = tuple(keys[index] for index in fault.indices if index < len(keys))
            repair.remaining.append(FamilyFault(fault, parent_key, touched))
    return repair


def repair_tree(
    shapes: Mapping[Key, BaseGeometry],
    parents: Mapping[Key, Key | None],
    *,
    reach: Reach | None = None,
    fixed: Sequence[BaseGeometry] = (),
) -> Repair[Key]:
    """All families from the top down, children within their repaired parents.

    Grids without a parent are fitted among themselves and to the `fixed` ones around; a grid whose parent is
    not among the shapes is only a parent.
    """
    reach = reach or Reach()
    whole: Repair[Key] = Repair()
    now: dict[Key, BaseGeometry] = dict(shapes)
    for parent, keys in families(shapes, parents):
        repair = propose_repair(
            None if parent is None else now[parent],
            {key: now[key] for key in keys},
            reach=reach,
            fixed=fixed if parent is None else (),
            parent_key=parent,
        )
        now |= repair.shapes
        whole.shapes |= repair.shapes
        whole.moved_m2 |= repair.moved_m2
        whole.remaining += repair.remaining
    return whole


def _faults(
    parent: BaseGeometry | None, shapes: list[BaseGeometry], fixed: Sequence[BaseGeometry], reach: Reach
) -> list[Fault]:
    """Faults that concern the shapes themselves, not only the fixed ones."""
    faults = check_siblings(parent, [*shapes, *fixed], reach.tolerance, gap_m=reach.gap_m)
    return [fault for fault in faults if any(index < len(shapes) for index in fault.indices) or not fixed]


def _rebuilt(
    parent: BaseGeometry | None,
    children: Mapping[Key, BaseGeometry],
    fixed: Sequence[BaseGeometry],
    reach: Reach,
) -> dict[Key, MultiPolygon]:
    """Every face in the hands of one child; children with no face left are missing."""
    around = [*fixed, *([parent] if parent is not None else [])]
    drawn = []
    if parent is None:
        drawn.append(places_between(np.array([*children.values(), *fixed], dtype=object), reach.gap_m))
    arrangement = Arrangement([*around, *children.values()], drawn)
    ground = Ground(arrangement, children)
    free: Mask = ~np.any(arrangement.inside(fixed), axis=0) if fixed else _all(arrangement)
    if parent is not None:
        free &= arrangement.inside([parent])[0]
    elif drawn:
        free &= ground.covered | arrangement.inside(drawn)[0]
    ground.owned &= free
    _settle_overlaps(ground)
    _fill_gaps(ground, free, reach.gap_m)
    ground.sweep(range(len(ground.keys)), reach.tolerance)
    return {
        key: arrangement.union(faces)
        for key, faces in zip(ground.keys, ground.owned, strict=True)
        if faces.any()
    }


def _complement(parent: BaseGeometry) -> BaseGeometry:
    """What lies around the parent, as one more member of the children's coverage."""
    frame: BaseGeometry = shapely.box(*shapely.bounds(parent) + np.array([-1, -1, 1, 1]) * _FRAME)
    return frame.difference(parent)


def _all(arrangement: Arrangement) -> Mask:
    return np.ones(len(arrangement.faces), dtype=np.bool_)


def _settle_overlaps(ground: Ground[Key]) -> None:
    """Ground of several owners goes to the one it borders most, or to one who has nothing else."""
    several = ground.owned.sum(axis=0) > 1
    sole = ground.owned & ~several
    patterns, group = np.unique(ground.owned[:, several], axis=1, return_inverse=True)
    for number, owners in enumerate(patterns.T):
        faces = np.zeros_like(several)
        faces[np.flatnonzero(several)[group.ravel() == number]] = True
        rows = np.flatnonzero(owners).tolist()
        bare = [row for row in rows if not sole[row].any()]
        if len(bare) > 1:
            continue  # twins: only a person knows which of them is meant
        for piece in ground.arrangement.pieces(faces):
            heirs = bare or rows
            lengths = ground.arrangement.borders_m(piece, sole[heirs])
            ground.take(heirs[int(lengths.argmax())], piece)


def _fill_gaps(ground: Ground[Key], free: Mask, gap_m: float) -> None:
    everyone = range(len(ground.keys))
    for piece in ground.arrangement.pieces(free & ~ground.covered):
        if not _is_wide(ground.arrangement.union(piece), gap_m):
            ground.give(piece, everyone)


def _is_wide(shape: MultiPolygon, width_m: float) -> bool:
    """Whether a disc of this width fits in."""
    flat_shape = LocalPlane([shape]).metres(np.array([shape], dtype=object))
    return not bool(shapely.is_empty(shapely.buffer(flat_shape, -width_m / 2, join_style="mitre")).all())
