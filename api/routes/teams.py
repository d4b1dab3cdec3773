"""Who works in which grid, and whether that is everybody the standard asks for."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from access.accounts import AssignmentEnded, AssignmentOverlaps
from access.people import EmployerContradicted, PersonFacts, find_people, put_person
from access.positions import Affiliation
from access.roles import Role
from access.staffing import staffing_of
from access.teams import AssignmentConflict, Membership, end_membership, put_membership, team_of
from api.days import OnDay
from api.dependencies import Reading, Writing
from api.paging import After, Limit, bad_cursor
from api.problems import problem_replies
from api.schemas.teams import (
    EndIn,
    FoundPersonOut,
    MembershipIn,
    MembershipOut,
    PeoplePage,
    PersonIn,
    StaffingOut,
    StoredPersonOut,
    TeamOut,
)
from core.errors import Forbidden, Invalid, NotFound, Unauthenticated, Unavailable

router = APIRouter(prefix="/v1", tags=["teams"])

ALWAYS = (Invalid, Unauthenticated, Forbidden, Unavailable)
REPEATED: dict[int | str, dict[str, Any]] = {200: {"description": "It was there already."}}


@router.get("/teams", response_model=TeamOut, responses=problem_replies(*ALWAYS, NotFound))
def read_team(
    call: Reading, grid: Annotated[str, Query(max_length=40, description="code of the grid")], on: OnDay
) -> TeamOut:
    """The team of a grid on a day: positions, dates, who answers for it and who stands in for whom."""
    return TeamOut.of(team_of(call.session, call.actor, grid, on), on)


@router.put(
    "/assignments/{assignment_id}",
    status_code=201,
    response_model=MembershipOut,
    responses=REPEATED
    | problem_replies(*ALWAYS, NotFound, AssignmentConflict, AssignmentOverlaps, EmployerContradicted),
)
def put_assignment(
    response: Response, assignment_id: uuid.UUID, body: MembershipIn, call: Writing
) -> MembershipOut:
    """Put somebody into a grid's team under an id that the client made; rights hold from the first day."""
    wanted = Membership(**{**body.model_dump(), "role": Role(body.role)})
    is_new = put_membership(call.session, call.actor, assignment_id, wanted)
    response.status_code = 201 if is_new else 200
    return MembershipOut(assignment_id=assignment_id, repeated=not is_new)


@router.post(
    "/assignments/{assignment_id}/end",
    status_code=204,
    responses=problem_replies(*ALWAYS, NotFound, AssignmentEnded),
)
def end_assignment(assignment_id: uuid.UUID, body: EndIn, call: Writing) -> None:
    """Take somebody out of a team from a day on; rights end with that day."""
    end_membership(call.session, call.actor, assignment_id, body.on)


@router.put(
    "/people/{person_id}",
    status_code=201,
    response_model=StoredPersonOut,
    responses=REPEATED | problem_replies(*ALWAYS, NotFound, EmployerContradicted),
)
def put_team_person(
    response: Response, person_id: uuid.UUID, body: PersonIn, call: Writing
) -> StoredPersonOut:
    """Make somebody known who works in teams, or change what is known; an account is given elsewhere."""
    facts = PersonFacts(body.name, Affiliation(body.affiliation), body.street_code, body.left_on)
    is_new = put_person(call.session, call.actor, person_id, facts)
    response.status_code = 201 if is_new else 200
    return StoredPersonOut(person_id=person_id, created=is_new)


@router.get("/people", response_model=PeoplePage, responses=problem_replies(*ALWAYS))
def search_people(
    call: Reading,
    text: Annotated[str, Query(max_length=64, description="part of the name")] = "",
    after: After = None,
    limit: Limit = 50,
) -> PeoplePage:
    """People whom you may put into teams."""
    place = parse_place(after) if after else None
    found = find_people(call.session, call.actor, text.strip(), after=place, limit=limit + 1)
    page = found[:limit]
    more = f"{page[-1].person_id}.{page[-1].name}" if len(found) > limit else None
    return PeoplePage(items=[FoundPersonOut.of(person) for person in page], next=more)


@router.get("/staffing", response_model=StaffingOut, responses=problem_replies(*ALWAYS, NotFound))
def read_staffing(
    call: Reading,
    on: OnDay,
    *,
    street: Annotated[str, Query(pattern=r"^\d{9}$", description="street code")],
    missing: Annotated[bool, Query(description="only grids where somebody is missing")] = False,
    after: After = None,
    limit: Limit = 100,
) -> StaffingOut:
    """Every grid of a street beside clauses 10.2.1 to 10.2.3, and the 85 % share in both readings."""
    staffing = staffing_of(call.session, call.actor, street, on)
    listed = [one for one in staffing.grids if not (missing and one.passed)]
    behind = [one for one in listed if after is None or one.code > after]
    return StaffingOut.of(staffing, behind, street_code=street, on=on, limit=limit)


def parse_place(after: str) -> tuple[str, uuid.UUID]:
    """Raises: Invalid, when it is no `next` of ours."""
    person_id, _, name = after.partition(".")
    try:
        return name, uuid.UUID(person_id)
    except ValueError:
        raise bad_cursor() from None
