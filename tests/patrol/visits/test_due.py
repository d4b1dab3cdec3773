"""Due lists with answers worked out by hand; days are those of November 2026, a Sunday the 22nd."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from patrol.visits.advice import State
from patrol.visits.due import DueLine, due_list
from registry.people.models import Household
from tests import make, make_people
from tests.make_visits import local, visit

ON = date(2026, 11, 20)  # a Friday


def _lines(session: Session, actor: Actor, *, on: date = ON, limit: int = 50) -> dict[str, DueLine]:
    found = due_list(session, actor, None, on, limit=limit, states=frozenset(State))
    codes = {one.household_id: one.code for one in session.query(Household)}
    return {str(codes[line.household_id]): line for line in found.lines}


def test_special_households_come_first_then_the_longest_unvisited(session: Session) -> None:
    tree = make.street_tree(session)
    member = make.actor(session, role=Role.MEMBER, grid=tree.a11)
    homes = {code: make_people.household(session, code=code) for code in ("H1", "H2", "H3", "H4", "H5")}
    make_people.tag(session, household=homes["H5"])
    visit(session, household=homes["H1"], person_id=member.person_id, at=local(date(2026, 3, 1)))
    visit(session, household=homes["H2"], person_id=member.person_id, at=local(date(2026, 2, 1)))
    for month in (1, 5):
        visit(session, household=homes["H3"], person_id=member.person_id, at=local(date(2026, month, 3)))
    lines = _lines(session, member)
    assert list(lines) == ["H5", "H4", "H2", "H1", "H3"]
    assert [line.figures.state for line in lines.values()] == [
        State.SPECIAL_DUE,
        State.DUE,
        State.DUE,
        State.DUE,
        State.DONE,
    ]
    assert lines["H5"].advice.due_by == date(2026, 12, 31)
    assert "本季度" in lines["H5"].advice.reason.zh
    assert lines["H2"].advice.reason.code == "due-again"
