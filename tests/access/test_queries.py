"""Who holds what where, and how far a part of the map reaches."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from access.queries import Place, extent_of, people_of_grid, people_within, places_of
from access.roles import Action, Role
from access.scope import Scope, scope_of
from access.tokens import actor_of
from tests import make

DAY = date(2026, 11, 16)


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


def test_people_within_a_scope_are_those_with_an_assignment_there(
    session: Session, tree: make.StreetTree
) -> None:
    member = make.actor(session, role=Role.MEMBER, grid=tree.a11)
    head = make.actor(session, role=Role.HEAD, grid=tree.a)
    make.actor(session, role=Role.MEMBER, grid=tree.c11, username="elsewhere")
    make.actor(session, role=Role.MEMBER, grid=tree.a12, username="former", valid_to=DAY)
    inside = session.scalars(people_within(Scope.reduced([tree.a.path]), DAY)).all()
    assert set(inside) == {member.person_id, head.person_id}
    assert session.scalars(people_within(scope_of(member, Action.READ_PEOPLE), DAY)).all() == [
        member.person_id
    ]


def test_people_of_a_grid_are_those_of_exactly_this_grid(session: Session, tree: make.StreetTree) -> None:
    make.actor(session, role=Role.MEMBER, grid=tree.a11)
    make.actor(session, role=Role.HEAD, grid=tree.a1)
    make.actor(session, role=Role.MEMBER, grid=tree.a1, username="second", valid_from=date(2026, 3, 1))
    make.actor(session, role=Role.MEMBER, grid=tree.a1, username="former", valid_to=DAY)
    found = people_of_grid(session, tree.a1.grid_id, DAY)
    assert [(one.name, one.role, one.since) for one in found] == [
        ("某head", Role.HEAD, make.SINCE),
        ("某second", Role.MEMBER, date(2026, 3, 1)),
    ]


def test_places_have_names_as_far_as_they_are_one_place(session: Session, tree: make.StreetTree) -> None:
    member = make.actor(session, role=Role.MEMBER, grid=tree.a11)
    make.assignment(session, person_id=member.person_id, role=Role.OPERATOR)
    make.assignment(session, person_id=member.person_id, role=Role.ADMIN, area="320113")
    actor = actor_of(session, make.access_token(session, sign_in_id=member.sign_in_id))
    places = places_of(session, actor.assignments, DAY)
    assert [(held.role, places[held.assignment_id]) for held in actor.assignments] == [
        (Role.ADMIN, Place(None, None, None, None)),
        (Role.OPERATOR, Place(None, None, make.STREET, "仙林街道")),
        (Role.MEMBER, Place(tree.a11.code, "A11", make.STREET, "仙林街道")),
    ]


@pytest.mark.parametrize(
    ("grid", "west", "east"),
    [("a11", 118.90, 118.905), ("a", 118.90, 118.92), ("c1", 118.95, 118.97)],
)
def test_the_extent_is_the_box_around_the_subtree(
    session: Session, tree: make.StreetTree, grid: str, west: float, east: float
) -> None:
    box = extent_of(session, Scope.reduced([getattr(tree, grid).path]), DAY)
    assert box == pytest.approx((west, make.SOUTH, east, make.NORTH), abs=1e-9)


def test_there_is_no_extent_without_shapes(session: Session, tree: make.StreetTree) -> None:
    shop = make.grid(session, code=make.grid_code(sequence="09"), parent=tree.a11, geom=None)
    assert extent_of(session, Scope.reduced([shop.path]), DAY) is None
    assert extent_of(session, Scope.reduced([]), DAY) is None
    assert extent_of(session, Scope.reduced([""]), date(2025, 1, 1)) is None
