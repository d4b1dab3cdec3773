"""Who made the required patrols of a week, a month, a quarter or a year."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.dependencies import Reading
from api.downloads import attachment
from api.paging import After, Limit, bad_cursor
from api.periods import WantedPeriod
from api.problems import problem_replies
from api.routes.analysis import MEDIA_TYPES, TABLES
from api.schemas.compliance import ComplianceOut, GridOut, PairOut, TotalsOut, WeekOut
from api.schemas.period_compliance import PeriodComplianceOut
from api.weeks import WantedWeek
from core.clock import Week, now, today
from core.errors import FieldError, Forbidden, Invalid, Unauthenticated, Unavailable
from core.periods import Period, PeriodKind
from patrol.closing import week_state
from patrol.duties.compliance import By, PeriodStanding, standing_over
from patrol.duties.compliance_table import compliance_csv, compliance_workbook
from patrol.rights import GridUnknown
from patrol.weeks.standing import Pair, standing_of

router = APIRouter(prefix="/v1", tags=["compliance"])

PROBLEMS = problem_replies(Invalid, Unauthenticated, Forbidden, GridUnknown, Unavailable)

GridCode = Annotated[str | None, Query(max_length=40, description="code; with all grids below")]
Level = Annotated[int | None, Query(ge=1, le=5, description="only people of grids of this level")]
AddedUpBy = Annotated[
    By | None, Query(description="member: each person and own grid; needs no `week`, but a `period`")
]


def wanted_span(week: WantedWeek, period: WantedPeriod, by: AddedUpBy = None) -> Week | Period:
    """A week when nothing longer is asked for; a period, also a week of it, with `period` or `by`.

    Raises: Invalid.
    """
    if week is not None and (period is not None or by is not None):
        detail = "week 与 period、by 不能同用 / name either a week or a period"
        raise Invalid(errors=[FieldError("/query/week", "one-of", detail)])
    if period is not None or by is not None:
        return period or Period.of(PeriodKind.WEEK, today())
    return week or Week.of(now())


Span = Annotated[Week | Period, Depends(wanted_span)]


@router.get("/compliance", response_model=ComplianceOut | PeriodComplianceOut, responses=PROBLEMS)
def read_compliance(
    call: Reading,
    *,
    span: Span,
    by: AddedUpBy = None,
    grid: GridCode = None,
    level: Level = None,
    after: After = None,
    limit: Limit = 100,
) -> ComplianceOut | PeriodComplianceOut:
    """Every pair of person and own grid with its patrols of the week, the running one by default.

    With `period` the sums over its weeks, by member, grid, community or street.
    """
    if isinstance(span, Week):
        return of_week(call, span, grid, level, after=after, limit=limit)
    standing = standing_over(call.session, call.actor, span, by or By.MEMBER, grid_code=grid, level=level)
    behind = [line for line in standing.lines if after is None or line.place > parse_place(after)]
    page = behind[:limit]
    return PeriodComplianceOut.of(standing, page, ".".join(page[-1].place) if len(behind) > limit else None)


def of_week(
    call: Reading, week: Week, grid: str | None, level: int | None, *, after: str | None, limit: int
) -> ComplianceOut:
    """The pairs of a week with each of their patrols. Raises: Invalid, GridUnknown, Forbidden."""
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


def whole_standing(
    call: Reading, period: WantedPeriod, *, by: By = By.MEMBER, grid: GridCode = None, level: Level = None
) -> PeriodStanding:
    """Raises: Invalid, GridUnknown, Forbidden."""
    wanted = period or Period.of(PeriodKind.WEEK, today())
    return standing_over(call.session, call.actor, wanted, by, grid_code=grid, level=level)


@router.get(
    "/compliance/export",
    response_class=Response,
    responses={200: {"content": TABLES}, **PROBLEMS},
)
def export_compliance(
    standing: Annotated[PeriodStanding, Depends(whole_standing, scope="function")],
    form: Annotated[Literal["csv", "xlsx"], Query(alias="format")] = "xlsx",
) -> Response:
    """The sums as a file; the workbook has a second sheet that says what they are."""
    body = compliance_csv(standing) if form == "csv" else compliance_workbook(standing, now())
    headers = {
        "Content-Disposition": attachment(f"巡查达标 {standing.period}.{form}"),
        "Cache-Control": "private, no-store",
    }
    return Response(body, headers=headers, media_type=MEDIA_TYPES[form])


def place_of(pair: Pair) -> tuple[str, str]:
    return pair.grid.code, str(pair.person_id)


def parse_place(after: str) -> tuple[str, str]:
    code, dot, person_id = after.partition(".")
    if not dot:
        raise bad_cursor()
    return code, person_id
