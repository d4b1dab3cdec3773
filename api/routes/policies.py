"""Patrol policies: what makes a patrol count, versioned by day."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.days import OnDay
from api.dependencies import Reading, Writing
from api.problems import problem_replies
from api.schemas.policies import (
    CandidateOut,
    EffectiveOut,
    PoliciesOut,
    PolicyIn,
    PolicyOut,
    ThresholdOut,
    ThresholdsOut,
)
from core.errors import Forbidden, Invalid, Unauthenticated, Unavailable
from patrol.policy_desk import (
    PolicyConflict,
    PolicyHolds,
    PolicyUnknown,
    delete_policy,
    effective_policy,
    list_policies,
    put_policy,
    read_policy,
)
from patrol.rights import GridUnknown
from patrol.thresholds import thresholds

router = APIRouter(prefix="/v1", tags=["policies"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
REPEATED: dict[int | str, dict[str, Any]] = {200: {"description": "It was there already."}}
PolicyId = Annotated[int, Path(ge=1, lt=2**31)]


@router.get("/patrol-policies", response_model=PoliciesOut, responses=problem_replies(*ALWAYS))
def read_policies(
    call: Reading, street: Annotated[str | None, Query(pattern=r"^\d{9}$", description="street code")] = None
) -> PoliciesOut:
    """Every policy that concerns your part of the tree: in it, around it, below it; past and future ones."""
    views = list_policies(call.session, call.actor, street)
    return PoliciesOut(items=[PolicyOut.of(view) for view in views])


@router.get("/patrol-policies/thresholds", response_model=ThresholdsOut, responses=problem_replies(*ALWAYS))
def read_thresholds(_: Reading) -> ThresholdsOut:
    """What a policy can say, with units, words, defaults and bounds."""
    return ThresholdsOut(items=[ThresholdOut.of(one) for one in thresholds()])


@router.get(
    "/patrol-policies/effective",
    response_model=EffectiveOut,
    responses=problem_replies(*ALWAYS, GridUnknown),
)
def read_effective(
    call: Reading, day: OnDay, grid: Annotated[str, Query(min_length=1, max_length=40, description="code")]
) -> EffectiveOut:
    """The policy that holds for a grid on a day, and why."""
    found = [CandidateOut.of(one) for one in effective_policy(call.session, call.actor, grid, day)]
    holding = next(one.policy for one in found if one.holds)
    return EffectiveOut(grid_code=grid, on=day, policy=holding, candidates=found)


@router.put(
    "/patrol-policies",
    status_code=201,
    response_model=PolicyOut,
    responses=REPEATED | problem_replies(*ALWAYS, Forbidden, GridUnknown, PolicyConflict),
)
def put_one(response: Response, body: PolicyIn, call: Writing) -> PolicyOut:
    """Have a policy hold from a day ahead; what has begun to hold is followed by a new one, never changed."""
    policy_id, is_new = put_policy(call.session, call.actor, body.draft())
    response.status_code = 201 if is_new else 200
    return PolicyOut.of(read_policy(call.session, call.actor, policy_id))


@router.get(
    "/patrol-policies/{policy_id}",
    response_model=PolicyOut,
    responses=problem_replies(*ALWAYS, PolicyUnknown),
)
def read_one(policy_id: PolicyId, call: Reading) -> PolicyOut:
    """One policy, e.g. the one that a verdict names."""
    return PolicyOut.of(read_policy(call.session, call.actor, policy_id))


@router.delete(
    "/patrol-policies/{policy_id}",
    status_code=204,
    responses=problem_replies(*ALWAYS, Forbidden, PolicyUnknown, PolicyHolds),
)
def delete_one(policy_id: PolicyId, call: Writing) -> None:
    """Take back a policy that has not begun to hold."""
    delete_policy(call.session, call.actor, policy_id)
