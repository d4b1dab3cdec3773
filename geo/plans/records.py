"""A plan's own row: who may work on it, in which state, and what was done to it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import audit
from core.clock import now, today
from core.errors import Conflict, FieldError, Invalid, NotFound, Outdated
from geo.models import Division, DivisionPlan, PlanEvent
from geo.queries import PathScope

DRAFT, SUBMITTED, APPROVED, WITHDRAWN = "draft", "submitted", "approved", "withdrawn"
_MAX_TITLE = 100
_MAX_NOTE = 2000
# Two requests that make the same plan take turns: the second finds it.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('plan:' || :plan, 0))")
_FURTHEST = timedelta(days=2 * 366)


class PlanUnknown(NotFound):
    """There is no such division plan, or you may not see it."""

    code = "plan-unknown"


class PlanClosed(Conflict):
    """This division plan is not in a state in which this can be done."""

    code = "plan-closed"


@dataclass(frozen=True, slots=True)
class Editor:
    """Who works on a plan: a label for the trail, a name for colleagues."""

    label: str
    name: str


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What is said of a plan as a whole."""

    street_code: str
    title: str
    valid_from: date
    note: str = ""


def street_path(street_code: str) -> str:
    """The prefix of all paths of a street."""
    return f"{street_code}/"


def put_plan(
    session: Session,
    scope: PathScope,
    editor: Editor,
    plan_id: uuid.UUID,
    facts: PlanFacts,
    *,
    revision: int | None,
) -> tuple[DivisionPlan, bool]:
    """The plan exists with these facts; the flag tells whether it is new. A repeated call changes nothing.

    Raises: Invalid, PlanUnknown, PlanClosed, Outdated.
    """
    _refuse_facts(session, scope, facts)
    session.execute(_ONE_AT_A_TIME, {"plan": str(plan_id)})
    plan = session.get(DivisionPlan, plan_id, with_for_update=True)
    if plan is None:
        return _new_plan(session, editor, plan_id, facts), True
    if not scope.covers(street_path(plan.street_code)) or plan.street_code != facts.street_code:
        raise PlanUnknown
    if PlanFacts(plan.street_code, plan.title, plan.valid_from, plan.note) == facts:
        return plan, False
    require_revision(plan, revision)
    require_status(plan, DRAFT)
    plan.title, plan.valid_from, plan.note = facts.title, facts.valid_from, facts.note
    changed(session, plan, editor, "edited", {"title": facts.title, "valid_from": str(facts.valid_from)})
    return plan, False


def locked_plan(session: Session, scope: PathScope, plan_id: uuid.UUID) -> DivisionPlan:
    """The plan, to be changed by nobody else until this transaction ends. Raises: PlanUnknown."""
    plan = session.get(DivisionPlan, plan_id, with_for_update=True, populate_existing=True)
    if plan is None or not scope.covers(street_path(plan.street_code)):
        raise PlanUnknown
    return plan


def draft_to_edit(
    session: Session, scope: PathScope, plan_id: uuid.UUID, revision: int | None
) -> DivisionPlan:
    """The locked plan, known to be a draft and as the editor last saw it.

    Raises: PlanUnknown, PlanClosed, Outdated.
    """
    plan = locked_plan(session, scope, plan_id)
    require_revision(plan, revision)
    require_status(plan, DRAFT)
    return plan


def require_revision(plan: DivisionPlan, revision: int | None) -> None:
    """Raises: Outdated with who changed the plan and when."""
    if revision is None or revision == plan.revision:
        return
    at = plan.changed_at.isoformat()
    raise Outdated(
        f"{plan.changed_by} 已于 {at} 修改本方案 / {plan.changed_by} changed this plan at {at}",
        changed_by=plan.changed_by,
        changed_at=at,
        revision=plan.revision,
    )


def require_status(plan: DivisionPlan, *allowed: str) -> None:
    """Raises: PlanClosed."""
    if plan.status not in allowed:
        detail = f"方案当前状态为 {plan.status} / the plan is {plan.status}, not {' or '.join(allowed)}"
        raise PlanClosed(detail, plan_status=plan.status)


def changed(
    session: Session, plan: DivisionPlan, editor: Editor, event: str, detail: Mapping[str, Any]
) -> None:
    """The plan has a new revision, and timeline and trail say what was done."""
    plan.revision += 1
    plan.changed_at, plan.changed_by = now(), editor.name
    _tell(session, plan, editor, event, detail)


def _new_plan(session: Session, editor: Editor, plan_id: uuid.UUID, facts: PlanFacts) -> DivisionPlan:
    plan = DivisionPlan(
        plan_id=plan_id,
        street_code=facts.street_code,
        title=facts.title,
        note=facts.note,
        status=DRAFT,
        valid_from=facts.valid_from,
        revision=1,
        changed_at=now(),
        changed_by=editor.name,
    )
    session.add(plan)
    session.flush()  # its steps refer to it
    _tell(session, plan, editor, "created", {"title": facts.title, "valid_from": str(facts.valid_from)})
    return plan


def _tell(
    session: Session, plan: DivisionPlan, editor: Editor, event: str, detail: Mapping[str, Any]
) -> None:
    session.add(
        PlanEvent(
            plan_id=plan.plan_id,
            at=plan.changed_at,
            actor=editor.label,
            actor_name=editor.name,
            event=event,
            detail=dict(detail),
        )
    )
    audit.record(
        session,
        chain=plan.street_code,
        actor=editor.label,
        action=f"plan.{event}",
        subject=f"plan:{plan.plan_id}",
        detail=detail,
    )


def _refuse_facts(session: Session, scope: PathScope, facts: PlanFacts) -> None:
    known = session.scalar(select(Division.code).where(Division.code == facts.street_code))
    if len(facts.street_code) != 9 or known is None or not scope.covers(street_path(facts.street_code)):
        raise _wrong("/street_code", "no-such-street", "没有这个街道 / there is no such street")
    if not 1 <= len(facts.title.strip()) <= _MAX_TITLE:
        raise _wrong("/title", "length", f"标题须为 1–{_MAX_TITLE} 个字符 / 1 to {_MAX_TITLE} characters")
    if len(facts.note) > _MAX_NOTE:
        raise _wrong("/note", "length", f"说明不得超过 {_MAX_NOTE} 个字符 / at most {_MAX_NOTE} characters")
    if not today() <= facts.valid_from <= today() + _FURTHEST:
        detail = "生效日期须在今天到两年之内 / must be between today and two years from now"
        raise _wrong("/valid_from", "date-range", detail)


def _wrong(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(detail, errors=[FieldError(pointer, code, detail)])
