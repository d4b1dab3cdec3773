"""The week of a small street, worked out by hand; the roll-up, the facts and the map agree."""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import literal, select, update
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import Week
from core.errors import Forbidden, NotFound
from geo.models import Grid, GridVersion
from patrol.closing import closes_at
from patrol.judging.judge import ROLL_UP
from patrol.layers import COMPLIANCE_LAYER, WEEK
from patrol.models import GridWeek, Patrol, PatrolPolicy, PatrolVerdict
from patrol.rights import GridUnknown
from patrol.weeks.counting import grid_status
from patrol.weeks.roll_up import roll_up, roll_up_recent
from patrol.weeks.standing import Pair, Totals, counts_of, standing_of
from tests import make
from tests.patrol.deliveries import jobs_of

MONDAY_9 = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)  # 09:00 in Nanjing
THIS_WEEK = Week.of(MONDAY_9)


@dataclass(frozen=True)
class World:
    """A11 has two members, A1 a head, B11 one member; C lies in another street."""

    tree: make.StreetTree
    wang: Actor
    li: Actor
    head: Actor
    zhao: Actor
    leader: Actor


@pytest.fixture
def world(session: Session) -> World:
    tree = make.street_tree(session)
    return World(
        tree=tree,
        wang=make.actor(session, role=Role.MEMBER, grid=tree.a11, username="wang"),
        li=make.actor(session, role=Role.MEMBER, grid=tree.a11, username="li"),
        head=make.actor(session, role=Role.HEAD, grid=tree.a1, username="head"),
        zhao=make.actor(session, role=Role.MEMBER, grid=tree.b11, username="zhao"),
        leader=make.actor(session, role=Role.LEADER),
    )


# What a verdict says beside its status is nothing to the weekly count.
BLANK: dict[str, Any] = {
    "results": [],
    "flags": {},
    "fix_count": 0,
    "observed_s": 0,
    "in_grid_s": 0,
    "length_m": 0,
    "coverage_ratio": 0,
    "cells": b"",
    "dwell_s": b"",
}


def judged(
    session: Session,
    actor: Actor,
    grid: Grid,
    hours: float,
    status: str = "valid",
    *,
    delivered_at: datetime | None = None,
) -> uuid.UUID:
    """A judged patrol that began so many hours after Monday 09:00."""
    started_at = MONDAY_9 + timedelta(hours=hours)
    finished_at = started_at + timedelta(minutes=30)
    common: dict[str, Any] = {
        "patrol_id": make.fixed_uuid(f"{actor.username} {grid.code} {hours}"),
        "person_id": actor.person_id,
        "grid_id": grid.grid_id,
        "started_at": started_at,
    }
    times = {"start_received_at": started_at, "finish_received_at": delivered_at or finished_at}
    session.add(Patrol(**common, **times, source="app", finished_at=finished_at))
    session.flush()
    version = select(GridVersion.version_id).where(GridVersion.grid_id == grid.grid_id)
    policy = select(PatrolPolicy.policy_id).where(PatrolPolicy.path == "")
    chosen = {"policy_id": session.scalar(policy), "grid_version_id": session.scalar(version)}
    week = Week.of(started_at).monday
    session.add(PatrolVerdict(**common, **BLANK, **chosen, week=week, status=status, judged_at=finished_at))
    session.flush()
    return uuid.UUID(str(common["patrol_id"]))


def a_week(session: Session, world: World) -> None:
    """Wang met it; Li has one that counts; the head walked a member's grid; Zhao did nothing that counts."""
    judged(session, world.wang, world.tree.a11, 0)
    judged(session, world.wang, world.tree.a11, 5)  # too soon
    judged(session, world.wang, world.tree.a11, 24)
    judged(session, world.wang, world.tree.a11, 48)  # more than needed
    judged(session, world.li, world.tree.a11, 2)
    judged(session, world.li, world.tree.a11, 30, "pending_review")
    judged(session, world.li, world.tree.a11, 24 * 7)  # next week
    judged(session, world.head, world.tree.a11, 1)  # not the head's own grid
    judged(session, world.zhao, world.tree.b11, 3, "invalid")
    judged(session, world.zhao, world.tree.a12, 3)  # somebody else's grid


def pair_of(session: Session, actor: Actor, week: Week = THIS_WEEK) -> Pair:
    pairs = standing_of(session, actor, week, grid_code=None, level=None).pairs
    return next(pair for pair in pairs if pair.person_id == actor.person_id)


def test_each_pair_is_counted_on_its_own(session: Session, world: World) -> None:
    a_week(session, world)

    standing = standing_of(session, world.leader, THIS_WEEK, grid_code=None, level=None)

    found = {
        (pair.person_name, pair.grid.name): (pair.counted, pair.met, pair.status.value)
        for pair in standing.pairs
    }
    assert found == {
        ("某wang", "A11"): (3, True, "met"),
        ("某li", "A11"): (1, False, "partial"),
        ("某head", "A1"): (0, False, "none"),
        ("某zhao", "B11"): (0, False, "none"),
    }
    assert standing.totals == Totals(pairs_due=4, pairs_met=1, patrols_counted=2 + 1, patrols_needed=8)


def test_a_grid_and_a_level_narrow_the_pairs(session: Session, world: World) -> None:
    a_week(session, world)

    def names(grid: Grid | None, level: int | None) -> list[str]:
        code = grid.code if grid else None
        standing = standing_of(session, world.leader, THIS_WEEK, grid_code=code, level=level)
        return sorted(pair.person_name for pair in standing.pairs)

    assert names(world.tree.a, None) == ["某head", "某li", "某wang"]
    assert names(world.tree.a, 3) == ["某li", "某wang"]
    assert names(None, 2) == ["某head"]
    assert names(world.tree.a12, None) == []


def test_scope_decides_who_sees_what(session: Session, world: World) -> None:
    assert len(standing_of(session, world.wang, THIS_WEEK, grid_code=None, level=None).pairs) == 2
    for code, error in ((world.tree.b11.code, NotFound), ("nothing", GridUnknown)):
        with pytest.raises(error):
            standing_of(session, world.wang, THIS_WEEK, grid_code=code, level=None)
    unit = make.actor(session, role=Role.UNIT)
    with pytest.raises(Forbidden):
        standing_of(session, unit, THIS_WEEK, grid_code=world.tree.a.code, level=None)
    assert not standing_of(session, unit, THIS_WEEK, grid_code=None, level=None).pairs


def test_the_sums_of_every_grid_include_all_below(session: Session, world: World) -> None:
    a_week(session, world)

    roll_up(session, make.STREET, str(THIS_WEEK))

    tree = world.tree
    rows = {
        row.grid_id: (row.pairs_due, row.pairs_met, row.patrols_counted, row.patrols_needed)
        for row in session.scalars(select(GridWeek).where(GridWeek.week == THIS_WEEK.monday))
    }
    assert rows == {
        tree.a.grid_id: (3, 1, 3, 6),
        tree.a1.grid_id: (3, 1, 3, 6),
        tree.a11.grid_id: (2, 1, 3, 4),
        tree.a12.grid_id: (0, 0, 0, 0),
        tree.a2.grid_id: (0, 0, 0, 0),
        tree.a21.grid_id: (0, 0, 0, 0),
        tree.b.grid_id: (1, 0, 0, 2),
        tree.b1.grid_id: (1, 0, 0, 2),
        tree.b11.grid_id: (1, 0, 0, 2),
    }


def test_a_roll_up_repeats_and_corrects_itself(session: Session, world: World) -> None:
    roll_up(session, make.STREET, str(THIS_WEEK))
    a_week(session, world)
    for _ in range(2):
        roll_up(session, make.STREET, str(THIS_WEEK))
    counted = select(GridWeek.patrols_counted).where(GridWeek.grid_id == world.tree.a11.grid_id)
    assert session.scalars(counted).all() == [3]


@pytest.mark.parametrize(
    ("due", "met", "counted"), [(0, 0, 0), (2, 0, 0), (2, 0, 1), (2, 1, 2), (2, 2, 4), (1, 1, 2)]
)
def test_the_map_says_what_the_facts_say(
    session: Session, world: World, due: int, met: int, counted: int
) -> None:
    grid_id = world.tree.a11.grid_id
    session.add(
        GridWeek(
            week=THIS_WEEK.monday,
            grid_id=grid_id,
            pairs_due=due,
            pairs_met=met,
            patrols_counted=counted,
            patrols_needed=2 * due,
        )
    )
    session.flush()
    ((table, condition),) = COMPLIANCE_LAYER.joins
    statement = (
        select(*COMPLIANCE_LAYER.columns[-5:], literal(1)).select_from(Grid).outerjoin(table, condition)
    )
    row = session.execute(statement.where(Grid.grid_id == grid_id), {WEEK: THIS_WEEK.monday}).one()

    expected = grid_status(pairs_due=due, pairs_met=met, patrols_counted=counted).value
    assert tuple(row)[:5] == (expected, due, met, counted, 2 * due)
    other = session.execute(statement.where(Grid.grid_id == grid_id), {WEEK: date(2020, 1, 6)}).one()
    assert tuple(other)[:5] == ("unassigned", 0, 0, 0, 0)


def test_people_assigned_for_part_of_the_week_are_due(session: Session, world: World) -> None:
    for number, (valid_from, valid_to) in enumerate(
        [
            (THIS_WEEK.sunday, None),
            (THIS_WEEK.monday - timedelta(days=9), THIS_WEEK.monday + timedelta(days=1)),
            (THIS_WEEK.sunday + timedelta(days=1), None),
            (THIS_WEEK.monday - timedelta(days=9), THIS_WEEK.monday),
        ]
    ):
        someone = make.person(session, name=f"临{number}")
        make.assignment(
            session,
            person_id=someone.person_id,
            role=Role.MEMBER,
            grid=world.tree.a12,
            valid_from=valid_from,
            valid_to=valid_to,
        )
    standing = standing_of(session, world.leader, THIS_WEEK, grid_code=world.tree.a12.code, level=None)
    assert sorted(pair.person_name for pair in standing.pairs) == ["临0", "临1"]


def test_member_and_head_of_one_grid_is_one_pair(session: Session, world: World) -> None:
    make.assignment(session, person_id=world.head.person_id, role=Role.MEMBER, grid=world.tree.a1)
    standing = standing_of(session, world.leader, THIS_WEEK, grid_code=world.tree.a1.code, level=2)
    assert len(standing.pairs) == 1


def test_what_arrived_after_the_closing_does_not_count(session: Session, world: World) -> None:
    closed = closes_at(THIS_WEEK)
    judged(session, world.wang, world.tree.a11, 0, delivered_at=closed - timedelta(seconds=1))
    judged(session, world.wang, world.tree.a11, 24, delivered_at=closed)

    patrols = pair_of(session, world.wang).patrols

    assert [patrol.reason.code if patrol.reason else None for patrol in patrols] == [None, "too-late"]


def test_the_policy_of_the_grid_decides_what_counts(session: Session, world: World) -> None:
    make.patrol_policy(session, path=world.tree.a11.path, kind="", required_per_week=3, min_gap_hours=4)
    a_week(session, world)
    pair = pair_of(session, world.wang)
    # 09:00 and 14:00 of one day: three patrols must fall on two days, so both count.
    assert (pair.counted, pair.policy.required_per_week, pair.met) == (4, 3, True)


def test_a_patrol_in_a_grid_that_is_not_ones_own_is_named(session: Session, world: World) -> None:
    patrol_id = judged(session, world.head, world.tree.a11, 1)
    answers = counts_of(session, [(world.head.person_id, world.tree.a11.grid_id, THIS_WEEK)])
    assert not answers[patrol_id].counted
    reason = answers[patrol_id].reason
    assert reason is not None
    assert reason.code == "not-assigned"


def test_a_retired_grid_is_not_asked_for_anything(session: Session, world: World) -> None:
    session.execute(
        update(Grid).where(Grid.grid_id == world.tree.b11.grid_id).values(retired_on=THIS_WEEK.monday)
    )
    standing = standing_of(session, world.leader, THIS_WEEK, grid_code=world.tree.b.code, level=None)
    assert standing.totals.pairs_due == 0


@pytest.mark.parametrize(
    ("moment", "weeks"),
    [
        (datetime(2026, 11, 16, 1, tzinfo=UTC), ["2026-W46", "2026-W47"]),  # Monday: last week is in grace
        (datetime(2026, 11, 20, 1, tzinfo=UTC), ["2026-W47"]),  # Friday
        (datetime(2026, 11, 22, 15, 5, tzinfo=UTC), ["2026-W47", "2026-W48"]),  # Sunday 23:05 in Nanjing
    ],
)
def test_weeks_that_may_change_are_counted_again(
    session: Session, world: World, moment: datetime, weeks: list[str]
) -> None:
    with time_machine.travel(moment, tick=False):
        roll_up_recent(session)
    assert [args["week"] for args in jobs_of(session, ROLL_UP) if args["street_code"] == make.STREET] == weeks
