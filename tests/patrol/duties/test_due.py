"""What is due next, for whom, and by when."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
import time_machine
from sqlalchemy.orm import Session

from access.roles import Role
from patrol.duties.due import DueItem, due_list
from patrol.duties.gathering import Wanted
from patrol.duties.rules import Status
from tests import make
from tests.patrol.duties.doors import IN_A12, household, tagged, visited
from tests.patrol.weeks.test_roll_up import World, judged, world

__all__ = ["world"]  # the fixture


@pytest.fixture(autouse=True)
def wednesday() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 11, 18, 1, tzinfo=UTC), tick=False):
        yield


def told(item: DueItem) -> tuple[str, str, date, Status]:
    who = item.door.room if item.door else item.person_name
    return item.duty.code, str(who), item.next_by, item.status


def test_the_earliest_comes_first(session: Session, world: World) -> None:
    judged(session, world.wang, world.tree.a11, 0)
    _, once, special = (household(session, name) for name in ("101", "102", "103"))
    household(session, "201", lon=IN_A12)
    tagged(session, special)
    visited(session, world.wang, once, datetime(2026, 3, 1, tzinfo=UTC))
    for month in (2, 7):
        visited(session, world.wang, special, datetime(2026, month, 1, tzinfo=UTC))
    found = due_list(session, world.wang, Wanted(person_id=world.wang.person_id), after=None, limit=10)
    assert [told(item) for item in found] == [
        ("full-visits", "101", date(2026, 6, 30), Status.AT_RISK),
        ("patrols", "某wang", date(2026, 11, 22), Status.ON_TRACK),
        ("full-visits", "102", date(2026, 12, 31), Status.ON_TRACK),
        ("special-visits", "103", date(2026, 12, 31), Status.ON_TRACK),
    ]
    assert [item.last_on for item in found] == [None, None, date(2026, 3, 1), None]


def test_pages_hold_everything_once(session: Session, world: World) -> None:
    for number in range(5):
        tagged(session, household(session, f"10{number}"))
    whole = due_list(session, world.wang, Wanted(), after=None, limit=50)
    paged: list[DueItem] = []
    while True:
        page = due_list(session, world.wang, Wanted(), after=paged[-1].place if paged else None, limit=3)
        paged += page
        if len(page) < 3:
            break
    assert [item.place for item in paged] == [item.place for item in whole]
    assert len(whole) == 5 + 5 + 2


def test_households_are_named_to_those_who_may_read_them(session: Session, world: World) -> None:
    household(session, "101")
    assert {item.duty.code for item in due_list(session, world.leader, Wanted(), after=None, limit=50)} == {
        "patrols"
    }
    operator = make.actor(session, role=Role.OPERATOR)
    found = due_list(session, operator, Wanted(duty="full-visits"), after=None, limit=50)
    assert [item.door.room for item in found if item.door] == ["101"]


def test_what_cannot_be_done_any_more_says_so(session: Session, world: World) -> None:
    household(session, "101")
    with time_machine.travel(datetime(2026, 12, 31, 1, tzinfo=UTC), tick=False):
        (item,) = due_list(session, world.wang, Wanted(duty="full-visits"), after=None, limit=50)
    assert item.status is Status.WILL_MISS
