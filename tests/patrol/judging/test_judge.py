"""The stored verdict: grid and policy of the day, closed weeks, abandoned patrols."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import shapely
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import Week, local_date, now
from core.models import AuditEntry
from geo.cells import unpacked
from geo.models import Grid, GridVersion
from patrol.closing import closes_at
from patrol.judging.judge import ROLL_UP, judge_abandoned, judge_patrol
from patrol.judging.verdicts import effective_status
from patrol.models import Patrol, PatrolPolicy, PatrolVerdict, Segment
from patrol.recording.tracks import JUDGE
from tests import make
from tests.patrol.deliveries import LIMITS, Round, jobs_of, plot, recent
from tests.patrol.walks import patrol, shifted


@pytest.fixture
def grid(session: Session) -> Grid:
    return plot(session)


@pytest.fixture
def member(session: Session, grid: Grid) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=grid)


def received(session: Session, moment: datetime) -> None:
    """As if everything so far had arrived at that moment."""
    session.execute(update(Segment).values(received_at=moment))
    session.execute(
        update(Patrol).values(start_received_at=moment, finish_received_at=Patrol.finish_received_at)
    )


def test_the_verdict_is_stored_with_everything_it_follows_from(
    session: Session, grid: Grid, member: Actor
) -> None:
    walk = Round.of(grid)

    verdict = walk.deliver(session, member)

    assert verdict.status == "valid"
    assert (verdict.person_id, verdict.grid_id) == (member.person_id, grid.grid_id)
    assert verdict.week == Week.of(walk.start.started_at).monday
    assert (verdict.fix_count, verdict.observed_s, verdict.flags) == (361, 1800, {})
    assert [result["check"] for result in verdict.results] == [
        "minutes_in_grid",
        "in_grid_ratio",
        "coverage_ratio",
    ]
    cells, dwell_s = unpacked(verdict.cells), np.frombuffer(verdict.dwell_s, "<f4")
    assert len(cells) == len(dwell_s) > 20
    assert np.all(np.diff(cells.astype(np.int64)) > 0)
    assert verdict.geom is not None
    path = shapely.from_wkb(bytes(verdict.geom.data))
    assert isinstance(path, shapely.MultiLineString)
    default = session.scalars(select(PatrolPolicy.policy_id).where(PatrolPolicy.path == "")).one()
    assert verdict.policy_id == default
    version_id = select(GridVersion.version_id).where(GridVersion.grid_id == grid.grid_id)
    assert verdict.grid_version_id == session.scalars(version_id).one()


def test_the_week_is_counted_again_and_the_change_is_on_record(
    session: Session, grid: Grid, member: Actor
) -> None:
    walk = Round.of(grid)
    walk.deliver(session, member)
    walk.judge(session)

    week = str(Week.of(walk.start.started_at))
    assert jobs_of(session, ROLL_UP) == [{"street_code": grid.street_code, "week": week}]
    lines = session.scalars(select(AuditEntry).where(AuditEntry.action == "patrol.judged")).all()
    assert [line.detail["status"] for line in lines] == ["valid"]  # the second run changed nothing


def test_the_path_in_the_database_is_a_valid_geometry(session: Session, grid: Grid, member: Actor) -> None:
    Round.of(grid).deliver(session, member)
    kind, srid = session.execute(
        text("SELECT ST_GeometryType(geom), ST_SRID(geom) FROM patrol_verdicts")
    ).one()
    assert (kind, srid) == ("ST_MultiLineString", 4490)


def test_an_unknown_patrol_is_no_work(session: Session) -> None:
    judge_patrol(session, str(make.fixed_uuid("nobody")))
    assert not session.scalars(select(PatrolVerdict)).all()


def test_the_longest_path_gives_the_policy_then_the_kind(session: Session, grid: Grid, member: Actor) -> None:
    walk = Round.of(grid)
    strict = make.patrol_policy(session, path=f"{grid.street_code}/", kind="", min_minutes_in_grid=31)
    make.patrol_policy(session, path=grid.path, kind="commercial", min_minutes_in_grid=99)
    tomorrow = local_date(walk.start.started_at) + timedelta(days=1)
    make.patrol_policy(session, path=grid.path, kind="", valid_from=tomorrow, min_minutes_in_grid=99)

    verdict = walk.deliver(session, member)

    assert (verdict.status, verdict.policy_id) == ("invalid", strict.policy_id)
    own = make.patrol_policy(session, path=f"{grid.street_code}/", min_minutes_in_grid=5)
    assert (walk.judge(session).status, walk.judge(session).policy_id) == ("valid", own.policy_id)


def test_the_grid_is_that_of_the_day(session: Session, grid: Grid, member: Actor) -> None:
    walk = Round.of(grid)
    day = local_date(walk.start.started_at)
    east = make.box(118.95, 32.1, 118.96, 32.11)
    session.execute(update(GridVersion).where(GridVersion.grid_id == grid.grid_id).values(valid_to=day))
    session.add(
        GridVersion(
            grid_id=grid.grid_id,
            version=2,
            name="moved",
            kind="residential",
            geom=east,
            source_datum="EPSG:4490",
            attributes={},
            valid_from=day,
        )
    )
    session.flush()
    assert walk.deliver(session, member).in_grid_s == 0


def test_a_patrol_older_than_its_grid_is_judged_by_the_first_shape(
    session: Session, grid: Grid, member: Actor
) -> None:
    future = date(2100, 1, 1)
    session.execute(update(GridVersion).where(GridVersion.grid_id == grid.grid_id).values(valid_from=future))
    assert Round.of(grid).deliver(session, member).status == "valid"


def test_a_floor_is_judged_by_time_in_the_grid_around_it(session: Session) -> None:
    top = make.grid(session, code=make.grid_code(sequence="00"))
    middle = make.grid(session, code=make.grid_code(sequence="01"), parent=top)
    around = plot(session, sequence="02", parent=middle)
    floor = make.grid(session, code=f"{around.code}-001", parent=around, kind="floor")
    member = make.actor(session, role=Role.MEMBER, grid=floor)

    verdict = Round.of(floor).deliver(session, member)

    assert verdict.status == "valid"
    assert [result["check"] for result in verdict.results] == ["minutes_in_grid", "in_grid_ratio"]


def replay_of(walk: Round, hours: float, name: str) -> Round:
    """The same track, some hours later."""
    return replace(walk, fixes=shifted(walk.fixes, hours * 3600), patrol_id=make.fixed_uuid(name))


@pytest.mark.parametrize("first_delivered", ["original", "replay"])
def test_a_track_played_again_goes_to_a_person_whichever_comes_first(
    session: Session, grid: Grid, member: Actor, first_delivered: str
) -> None:
    walk = Round.of(grid, recent(patrol(30), ended_ago=timedelta(hours=30)))
    replay = replay_of(walk, 24.5, "replay")
    for one in (walk, replay) if first_delivered == "original" else (replay, walk):
        one.deliver(session, member)
    if first_delivered == "replay":
        assert {"patrol_id": str(replay.patrol_id)} in jobs_of(session, JUDGE)

    assert walk.judge(session).status == "valid"
    verdict = replay.judge(session)
    assert verdict.status == "pending_review"
    assert verdict.results[-1]["code"] == "replayed-track"


def test_two_walks_of_one_route_are_no_replay(session: Session, grid: Grid, member: Actor) -> None:
    walk = Round.of(grid, recent(patrol(30), ended_ago=timedelta(hours=30)))
    walk.deliver(session, member)
    slower = recent(patrol(30, speed_mps=1.15), ended_ago=timedelta(hours=6))
    assert Round.of(grid, slower, "again").deliver(session, member).status == "valid"


def test_what_a_supervisor_accepted_stays_accepted(session: Session, grid: Grid, member: Actor) -> None:
    walk = Round.of(grid, recent(patrol(5)))
    walk.deliver(session, member)
    session.execute(update(PatrolVerdict).values(decision="accepted"))
    verdict = walk.judge(session)
    assert (verdict.status, verdict.decision) == ("invalid", "accepted")
    assert effective_status(verdict.status, verdict.decision) == "accepted_by_supervisor"


def test_segments_after_the_week_was_closed_change_nothing(
    session: Session, grid: Grid, member: Actor
) -> None:
    walk = Round.of(grid, recent(patrol(30), ended_ago=timedelta(days=15)))
    closed = closes_at(Week.of(walk.start.started_at))
    walk.begin(session, member)
    walk.send(session, member, walk.fixes.take(np.arange(300)), "in time")
    received(session, closed - timedelta(seconds=1))
    walk.end(session, member)
    session.execute(update(Patrol).values(finish_received_at=closed - timedelta(seconds=1)))
    assert walk.judge(session).fix_count == 300

    walk.send(session, member, walk.fixes.take(np.arange(300, 361)), "too late")

    assert walk.judge(session).fix_count == 300


def test_a_patrol_delivered_after_the_closing_is_judged_as_a_whole(
    session: Session, grid: Grid, member: Actor
) -> None:
    walk = Round.of(grid, recent(patrol(30), ended_ago=timedelta(days=15)))
    assert walk.deliver(session, member).status == "valid"


@pytest.mark.parametrize("hours", [11, 13])
def test_an_open_patrol_is_judged_after_a_long_silence(
    session: Session, grid: Grid, member: Actor, hours: int
) -> None:
    walk = Round.of(grid)
    walk.begin(session, member)
    walk.send(session, member, walk.fixes)
    received(session, now() - timedelta(hours=hours))

    judge_abandoned(session, LIMITS)

    expected: list[Any] = [{"patrol_id": str(walk.patrol_id)}] if hours > 12 else []
    assert jobs_of(session, JUDGE) == expected
    assert walk.judge(session).status == "valid"
    session.execute(text("DELETE FROM procrastinate_jobs"))
    judge_abandoned(session, LIMITS)
    assert jobs_of(session, JUDGE) == []  # nothing new since


def test_a_patrol_with_nothing_recorded_is_invalid(session: Session, grid: Grid, member: Actor) -> None:
    walk = Round.of(grid)
    walk.begin(session, member)
    verdict = walk.judge(session)
    assert (verdict.status, verdict.fix_count, verdict.geom) == ("invalid", 0, None)
