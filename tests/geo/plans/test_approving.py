"""From draft to law: who may, what stands against it, and what happens to plans that are too late."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.clock import today
from core.errors import Outdated
from core.models import AuditEntry
from geo.models import DivisionPlan, GridVersion
from geo.plans import drawing
from geo.plans.approving import (
    Approval,
    OwnPlan,
    PlanNotReady,
    WarningsNotAccepted,
    approve,
    give_back,
    submit,
    withdraw,
)
from geo.plans.checking import Finding, check_plan
from geo.plans.desk import take_up
from geo.plans.queries import steps_of
from geo.plans.records import PlanClosed, PlanFacts, put_plan
from geo.plans.world import World, load_world
from tests import make
from tests.geo.plans.conftest import EVERYWHERE, LEADER, MONDAY, OFFICER, new_plan

Approve = Callable[[DivisionPlan, World], Approval]


def codes(findings: list[Finding]) -> set[str]:
    return {found.reason.code for found in findings}


def rename(world: World, code: str, name: str = "新名") -> None:
    drawing.edit(world, code, {"name": name})


def test_an_empty_plan_is_not_submitted(session: Session, plan: DivisionPlan) -> None:
    with pytest.raises(PlanNotReady, match="尚无任何变更"):
        submit(session, plan, OFFICER)


def test_nobody_approves_an_own_submission(
    session: Session, tree: make.StreetTree, plan: DivisionPlan
) -> None:
    world = load_world(session, plan)
    rename(world, tree.a11.code)
    world.save(session)
    submit(session, plan, OFFICER)
    with pytest.raises(OwnPlan):
        approve(session, plan, OFFICER, accept_warnings=True)


def test_warnings_must_be_accepted(session: Session, tree: make.StreetTree, plan: DivisionPlan) -> None:
    world = load_world(session, plan)
    rename(world, tree.a11.code)  # its households are not known
    world.save(session)
    submit(session, plan, OFFICER)
    with pytest.raises(WarningsNotAccepted) as refused:
        approve(session, plan, LEADER, accept_warnings=False)
    assert refused.value.extra["findings"][0]["code"] == "households-unknown"
    approve(session, plan, LEADER, accept_warnings=True)
    newest = select(GridVersion.name, GridVersion.changed_by).where(
        GridVersion.grid_id == tree.a11.grid_id, GridVersion.valid_to.is_(None)
    )
    assert tuple(session.execute(newest).one()) == ("新名", "李批")


def test_a_closed_plan_cannot_be_drawn_on(
    session: Session, tree: make.StreetTree, plan: DivisionPlan
) -> None:
    world = load_world(session, plan)
    rename(world, tree.a11.code)
    world.save(session)
    submit(session, plan, OFFICER)
    with pytest.raises(PlanClosed):
        take_up(session, EVERYWHERE, OFFICER, plan.plan_id, plan.revision)
    give_back(session, plan, LEADER, "请补充户数")
    take_up(session, EVERYWHERE, OFFICER, plan.plan_id, plan.revision)
    withdraw(session, plan, OFFICER)
    with pytest.raises(PlanClosed):
        submit(session, plan, OFFICER)
    session.flush()
    assert [step.event for step in steps_of(session, plan.plan_id)] == [
        "created",
        "submitted",
        "returned",
        "withdrawn",
    ]


def test_the_second_of_two_plans_for_a_grid_learns_who_was_first(
    session: Session, tree: make.StreetTree, plan: DivisionPlan, approved: Approve
) -> None:
    other = new_plan(session, "另一方案", MONDAY + timedelta(days=7))
    late = load_world(session, other)
    rename(late, tree.a11.code, "后")
    late.save(session)
    first = load_world(session, plan)
    rename(first, tree.a11.code, "先")
    approved(plan, first)
    report = check_plan(session, other)
    (finding,) = [found for found in report.errors if found.reason.code == "grid-outdated"]
    assert "李批" in finding.reason.zh
    assert finding.grids == (tree.a11.code,)
    with pytest.raises(PlanNotReady):
        submit(session, other, OFFICER)


def test_a_grid_is_not_retired_before_its_version_begins(
    session: Session, tree: make.StreetTree, plan: DivisionPlan, approved: Approve
) -> None:
    world = load_world(session, plan)
    rename(world, tree.a11.code)
    approved(plan, world)
    early = new_plan(session, "更早", MONDAY - timedelta(days=7))
    world = load_world(session, early)
    drawing.retire(world, tree.a11.code, None)
    assert codes(check_plan(session, early, world).errors) == {"valid-from-too-early"}
    world = load_world(session, early)
    rename(world, tree.a11.code, "又一名")
    assert codes(check_plan(session, early, world).errors) == {"valid-from-too-early"}


def test_a_plan_whose_day_has_passed_is_not_submitted(
    session: Session, tree: make.StreetTree, plan: DivisionPlan
) -> None:
    world = load_world(session, plan)
    rename(world, tree.a11.code)
    world.save(session)
    with (
        time_machine.travel(MONDAY + timedelta(days=2), tick=False),
        pytest.raises(PlanNotReady, match="已过"),
    ):
        submit(session, plan, OFFICER)


def test_overlaps_stand_against_a_plan_and_gaps_are_told(
    session: Session, tree: make.StreetTree, plan: DivisionPlan
) -> None:
    world = load_world(session, plan)
    a11, a12 = world.grids[tree.a11.code], world.grids[tree.a12.code]
    assert a11.shape is not None
    assert a12.shape is not None
    world.change(a11).shape = a11.shape.union(a12.shape)
    report = check_plan(session, plan, world)
    assert codes(report.errors) == {"shape-overlap"}
    drawing.retire(world, tree.a12.code, None)
    world.change(a11).shape = a12.shape
    report = check_plan(session, plan, world)
    assert report.is_ready
    assert "shape-gap" in codes(report.warnings)


def test_an_old_fault_elsewhere_does_not_block(
    session: Session, tree: make.StreetTree, plan: DivisionPlan
) -> None:
    """A12 always reached over A11: a plan that renames A1's neighbour is not held up by it."""
    overlapping = make.box(118.904, make.SOUTH, 118.91, make.NORTH)
    drawn = update(GridVersion).where(GridVersion.grid_id == tree.a12.grid_id)
    session.execute(drawn.values(geom=overlapping))
    world = load_world(session, plan)
    rename(world, tree.a21.code)
    assert check_plan(session, plan, world).is_ready


def test_an_edit_of_an_older_revision_is_refused_with_who_and_when(
    session: Session, tree: make.StreetTree, plan: DivisionPlan
) -> None:
    desk = take_up(session, EVERYWHERE, OFFICER, plan.plan_id, plan.revision)
    rename(desk.world, tree.a11.code)
    desk.file("described", {})
    with pytest.raises(Outdated) as refused:
        take_up(session, EVERYWHERE, LEADER, plan.plan_id, 1)
    assert refused.value.extra["changed_by"] == "张划"
    assert refused.value.extra["revision"] == 2


def test_the_same_plan_twice_changes_nothing(session: Session, plan: DivisionPlan) -> None:
    facts = PlanFacts(make.STREET, "调整", MONDAY)
    same, is_new = put_plan(session, EVERYWHERE, OFFICER, plan.plan_id, facts, revision=None)
    assert (same.revision, is_new) == (1, False)


def test_every_step_is_in_the_trail(
    session: Session, tree: make.StreetTree, plan: DivisionPlan, approved: Approve
) -> None:
    world = load_world(session, plan)
    rename(world, tree.a11.code)
    approved(plan, world)
    actions = session.scalars(select(AuditEntry.action).where(AuditEntry.chain == make.STREET)).all()
    assert list(actions) == ["plan.created", "plan.submitted", "grids.replanned", "plan.approved"]
    assert plan.valid_from > today()
