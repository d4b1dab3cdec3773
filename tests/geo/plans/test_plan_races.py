"""Several people, or a crash, at the same moment: one wins, the others hear of it, nothing is half done."""

import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, func, select, update
from sqlalchemy.orm import Session

from access.division import approve_plan
from access.roles import Role
from access.scope import system_actor
from access.teams import Membership, put_membership
from core.clock import today
from core.errors import DomainError, Invalid, Outdated
from geo.importing.grids import ImportOrder, import_grids
from geo.models import DivisionPlan, Grid, GridSuccession, GridVersion, PlanEvent
from geo.plans import drawing
from geo.plans.approving import PlanNotReady, approve, submit
from geo.plans.desk import Desk, take_up
from geo.plans.records import DRAFT, SUBMITTED, PlanFacts, locked_plan, put_plan
from tests import make
from tests.geo.plans.conftest import EVERYWHERE, LEADER, MONDAY, OFFICER, new_plan, sound_tree

pytestmark = pytest.mark.own_database
ROOT = Path(__file__).resolve().parents[3]
Job = Callable[[Session], object]


@pytest.fixture
def engine(own_database_url: str) -> Iterator[Engine]:
    engine = create_engine(own_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def tree(engine: Engine) -> make.StreetTree:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        return sound_tree(session)


def at_once(engine: Engine, *jobs: Job) -> list[object]:
    """What each job answers, or why it was refused; all begin together, each in a transaction of its own."""
    gate = threading.Barrier(len(jobs))
    found: list[object] = [None] * len(jobs)

    def run(index: int) -> None:
        gate.wait(timeout=10)
        try:
            with Session(engine) as session, session.begin():
                found[index] = jobs[index](session)
        except DomainError as refusal:
            found[index] = refusal

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return found


def drawn_plan(engine: Engine, draw: Callable[[Desk], object], *, submitted: bool = True) -> uuid.UUID:
    """A plan with one change."""
    with Session(engine) as session, session.begin():
        plan_id = new_plan(session, "调整").plan_id
        desk = take_up(session, EVERYWHERE, OFFICER, plan_id, 1)
        draw(desk)
        desk.file("described", {})
        if submitted:
            submit(session, desk.plan, OFFICER)
        return plan_id


def approval_of(plan_id: uuid.UUID) -> Job:
    def job(session: Session) -> object:
        return approve(session, locked_plan(session, EVERYWHERE, plan_id), LEADER, accept_warnings=True)

    return job


def renaming(code: str, name: str) -> Callable[[Desk], object]:
    return lambda desk: drawing.edit(desk.world, code, {"name": name})


def test_a_new_plan_is_made_once(engine: Engine, tree: make.StreetTree) -> None:
    plan_id = uuid.uuid4()
    facts = PlanFacts(make.STREET, "同一方案", MONDAY)

    def put(session: Session) -> object:
        return put_plan(session, EVERYWHERE, OFFICER, plan_id, facts, revision=None)[1]

    assert sorted(map(str, at_once(engine, put, put, put))) == ["False", "False", "True"]


def test_of_two_edits_of_one_revision_one_is_told_who_was_first(
    engine: Engine, tree: make.StreetTree
) -> None:
    with Session(engine) as session, session.begin():
        plan_id = new_plan(session, "调整").plan_id

    def edit(name: str) -> Job:
        def job(session: Session) -> object:
            desk = take_up(session, EVERYWHERE, OFFICER, plan_id, 1)
            renaming(tree.a11.code, name)(desk)
            desk.file("described", {})
            return name

        return job

    found = at_once(engine, edit("甲"), edit("乙"))
    (refused,) = [one for one in found if isinstance(one, Outdated)]
    assert refused.extra["changed_by"] == OFFICER.name
    with Session(engine) as session:
        assert session.scalar(select(DivisionPlan.revision).where(DivisionPlan.plan_id == plan_id)) == 2


def test_of_two_plans_for_one_grid_the_second_is_outdated(engine: Engine, tree: make.StreetTree) -> None:
    plans = [drawn_plan(engine, renaming(tree.a11.code, name)) for name in ("甲", "乙")]
    found = at_once(engine, *(approval_of(plan_id) for plan_id in plans))
    (refused,) = [one for one in found if isinstance(one, PlanNotReady)]
    assert "grid-outdated" in {finding["code"] for finding in refused.extra["findings"]}
    assert _versions(engine, tree.a11) == 2


def test_one_plan_is_approved_once(engine: Engine, tree: make.StreetTree) -> None:
    approval = approval_of(drawn_plan(engine, renaming(tree.a11.code, "甲")))
    found = at_once(engine, approval, approval, approval)
    assert sum(isinstance(one, DomainError) for one in found) == 2
    assert _versions(engine, tree.a11) == 2


def test_an_approval_waits_for_an_import(engine: Engine, tree: make.StreetTree) -> None:
    """The codes that the import gave are not given again."""
    with Session(engine) as session, session.begin():
        in_a11 = GridVersion.grid_id == tree.a11.grid_id
        session.execute(update(GridVersion).where(in_a11).values(kind="mall"))
    plan_id = drawn_plan(
        engine,
        lambda desk: drawing.draw(
            desk.world,
            drawing.NewGrid(4, tree.a11.code, "一层", "floor", None, None, "EPSG:4490", {"floor": 1}),
        ),
    )
    feature = {
        "type": "Feature",
        "geometry": None,
        "properties": {"name": "二层", "level": 4, "kind": "floor", "parent": tree.a11.code, "floor": 2},
    }
    order = ImportOrder("EPSG:4490", date(2026, 9, 1), False, EVERYWHERE.covers, "cli:test")
    found: list[Any] = []
    with Session(engine) as session, session.begin():
        report = import_grids(session, [feature], order)
        waiting = threading.Thread(target=lambda: found.extend(at_once(engine, approval_of(plan_id))))
        waiting.start()
        waiting.join(timeout=0.5)
        assert waiting.is_alive()
    waiting.join(timeout=30)
    assert report.codes[0] is not None
    given = set(found[0].codes.values())
    assert given
    assert report.codes[0] not in given


_KILLED = """
import os, sys, uuid
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from geo.plans.approving import approve
from geo.plans.records import locked_plan
from tests.geo.plans.conftest import EVERYWHERE, LEADER
session = Session(create_engine(sys.argv[1]))
approve(session, locked_plan(session, EVERYWHERE, uuid.UUID(sys.argv[2])), LEADER, accept_warnings=True)
session.flush()
os.kill(os.getpid(), 9)
"""


def test_an_approval_that_is_killed_leaves_nothing(
    engine: Engine, own_database_url: str, tree: make.StreetTree
) -> None:
    plan_id = drawn_plan(
        engine, lambda desk: drawing.merge(desk.world, [tree.a11.code, tree.a12.code], name=None, keep=None)
    )
    before = _rows(engine)
    command = [sys.executable, "-c", _KILLED, own_database_url, str(plan_id)]
    assert subprocess.run(command, cwd=ROOT, timeout=60, check=False).returncode == -9
    assert _rows(engine) == before
    with Session(engine) as session, session.begin():
        assert session.get_one(DivisionPlan, plan_id).status == SUBMITTED
        approval_of(plan_id)(session)  # waits for no lock of the dead
    assert _rows(engine) != before


def test_a_plan_is_not_drawn_on_while_it_is_submitted(engine: Engine, tree: make.StreetTree) -> None:
    plan_id = drawn_plan(engine, renaming(tree.a11.code, "甲"), submitted=False)

    def submission(session: Session) -> object:
        submit(session, locked_plan(session, EVERYWHERE, plan_id), OFFICER)
        return "submitted"

    def edit(session: Session) -> object:
        desk = take_up(session, EVERYWHERE, OFFICER, plan_id, None)
        renaming(tree.a11.code, "乙")(desk)
        desk.file("described", {})
        return "edited"

    found = at_once(engine, submission, edit)
    assert "submitted" in found  # the edit came before it, or was refused
    with Session(engine) as session:
        assert session.get_one(DivisionPlan, plan_id).status != DRAFT


def _versions(engine: Engine, grid: Grid) -> int:
    with Session(engine) as session:
        of_grid = select(func.count()).where(GridVersion.grid_id == grid.grid_id)
        return session.scalar(of_grid) or 0


def _rows(engine: Engine) -> list[int]:
    tables = (Grid, GridVersion, GridSuccession, PlanEvent)
    with Session(engine) as session:
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def test_nobody_is_put_into_a_grid_that_is_being_retired(engine: Engine, tree: make.StreetTree) -> None:
    plan_id = drawn_plan(engine, lambda desk: drawing.retire(desk.world, tree.a11.code, tree.a12.code))
    actor = system_actor("cli:test")
    with Session(engine) as session, session.begin():
        person_id = make.person(session, name="新来").person_id
    wanted = Membership(person_id, tree.a11.code, Role.MEMBER, None, today(), None)
    found: list[object] = []

    def join(session: Session) -> object:
        return put_membership(session, actor, uuid.uuid4(), wanted)

    with Session(engine) as session, session.begin():
        approve_plan(session, actor, locked_plan(session, EVERYWHERE, plan_id), accept_warnings=True)
        waiting = threading.Thread(target=lambda: found.extend(at_once(engine, join)))
        waiting.start()
        waiting.join(timeout=0.5)
        assert waiting.is_alive()
    waiting.join(timeout=30)
    assert isinstance(found[0], Invalid)
    assert found[0].errors[0].code == "after-retirement"
