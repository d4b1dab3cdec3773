"""Subdivide a grid of a division plan by what stands on it (clause 5.2.4)."""

from core.clock import today
from geo.norms import is_scattered
from geo.plans import drawing
from geo.plans.desk import Desk
from geo.plans.drawing import CannotDraw, Cut
from geo.plans.world import multi
from registry.subdividing import Ground, Proposal, propose


def propose_parts(desk: Desk, ref: str, *, target: int | None) -> Proposal:
    """Parts of about `target` households for a planned grid; grids below it are not cut.

    Raises: NoSuchPlannedGrid, CannotDraw, NothingToSubdivide, TooFewBuildings, TooManyBuildings.
    """
    grid = desk.world.standing(ref)
    if grid.level == 1 or grid.shape is None:
        raise CannotDraw("只能细分二、三级网格 / only grids of level 2 and 3 are subdivided")
    ground = Ground(
        shape=multi(grid.shape),
        declared=grid.households,
        level=grid.level,
        kind=grid.kind,
        scattered=is_scattered(grid.kind, grid.attributes),
        grids_below=[child.shape for child in desk.world.children(ref) if child.shape is not None],
    )
    return propose(desk.session, ground, today(), target=target)


def split_into(desk: Desk, ref: str, proposal: Proposal) -> None:
    """The grid is split as proposed, each part with the households that live there."""
    counts = [part.figures.households for part in proposal.parts]
    shapes = [part.shape for part in proposal.parts]
    drawing.split(desk.world, ref, shapes, Cut(households=counts))
    desk.file("subdivided", {"grid": ref, "parts": counts, "method": proposal.method})
