"""Gaps, overlaps, slivers and parts outside: do the grids fit together?"""

from typing import Annotated

from fastapi import APIRouter, Query

from access.roles import Action
from access.scope import Scope, scope_of
from api.days import OnDay
from api.dependencies import Reading
from api.problems import problem_replies
from api.schemas.topology import TopologyOut
from core.errors import FieldError, Invalid, NotFound, Unauthenticated, Unavailable
from geo.fitting.queries import topology_below, topology_of_street
from geo.queries import read_grid

router = APIRouter(prefix="/v1", tags=["grids"])

Root = Annotated[str | None, Query(max_length=40, description="code of a grid: everything below it")]
Street = Annotated[
    str | None, Query(pattern="^[0-9]{9}$", description="a whole street, its neighbours' level 1 beside")
]
GapWidth = Annotated[
    float, Query(ge=0, le=100, description="metres: narrower places between level-1 grids are gaps")
]


@router.get(
    "/grids/topology",
    response_model=TopologyOut,
    responses=problem_replies(Invalid, Unauthenticated, Unavailable, NotFound),
)
def read_topology(
    call: Reading, on: OnDay, root: Root = None, street: Street = None, gap_m: GapWidth = 5.0
) -> TopologyOut:
    """Where the grids below one grid, or of a street, do not fill their parents exactly once."""
    visible = scope_of(call.actor, Action.READ_GRIDS)
    if (root is None) == (street is None):
        detail = "root 与 street 须且只须给出一个 / give either root or street"
        raise Invalid(errors=[FieldError("/query/root", "root-or-street", detail)])
    if root is not None:
        grid = read_grid(call.session, visible, root, on)
        return TopologyOut.of(topology_below(call.session, Scope.reduced([grid.path]), on), on)
    if not visible.covers(f"{street}/"):
        raise NotFound
    return TopologyOut.of(topology_of_street(call.session, street or "", on, gap_m=gap_m), on)
