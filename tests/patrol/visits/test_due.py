"""Due lists with answers worked out by hand; days are those of November 2026, a Sunday the 22nd."""

import random
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from geo.models import GridVersion
from patrol.visits.advice import State
from patrol.visits.counting import Outcome, VisitFact, VisitRules, attempt_days, counted_days
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


def test_attempts_stand_apart_and_are_not_done(session: Session) -> None:
    tree = make.street_tree(session)
    member = make.actor(session, role=Role.MEMBER, grid=tree.a11)
    once, twice, met = (make_people.household(session, code=code) for code in ("H1", "H2", "H3"))
    for hour in (10, 11):
        at = local(date(2026, 11, 18), hour)
        visit(session, household=once, person_id=member.person_id, at=at, outcome="not_home")
    for day in (17, 20):
        at = local(date(2026, 11, day), 10)
        visit(session, household=twice, person_id=member.person_id, at=at, outcome="not_home")
    for day, outcome in ((1, "not_home"), (2, "refused"), (3, "met")):
        at = local(date(2026, 11, day), 19)
        visit(session, household=met, person_id=member.person_id, at=at, outcome=outcome)
    lines = _lines(session, member)
    states = {code: line.figures.state for code, line in lines.items()}
    assert states == {"H1": State.DUE, "H3": State.DUE, "H2": State.ATTEMPTED}
    advice = lines["H2"].advice
    assert (advice.reason.code, advice.attempts_today, advice.attempts_this_week) == ("attempted", 1, 2)
    assert advice.come is not None
    assert advice.come.code == "come-in-the-evening"
    assert lines["H3"].advice.come is not None
    assert lines["H3"].advice.come.figures == {"hour": "19"}


def test_a_promise_to_come_back_is_kept_on_its_day(session: Session) -> None:
    tree = make.street_tree(session)
    member = make.actor(session, role=Role.MEMBER, grid=tree.a11)
    home = make_people.household(session)
    first = local(date(2026, 11, 2))
    visit(session, household=home, person_id=member.person_id, at=first, follow_up_on=ON)
    assert _lines(session, member, on=ON - timedelta(days=1))["H1"].figures.state is State.DUE
    assert _lines(session, member)["H1"].figures.state is State.FOLLOW_UP
    visit(session, household=home, person_id=member.person_id, at=local(ON))
    assert _lines(session, member)["H1"].figures.state is State.DONE


def test_withdrawn_vacant_and_retired_are_left_out(session: Session) -> None:
    tree = make.street_tree(session)
    member = make.actor(session, role=Role.MEMBER, grid=tree.a11)
    home = make_people.household(session)
    make_people.household(session, code="H2", kind="vacant")
    make_people.household(session, code="H3", retired_on=ON)
    mistake = local(date(2026, 11, 2))
    visit(session, household=home, person_id=member.person_id, at=mistake, outcome="withdrawn")
    lines = _lines(session, member)
    assert list(lines) == ["H1"]
    assert lines["H1"].advice.last_outcome is None


def test_a_former_colleagues_visit_counts_for_the_household(session: Session) -> None:
    tree = make.street_tree(session)
    left = make.actor(session, role=Role.MEMBER, grid=tree.a11, username="left", valid_to=date(2026, 6, 1))
    member = make.actor(session, role=Role.MEMBER, grid=tree.a11, valid_from=date(2026, 6, 1))
    home = make_people.household(session)
    visit(session, household=home, person_id=left.person_id, at=local(date(2026, 5, 1)))
    assert _lines(session, member)["H1"].figures.done_full == 1


def test_a_changed_boundary_moves_the_list_on_its_day_and_no_earlier(session: Session) -> None:
    tree = make.street_tree(session)
    old = make.actor(session, role=Role.MEMBER, grid=tree.a11)
    new = make.actor(session, role=Role.MEMBER, grid=tree.a12, username="new")
    make_people.household(session, lon=118.904)
    holds_from = ON + timedelta(days=1)
    for grid, west, east in ((tree.a11, 118.90, 118.903), (tree.a12, 118.903, 118.91)):
        first = session.query(GridVersion).filter_by(grid_id=grid.grid_id).one()
        first.valid_to = holds_from
        shape = make.box(west, make.SOUTH, east, make.NORTH)
        session.flush()
        make.grid_version(session, grid=grid, name="新", version=2, valid_from=holds_from, geom=shape)
    assert (len(_lines(session, old)), len(_lines(session, new))) == (1, 0)
    assert (len(_lines(session, old, on=holds_from)), len(_lines(session, new, on=holds_from))) == (0, 1)


def test_a_street_lists_all_of_its_own_and_nothing_of_another(session: Session) -> None:
    """Also what lies in no grid; a household of the other street may stand inside grids of this one."""
    make.street_tree(session)
    operator = make.actor(session, role=Role.OPERATOR, area=make.STREET + "/")
    city = make.actor(session, role=Role.OPERATOR, area="3201", username="city")
    make_people.household(session, code="H1")
    nowhere = make_people.household(session, code="H2", lon=119.5)
    make_people.household(session, code="H3", street_code=make.OTHER_STREET)
    make_people.household(session, code="H4", retired_on=ON)
    make_people.tag(session, household=nowhere)
    assert list(_lines(session, operator)) == ["H2", "H1"]
    assert set(_lines(session, city)) == {"H1", "H2", "H3"}
    listed = due_list(session, operator, None, ON, limit=1)
    assert (len(listed.lines), listed.counts[State.DUE], listed.counts[State.SPECIAL_DUE]) == (1, 1, 1)


def test_pages_follow_each_other_without_loss_or_repeat(session: Session) -> None:
    tree = make.street_tree(session)
    member = make.actor(session, role=Role.MEMBER, grid=tree.a11)
    home = make.building(session)
    for number in range(25):
        made = make_people.household(
            session, code=f"H{number}", geom=None, building_id=home.building_id, room=f"{number}"
        )
        if number % 5 == 0:
            make_people.tag(session, household=made)
        if number % 3 == 0:
            at = local(date(2026, 3, 1 + number))
            visit(session, household=made, person_id=member.person_id, at=at)
    whole = due_list(session, member, tree.a11.code, ON, limit=100)
    seen, after = [], None
    while page := due_list(session, member, tree.a11.code, ON, after=after, limit=4).lines:
        seen += [line.household_id for line in page]
        after = page[-1].cursor
    assert seen == [line.household_id for line in whole.lines]
    assert len(set(seen)) == 25
    rooms = [int(line.plate.room or 0) for line in whole.lines if line.figures.last_on is None][3:]
    assert rooms == sorted(rooms)


@pytest.mark.parametrize("seed", range(8))
def test_the_database_counts_like_the_pure_rule(session: Session, seed: int) -> None:
    chance = random.Random(seed)
    made = {
        (chance.randrange(700), chance.randrange(24)): chance.choice([one.value for one in Outcome])
        for _ in range(12)
    }
    tree = make.street_tree(session)
    member = make.actor(session, role=Role.MEMBER, grid=tree.a11)
    home = make_people.household(session)
    make_people.tag(session, household=home, valid_from=date(2020, 1, 1))
    facts = []
    for (before, hour), outcome in made.items():
        at = local(ON - timedelta(days=before), hour)
        one = visit(session, household=home, person_id=member.person_id, at=at, outcome=outcome)
        facts.append(VisitFact(one.visit_id, home.household_id, member.person_id, at, Outcome(outcome)))
    figures = _lines(session, member)["H1"].figures
    days = counted_days(facts, VisitRules()).get(home.household_id, [])
    since = [day for day in days if day >= date(2025, 1, 1)]
    assert figures.last_on == (since[-1] if since else None)
    assert figures.done_full == sum(day.year == 2026 for day in days)
    assert figures.done_special == sum(day >= date(2026, 10, 1) for day in days)
    tried = [day for day in attempt_days(facts) if day > (figures.last_on or date.min)]
    period = date(2026, 1, 1) if figures.done_special else date(2026, 10, 1)
    assert figures.attempt_days == sum(day >= period for day in tried)


def test_a_household_is_found_however_its_place_is_known(session: Session) -> None:
    tree = make.street_tree(session)
    member = make.actor(session, role=Role.MEMBER, grid=tree.a11)
    home, far = make.building(session), make.building(session, name="9幢", lon=118.93)
    inside = make.address(session, text="文苑路1号1幢", geom=None, building_id=home.building_id)
    own = make.address(session, text="文苑路2号")
    make_people.household(session, code="own", lon=118.902)
    make_people.household(session, code="building", geom=None, building_id=home.building_id)
    make_people.household(session, code="address", geom=None, address_id=own.address_id)
    make_people.household(session, code="address of a building", geom=None, address_id=inside.address_id)
    make_people.household(session, code="elsewhere", geom=None, building_id=far.building_id)
    chosen: dict[str, Any] = {"geom": None, "manual_grid_id": tree.a11.grid_id}
    by_hand = {**chosen, "building_id": far.building_id}
    make_people.household(session, code="by hand", **by_hand)
    found = set(_lines(session, member))
    assert found == {"own", "building", "address", "address of a building", "by hand"}
