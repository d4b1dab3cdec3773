"""Patrol policies as a street keeps them: new rows from a day on; what has begun to hold is never changed.

A verdict names the row it was judged by, so a row that judged anything must say for ever what it said then.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from access.queries import street_code_of
from access.roles import Action
from access.scope import Actor, Scope, require, scope_of
from core import audit
from core.clock import Week, today
from core.errors import Conflict, FieldError, Invalid, NotFound
from geo.models import Grid
from patrol.judging.evidence import grid_on, stored_policies
from patrol.models import PatrolPolicy
from patrol.parts import meets, parts_seen, path_of, require_managed
from patrol.policies import Policy, PolicyRow, policy_for
from patrol.queries import grid_name
from patrol.rights import GridUnknown
from patrol.thresholds import threshold_errors

WHY: Mapping[str, tuple[str, str]] = {
    "policy-holds": (
        "适用：范围最近、类型最符合、日期最新。",
        "It holds: nearest part, fitting kind, newest.",
    ),
    "policy-wider": ("另有范围更近的规则。", "Another policy is for a nearer part of the tree."),
    "policy-any-kind": ("另有针对该网格类型的规则。", "Another policy is for this kind of grid."),
    "policy-older": ("已有更新的规则。", "A newer policy has followed it."),
}


class PolicyUnknown(NotFound):
    """There is no such patrol policy, or you may not see it."""

    code = "policy-unknown"


class PolicyConflict(Conflict):
    """Another patrol policy begins here on this day; delete that one first."""

    code = "policy-conflict"


class PolicyHolds(Conflict):
    """This patrol policy has begun to hold; add one that follows it."""

    code = "policy-holds"


@dataclass(frozen=True, slots=True)
class PolicyDraft:
    """A policy as it is asked for: everywhere, in a street, or in a grid and all below it."""

    street_code: str | None
    grid_code: str | None
    kind: str
    valid_from: date
    thresholds: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PolicyView:
    """A stored policy, with where it holds by name and what somebody may do with it."""

    row: PolicyRow
    street_code: str | None
    grid_code: str | None
    grid_name: str | None
    weekly_from: date  # weeks are counted by the policy of their Monday
    has_begun: bool
    may_delete: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A policy that fits a grid on a day, and why it holds there or does not."""

    view: PolicyView
    holds: bool
    why: str  # a key of WHY


def put_policy(session: Session, actor: Actor, draft: PolicyDraft) -> tuple[int, bool]:
    """The policy holds from its day on; gives its id, and whether it is new.

    What the draft leaves out is the default of today, written down.
    Raises: Forbidden, GridUnknown, Invalid, PolicyConflict.
    """
    path = path_of(session, actor, draft.street_code, draft.grid_code)
    errors = list(threshold_errors({**Policy().thresholds(), **draft.thresholds}))
    if draft.valid_from <= today():
        detail = "规则最早从明天起生效 / a policy begins tomorrow at the earliest"
        errors.append(FieldError("/valid_from", "too-early", detail))
    if errors:
        raise Invalid(errors=errors)
    whole = Policy.of(draft.thresholds).thresholds()
    key = {"path": path, "kind": draft.kind, "valid_from": draft.valid_from}
    statement = insert(PatrolPolicy).values(**key, thresholds=whole).on_conflict_do_nothing()
    policy_id = session.scalar(statement.returning(PatrolPolicy.policy_id))
    if policy_id is None:
        stored = session.scalars(select(PatrolPolicy).filter_by(**key)).one()
        if Policy.of(stored.thresholds) != Policy.of(whole):
            raise PolicyConflict(policy_id=stored.policy_id)
        return stored.policy_id, False
    _record(session, actor, "patrol_policy.created", policy_id, {**key, "thresholds": whole})
    return policy_id, True


def delete_policy(session: Session, actor: Actor, policy_id: int) -> None:
    """The policy, which had not begun to hold, is gone. Raises: PolicyUnknown, Forbidden, PolicyHolds."""
    view = read_policy(session, actor, policy_id)
    require_managed(actor, view.row.path)
    still_ahead = (PatrolPolicy.policy_id == policy_id, PatrolPolicy.valid_from > today())
    gone = session.scalar(delete(PatrolPolicy).where(*still_ahead).returning(PatrolPolicy.policy_id))
    if gone is None:
        raise PolicyHolds
    detail = {"path": view.row.path, "kind": view.row.kind, "valid_from": view.row.valid_from}
    _record(session, actor, "patrol_policy.deleted", policy_id, detail)


def list_policies(session: Session, actor: Actor, street_code: str | None) -> list[PolicyView]:
    """Policies that concern what the actor may see: those of it, around it and below it; by place and day."""
    parts = parts_seen(actor)
    if street_code is not None:
        parts = Scope(tuple(part for part in (f"{street_code}/",) if meets(part, parts)))
    rows = [row for row in stored_policies(session) if meets(row.path, parts)]
    return _views(session, actor, sorted(rows, key=lambda row: (row.path, row.kind, row.valid_from)))


def read_policy(session: Session, actor: Actor, policy_id: int) -> PolicyView:
    """One policy that concerns what the actor may see. Raises: PolicyUnknown."""
    rows = [row for row in stored_policies(session) if row.policy_id == policy_id]
    if not rows or not meets(rows[0].path, parts_seen(actor)):
        raise PolicyUnknown
    return _views(session, actor, rows)[0]


def effective_policy(session: Session, actor: Actor, grid_code: str, day: date) -> list[Candidate]:
    """The policy that holds for the grid on the day, then those that it outweighs. Raises: GridUnknown."""
    found = session.execute(select(Grid.grid_id, Grid.path).where(Grid.code == grid_code)).one_or_none()
    if found is None:
        raise GridUnknown
    require(actor, Action.READ_GRIDS, found.path, missing=GridUnknown)
    kind = grid_on(session, found.grid_id, day).kind
    fitting = [
        row
        for row in stored_policies(session)
        if found.path.startswith(row.path) and row.kind in ("", kind) and row.valid_from <= day
    ]
    holding = policy_for(fitting, path=found.path, kind=kind, day=day)
    fitting.sort(key=lambda row: (len(row.path), row.kind != "", row.valid_from), reverse=True)
    views = _views(session, actor, fitting)
    return [
        Candidate(view, view.row.policy_id == holding.policy_id, _why(view.row, holding)) for view in views
    ]


def _views(session: Session, actor: Actor, rows: Iterable[PolicyRow]) -> list[PolicyView]:
    found = list(rows)
    named = select(Grid.path, Grid.code, grid_name().label("name"))
    grids = session.execute(named.where(Grid.path.in_({row.path for row in found}))).all()
    codes, names = {one.path: one.code for one in grids}, {one.path: one.name for one in grids}
    managed, day = scope_of(actor, Action.MANAGE_POLICIES), today()
    return [
        PolicyView(
            row=row,
            street_code=street_code_of(row.path),
            grid_code=codes.get(row.path),
            grid_name=names.get(row.path),
            weekly_from=_first_monday(row.valid_from),
            has_begun=row.valid_from <= day,
            may_delete=row.valid_from > day and managed.covers(row.path),
        )
        for row in found
    ]


def _first_monday(day: date) -> date:
    monday = Week.of_day(day).monday
    return monday if monday == day else monday + timedelta(days=7)


def _why(row: PolicyRow, holding: PolicyRow) -> str:
    if row.policy_id == holding.policy_id:
        return "policy-holds"
    if len(row.path) < len(holding.path):
        return "policy-wider"
    return "policy-any-kind" if row.kind != holding.kind else "policy-older"


def _record(session: Session, actor: Actor, action: str, policy_id: int, detail: Mapping[str, Any]) -> None:
    told = {**detail, "valid_from": detail["valid_from"].isoformat()}
    chain = street_code_of(detail["path"]) or ""
    subject = f"patrol_policy:{policy_id}"
    audit.record(session, chain=chain, actor=actor.label, action=action, subject=subject, detail=told)
