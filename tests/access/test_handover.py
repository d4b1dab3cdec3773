"""A split, a merge or a retirement leaves no grid without its people."""

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.handover import Days, days_missing, follow_successions
from access.models import Assignment, Person
from access.roles import Role
from access.scope import system_actor
from core.models import AuditEntry
from geo.models import Grid
from tests import make

ON = date(2026, 12, 1)
LATER, EARLIER, EVEN_LATER = date(2026, 12, 20), date(2026, 11, 1), date(2027, 1, 10)
SYSTEM = system_actor("cli:test")


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


def in_grid(session: Session, grid: Grid) -> list[tuple[str, str, str | None, date, date | None]]:
    rows = session.execute(
        select(Person.name, Assignment.role, Assignment.position, Assignment.valid_from, Assignment.valid_to)
        .join(Assignment, Assignment.person_id == Person.person_id)
        .where(Assignment.grid_id == grid.grid_id, Assignment.path == grid.path)
        .order_by(Person.name, Assignment.role, Assignment.valid_from)
    )
    return [(name, role, position, first, end) for name, role, position, first, end in rows]


@pytest.mark.parametrize(
    ("wanted", "taken", "missing"),
    [
        ((ON, None), [], [(ON, None)]),
        ((ON, LATER), [], [(ON, LATER)]),
        ((ON, None), [(EARLIER, None)], []),
        ((ON, None), [(EARLIER, ON)], [(ON, None)]),
        ((ON, None), [(EARLIER, LATER)], [(LATER, None)]),
        ((ON, EVEN_LATER), [(LATER, None)], [(ON, LATER)]),
        ((ON, LATER), [(LATER, None)], [(ON, LATER)]),
        ((ON, None), [(LATER, EVEN_LATER), (EARLIER, ON)], [(ON, LATER), (EVEN_LATER, None)]),
        ((ON, LATER), [(EARLIER, EVEN_LATER)], []),
    ],
)
def test_days_missing(wanted: Days, taken: list[Days], missing: list[Days]) -> None:
    assert days_missing(wanted, taken) == missing


def test_a_split_gives_the_new_part_the_people_of_the_old_one(
    session: Session, tree: make.StreetTree
) -> None:
    wang = make.actor(session, role=Role.MEMBER, grid=tree.a11, username="wang")
    make.actor(session, role=Role.TEAM, grid=tree.a11, username="li", valid_to=LATER)
    make.actor(session, role=Role.MEMBER, grid=tree.a11, username="zhao", valid_from=LATER)
    make.actor(session, role=Role.MEMBER, grid=tree.a11, username="former", valid_to=ON)
    held = session.scalars(select(Assignment).where(Assignment.person_id == wang.person_id)).one()
    held.position = "building_head"
    new = make.grid(session, code=make.grid_code(sequence="09"), parent=tree.a1, valid_from=ON)

    done = follow_successions(session, [(tree.a11.grid_id, new.grid_id)], [], ON, SYSTEM)

    assert in_grid(session, new) == [
        ("某li", "team", None, ON, LATER),
        ("某wang", "member", "building_head", ON, None),
        ("某zhao", "member", None, LATER, None),
    ]
    assert ("某wang", "member", "building_head", make.SINCE, None) in in_grid(session, tree.a11)
    assert (len(done.begun), len(done.ended), len(done.people)) == (3, 0, 3)
    lines = session.scalars(select(AuditEntry).where(AuditEntry.action == "assignment.followed")).all()
    assert {line.chain for line in lines} == {make.STREET}
    assert {line.detail["path"] for line in lines} == {new.path}


def test_a_merge_moves_the_people_and_ends_their_old_assignments(
    session: Session, tree: make.StreetTree
) -> None:
    make.actor(session, role=Role.MEMBER, grid=tree.a11, username="wang")
    li = make.actor(session, role=Role.MEMBER, grid=tree.a12, username="li")
    make.assignment(session, person_id=li.person_id, role=Role.MEMBER, grid=tree.a11, valid_from=LATER)
    make.actor(session, role=Role.MEMBER, grid=tree.a12, username="soon", valid_from=LATER)
    merge = [(tree.a12.grid_id, tree.a11.grid_id), (tree.a11.grid_id, tree.a11.grid_id)]

    follow_successions(session, merge, [tree.a12.grid_id], ON, SYSTEM)

    assert in_grid(session, tree.a11) == [
        ("某li", "member", None, ON, LATER),
        ("某li", "member", None, LATER, None),
        ("某soon", "member", None, LATER, None),
        ("某wang", "member", None, make.SINCE, None),
    ]
    assert in_grid(session, tree.a12) == [("某li", "member", None, make.SINCE, ON)]


def test_nobody_gets_a_role_twice_when_two_grids_become_one(session: Session, tree: make.StreetTree) -> None:
    both = make.actor(session, role=Role.MEMBER, grid=tree.a11, username="both")
    make.assignment(session, person_id=both.person_id, role=Role.MEMBER, grid=tree.a12)
    make.assignment(session, person_id=both.person_id, role=Role.TEAM, grid=tree.a12)
    new = make.grid(session, code=make.grid_code(sequence="09"), parent=tree.a1, valid_from=ON)
    gone = [tree.a11.grid_id, tree.a12.grid_id]

    for _ in range(2):  # a repetition changes nothing
        follow_successions(session, [(old, new.grid_id) for old in gone], gone, ON, SYSTEM)

        assert in_grid(session, new) == [
            ("某both", "member", None, ON, None),
            ("某both", "team", None, ON, None),
        ]
        for old in (tree.a11, tree.a12):
            assert {end for *_, end in in_grid(session, old)} == {ON}


def test_a_retired_grid_without_successor_ends_its_assignments(
    session: Session, tree: make.StreetTree
) -> None:
    make.actor(session, role=Role.MEMBER, grid=tree.b11, username="wang")
    make.actor(session, role=Role.MEMBER, grid=tree.b11, username="soon", valid_from=ON)
    make.actor(session, role=Role.HEAD, grid=tree.b1)

    follow_successions(session, [], [tree.b11.grid_id], ON, SYSTEM)

    assert in_grid(session, tree.b11) == [("某wang", "member", None, make.SINCE, ON)]
    assert in_grid(session, tree.b1) == [("某head", "head", None, make.SINCE, None)]
