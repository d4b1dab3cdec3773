"""What is due, what was done, what will be missed; and the reminders about it."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.dependencies import Reading, Writing
from api.paging import After, Limit, bad_cursor, cursor_of, parse_cursor
from api.periods import WantedPeriod
from api.problems import problem_replies
from api.schemas.duties import (
    DueItemOut,
    DuePage,
    DutyItemOut,
    DutyPage,
    DutyTotalOut,
    ReminderOut,
    ReminderPage,
)
from core.clock import now
from core.errors import Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from patrol.duties.due import due_list
from patrol.duties.gathering import Wanted
from patrol.duties.measuring import DutyItem, measure
from patrol.duties.reminding import mark_seen, reminders_of
from patrol.rights import GridUnknown

router = APIRouter(prefix="/v1", tags=["duties"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)

GridCode = Annotated[str | None, Query(max_length=40, description="code; with all grids below")]
DutyCode = Annotated[
    str | None, Query(max_length=40, description="like patrols, full-visits, special-visits")
]
Person = Annotated[uuid.UUID | None, Query(description="answers for it, or stands in for whoever does")]


def wanted_duties(
    period: WantedPeriod, grid: GridCode = None, duty: DutyCode = None, person: Person = None
) -> Wanted:
    return Wanted(grid, period, duty, person)


WantedDuties = Annotated[Wanted, Depends(wanted_duties)]


@router.get("/duties", response_model=DutyPage, responses=problem_replies(*ALWAYS, Forbidden, GridUnknown))
def read_duties(call: Reading, wanted: WantedDuties, after: After = None, limit: Limit = 100) -> DutyPage:
    """Every subject of each duty: raw figures with what would be excused beside them, and the forecast.

    Without `period` each duty is shown in the week, quarter or year that runs.
    """
    items = measure(call.session, call.actor, wanted)
    behind = [item for item in items if after is None or item.place > parse_place(after)]
    page = behind[:limit]
    groups: dict[tuple[int, str], list[DutyItem]] = {}
    for item in items:
        groups.setdefault((item.duty.duty_id, str(item.period)), []).append(item)
    return DutyPage(
        as_of=now(),
        totals=[DutyTotalOut.of(group) for group in groups.values()],
        items=[DutyItemOut.of(item) for item in page],
        next=".".join(map(str, page[-1].place)) if len(behind) > limit else None,
    )


@router.get("/duties/due", response_model=DuePage, responses=problem_replies(*ALWAYS, Forbidden, GridUnknown))
def read_due(call: Reading, wanted: WantedDuties, after: After = None, limit: Limit = 100) -> DuePage:
    """What is still to be done and by when, the earliest first; households for those who may read them."""
    place = parse_due_place(after) if after else None
    found = due_list(call.session, call.actor, wanted, after=place, limit=limit + 1)
    page = found[:limit]
    return DuePage(
        as_of=now(),
        items=[DueItemOut.of(item) for item in page],
        next=".".join(map(str, page[-1].place)) if len(found) > limit else None,
    )


@router.get("/reminders", response_model=ReminderPage, responses=problem_replies(*ALWAYS))
def read_reminders(
    call: Reading,
    *,
    unseen: Annotated[bool, Query(description="only those not seen yet")] = False,
    after: After = None,
    limit: Limit = 50,
) -> ReminderPage:
    """Your own reminders, the latest first."""
    place = parse_cursor(after) if after else None
    found = reminders_of(call.session, call.actor, after=place, unseen=unseen, limit=limit + 1)
    page = found[:limit]
    more = cursor_of(page[-1].made_at, page[-1].reminder_id) if len(found) > limit else None
    return ReminderPage(items=[ReminderOut.of(one) for one in page], next=more)


@router.post(
    "/reminders/{reminder_id}/seen",
    response_model=ReminderOut,
    responses=problem_replies(*ALWAYS, NotFound),
)
def see_reminder(reminder_id: uuid.UUID, call: Writing) -> ReminderOut:
    """You have seen it; said again, the first time stays."""
    return ReminderOut.of(mark_seen(call.session, call.actor, reminder_id))


def parse_place(after: str) -> tuple[int, str, str]:
    """Raises: Invalid, when it is no `next` of ours."""
    duty_id, _, rest = after.partition(".")
    code, dot, person_id = rest.partition(".")
    if not (duty_id.isascii() and duty_id.isdigit() and dot):
        raise bad_cursor()
    return int(duty_id), code, person_id


def parse_due_place(after: str) -> tuple[str, int, str, str]:
    """Raises: Invalid, when it is no `next` of ours."""
    day, _, rest = after.partition(".")
    return day, *parse_place(rest)
