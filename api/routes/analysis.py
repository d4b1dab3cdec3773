"""How even the grids of a street are, and whether they cover everything."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.days import OnDay
from api.dependencies import Reading
from api.paging import After, Limit, bad_cursor
from api.problems import problem_replies
from api.schemas.analysis import BalanceOut, CoverageOut, OrphanPage
from core.errors import FieldError, Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from geo.queries import NotOnThatDay
from registry.balance import Balance, balance_of_grid, balance_of_street
from registry.balance_table import balance_csv, balance_workbook
from registry.coverage import coverage_of, orphans_of

router = APIRouter(prefix="/v1/analysis", tags=["analysis"])

ALWAYS = (Invalid, Unauthenticated, Forbidden, NotFound, Unavailable)
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
TABLES: dict[str, Any] = {media_type.partition(";")[0]: {} for media_type in MEDIA_TYPES.values()}

Street = Annotated[str, Query(pattern=r"^\d{9}$", description="nine digits")]
PlaneLevel = Annotated[int, Query(ge=1, le=3, description="floors and counters have no ground of their own")]


def wanted_balance(
    call: Reading,
    day: OnDay,
    level: PlaneLevel = 3,
    street: Annotated[str | None, Query(pattern=r"^\d{9}$", description="nine digits")] = None,
    grid: Annotated[str | None, Query(max_length=40, description="code; itself and all grids below")] = None,
) -> Balance:
    """Raises: Invalid, NotFound, NotOnThatDay, Forbidden."""
    if street is not None and grid is None:
        return balance_of_street(call.session, call.actor, street, level, day)
    if grid is not None and street is None:
        return balance_of_grid(call.session, call.actor, grid, level, day)
    detail = "street 与 grid 二选一 / name either a street or a grid"
    raise Invalid(errors=[FieldError("/query/street", "one-of", detail)])


WantedBalance = Annotated[Balance, Depends(wanted_balance, scope="function")]


@router.get("/balance", response_model=BalanceOut, responses=problem_replies(*ALWAYS, NotOnThatDay))
def read_balance(
    balance: WantedBalance, day: OnDay, level: PlaneLevel = 3, after: After = None, limit: Limit = 200
) -> BalanceOut:
    """Every grid of a level: ground, households, objects, difficulty, staff, and what stands out."""
    behind = [grid for grid in balance.grids if after is None or grid.code > after]
    return BalanceOut.of(balance, level, day, behind[:limit])


@router.get(
    "/balance/table",
    response_class=Response,
    responses={200: {"content": TABLES}, **problem_replies(*ALWAYS, NotOnThatDay)},
)
def read_balance_table(
    balance: WantedBalance,
    day: OnDay,
    form: Annotated[Literal["csv", "xlsx"], Query(alias="format")] = "xlsx",
) -> Response:
    """The whole report as a file: one row per grid."""
    body = balance_csv(balance) if form == "csv" else balance_workbook(balance, day)
    name = f"balance-{balance.street_code}-{day}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return Response(body, headers=headers, media_type=MEDIA_TYPES[form])


@router.get("/coverage", response_model=CoverageOut, responses=problem_replies(*ALWAYS))
def read_coverage(call: Reading, day: OnDay, street: Street) -> CoverageOut:
    """Which share of a street's ground and objects lies in a grid of each level (clause 4.1)."""
    return CoverageOut.of(coverage_of(call.session, call.actor, street, day), day)


@router.get("/orphans", response_model=OrphanPage, responses=problem_replies(*ALWAYS))
def read_orphans(
    call: Reading,
    day: OnDay,
    street: Street,
    *,
    level: PlaneLevel = 3,
    after: After = None,
    limit: Limit = 100,
) -> OrphanPage:
    """The buildings of a street that lie in no grid of a level, and why."""
    found = orphans_of(
        call.session, call.actor, street, day, level=level, after=parse_id(after), limit=limit + 1
    )
    return OrphanPage.of(found, limit)


def parse_id(after: str | None) -> uuid.UUID | None:
    """Raises: Invalid, when it is no `next` of ours."""
    try:
        return None if after is None else uuid.UUID(after)
    except ValueError:
        raise bad_cursor() from None
