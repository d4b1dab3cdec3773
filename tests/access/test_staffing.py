"""Clauses 10.2.1 to 10.2.3 as tables, and both readings of the 85 per cent."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from access.positions import Position
from access.roles import Role
from access.staffing import RULES, TeamPosition, check_team, staffing_of
from core.errors import Forbidden, NotFound
from tests import make

DAY = date(2026, 11, 16)


def team(*people: str) -> list[TeamPosition]:
    """Positions by person: "wang:street_staff"; a bare position is a person of its own."""
    found = []
    for number, one in enumerate(people):
        who, _, position = one.rpartition(":")
        name = who or f"person {number}"
        found.append(TeamPosition(make.fixed_uuid(name), name, Position(position)))
    return found


def missing(level: int, *people: str) -> list[str]:
    findings = check_team(RULES[level], team(*people))
    return [finding.requirement.key for finding in findings if finding.answered_by is None]


@pytest.mark.parametrize(
    ("level", "people", "lacks"),
    [
        # 10.2.1: a leader of the street, a head of section, the community's secretary
        (1, "street_leader section_head community_secretary", ""),
        (1, "street_leader section_head community_secretary street_staff other", ""),
        (1, "section_head community_secretary", "street_leader"),
        (1, "street_leader community_secretary", "section_head"),
        (1, "street_leader section_head community_committee", "community_secretary"),
        (1, "", "street_leader section_head community_secretary"),
        (1, "wang:street_leader wang:section_head community_secretary", "section_head"),
        # 10.2.2: one of the community's party organisation or committee, one of street and community each
        (2, "community_committee street_staff community_staff", ""),
        (2, "community_secretary section_head community_staff", ""),
        (2, "community_committee community_committee street_staff", ""),
        (2, "community_committee street_staff", "community_staff"),
        (2, "community_staff community_staff street_staff", "community_committee"),
        (2, "wang:community_committee wang:community_staff street_staff", "community_staff"),
        (2, "community_staff community_committee property_staff", "street_staff"),
        # 10.2.3: head of a building, a villagers' group or a unit; street staff; property or logistics
        (3, "building_head street_staff property_staff", ""),
        (3, "village_group_head street_staff property_staff", ""),
        (3, "unit_head street_leader property_staff", ""),
        (3, "building_head street_staff", "property_staff"),
        (3, "building_head community_staff property_staff", "street_staff"),
        (3, "street_staff property_staff other", "building_head"),
        (3, "wang:building_head wang:property_staff street_staff", "property_staff"),
        # somebody moves to the requirement that only they answer
        (3, "wang:property_staff wang:building_head li:property_staff street_staff", ""),
    ],
)
def test_what_a_team_must_hold(level: int, people: str, lacks: str) -> None:
    assert missing(level, *people.split()) == lacks.split()


def test_nobody_answers_two_requirements() -> None:
    findings = check_team(RULES[2], team("community_committee", "community_secretary", "street_staff"))
    answered = [finding.answered_by.person_id for finding in findings if finding.answered_by]
    assert len(set(answered)) == len(answered) == 3


def test_a_street_beside_the_rules(session: Session) -> None:
    tree = make.street_tree(session)
    operator = make.actor(session, role=Role.OPERATOR)
    rows = [
        ("a", "street_leader", "street"), ("a", "section_head", "street"),
        ("a", "community_secretary", "community"),
        ("a11", "building_head", "other"), ("a11", "street_staff", "street"), ("a11", "property_staff", None),
    ]  # fmt: skip
    for number, (grid, position, employer) in enumerate(rows):
        one = make.person(session, name=f"人{number}")
        one.affiliation, one.street_code = employer, employer and make.STREET
        held = make.assignment(session, person_id=one.person_id, role=Role.TEAM, grid=getattr(tree, grid))
        held.position = position
    for number, left_on in enumerate([None, DAY, date(2026, 11, 17)]):
        clerk = make.person(session, name=f"科员{number}")
        clerk.affiliation, clerk.street_code, clerk.left_on = "street", make.STREET, left_on
    session.flush()

    found = staffing_of(session, operator, make.STREET, DAY)

    passed = {grid.name: grid.passed for grid in found.grids}
    assert [name for name, good in passed.items() if good] == ["A", "A11"]
    assert passed.keys() == {"A", "A1", "A2", "A11", "A12", "A21", "B", "B1", "B11"}
    assert [(one.level, one.grids, one.passed) for one in found.levels] == [(1, 2, 1), (2, 3, 0), (3, 4, 1)]
    shares = {one.clause: (one.in_grids, one.staff, one.passed) for one in found.shares}
    assert shares == {"10.1": (4, 6, False), "A-3": (3, 5, False)}
    assert found.unknown == 1
    b = next(grid for grid in found.grids if grid.name == "B")
    assert b.sentence.zh == "按 10.2.1 条缺少：街道领导、科室负责人、社区书记。"
    assert b.sentence.en.startswith("Missing under clause 10.2.1: street leader,")


def test_nobody_known_is_no_share(session: Session) -> None:
    make.street_tree(session)
    found = staffing_of(session, make.actor(session, role=Role.LEADER), make.STREET, DAY)
    assert [(one.share, one.passed) for one in found.shares] == [(None, None)] * 2


def test_only_those_above_the_street_see_its_staffing(session: Session) -> None:
    tree = make.street_tree(session)
    for actor, error in (
        (make.actor(session, role=Role.HEAD, grid=tree.a), NotFound),
        (make.actor(session, role=Role.OPERATOR, area=f"{make.OTHER_STREET}/"), NotFound),
        (make.actor(session, role=Role.UNIT), Forbidden),
    ):
        with pytest.raises(error):
            staffing_of(session, actor, make.STREET, DAY)
