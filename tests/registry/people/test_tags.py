"""Which households are special on a day, and where they lie."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from access.scope import Scope
from registry.people.models import Household, TagKind
from registry.people.queries import households_in
from registry.people.tags import special_on
from tests import make, make_people

DAY = date(2026, 6, 1)
EVERYWHERE = Scope(("",))


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


def special(session: Session, day: date = DAY) -> set[str | None]:
    return set(session.scalars(select(Household.code).where(special_on(day))))


def test_a_tag_that_counts_makes_a_household_special_while_it_holds(
    session: Session, tree: make.StreetTree
) -> None:
    tagged = make_people.household(session, code="tagged")
    make_people.tag(session, household=tagged, valid_to=DAY)
    make_people.tag(session, household=tagged, code="subsistence", valid_to=DAY)
    elder = make_people.household(session, code="elder")
    make_people.tag(session, household=elder, code="elder")  # on the list, but not counted
    make_people.household(session, code="plain")
    assert special(session, DAY - timedelta(days=1)) == {"tagged"}
    assert special(session) == set()


def test_the_list_decides_from_its_day_on_which_tags_count(session: Session, tree: make.StreetTree) -> None:
    make_people.tag(session, household=make_people.household(session, code="elder"), code="elder")
    old = session.scalars(select(TagKind).where(TagKind.code == "elder")).one()
    session.execute(update(TagKind).where(TagKind.tag_kind_id == old.tag_kind_id).values(valid_to=DAY))
    now_counted = {"code": "elder", "zh": "老人", "en": "elder", "clause": "local", "is_restricted": False}
    session.add(TagKind(**now_counted, is_special=True, valid_from=DAY, valid_to=None))
    session.flush()
    assert special(session, DAY - timedelta(days=1)) == set()
    assert special(session) == {"elder"}


def test_a_household_lies_at_its_own_position_its_address_or_its_building(
    session: Session, tree: make.StreetTree
) -> None:
    house = make.building(session, name="1", lon=118.915)
    door = make.address(session, text="文苑路1号", lon=118.907)
    at_house = make.address(session, text="文苑路2号", geom=None, building_id=house.building_id)
    nowhere: dict[str, Any] = {"geom": None}
    made = {
        "own": make_people.household(session, code="own", address_id=door.address_id),
        "door": make_people.household(session, code="door", address_id=door.address_id, **nowhere),
        "house": make_people.household(session, code="house", building_id=house.building_id, **nowhere),
        "both": make_people.household(session, code="both", address_id=at_house.address_id, **nowhere),
        "hand": make_people.household(session, code="hand", manual_grid_id=tree.b11.grid_id),
        "gone": make_people.household(session, code="gone", retired_on=DAY),
    }
    codes = {household.household_id: code for code, household in made.items()}
    rows = session.execute(households_in(EVERYWHERE, DAY)).all()
    found = {codes[row.household_id]: row.grid_name for row in rows}
    assert found == {"own": "A11", "door": "A12", "house": "A21", "both": "A21", "hand": "B11"}
    inside = session.execute(households_in(Scope((tree.a12.path,)), DAY)).all()
    assert [codes[row.household_id] for row in inside] == ["door"]
    by_hand = session.execute(households_in(Scope((tree.b.path,)), DAY)).all()
    assert [codes[row.household_id] for row in by_hand] == ["hand"]
