"""A draft for the street of tests/make.py, drawn on without HTTP."""

import uuid
from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from access.scope import Scope
from core.clock import Week, today
from geo.models import DivisionPlan, Grid, GridVersion, ObjectCode
from geo.plans.approving import Approval, approve, submit
from geo.plans.records import Editor, PlanFacts, put_plan
from geo.plans.world import World, load_world
from tests import make

OFFICER = Editor("person:officer", "张划")
LEADER = Editor("person:leader", "李批")
EVERYWHERE = Scope(("",))
# A plan begins in the future, whenever the tests run.
MONDAY = Week.of_day(today()).shifted(2).monday


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return sound_tree(session)


def sound_tree(session: Session) -> make.StreetTree:
    """The street with kinds that suit the levels and an object code that the table knows."""
    made = make.street_tree(session)
    session.add(
        ObjectCode(code=make.OBJECT_CODE, name="测试", name_en="test", standard="local", is_local=True)
    )
    for level, kind in ((1, "community"), (2, "area")):
        grids = select(Grid.grid_id).where(Grid.level == level)
        session.execute(update(GridVersion).where(GridVersion.grid_id.in_(grids)).values(kind=kind))
    return made


@pytest.fixture
def plan(session: Session, tree: make.StreetTree) -> DivisionPlan:
    return new_plan(session, "调整")


def new_plan(session: Session, title: str, valid_from: date = MONDAY) -> DivisionPlan:
    facts = PlanFacts(make.STREET, title, valid_from)
    made, _ = put_plan(session, EVERYWHERE, OFFICER, uuid.uuid4(), facts, revision=None)
    return made


@pytest.fixture
def approved(session: Session) -> Callable[[DivisionPlan, World], Approval]:
    """Save what was drawn, submit and approve it."""

    def approve_drawn(plan: DivisionPlan, world: World) -> Approval:
        world.save(session)
        submit(session, plan, OFFICER)
        approval = approve(session, plan, LEADER, accept_warnings=True)
        session.flush()
        return approval

    return approve_drawn


@pytest.fixture
def world(session: Session, plan: DivisionPlan) -> World:
    return load_world(session, plan)
