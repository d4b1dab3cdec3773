"""Which grid a place lies in, on any day; squares of tests/make.py make the answers countable by hand."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, true
from sqlalchemy.orm import Session

from access.scope import Scope
from geo.models import Grid
from registry.models import Building
from registry.placing import OF_ADDRESSES, OF_BUILDINGS, Home, grid_at, with_grids
from tests import make

DAY = date(2026, 6, 1)


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


def found_by(session: Session, scope: Scope, day: date = DAY) -> dict[str, str | None]:
    rows = session.execute(with_grids(select(Building.name), OF_BUILDINGS, scope, day))
    return {row.name: row.grid_name for row in rows}


EVERYWHERE = Scope(("",))


def test_a_place_lies_in_the_deepest_grid_around_it(session: Session, tree: make.StreetTree) -> None:
    for name, lon in (("in A11", 118.902), ("in A12", 118.907), ("in A21", 118.915), ("nowhere", 118.99)):
        make.building(session, name=name, lon=lon)
    assert found_by(session, EVERYWHERE) == {
        "in A11": "A11", "in A12": "A12", "in A21": "A21", "nowhere": None,
    }  # fmt: skip


def test_on_a_shared_edge_the_lower_code_has_it(session: Session, tree: make.StreetTree) -> None:
    make.building(session, name="on the edge", lon=118.905)
    assert found_by(session, EVERYWHERE) == {"on the edge": "A11"}


def test_another_streets_grid_does_not_take_it(session: Session, tree: make.StreetTree) -> None:
    make.building(session, name="lost", lon=118.96)
    assert found_by(session, EVERYWHERE) == {"lost": None}


def test_a_boundary_that_moves_takes_places_along_from_its_day(
    session: Session, tree: make.StreetTree
) -> None:
    make.building(session, name="b", lon=118.904)
    moved_on = DAY + timedelta(days=10)
    for grid, west, east in ((tree.a11, 118.90, 118.903), (tree.a12, 118.903, 118.91)):
        session.refresh(grid, ["versions"])
        grid.versions[0].valid_to = moved_on
        session.flush()
        shape = make.box(west, make.SOUTH, east, make.NORTH)
        make.grid_version(
            session, grid=grid, name=f"{grid.code} new", version=2, geom=shape, valid_from=moved_on
        )
    before, after = (found_by(session, EVERYWHERE, day)["b"] for day in (DAY, moved_on))
    assert (before, after) == ("A11", f"{tree.a12.code} new")


def test_a_grid_chosen_by_hand_counts_while_it_stands(session: Session, tree: make.StreetTree) -> None:
    make.building(session, name="b", manual_grid_id=tree.a21.grid_id)
    assert found_by(session, EVERYWHERE) == {"b": "A21"}
    tree.a21.retired_on = DAY
    session.flush()
    assert found_by(session, EVERYWHERE) == {"b": "A11"}
    assert found_by(session, EVERYWHERE, DAY - timedelta(days=1)) == {"b": "A21"}


def test_an_address_lies_where_its_building_lies(session: Session, tree: make.StreetTree) -> None:
    home = make.building(session, lon=118.907)
    address = make.address(session, building_id=home.building_id, geom=None)
    placed = grid_at(OF_ADDRESSES, DAY)
    table = type(address)
    row = session.execute(
        select(placed.c.name, placed.c.is_manual)
        .select_from(table)
        .outerjoin(Home, Home.building_id == table.building_id)
        .outerjoin(placed, true())
    ).one()
    assert tuple(row) == ("A12", False)


PLACES = {"in A11": 118.902, "in A12": 118.907, "in B11": 118.93, "nowhere": 118.99}


@pytest.mark.parametrize(
    ("scope_of", "seen"),
    [
        (lambda tree: (tree.a11.path,), {"in A11", "by hand"}),
        (lambda tree: (tree.a1.path,), {"in A11", "in A12", "by hand"}),
        (lambda tree: (tree.a12.path, tree.b.path), {"in A12", "in B11"}),
        (lambda _: (f"{make.STREET}/",), {*PLACES, "by hand"}),
        (lambda _: (make.STREET[:6],), {*PLACES, "by hand", "in C11"}),
        (lambda _: (f"{make.OTHER_STREET}/",), {"in C11"}),
        (lambda tree: (tree.c11.path,), {"in C11"}),
        (lambda _: ("",), {*PLACES, "by hand", "in C11"}),
        (lambda _: (), set()),
    ],
    ids=["member", "head2", "two grids", "street", "county", "elsewhere", "member there", "all", "nobody"],
)  # fmt: skip
def test_scope_shows_places_by_their_grid_and_lost_ones_by_street(
    session: Session, tree: make.StreetTree, scope_of: Any, seen: set[str]
) -> None:
    for name, lon in PLACES.items():
        make.building(session, name=name, lon=lon)
    make.building(session, name="by hand", lon=118.93, manual_grid_id=tree.a11.grid_id)
    make.building(session, name="in C11", lon=118.96, street_code=make.OTHER_STREET)
    assert set(found_by(session, Scope(scope_of(tree)))) == seen


def test_the_grid_by_hand_may_be_a_floor_without_a_shape(session: Session, tree: make.StreetTree) -> None:
    floor = make.grid(session, code=f"{tree.a11.code}-001", parent=tree.a11, name="一层", kind="floor")
    make.building(session, name="b", manual_grid_id=floor.grid_id)
    assert found_by(session, Scope((floor.path,))) == {"b": "一层"}
    assert session.scalar(select(Grid.level).where(Grid.grid_id == floor.grid_id)) == 4
