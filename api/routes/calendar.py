"""The work calendar: working days, rest days and legal holidays."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.dependencies import Reading, Writing
from api.problems import problem_replies
from api.schemas.calendar import CalendarOut, DayIn, DayOut
from core.clock import YEARS
from core.errors import FieldError, Forbidden, Invalid, Unauthenticated, Unavailable
from core.work_calendar import load_calendar
from patrol.duties.calendar_desk import set_day

router = APIRouter(prefix="/v1", tags=["duties"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
MAX_DAYS = 800  # two years and some weeks

FirstDay = Annotated[date, Query(alias="from", description="like 2026-10-01")]
LastDay = Annotated[date, Query(alias="to", description="included; at most 800 days in all")]


@router.get("/calendar", response_model=CalendarOut, responses=problem_replies(*ALWAYS))
def read_calendar(call: Reading, first: FirstDay, last: LastDay) -> CalendarOut:
    """Every day from one to another; those that nobody has published are derived and provisional."""
    wanted = _days(first, last)
    calendar = load_calendar(call.session)
    days = [calendar.day(day) for day in wanted]
    return CalendarOut(
        workdays=sum(day.is_workday for day in days),
        is_provisional=any(day.is_provisional for day in days),
        items=[DayOut.of(day) for day in days],
    )


@router.put("/calendar/{day}", response_model=DayOut, responses=problem_replies(*ALWAYS, Forbidden))
def put_calendar_day(
    day: Annotated[date, Path(description="like 2026-10-01")], body: DayIn, call: Writing
) -> DayOut:
    """The day is a working day, a rest day or a holiday, for the whole deployment."""
    _days(day, day)
    wanted = set_day(call.session, call.actor, day, body.kind, body.name, is_provisional=body.is_provisional)
    return DayOut.of(wanted)


def _days(first: date, last: date) -> list[date]:
    """Raises: Invalid."""
    if first.year not in YEARS or last.year not in YEARS or not 0 <= (last - first).days < MAX_DAYS:
        detail = f"日期须按先后、至多 {MAX_DAYS} 天 / in order, at most {MAX_DAYS} days"
        raise Invalid(errors=[FieldError("/query/to", "bad-days", detail)])
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
