"""What a grid code says."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.dependencies import Reading
from api.problems import problem_replies
from api.schemas.grids import GridCodeOut
from core.errors import Invalid, Unauthenticated, Unavailable
from geo.codes import explain
from geo.queries import lookups_of_code

router = APIRouter(prefix="/v1", tags=["grid codes"])

Code = Annotated[
    str, Path(max_length=60, description="any text; 20 digits of CJ/T 349-2010 or 15 of GB/T 30428.1")
]


@router.get(
    "/grid-codes/{code}",
    response_model=GridCodeOut,
    responses=problem_replies(Invalid, Unauthenticated, Unavailable),
)
def read_grid_code(call: Reading, code: Code) -> GridCodeOut:
    """Every digit group with its meaning, or the reason why it cannot be; the grid itself need not exist."""
    return GridCodeOut.of(code, explain(code, lookups_of_code(call.session, code)))
