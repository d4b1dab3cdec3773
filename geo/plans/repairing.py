"""A plan's shapes mended so that siblings fit and fill their parents, as a proposal or for good."""

from collections.abc import Mapping
from dataclasses import dataclass

from geo.fitting.repairing import Reach, repair_tree
from geo.fitting.topology import FaultKind
from geo.plans.checking import PlanFault, faults_of
from geo.plans.world import World


@dataclass(frozen=True, slots=True)
class PlanRepair:
    """The world after the repair: how much ground each grid won or lost, and what is still wrong."""

    world: World
    moved_m2: Mapping[str, float]
    faults: tuple[PlanFault, ...]

    def totals(self) -> dict[FaultKind, int]:
        """How many faults remain of each kind."""
        return {kind: sum(found.fault.kind is kind for found in self.faults) for kind in FaultKind}


def repair_plan(world: World, *, snap_m: float, gap_m: float) -> PlanRepair:
    """Parents first, then what lies below is fitted into them; only grids that have to change are touched."""
    standing = [grid for grid in world.grids.values() if grid.stands]
    shapes = {grid.ref: grid.shape for grid in standing if grid.shape is not None}
    parents = {ref: world.grids[ref].parent_ref for ref in shapes}
    fixed = [grid.shape for grid in world.neighbours() if grid.shape is not None]
    mended = repair_tree(shapes, parents, reach=Reach(snap_m=snap_m, gap_m=gap_m), fixed=fixed)
    for ref, shape in mended.shapes.items():
        world.change(world.grids[ref]).shape = shape
    moved = {ref: mended.moved_m2[ref] for ref in mended.shapes}
    return PlanRepair(world, moved, tuple(faults_of(world)))
