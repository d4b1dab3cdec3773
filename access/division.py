"""Who may draw, see and approve division plans, and the approval that takes people along."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from access.handover import follow_successions
from access.roles import Action
from access.scope import Actor, Scope, scope_of
from core.errors import Forbidden
from geo.models import DivisionPlan
from geo.plans.approving import Approval, approve
from geo.plans.queries import had_a_hand_in
from geo.plans.records import DRAFT, SUBMITTED, Editor, street_path


@dataclass(frozen=True, slots=True)
class Rights:
    """What an actor may do with a plan in its present state."""

    edit: bool
    submit: bool
    approve: bool
    withdraw: bool


def editor_of(actor: Actor) -> Editor:
    """How a plan's timeline names the actor."""
    return Editor(actor.label, actor.name)


def visible_plans(actor: Actor) -> Scope:
    """Streets whose plans the actor sees: those that the actor draws or approves."""
    drawing, approving = scope_of(actor, Action.PLAN_DIVISION), scope_of(actor, Action.APPROVE_DIVISION)
    return Scope.reduced((*drawing.prefixes, *approving.prefixes))


def planning_scope(actor: Actor) -> Scope:
    """Streets that the actor draws. Raises: Forbidden when there are none."""
    return _some(scope_of(actor, Action.PLAN_DIVISION), Action.PLAN_DIVISION)


def approving_scope(actor: Actor) -> Scope:
    """Streets whose plans the actor approves. Raises: Forbidden when there are none."""
    return _some(scope_of(actor, Action.APPROVE_DIVISION), Action.APPROVE_DIVISION)


def rights_on(session: Session, actor: Actor, plan: DivisionPlan) -> Rights:
    """What the actor may do with the plan as it is now; nobody approves what they had a hand in."""
    path = street_path(plan.street_code)
    draws = scope_of(actor, Action.PLAN_DIVISION).covers(path)
    decides = scope_of(actor, Action.APPROVE_DIVISION).covers(path)
    return Rights(
        edit=draws and plan.status == DRAFT,
        submit=draws and plan.status == DRAFT,
        approve=decides
        and plan.status == SUBMITTED
        and not had_a_hand_in(session, plan.plan_id, actor.label),
        withdraw=draws and plan.status in {DRAFT, SUBMITTED},
    )


def approve_plan(session: Session, actor: Actor, plan: DivisionPlan, *, accept_warnings: bool) -> Approval:
    """The plan holds from its day on, and so do the posts of those who answered for its ground.

    Raises: PlanClosed, OwnPlan, PlanNotReady, WarningsNotAccepted.
    """
    approval = approve(session, plan, editor_of(actor), accept_warnings=accept_warnings)
    follow_successions(session, approval.successions, approval.retired, plan.valid_from, actor)
    return approval


def _some(scope: Scope, action: Action) -> Scope:
    if scope.is_empty:
        raise Forbidden(f"您没有该操作权限 / none of your roles allows {action}", action=action.value)
    return scope
