"""A phone's clock may be days off: nothing is refused, the order is right, and a person is told."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import Week, now
from geo.models import Grid
from patrol.fixes import Fixes
from patrol.models import Patrol, PatrolVerdict, Segment
from patrol.presence.clocks import Clock, offset_s, sent_at_errors
from patrol.recording.tracks import Filed, finish_patrol, record_segment, start_patrol
from tests import make
from tests.patrol.deliveries import LIMITS, Round, filed, fix_members, plot
from tests.patrol.walks import shifted

SINCE_1970 = datetime(1970, 1, 1, 0, 30, tzinfo=UTC)


@pytest.fixture
def grid(session: Session) -> Grid:
    return plot(session)


@pytest.fixture
def member(session: Session, grid: Grid) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=grid)


def body_sent(fixes: Fixes, sent_at: datetime) -> bytes:
    members = {"seq": 0, "datum": "EPSG:4326", "fixes": list(fix_members(fixes))}
    return json.dumps({**members, "sent_at": sent_at.isoformat()}).encode()


def deliver(
    session: Session, actor: Actor, walk: Round, error: timedelta, slow_s: tuple[float, ...] = (0, 0)
) -> PatrolVerdict:
    """As a phone delivers whose clock errs so much; each segment is so long on its way."""
    seconds = error.total_seconds()
    start = replace(walk.start, started_at=walk.start.started_at + error, sent_at=now() + error)
    filed(start_patrol(session, actor, walk.patrol_id, start, LIMITS))
    for number, part in enumerate(np.array_split(np.arange(len(walk.fixes)), len(slow_s))):
        sent_at = now() + error - timedelta(seconds=slow_s[number])
        body = body_sent(shifted(walk.fixes.take(part), seconds), sent_at)
        filed(record_segment(session, actor, walk.key(str(number)), body, LIMITS))
    finish = replace(walk.finish, finished_at=walk.finish.finished_at + error, sent_at=now() + error)
    filed(finish_patrol(session, actor, walk.patrol_id, finish, LIMITS))
    return walk.judge(session)


@pytest.mark.parametrize(
    "error",
    [timedelta(hours=-48), timedelta(hours=48), timedelta(hours=8), SINCE_1970 - now()],
    ids=["-48 h", "+48 h", "+8 h", "1970"],
)
def test_a_wrong_clock_costs_nothing_and_is_shown(
    session: Session, grid: Grid, member: Actor, error: timedelta
) -> None:
    walk = Round.of(grid)
    right = Round.of(grid, replace(walk.fixes, lat=walk.fixes.lat + 1e-6), "right").deliver(session, member)
    session.delete(right)
    session.flush()

    verdict = deliver(session, member, walk, error)

    assert [one["code"] for one in verdict.results if one["kind"] == "doubt"] == ["clock-skew"]
    assert verdict.status == "pending_review"
    assert abs(verdict.clock_offset_s + error.total_seconds()) <= 2
    assert (verdict.fix_count, verdict.observed_s) == (361, 1800)
    assert verdict.flags.get("outside_patrol", 0) <= 1  # the seconds that a request takes
    assert abs(verdict.started_at - walk.start.started_at) < timedelta(seconds=2)
    assert verdict.week == Week.of(walk.start.started_at).monday


def test_a_small_error_is_put_right_and_told(session: Session, grid: Grid, member: Actor) -> None:
    verdict = deliver(session, member, Round.of(grid), timedelta(minutes=-3))
    assert verdict.status == "valid"
    assert [one["code"] for one in verdict.results if one["kind"] == "note"] == ["clock-corrected"]


def test_less_than_a_minute_is_no_error(session: Session, grid: Grid, member: Actor) -> None:
    verdict = deliver(session, member, Round.of(grid), timedelta(seconds=40))
    assert (verdict.status, verdict.clock_offset_s) == ("valid", 0)


def test_slow_uploads_do_not_bend_the_track(session: Session, grid: Grid, member: Actor) -> None:
    """The time on the way looks like an error of the clock; the quickest upload tells the clock's own."""
    straight = deliver(session, member, Round.of(grid), timedelta(hours=8))
    observed, flags = straight.observed_s, straight.flags
    session.delete(straight)
    session.flush()
    bent = deliver(session, member, Round.of(grid, name="slow"), timedelta(hours=8), (0, 50, 0, 45, 5))
    assert abs(bent.observed_s - observed) <= 10
    assert bent.flags.keys() <= flags.keys() | {"outside_patrol"}


def test_the_same_again_with_another_moment_of_sending_is_a_repeat(
    session: Session, grid: Grid, member: Actor
) -> None:
    walk, error = Round.of(grid), timedelta(hours=8)
    deliver(session, member, walk, error)
    again = replace(walk.start, started_at=walk.start.started_at + error, sent_at=now() + error * 2)
    assert filed(start_patrol(session, member, walk.patrol_id, again, LIMITS)).is_repeated
    body = body_sent(shifted(walk.fixes.take(np.arange(181)), 8 * 3600), now())
    outcome = record_segment(session, member, walk.key("0"), body, LIMITS)
    assert outcome == Filed(True, 181)
    finish = replace(walk.finish, finished_at=walk.finish.finished_at + error)
    assert filed(finish_patrol(session, member, walk.patrol_id, finish, LIMITS)).is_repeated


def test_what_waits_for_its_patrol_keeps_the_moment_it_came(
    session: Session, grid: Grid, member: Actor
) -> None:
    walk, error = Round.of(grid), timedelta(hours=-48)
    body = body_sent(shifted(walk.fixes, error.total_seconds()), now() + error)
    finish = replace(walk.finish, finished_at=walk.finish.finished_at + error, sent_at=now() + error)
    record_segment(session, member, walk.key("0"), body, LIMITS)
    finish_patrol(session, member, walk.patrol_id, finish, LIMITS)
    start = replace(walk.start, started_at=walk.start.started_at + error, sent_at=now() + error)
    filed(start_patrol(session, member, walk.patrol_id, start, LIMITS))
    segment, patrol = session.scalars(select(Segment)).one(), session.scalars(select(Patrol)).one()
    assert abs(segment.clock_offset_s - 48 * 3600) <= 2
    assert patrol.finished_at is not None
    assert abs(patrol.finished_at - walk.finish.finished_at) < timedelta(seconds=2)


def test_a_clock_set_right_on_the_way_loses_nothing(session: Session, grid: Grid, member: Actor) -> None:
    walk = Round.of(grid)
    walk.begin(session, member)
    years_ago = (SINCE_1970 - now()).total_seconds()
    wrong = shifted(walk.fixes.take(np.arange(100)), years_ago)
    filed(record_segment(session, member, walk.key("0"), body_sent(wrong, now()), LIMITS))
    right = walk.fixes.take(np.arange(100, 361))
    filed(record_segment(session, member, walk.key("1"), body_sent(right, now()), LIMITS))
    walk.end(session, member)
    verdict = walk.judge(session)
    assert (verdict.fix_count, verdict.flags) == (361, {"outside_patrol": 100})


@pytest.mark.parametrize("sent_at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_no_clock_says_this(session: Session, grid: Grid, member: Actor, sent_at: str) -> None:
    walk = Round.of(grid)
    walk.begin(session, member)
    moment = datetime.fromisoformat(sent_at)
    outcome = record_segment(session, member, walk.key("0"), body_sent(walk.fixes, moment), LIMITS)
    assert not isinstance(outcome, Filed)
    assert [error.code for error in outcome.errors] == ["impossible-clock"]
    assert "kept_aside" in outcome.extra


# ----------------------------------------------------------------------------------------------- rules


@pytest.mark.parametrize(("seconds", "offset"), [(59, 0), (-59, 0), (60, 60), (-28_800, -28_800)])
def test_a_trifle_is_nothing(seconds: int, offset: int) -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    assert offset_s(at - timedelta(seconds=seconds), at) == offset
    assert offset_s(None, at) == 0
    assert not sent_at_errors(None, at)


@pytest.mark.parametrize(
    ("offsets", "settings"),
    [
        ([], ()),
        ([0, 0], (0,)),
        ([0, 70, 110], (0,)),
        ([28_830, 28_800, 28_915], (28_800,)),
        ([0, 28_800, 28_802], (0, 28_800)),
        ([-3600, 0], (-3600, 0)),
    ],
)
def test_the_smallest_offset_of_each_setting_is_the_clock(
    offsets: list[int], settings: tuple[int, ...]
) -> None:
    clock = Clock.of(offsets)
    assert clock.settings == settings
    assert [clock.correction_ms(offset) <= 0 for offset in offsets] == [True] * len(offsets)
