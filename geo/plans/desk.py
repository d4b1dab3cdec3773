"""A draft on the desk: locked, laid over the standing grids, and put back with a new revision."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import today
from core.errors import NotFound, Outdated
from geo.models import DivisionPlan, Grid, GridVersion
from geo.plans.records import Editor, PlanFacts, changed, draft_to_edit, put_plan
from geo.plans.world import World, load_world
from geo.queries import PathScope


@dataclass(frozen=True, slots=True)
class Desk:
    """A draft to draw on; nobody else can until this transaction ends."""

    session: Session
    editor: Editor
    plan: DivisionPlan
    world: World

    def file(self, event: str, detail: Mapping[str, Any]) -> None:
        """What was drawn is in the plan, which has a new revision and a line more in its timeline."""
        self.world.save(self.session)
        changed(self.session, self.plan, self.editor, event, detail)


def take_up(
    session: Session, scope: PathScope, editor: Editor, plan_id: uuid.UUID, revision: int | None
) -> Desk:
    """The draft as the editor last saw it. Raises: PlanUnknown, PlanClosed, Outdated."""
    plan = draft_to_edit(session, scope, plan_id, revision)
    return Desk(session, editor, plan, load_world(session, plan))


def begin_with(
    session: Session, scope: PathScope, editor: Editor, code: str, facts: Mapping[str, Any]
) -> Desk:
    """A new draft for the street of a grid; `facts` may hold title and valid_from.

    Raises: NotFound, Invalid.
    """
    street_code = session.scalar(select(Grid.street_code).where(Grid.code == code, scope.clause(Grid.path)))
    if street_code is None:
        raise NotFound
    day = facts.get("valid_from") or today() + timedelta(days=1)
    said = PlanFacts(street_code, facts["title"], day)
    plan, _ = put_plan(session, scope, editor, uuid.uuid4(), said, revision=None)
    return Desk(session, editor, plan, load_world(session, plan))


def require_version(desk: Desk, code: str, version_id: int | None) -> None:
    """Raises: Outdated with who changed the grid and when, unless its newest version is this one.

    Who changed grids of other streets is not told to those who draw this one.
    """
    if version_id is None:
        return
    newest = desk.session.execute(
        select(GridVersion.version_id, GridVersion.changed_by, GridVersion.created_at)
        .join(Grid, Grid.grid_id == GridVersion.grid_id)
        .where(Grid.code == code, Grid.street_code == desk.plan.street_code)
        .order_by(GridVersion.valid_from.desc())
        .limit(1)
    ).one_or_none()
    if newest is not None and newest.version_id != version_id:
        by, at = newest.changed_by or "?", newest.created_at.isoformat()
        detail = f"{by} 已于 {at} 修改该网格 / {by} changed it at {at}"
        raise Outdated(detail, changed_by=newest.changed_by, changed_at=at)
