"""Who made the required patrols of a week."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.dependencies import Reading
from api.paging import After, Limit, bad_cursor
from api.problems import problem_replies
from api.schemas.compliance import ComplianceOut, GridOut, PairOut, TotalsOut, WeekOut
from api.weeks import CurrentWeek
from core.clock import now
from core.errors import Forbidden, Invalid, Unauthenticated, Unavailable
from patrol.rights import GridUnknown
from patrol.standing import Pair, standing_of
from patrol.weeks import week_state

router = APIRouter(prefix="/v1", tags=["compliance"])


@router.get(
    "/compliance",
    response_model=ComplianceOut,
    responses=problem_replies(Invalid, Unauthenticated, Forbidden, GridUnknown, Unavailable),
)
def read_compliance(
    call: Reading,
    *,
    week: CurrentWeek,
    grid: Annotated[str | None, Query(max_length=40, description="code; with all grids below")] = None,
    level: Annotated[int | None, Query(ge=1, le=5, description="only people of grids of this level")] = None,
    after: After = None,
    limit: Limit = 100,
) -> ComplianceOut:
    """Every pair of person and own grid with its patrols of the week, the running one by default."""
    standing = standing_of(call.session, call.actor, week, grid_code=grid, level=level)
    behind = [pair for pair in standing.pairs if after is None or place_of(pair) > parse_place(after)]
    page = behind[:limit]
    return ComplianceOut(
        week=WeekOut.of(week, week_state(week, now())),
        grid=GridOut.of(standing.grid),
        totals=TotalsOut.of(standing.totals),
        items=[PairOut.of(pair) for pair in page],
        next=".".join(place_of(page[-1])) if len(behind) > limit else None,
    )


def place_of(pair: Pair) -> tuple[str, str]:
    return pair.grid.code, str(pair.person_id)


def parse_place(after: str) -> tuple[str, str]:
    code, _, person_id = after.partition(".")
    if not person_id:
        raise bad_cursor()
    return code, person_id
