"""Who is away, and who stands in."""

import uuid
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from access.absences import (
    AbsenceConflict,
    AbsenceFilter,
    AbsenceOverlaps,
    Leave,
    StandsIn,
    SubstituteAway,
    SubstituteWithoutAccount,
    cancel_absence,
    list_absences,
    put_absence,
    read_absence,
)
from api.days import GivenDay
from api.dependencies import Reading, Writing
from api.paging import After, Limit, bad_cursor
from api.problems import problem_replies
from api.schemas.absences import AbsenceIn, AbsenceOut, AbsencePage, CancelIn
from core.errors import Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from patrol.weeks.roll_up import recount_absence

router = APIRouter(prefix="/v1", tags=["teams"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
REPEATED: dict[int | str, dict[str, Any]] = {200: {"description": "It was there already."}}
REFUSED = (AbsenceConflict, AbsenceOverlaps, SubstituteAway, StandsIn, SubstituteWithoutAccount)


@router.put(
    "/absences/{absence_id}",
    status_code=201,
    response_model=AbsenceOut,
    responses=REPEATED | problem_replies(*ALWAYS, Forbidden, NotFound, *REFUSED),
)
def enter_absence(response: Response, absence_id: uuid.UUID, body: AbsenceIn, call: Writing) -> AbsenceOut:
    """Somebody is away and somebody else holds the grids; under an id that the client made."""
    is_new = put_absence(call.session, call.actor, absence_id, Leave(**body.model_dump()))
    if is_new:
        recount_absence(call.session, absence_id)
    response.status_code = 201 if is_new else 200
    return AbsenceOut.of(read_absence(call.session, call.actor, absence_id))


@router.post(
    "/absences/{absence_id}/cancel",
    response_model=AbsenceOut,
    responses=problem_replies(*ALWAYS, Forbidden, NotFound),
)
def cancel(absence_id: uuid.UUID, body: CancelIn, call: Writing) -> AbsenceOut:
    """The person is back, or never goes; days that have passed stay as they were."""
    cancel_absence(call.session, call.actor, absence_id, body.on)
    recount_absence(call.session, absence_id)
    return AbsenceOut.of(read_absence(call.session, call.actor, absence_id))


@router.get("/absences", response_model=AbsencePage, responses=problem_replies(*ALWAYS))
def read_absences(
    call: Reading,
    on: GivenDay,
    *,
    street: Annotated[str | None, Query(pattern=r"^\d{9}$", description="street code")] = None,
    person: Annotated[uuid.UUID | None, Query(description="away or standing in")] = None,
    after: After = None,
    limit: Limit = 50,
) -> AbsencePage:
    """Your own absences, those you stand in for, and those in teams you manage; the latest first."""
    wanted = AbsenceFilter(street, person, on)
    place = parse_place(after) if after else None
    found = list_absences(call.session, call.actor, wanted, after=place, limit=limit + 1)
    page = found[:limit]
    more = f"{page[-1].valid_from}.{page[-1].absence_id}" if len(found) > limit else None
    return AbsencePage(items=[AbsenceOut.of(absence) for absence in page], next=more)


def parse_place(after: str) -> tuple[date, uuid.UUID]:
    """Raises: Invalid, when it is no `next` of ours."""
    day, _, absence_id = after.partition(".")
    try:
        return date.fromisoformat(day), uuid.UUID(absence_id)
    except ValueError:
        raise bad_cursor() from None
