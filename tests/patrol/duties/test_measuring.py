"""Duties of a small street, worked out by hand."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.errors import NotFound
from core.periods import Period
from geo.models import GridVersion
from patrol.duties.explaining import Share
from patrol.duties.gathering import Wanted
from patrol.duties.measuring import DutyItem, measure
from patrol.duties.models import Duty
from patrol.duties.rules import Status
from tests import make
from tests.patrol.duties.doors import IN_A12, household, tagged, visited
from tests.patrol.weeks.test_roll_up import MONDAY_9, World, judged, world
from tests.patrol.weeks.test_substitutes import away

__all__ = ["world"]  # the fixture
WEEK = Period.parse("2026-W47")
HOUR = timedelta(hours=1)


def at(hours: float) -> time_machine.travel:
    """So many hours after Monday 09:00 in Nanjing."""
    return time_machine.travel(MONDAY_9 + hours * HOUR, tick=False)


@pytest.fixture(autouse=True)
def wednesday() -> Iterator[None]:
    """Wednesday 09:00 unless a test says otherwise."""
    with at(48):
        yield


def patrols(session: Session, world: World, *, period: Period = WEEK) -> dict[str, DutyItem]:
    items = measure(session, world.leader, Wanted(period=period, duty="patrols"))
    return {f"{item.person_name} {item.grid.name}".removeprefix("某"): item for item in items}


def of_households(session: Session, actor: Actor, duty: str, period: str) -> dict[str, DutyItem]:
    items = measure(session, actor, Wanted(period=Period.parse(period), duty=duty))
    return {item.grid.name: item for item in items}


# ------------------------------------------------------------------------------------------------- patrols


def test_pairs_stand_as_the_weekly_count_says(session: Session, world: World) -> None:
    judged(session, world.wang, world.tree.a11, 0)
    judged(session, world.wang, world.tree.a11, 5)  # too soon
    judged(session, world.wang, world.tree.a11, 24)
    judged(session, world.li, world.tree.a11, 24)
    found = patrols(session, world)
    assert {name: (item.done, item.forecast.status) for name, item in found.items()} == {
        "wang A11": (2, Status.MET),
        "li A11": (1, Status.ON_TRACK),
        "head A1": (0, Status.AT_RISK),  # by Wednesday one of two is expected
        "zhao B11": (0, Status.AT_RISK),
    }


@pytest.mark.parametrize(
    ("hours", "walked", "status", "still_possible"),
    [
        (0, [], Status.ON_TRACK, True),  # Monday
        (24, [], Status.ON_TRACK, True),
        (48, [], Status.AT_RISK, True),  # Wednesday: behind an even pace
        (72, [], Status.AT_RISK, True),  # Thursday: two working days for two patrols
        (96, [], Status.WILL_MISS, True),  # Friday: one working day, and a weekend
        (96, [0], Status.AT_RISK, True),
        (120, [0], Status.WILL_MISS, True),  # Saturday: rest days alone
        (144, [], Status.WILL_MISS, False),  # Sunday: one day for two
        (144, [0], Status.WILL_MISS, True),
        (144, [142], Status.WILL_MISS, False),  # the gap of twelve hours and the second day
        (168, [0], Status.WILL_MISS, False),  # over, late uploads still count
        (240, [0], Status.MISSED, False),  # closed
        (240, [0, 24], Status.MET, True),
    ],
)
def test_the_forecast_of_a_pair(
    session: Session, world: World, hours: float, walked: list[float], *, status: Status, still_possible: bool
) -> None:
    for start in walked:
        judged(session, world.wang, world.tree.a11, start)
    with at(hours):
        words = patrols(session, world)["wang A11"].forecast
    assert (words.status, words.still_possible) == (status, still_possible)


def test_the_policy_says_how_many_patrols_and_how_far_apart(session: Session, world: World) -> None:
    make.patrol_policy(session, path=world.tree.a11.path, kind="", required_per_week=3, distinct_days=3)
    judged(session, world.wang, world.tree.a11, 0)
    item = patrols(session, world)["wang A11"]
    assert (item.standing.required, item.forecast.status) == (3, Status.ON_TRACK)
    with at(96):  # Friday
        assert patrols(session, world)["wang A11"].forecast.status == Status.WILL_MISS


def test_a_substitute_counts_for_the_absent_and_is_named(session: Session, world: World) -> None:
    away(session, world.zhao, world.li)
    judged(session, world.li, world.tree.b11, 0)
    judged(session, world.li, world.tree.b11, 24)
    item = patrols(session, world)["zhao B11"]
    assert (item.done, item.forecast.status) == (2, Status.MET)
    (credit,) = item.credits
    assert (credit.name, credit.own, credit.as_substitute) == ("某li", 0, 2)
    assert [one.substitute_name for one in item.substitutes] == ["某li"]
    mine = measure(session, world.leader, Wanted(None, WEEK, "patrols", world.li.person_id))
    assert {one.grid.name for one in mine} == {"A11", "B11"}


def test_a_transfer_within_the_week_is_shown_beside_the_raw_figure(session: Session, world: World) -> None:
    new = make.actor(
        session, role=Role.MEMBER, grid=world.tree.b11, username="new", valid_from=date(2026, 11, 21)
    )
    item = patrols(session, world)["new B11"]
    assert new.person_id == item.person_id
    assert item.standing.required == 2
    assert (item.excused.required, item.excused.not_assigned) == (1, 5)
    assert "标准未规定减免" in item.excused_explained.zh


def test_a_long_holiday_excuses_nothing_and_stands_beside(session: Session, world: World) -> None:
    national_day = Period.parse("2026-W40")  # three working days, then the holiday
    spring = Period.parse("2026-W08")  # Monday to Sunday lie in it
    with time_machine.travel(datetime(2026, 10, 1, 4, tzinfo=UTC), tick=False):
        item = patrols(session, world, period=national_day)["wang A11"]
    assert item.forecast.status == Status.WILL_MISS  # no working day is left
    assert (item.standing.required, item.excused.required, item.excused.holidays) == (2, 1, 4)
    item = patrols(session, world, period=spring)["wang A11"]
    assert item.forecast.status == Status.MISSED
    assert (item.excused.required, item.excused_status) == (0, Status.EXEMPT)


# ---------------------------------------------------------------------------------------------- households


def day(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}T04:00:00+00:00")


def test_every_household_is_due_twice_a_year(session: Session, world: World) -> None:
    first, second = household(session, "101"), household(session, "102")
    household(session, "103", kind="vacant")
    household(session, "104", retired_on=date(2026, 3, 1))
    household(session, "105", created_at=day("2026-11-02"))
    household(session, "201", lon=IN_A12)
    visited(session, world.wang, first, day("2026-02-03"))
    visited(session, world.wang, first, day("2026-02-03") + 3 * HOUR)  # the same day
    visited(session, world.li, first, day("2026-07-03"))
    visited(session, world.wang, first, day("2026-08-03"))  # more than asked for
    visited(session, world.wang, second, day("2026-08-03"), "not_home")
    visited(session, world.wang, second, day("2025-12-31") + 13 * HOUR)  # 01:00 on New Year in Nanjing
    item = of_households(session, world.leader, "full-visits", "2026")["A11"]
    assert (item.total, item.left_out) == (4, 1)
    assert (item.standing.subjects, item.standing.met) == (2, 1)
    assert (item.standing.required, item.standing.credited, item.done) == (4, 3, 4)
    assert (item.arrived.subjects, item.arrived.required) == (1, 1)  # its share of the year, rounded up
    assert [(one.name, one.own) for one in item.credits] == [("某li", 1), ("某wang", 3)]
    assert item.explained.zh.startswith(
        "4 户中本年应访 2 户，1 户本期新增（另计，已访 0 户），1 户不计（空户等）"
    )
    assert item.explained.en.startswith("of 4 households 2 are to be visited this year; 1 came during")


def test_special_households_are_due_each_quarter(session: Session, world: World) -> None:
    old, new, former, plain = (household(session, name) for name in ("101", "102", "103", "104"))
    tagged(session, old)
    tagged(session, old, tag="low_income")  # several tags are one household
    tagged(session, new, since=date(2026, 11, 10))
    tagged(session, former, until=date(2026, 11, 10))
    visited(session, world.wang, new, day("2026-10-20"))  # before the tag, in the quarter
    visited(session, world.wang, plain, day("2026-10-20"))
    item = of_households(session, world.leader, "special-visits", "2026-Q4")["A11"]
    assert (item.total, item.standing.subjects, item.standing.met) == (2, 1, 0)
    assert (item.arrived.subjects, item.arrived.met) == (1, 1)


def test_visits_stay_with_the_household_and_credit_with_the_holder_of_the_day(
    session: Session, world: World
) -> None:
    one = household(session, "101")
    former = make.actor(
        session, role=Role.MEMBER, grid=world.tree.a11, username="former", valid_to=date(2026, 5, 1)
    )
    away(session, world.wang, world.zhao, date(2026, 9, 1), date(2026, 9, 10))
    visited(session, former, one, day("2026-04-30"))
    visited(session, former, one, day("2026-05-01"))
    visited(session, world.zhao, one, day("2026-09-09"))
    visited(session, world.zhao, one, day("2026-09-10"))
    item = of_households(session, world.leader, "full-visits", "2026")["A11"]
    credited = {credit.name: (credit.own, credit.as_substitute, credit.otherwise) for credit in item.credits}
    assert credited == {"某former": (1, 0, 1), "某zhao": (0, 1, 1)}
    assert item.done == 4


@pytest.mark.parametrize(
    ("today", "households", "status"),
    [
        ("2026-11-18", 20, Status.AT_RISK),  # nothing done so far
        ("2026-12-30", 50, Status.WILL_MISS),  # 100 visits in two working days, two members do 40 a day
        ("2026-12-31", 1, Status.WILL_MISS),  # twice on one day does not count
        ("2027-01-02", 1, Status.WILL_MISS),
        ("2027-01-05", 1, Status.MISSED),
    ],
)
def test_the_forecast_of_a_grid(
    session: Session, world: World, today: str, households: int, status: Status
) -> None:
    for number in range(households):
        household(session, str(number))
    with time_machine.travel(day(today), tick=False):
        item = of_households(session, world.leader, "full-visits", "2026")["A11"]
    assert item.forecast.status == status


def test_households_that_a_new_division_brings_stand_apart(session: Session, world: World) -> None:
    since = date(2026, 11, 1)
    old = session.query(GridVersion).filter_by(grid_id=world.tree.a21.grid_id).one()
    old.valid_to = since
    shrunk = make.box(118.91, 32.10, 118.917, 32.11)
    make.grid_version(session, grid=world.tree.a21, name="A21", version=2, geom=shrunk, valid_from=since)
    make.grid(
        session,
        code=make.grid_code(community="001", sequence="09"),
        parent=world.tree.a2,
        name="A29",
        geom=make.box(118.917, 32.10, 118.92, 32.11),
        valid_from=since,
    )
    moved, stayed = household(session, "901", lon=118.918), household(session, "902", lon=118.912)
    visited(session, world.wang, moved, day("2026-04-30"))
    visited(session, world.wang, stayed, day("2026-04-30"))
    found = of_households(session, world.leader, "full-visits", "2026")
    assert (found["A29"].standing.subjects, found["A29"].arrived) == (0, Share(1, 0, 2, 1))
    assert (found["A21"].standing, found["A21"].arrived.subjects) == (Share(1, 0, 2, 1), 0)
    quarter = Wanted(period=Period.parse("2027"), duty="full-visits")
    later = {item.grid.name: item for item in measure(session, world.leader, quarter)}
    assert later["A29"].arrived.subjects == 0


def test_duties_are_measured_by_the_row_of_the_first_day(session: Session, world: World) -> None:
    row = session.query(Duty).filter_by(code="special-visits").one()
    row.valid_to = date(2026, 11, 1)
    session.add(
        Duty(
            **{
                name: getattr(row, name)
                for name in (
                    "code",
                    "zh",
                    "en",
                    "fact",
                    "subject",
                    "period",
                    "path",
                    "kind",
                    "options",
                    "clause",
                )
            },
            count=3,
            is_on=True,
            valid_from=date(2026, 11, 1),
        )
    )
    session.flush()
    tagged(session, household(session, "101"))
    assert of_households(session, world.leader, "special-visits", "2026-Q4")["A11"].standing.required == 1
    assert of_households(session, world.leader, "special-visits", "2027-Q1")["A11"].standing.required == 3


def test_scope_decides_what_is_measured(session: Session, world: World) -> None:
    household(session, "101")
    household(session, "201", lon=IN_A12)
    mine = measure(session, world.wang, Wanted())
    assert {item.grid.name for item in mine} == {"A11"}
    with pytest.raises(NotFound):
        measure(session, world.wang, Wanted(grid_code=world.tree.b11.code))
    with pytest.raises(NotFound):
        measure(session, world.wang, Wanted(grid_code="nothing", duty="nothing"))
    assert not measure(session, world.leader, Wanted(duty="nothing"))
    assert not measure(session, world.leader, Wanted(person_id=uuid.UUID(int=7)))


def test_near_and_at_once_find_the_same_homes(session: Session, world: World) -> None:
    for number in range(30):
        lon = 118.9 + 0.0013 * number
        tag = household(
            session, f"{number}", lon=lon, manual_grid_id=world.tree.a12.grid_id if number == 7 else None
        )
        if number % 3 == 0:
            tagged(session, tag)
    household(session, "edge", lon=118.905)  # on the boundary of A11 and A12
    household(session, "outside", lon=118.5)
    for duty, period in (("full-visits", "2026"), ("special-visits", "2026-Q4")):
        at_once = of_households(session, world.leader, duty, period)
        codes = [grid.code for grid in (world.tree.a11, world.tree.a12, world.tree.a21, world.tree.b11)]
        wanted = [Wanted(code, Period.parse(period), duty) for code in codes]
        near = {item.grid.name: item for each in wanted for item in measure(session, world.leader, each)}
        assert {name: (item.total, item.standing) for name, item in near.items()} == {
            name: (item.total, item.standing) for name, item in at_once.items()
        }
