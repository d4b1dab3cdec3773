"""Who hears that something will be missed, once, and in one message."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.errors import NotFound
from patrol.duties.models import Reminder
from patrol.duties.reminding import REMIND_STREET, mark_seen, remind, remind_street, reminders_of
from tests import make
from tests.patrol.deliveries import jobs_of
from tests.patrol.duties.doors import household, tagged, visited
from tests.patrol.weeks.test_roll_up import MONDAY_9, World, judged, world
from tests.patrol.weeks.test_substitutes import away

__all__ = ["world"]  # the fixture


def at(days: float) -> time_machine.travel:
    """So many days after Monday 09:00 in Nanjing."""
    return time_machine.travel(MONDAY_9 + timedelta(days=days), tick=False)


def messages(session: Session, actor: Actor) -> list[tuple[str, str, str, str]]:
    rows = session.scalars(
        select(Reminder)
        .where(Reminder.person_id == actor.person_id)
        .order_by(Reminder.made_at, Reminder.step)
    )
    return [(row.duty, row.period, row.step, row.subject) for row in rows]


def test_midweek_those_who_are_behind_hear_of_it_once(session: Session, world: World) -> None:
    judged(session, world.wang, world.tree.a11, 0)
    top = make.actor(session, role=Role.HEAD, grid=world.tree.a, username="top")
    for moment in (1, 2, 2.1, 3, 4, 4.2, 5):
        with at(moment):
            remind_street(session, make.STREET)
    steps = ("wednesday", "friday")
    assert messages(session, world.wang) == [("patrols", "2026-W47", "friday", "own")]
    assert messages(session, world.li) == [("patrols", "2026-W47", step, "own") for step in steps]
    assert messages(session, top) == [
        ("patrols", "2026-W47", step, subject)
        for step, subject in [
            ("summary-wednesday", "summary"),
            ("wednesday", "own"),
            ("friday", "own"),
            ("summary-friday", "summary"),
        ]
    ]


def test_a_head_gets_one_summary_without_a_ranking(session: Session, world: World) -> None:
    with at(4):
        remind_street(session, make.STREET)
    summary = session.scalars(
        select(Reminder).where(Reminder.person_id == world.head.person_id, Reminder.step == "summary-friday")
    ).one()
    assert [grid["code"] for grid in summary.grids] == [world.tree.a11.code] * 2
    assert summary.zh == "【每周巡查】本周所辖 1 个网格进度落后，其中 2 项按剩余工作日将完不成：A11。"
    own = session.scalars(
        select(Reminder).where(Reminder.person_id == world.li.person_id, Reminder.step == "friday")
    ).one()
    assert own.zh == (
        "【每周巡查】A11：本周应完成 2 次巡查，已计入 0，还差 2：按剩余工作日将完不成，用休息日仍可补上。"
    )


def test_whoever_stands_in_hears_of_it_instead(session: Session, world: World) -> None:
    away(session, world.zhao, world.li)
    with at(2):
        remind_street(session, make.STREET)
    assert messages(session, world.zhao) == []
    grids = session.scalars(select(Reminder.grids).where(Reminder.person_id == world.li.person_id)).one()
    assert [grid["name"] for grid in grids] == ["A11", "B11"]


def test_a_quarter_that_ends_is_announced(session: Session, world: World) -> None:
    seen, unseen = household(session, "101"), household(session, "102")
    for one in (seen, unseen):
        tagged(session, one)
    visited(session, world.wang, seen, datetime(2026, 10, 20, 4, tzinfo=UTC))
    with time_machine.travel(datetime(2026, 12, 29, 1, tzinfo=UTC), tick=False):
        remind_street(session, make.STREET)
    found = {message for message in messages(session, world.wang) if message[0] == "special-visits"}
    assert found == {("special-visits", "2026-Q4", "ten-days", "own")}


def test_nothing_is_said_of_other_streets(session: Session, world: World) -> None:
    other = make.actor(session, role=Role.MEMBER, grid=world.tree.c11, username="other")
    with at(4):
        remind_street(session, make.STREET)
        assert messages(session, other) == []
        remind_street(session, make.OTHER_STREET)
    assert messages(session, other) == [("patrols", "2026-W47", "friday", "own")]


def test_whoever_has_grids_in_two_streets_hears_of_both(session: Session, world: World) -> None:
    make.assignment(session, person_id=world.li.person_id, role=Role.MEMBER, grid=world.tree.c11)
    with at(4):
        for street in (make.STREET, make.OTHER_STREET) * 2:
            remind_street(session, street)
    assert messages(session, world.li) == [("patrols", "2026-W47", "friday", "own")] * 2
    told = session.scalars(select(Reminder.grids).where(Reminder.person_id == world.li.person_id))
    assert sorted(grid["code"] for grids in told for grid in grids) == sorted(
        [world.tree.a11.code, world.tree.c11.code]
    )


def test_the_job_asks_for_every_street(session: Session, world: World) -> None:
    remind(session)
    streets = [args["street_code"] for args in jobs_of(session, REMIND_STREET)]
    assert streets == [make.STREET, make.OTHER_STREET]


def test_a_reminder_is_seen_once_and_by_its_owner(session: Session, world: World) -> None:
    with at(4):
        remind_street(session, make.STREET)
    (own,) = reminders_of(session, world.li, after=None, unseen=True, limit=10)
    with pytest.raises(NotFound):
        mark_seen(session, world.wang, own.reminder_id)
    with at(4.1):
        first = mark_seen(session, world.li, own.reminder_id).seen_at
    with at(4.2):
        assert mark_seen(session, world.li, own.reminder_id).seen_at == first
    assert not reminders_of(session, world.li, after=None, unseen=True, limit=10)
