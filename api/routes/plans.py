"""Division plans: list, read, state, check, approve. The drawing tools are in plan_drawing.py."""

import uuid
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from access.division import (
    Rights,
    approve_plan,
    approving_scope,
    editor_of,
    planning_scope,
    rights_on,
    visible_plans,
)
from api.dependencies import Call, Reading, Writing
from api.if_match import IfMatch, tagged
from api.paging import After, Limit, cursor_of, parse_cursor
from api.problems import problem_replies
from api.schemas.plans import (
    ApprovalIn,
    ChangeOut,
    CheckOut,
    FeatureCollectionOut,
    MayOut,
    NoteIn,
    PlanDetailOut,
    PlanIn,
    PlanOut,
    PlanPage,
    StepOut,
)
from core.clock import today
from core.errors import Forbidden, Invalid, Outdated, Unauthenticated, Unavailable, Unguarded
from geo.models import DivisionPlan
from geo.plans.approving import OwnPlan, PlanNotReady, WarningsNotAccepted, give_back, submit, withdraw
from geo.plans.checking import check_plan
from geo.plans.queries import extent_of_street, list_plans, read_plan, steps_of
from geo.plans.records import (
    DRAFT,
    PlanClosed,
    PlanFacts,
    PlanUnknown,
    locked_plan,
    put_plan,
    require_revision,
)
from geo.plans.shown import changes_of
from geo.plans.world import World, load_world

router = APIRouter(prefix="/v1", tags=["division plans"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
STEPS = (*ALWAYS, Forbidden, PlanUnknown, PlanClosed, Outdated, Unguarded)
PlanId = Annotated[uuid.UUID, Path()]


@router.get("/plans", response_model=PlanPage, responses=problem_replies(*ALWAYS))
def read_plans(
    call: Reading,
    street: Annotated[str | None, Query(min_length=9, max_length=9)] = None,
    status: Annotated[str | None, Query(pattern="^(draft|submitted|approved|withdrawn)$")] = None,
    after: After = None,
    limit: Limit = 50,
) -> PlanPage:
    """Plans of the streets that the caller draws or approves, the newest first."""
    found = list_plans(
        call.session,
        visible_plans(call.actor),
        street_code=street,
        status=status,
        after=parse_cursor(after) if after else None,
        limit=limit + 1,
    )
    last = found[limit - 1] if len(found) > limit else None
    return PlanPage(
        items=[PlanOut.of(plan) for plan in found[:limit]],
        next=cursor_of(last.created_at, last.plan_id) if last else None,
    )


@router.put(
    "/plans/{plan_id}",
    response_model=PlanDetailOut,
    responses={201: {"model": PlanDetailOut}, **problem_replies(*STEPS)},
)
def put_one_plan(
    response: Response, call: Writing, plan_id: PlanId, body: PlanIn, revision: IfMatch = None
) -> PlanDetailOut:
    """The plan exists with these facts; a client-made id makes a repeat harmless."""
    scope = planning_scope(call.actor)
    facts = PlanFacts(body.street_code, body.title, body.valid_from, body.note)
    plan, is_new = put_plan(call.session, scope, editor_of(call.actor), plan_id, facts, revision=revision)
    response.status_code = 201 if is_new else 200
    return plan_reply(call, plan, response)


@router.get("/plans/{plan_id}", response_model=PlanDetailOut, responses=problem_replies(*ALWAYS, PlanUnknown))
def read_one_plan(response: Response, call: Reading, plan_id: PlanId) -> PlanDetailOut:
    """One plan with its changes and its timeline."""
    return plan_reply(call, _visible_plan(call, plan_id), response)


@router.get(
    "/plans/{plan_id}/grids",
    response_model=FeatureCollectionOut,
    responses=problem_replies(*ALWAYS, PlanUnknown),
)
def read_planned_grids(
    response: Response,
    call: Reading,
    plan_id: PlanId,
    level: Annotated[int | None, Query(ge=1, le=5)] = None,
) -> FeatureCollectionOut:
    """The street as the plan will leave it; retired grids are there too, marked so."""
    plan = _visible_plan(call, plan_id)
    tagged(response, plan.revision)
    world = load_world(call.session, plan)
    grids = [grid for grid in world.grids.values() if level is None or grid.level == level]
    return FeatureCollectionOut.of_grids(grids, {grid.ref: grid.parent_ref for grid in grids})


@router.get(
    "/plans/{plan_id}/check", response_model=CheckOut, responses=problem_replies(*ALWAYS, PlanUnknown)
)
def read_check(response: Response, call: Reading, plan_id: PlanId) -> CheckOut:
    """What stands against the plan, with every misfit of shapes where it lies."""
    plan = _visible_plan(call, plan_id)
    tagged(response, plan.revision)
    return CheckOut.of(check_plan(call.session, plan))


@router.post(
    "/plans/{plan_id}/submission",
    response_model=PlanDetailOut,
    responses=problem_replies(*STEPS, PlanNotReady),
)
def submit_plan(
    response: Response, call: Writing, plan_id: PlanId, revision: IfMatch = None
) -> PlanDetailOut:
    """The plan waits for its approval."""
    plan = locked_plan(call.session, planning_scope(call.actor), plan_id)
    require_revision(plan, revision)
    submit(call.session, plan, editor_of(call.actor))
    return plan_reply(call, plan, response)


@router.post(
    "/plans/{plan_id}/approval",
    response_model=PlanDetailOut,
    responses=problem_replies(*STEPS, OwnPlan, PlanNotReady, WarningsNotAccepted),
)
def approve_one_plan(
    response: Response, call: Writing, plan_id: PlanId, body: ApprovalIn, revision: IfMatch = None
) -> PlanDetailOut:
    """Grids are as the plan says from its day on; people follow the ground they answered for."""
    plan = locked_plan(call.session, approving_scope(call.actor), plan_id)
    require_revision(plan, revision)
    approval = approve_plan(call.session, call.actor, plan, accept_warnings=body.accept_warnings)
    return plan_reply(call, plan, response, codes=dict(approval.codes))


@router.post("/plans/{plan_id}/return", response_model=PlanDetailOut, responses=problem_replies(*STEPS))
def return_plan(
    response: Response, call: Writing, plan_id: PlanId, body: NoteIn, revision: IfMatch = None
) -> PlanDetailOut:
    """The plan is a draft again."""
    plan = locked_plan(call.session, approving_scope(call.actor), plan_id)
    require_revision(plan, revision)
    give_back(call.session, plan, editor_of(call.actor), body.note)
    return plan_reply(call, plan, response)


@router.post("/plans/{plan_id}/withdrawal", response_model=PlanDetailOut, responses=problem_replies(*STEPS))
def withdraw_plan(
    response: Response, call: Writing, plan_id: PlanId, revision: IfMatch = None
) -> PlanDetailOut:
    """The plan is put aside for good."""
    plan = locked_plan(call.session, planning_scope(call.actor), plan_id)
    require_revision(plan, revision)
    withdraw(call.session, plan, editor_of(call.actor))
    return plan_reply(call, plan, response)


def plan_reply(
    call: Call,
    plan: DivisionPlan,
    response: Response,
    *,
    world: World | None = None,
    codes: dict[str, str] | None = None,
) -> PlanDetailOut:
    """The plan as every route that changes it answers, with its new revision as entity tag."""
    call.session.flush()
    tagged(response, plan.revision)
    summary = read_plan(call.session, visible_plans(call.actor), plan.plan_id)
    world = world or load_world(call.session, plan)
    day: date = max(today(), plan.valid_from) if plan.status == DRAFT else today()
    return PlanDetailOut(
        **PlanOut.of(summary).model_dump(),
        note=summary.note,
        street_bbox=extent_of_street(call.session, plan.street_code, day),
        changes=[ChangeOut.of(change) for change in changes_of(world)],
        events=[StepOut.of(step) for step in steps_of(call.session, plan.plan_id)],
        may=_may(rights_on(call.session, call.actor, plan)),
        codes=codes or {},
    )


def _may(rights: Rights) -> MayOut:
    return MayOut(edit=rights.edit, submit=rights.submit, approve=rights.approve, withdraw=rights.withdraw)


def _visible_plan(call: Call, plan_id: uuid.UUID) -> DivisionPlan:
    read_plan(call.session, visible_plans(call.actor), plan_id)
    return call.session.get_one(DivisionPlan, plan_id)
