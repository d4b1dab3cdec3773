"""What the tools do to the tree: who keeps the code, who is new, who follows, who succeeds whom."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
import shapely
from shapely.geometry import LineString, MultiPolygon, box
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.fitting.editing import split_by_line
from geo.models import DivisionPlan, Grid, GridSuccession, GridVersion
from geo.plans import drawing
from geo.plans.approving import Approval
from geo.plans.checking import check_plan
from geo.plans.drawing import CannotDraw, Cut, NewGrid
from geo.plans.world import NoSuchPlannedGrid, PlanGrid, World, load_world
from geo.queries import standing_on, version_on
from tests import make
from tests.geo.plans.conftest import MONDAY

Approve = Callable[[DivisionPlan, World], Approval]
SOUTH, NORTH = make.SOUTH, make.NORTH


def upright(lon: float) -> LineString:
    """A line across the whole street."""
    return LineString([(lon, SOUTH - 0.001), (lon, NORTH + 0.001)])


def cut(world: World, ref: str, lon: float, order: Cut | None = None) -> list[PlanGrid]:
    shape = world.standing(ref).shape
    assert shape is not None
    return drawing.split(world, ref, split_by_line(shape, upright(lon)), order or Cut())


def standing(session: Session, level: int, day: date) -> dict[str, str]:
    """Names by code of the street's grids on a day."""
    rows = session.execute(
        select(Grid.code, GridVersion.name)
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(Grid.street_code == make.STREET, Grid.level == level, version_on(day), standing_on(day))
    )
    return {row.code: row.name for row in rows}


def assert_fits(world: World) -> None:
    """Siblings fill their parents exactly once."""
    for parent in world.grids.values():
        children = [child.shape for child in world.children(parent.ref) if child.shape is not None]
        if not parent.stands or not children:
            continue
        assert parent.shape is not None
        assert shapely.union_all(children).symmetric_difference(parent.shape).area < 1e-12
        assert sum(shapely.area(children)) == pytest.approx(parent.shape.area, rel=1e-9)


# ------------------------------------------------------------------------------------------------ split


def test_the_larger_part_keeps_the_code(tree: make.StreetTree, world: World) -> None:
    left, right = cut(world, tree.a11.code, 118.904)
    assert (left.ref, left.action) == (tree.a11.code, "change")
    assert (right.action, right.parent_ref) == ("create", tree.a1.code)
    assert right.sources == [tree.a11.grid_id]
    assert_fits(world)


def test_another_part_can_keep_the_code(tree: make.StreetTree, world: World) -> None:
    left, right = cut(world, tree.a11.code, 118.904, Cut(keep=1, names=["西", "东"]))
    assert (left.action, left.name) == ("create", "西")
    assert (right.ref, right.name) == (tree.a11.code, "东")


def test_children_go_with_their_ground(tree: make.StreetTree, world: World) -> None:
    """A1 is cut between its children: A12 comes under the new part and is made anew there."""
    _, right = cut(world, tree.a1.code, 118.905, Cut(keep=0))
    assert not world.grids[tree.a12.code].stands
    assert world.grids[tree.a11.code].action is None
    (moved,) = world.children(right.ref)
    assert (moved.name, moved.sources) == ("A12", [tree.a12.grid_id])
    assert_fits(world)


def test_a_cut_through_a_child_splits_it_too(tree: make.StreetTree, world: World) -> None:
    _, right = cut(world, tree.a1.code, 118.904, Cut(keep=0))
    assert world.grids[tree.a11.code].action == "change"
    assert sorted(child.name for child in world.children(right.ref)) == ["A11（2）", "A12"]
    assert_fits(world)


def test_floors_move_with_the_grid_that_is_made_anew(
    session: Session, tree: make.StreetTree, plan: DivisionPlan
) -> None:
    make.grid(session, code=f"{tree.a12.code}-001", parent=tree.a12, name="一层", kind="floor")
    world = load_world(session, plan)
    _, right = cut(world, tree.a1.code, 118.905, Cut(keep=0))
    (moved,) = world.children(right.ref)
    assert [floor.name for floor in world.children(moved.ref)] == ["一层"]
    assert not world.grids[f"{tree.a12.code}-001"].stands


def test_a_community_is_split_into_communities(tree: make.StreetTree, world: World) -> None:
    with pytest.raises(CannotDraw, match="社区"):
        cut(world, tree.b.code, 118.93)
    codes = [f"{make.STREET}002", f"{make.STREET}003"]
    _, right = cut(world, tree.b.code, 118.93, Cut(keep=0, places=codes))
    assert right.place == codes[1]


def test_a_floor_cannot_be_cut(session: Session, tree: make.StreetTree, plan: DivisionPlan) -> None:
    floor = make.grid(session, code=f"{tree.a12.code}-001", parent=tree.a12, kind="floor")
    world = load_world(session, plan)
    with pytest.raises(CannotDraw):
        drawing.split(world, floor.code, [], Cut())


# ------------------------------------------------------------------------------------------------ merge


def test_the_largest_takes_over(tree: make.StreetTree, world: World) -> None:
    home = drawing.merge(world, [tree.a11.code, tree.a12.code], name="合", keep=tree.a12.code)
    assert (home.ref, home.name) == (tree.a12.code, "合")
    assert set(home.sources) == {tree.a11.grid_id, tree.a12.grid_id}
    assert not world.grids[tree.a11.code].stands
    assert_fits(world)


def test_children_of_merged_grids_come_together(tree: make.StreetTree, world: World) -> None:
    home = drawing.merge(world, [tree.a1.code, tree.a2.code], name=None, keep=tree.a1.code)
    assert sorted(child.name for child in world.children(home.ref)) == ["A11", "A12", "A21"]
    assert not world.grids[tree.a21.code].stands
    assert_fits(world)


def test_only_siblings_are_merged(tree: make.StreetTree, world: World) -> None:
    with pytest.raises(CannotDraw, match="同一上级"):
        drawing.merge(world, [tree.a11.code, tree.a21.code], name=None, keep=None)


def test_merged_communities_get_a_code_from_601(
    session: Session, tree: make.StreetTree, plan: DivisionPlan, world: World, approved: Approve
) -> None:
    drawing.merge(world, [tree.a.code, tree.b.code], name="合并社区", keep=None)
    approval = approved(plan, world)
    top = standing(session, 1, MONDAY)
    assert top == {f"{make.OBJECT_CODE}{make.STREET}60100": "合并社区"}
    assert all(code[15:18] == "601" for code in standing(session, 3, MONDAY))
    assert sorted(standing(session, 3, MONDAY).values()) == ["A11", "A12", "A21", "B11"]
    assert len(approval.retired) == 9
    before = MONDAY - timedelta(days=1)
    assert set(standing(session, 1, before).values()) == {"A", "B"}


# ------------------------------------------------------------------------------------------- boundaries


def test_neighbours_and_children_follow_a_boundary(tree: make.StreetTree, world: World) -> None:
    touched = drawing.move_boundary(world, tree.a1.code, box(118.90, SOUTH, 118.912, NORTH))
    assert {grid.ref for grid in touched} == {tree.a1.code, tree.a2.code, tree.a12.code, tree.a21.code}
    assert_fits(world)


def test_a_child_without_ground_left_is_succeeded(tree: make.StreetTree, world: World) -> None:
    drawing.move_boundary(world, tree.a1.code, box(118.90, SOUTH, 118.904, NORTH))
    assert not world.grids[tree.a12.code].stands
    assert tree.a12.grid_id in world.grids[tree.a21.code].sources
    assert_fits(world)


# ------------------------------------------------------------------------------- draw, retire, edit, undo


def test_a_grid_is_drawn_below_a_new_one(tree: make.StreetTree, world: World) -> None:
    def new(level: int, parent: str, shape: MultiPolygon | None) -> PlanGrid:
        return drawing.draw(world, NewGrid(level, parent, "新", "residential", 10, shape, "EPSG:4490", {}))

    ground = MultiPolygon([box(118.94, SOUTH, 118.95, NORTH)])
    top = new(1, f"{make.STREET}003", ground)
    assert new(2, top.ref, ground).parent_ref == top.ref
    with pytest.raises(CannotDraw):
        new(3, top.ref, ground)
    with pytest.raises(NoSuchPlannedGrid):
        new(2, "99" * 10, ground)


def test_retiring_takes_everything_below_along(tree: make.StreetTree, world: World) -> None:
    drawing.retire(world, tree.a1.code, None)
    assert not any(world.grids[grid.code].stands for grid in (tree.a1, tree.a11, tree.a12))


def test_undone_changes_are_gone(
    session: Session, tree: make.StreetTree, plan: DivisionPlan, world: World
) -> None:
    _, right = cut(world, tree.a11.code, 118.904)
    world.save(session)
    drawing.undo(world, right.change_id)
    drawing.undo(world, world.grids[tree.a11.code].change_id)
    world.save(session)
    fresh = load_world(session, plan)
    assert all(grid.action is None for grid in fresh.grids.values())


# --------------------------------------------------------------------------------------------- approval


def test_an_approved_split_is_dated(
    session: Session, tree: make.StreetTree, plan: DivisionPlan, world: World, approved: Approve
) -> None:
    cut(world, tree.a11.code, 118.904)
    approval = approved(plan, world)
    new_code = next(code for ref, code in approval.codes.items() if ref != tree.a11.code)
    assert new_code == make.grid_code(sequence="06")  # 01-05 are taken
    assert new_code not in standing(session, 3, MONDAY - timedelta(days=1))
    assert standing(session, 3, MONDAY)[new_code] == "A11（2）"
    rows = session.execute(select(GridSuccession.predecessor_id, GridSuccession.since)).all()
    assert [tuple(row) for row in rows] == [(tree.a11.grid_id, MONDAY)]
    assert approval.retired == ()


def test_a_number_is_never_given_again(
    session: Session, tree: make.StreetTree, plan: DivisionPlan, world: World, approved: Approve
) -> None:
    drawing.merge(world, [tree.a11.code, tree.a12.code], name=None, keep=tree.a11.code)
    cut(world, tree.a21.code, 118.917)
    approval = approved(plan, world)
    given = {code for ref, code in approval.codes.items() if "-" in ref}
    assert given == {make.grid_code(sequence="06")}  # not 04 of the retired A12


def test_a_plan_reads_the_same_after_it_was_stored(
    session: Session, tree: make.StreetTree, plan: DivisionPlan, world: World
) -> None:
    cut(world, tree.a1.code, 118.904, Cut(keep=0))
    world.save(session)
    again = load_world(session, plan)
    assert {grid.ref: (grid.name, grid.action, grid.parent_ref) for grid in again.grids.values()} == {
        grid.ref: (grid.name, grid.action, grid.parent_ref) for grid in world.grids.values()
    }
    assert_fits(again)
    assert check_plan(session, plan, again).is_ready
