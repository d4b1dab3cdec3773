"""What duties ask for: how many per period, where and from which day."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.dependencies import Reading, Writing
from api.if_match import IfMatch, tagged
from api.problems import problem_replies
from api.schemas.duty_rules import DutyRuleIn, DutyRuleOut, DutyRulesOut
from core.errors import Forbidden, Invalid, Outdated, Unauthenticated, Unavailable, Unguarded
from patrol.duties.desk import (
    DutyConflict,
    DutyHolds,
    DutyUnknown,
    delete_duty,
    list_duties,
    put_duty,
    read_duty,
)
from patrol.rights import GridUnknown

router = APIRouter(prefix="/v1", tags=["duties"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
REPEATED: dict[int | str, dict[str, Any]] = {200: {"description": "It was there already."}}
CHANGING = (*ALWAYS, Forbidden, DutyUnknown, GridUnknown, DutyConflict, Outdated, Unguarded)
DutyId = Annotated[int, Path(ge=1, lt=2**31)]
DutyCode = Annotated[str, Path(max_length=40, description="like full-visits")]


@router.get("/duty-rules", response_model=DutyRulesOut, responses=problem_replies(*ALWAYS))
def read_rules(
    call: Reading, duty: Annotated[str | None, Query(max_length=40, description="code of a duty")] = None
) -> DutyRulesOut:
    """Every row that concerns your part of the tree: past, present and future ones."""
    return DutyRulesOut(items=[DutyRuleOut.of(view) for view in list_duties(call.session, call.actor, duty)])


@router.put(
    "/duty-rules/{duty}",
    status_code=201,
    response_model=DutyRuleOut,
    responses=REPEATED | problem_replies(*CHANGING),
)
def put_rule(
    response: Response, duty: DutyCode, body: DutyRuleIn, call: Writing, seen: IfMatch = None
) -> DutyRuleOut:
    """Ask for something else from a day ahead; periods that have begun stay as they are.

    If-Match names the newest row of the same part and kind of grid by its id, where there is one.
    """
    duty_id, is_new = put_duty(call.session, call.actor, body.draft(duty), seen=seen)
    response.status_code = 201 if is_new else 200
    tagged(response, duty_id)
    return DutyRuleOut.of(read_duty(call.session, call.actor, duty_id))


@router.delete(
    "/duty-rules/{duty_id}",
    status_code=204,
    responses=problem_replies(*ALWAYS, Forbidden, DutyUnknown, GridUnknown, DutyHolds),
)
def delete_rule(duty_id: DutyId, call: Writing) -> None:
    """Take back a row that has not begun to hold."""
    delete_duty(call.session, call.actor, duty_id)
