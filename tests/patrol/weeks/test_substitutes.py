"""What a substitute walks counts for whoever is away, once, and never for two."""

from datetime import date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from access.models import Absence
from access.roles import Role
from access.scope import Actor
from core.errors import NotFound
from geo.models import Grid
from patrol.models import GridWeek
from patrol.rights import grid_to_patrol
from patrol.weeks.roll_up import roll_up
from patrol.weeks.standing import Pair, counts_of, standing_of
from tests import make
from tests.patrol.weeks.test_roll_up import MONDAY_9, THIS_WEEK, World, judged, world

__all__ = ["world"]  # the fixture
MONDAY = THIS_WEEK.monday
DAY = timedelta(days=1)


def away(
    session: Session,
    absent: Actor,
    substitute: Actor,
    first: date = MONDAY,
    end: date | None = MONDAY + 7 * DAY,
    *,
    cancelled_on: date | None = None,
) -> None:
    name = f"absence {absent.username} {substitute.username} {first}"
    session.add(
        Absence(
            absence_id=make.fixed_uuid(name),
            person_id=absent.person_id,
            substitute_id=substitute.person_id,
            valid_from=first,
            valid_to=end,
            reason="leave",
            note="",
            created_by="cli:test",
            cancelled_on=cancelled_on,
            cancelled_at=MONDAY_9 if cancelled_on else None,
        )
    )
    session.flush()


def pair(session: Session, world: World, person: Actor, grid: Grid) -> Pair:
    pairs = standing_of(session, world.leader, THIS_WEEK, grid_code=None, level=None).pairs
    return next(one for one in pairs if (one.person_id, one.grid.code) == (person.person_id, grid.code))


def walkers(of: Pair) -> list[tuple[str, bool]]:
    return [(patrol.walker_name.removeprefix("某"), patrol.counted) for patrol in of.patrols]


def test_the_substitute_walks_for_the_absent_and_for_themselves_apart(session: Session, world: World) -> None:
    away(session, world.wang, world.zhao, MONDAY, MONDAY + 2 * DAY)  # Monday and Tuesday
    judged(session, world.zhao, world.tree.a11, 0)
    judged(session, world.zhao, world.tree.a11, 24, "invalid")
    judged(session, world.wang, world.tree.a11, 49)
    late = judged(session, world.zhao, world.tree.a11, 72)  # Wang is back
    judged(session, world.zhao, world.tree.b11, 5)

    wang = pair(session, world, world.wang, world.tree.a11)
    assert walkers(wang) == [("zhao", True), ("zhao", False), ("wang", True)]
    assert (wang.counted, wang.met) == (2, True)
    assert walkers(pair(session, world, world.zhao, world.tree.b11)) == [("zhao", True)]
    answers = counts_of(session, [(world.zhao.person_id, world.tree.a11.grid_id, THIS_WEEK)])
    assert [answer.counted for answer in answers.values()].count(True) == 2
    reason = answers[late].reason
    assert reason is not None
    assert reason.code == "not-assigned"


def test_a_colleague_in_the_same_grid_needs_four_for_two(session: Session, world: World) -> None:
    away(session, world.wang, world.li)
    for hours in (0, 24, 48):
        judged(session, world.li, world.tree.a11, hours)
    assert pair(session, world, world.li, world.tree.a11).counted == 2
    assert walkers(pair(session, world, world.wang, world.tree.a11)) == [("li", True)]

    judged(session, world.li, world.tree.a11, 72)
    judged(session, world.li, world.tree.a11, 73, "invalid")  # worth nothing, so it stays with Li
    assert walkers(pair(session, world, world.li, world.tree.a11)) == [("li", True)] * 2 + [("li", False)]
    assert pair(session, world, world.wang, world.tree.a11).met


def test_one_patrol_counts_for_one_of_two_who_are_away(session: Session, world: World) -> None:
    away(session, world.wang, world.zhao)
    away(session, world.li, world.zhao)
    for hours in (0, 24, 48):
        judged(session, world.zhao, world.tree.a11, hours)
    found = [pair(session, world, person, world.tree.a11) for person in (world.wang, world.li)]
    assert sorted(one.counted for one in found) == [1, 2]
    assert sum(len(one.patrols) for one in found) == 3


@pytest.mark.parametrize(
    ("cancelled_on", "counted"), [(None, 2), (MONDAY + DAY, 1), (MONDAY, 0), (MONDAY + 2 * DAY, 2)]
)
def test_days_before_a_cancellation_stay(
    session: Session, world: World, cancelled_on: date | None, counted: int
) -> None:
    away(session, world.wang, world.zhao, cancelled_on=cancelled_on)
    judged(session, world.zhao, world.tree.a11, 0)
    judged(session, world.zhao, world.tree.a11, 24)
    assert pair(session, world, world.wang, world.tree.a11).counted == counted


def test_a_day_begins_at_midnight_in_china(session: Session, world: World) -> None:
    away(session, world.wang, world.zhao, MONDAY + DAY, MONDAY + 2 * DAY)
    for hours in (14.9, 15.1, 38.9, 39.1):  # 23:54 on Monday, 00:06 and 23:54 on Tuesday, 00:06 on Wednesday
        judged(session, world.zhao, world.tree.a11, hours)
    starts = [
        patrol.started_at - MONDAY_9 for patrol in pair(session, world, world.wang, world.tree.a11).patrols
    ]
    assert [start / timedelta(hours=1) for start in starts] == [15.1, 38.9]


def test_the_map_counts_what_substitutes_walked(session: Session, world: World) -> None:
    away(session, world.wang, world.zhao)
    for hours in (0, 24):
        judged(session, world.zhao, world.tree.a11, hours)
    roll_up(session, make.STREET, str(THIS_WEEK))
    row = session.get_one(GridWeek, (MONDAY, world.tree.a11.grid_id))
    assert (row.pairs_due, row.pairs_met, row.patrols_counted) == (2, 1, 2)


def test_an_absence_of_another_week_changes_nothing(session: Session, world: World) -> None:
    away(session, world.wang, world.zhao, MONDAY - 7 * DAY, MONDAY)
    judged(session, world.zhao, world.tree.a11, 0)
    assert walkers(pair(session, world, world.wang, world.tree.a11)) == []


@pytest.mark.parametrize(
    ("days", "may"),
    [(-1, False), (0, True), (1, True), (2, False)],
)
def test_a_late_upload_is_judged_by_the_day_of_the_patrol(
    session: Session, world: World, days: int, may: bool
) -> None:
    """Standing in on Monday and Tuesday; the phone delivers a week later, when that is over."""
    away(session, world.wang, world.zhao, MONDAY, MONDAY + 2 * DAY)
    started_at = datetime.combine(MONDAY + days * DAY, MONDAY_9.timetz())
    with time_machine.travel(MONDAY_9 + 8 * DAY, tick=False):
        if may:
            assert grid_to_patrol(session, world.zhao, world.tree.a11.code, started_at).path
        else:
            with pytest.raises(NotFound):
                grid_to_patrol(session, world.zhao, world.tree.a11.code, started_at)


def test_a_substitute_gets_no_more_than_the_grids(session: Session, world: World) -> None:
    operator = make.actor(session, role=Role.OPERATOR)
    away(session, operator, world.zhao)
    with time_machine.travel(MONDAY_9, tick=False), pytest.raises(NotFound):
        grid_to_patrol(session, world.zhao, world.tree.a11.code, MONDAY_9)
