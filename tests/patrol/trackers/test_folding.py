"""Positions of trackers become part of the patrol they fall in, once each; the others are deleted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import now
from core.settings import SyncSettings
from geo.models import Grid
from patrol.fixes import Fixes, decode, join
from patrol.models import Segment
from patrol.recording.tracks import Finish, Start, finish_patrol, start_patrol
from patrol.trackers.folding import FOLD, enqueue_folding, fold
from patrol.trackers.models import TrackerFix
from tests import make
from tests.patrol.deliveries import LIMITS, Round, jobs_of, plot

ClientOf = Callable[[Actor], TestClient]
DEVICE = make.fixed_uuid("tracker")


@dataclass(frozen=True)
class Carried:
    """A tracker in somebody's pocket."""

    http: TestClient
    owner: Actor
    token: str

    @classmethod
    def of(cls, http: TestClient, phone: TestClient, owner: Actor) -> "Carried":
        phone.put(f"/v1/devices/{DEVICE}", json={"platform": "tracker"})
        return cls(http, owner, phone.post(f"/v1/devices/{DEVICE}/tracker-token").json()["token"])

    def at(self, moment: datetime) -> int:
        stamp = str(int(moment.timestamp() * 1000))
        said = {"id": self.token, "lat": "32.1", "lon": "118.9", "timestamp": stamp}
        return self.http.get("/v1/ingest/osmand", params=said).status_code

    def along(self, fixes: Fixes) -> None:
        for at_ms, lon, lat in zip(fixes.at_ms.tolist(), fixes.lon, fixes.lat, strict=True):
            said = {
                "id": self.token,
                "timestamp": str(at_ms),
                "lon": str(lon),
                "lat": str(lat),
                "accuracy": "5",
            }
            assert self.http.get("/v1/ingest/osmand", params=said).status_code == 200

    def put_away(self, session: Session) -> None:
        fold(session, str(DEVICE), str(self.owner.person_id), limits=LIMITS, sync=SyncSettings())


@pytest.fixture
def grid(session: Session) -> Grid:
    return plot(session)


@pytest.fixture
def member(session: Session, grid: Grid) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=grid)


@pytest.fixture
def tracker(anonymous: TestClient, client: ClientOf, member: Actor) -> Carried:
    return Carried.of(anonymous, client(member), member)


@pytest.fixture
def walk(session: Session, grid: Grid, member: Actor) -> Round:
    begun = Round.of(grid)
    begun.begin(session, member)
    return begun


def every(fixes: Fixes, step: int) -> Fixes:
    return fixes.take(np.arange(0, len(fixes), step))


def held(session: Session) -> list[TrackerFix]:
    found = select(TrackerFix).order_by(TrackerFix.at_ms).execution_options(populate_existing=True)
    return list(session.scalars(found))


def filed(session: Session) -> Fixes:
    return join([decode([blob]) for blob in session.scalars(select(Segment.fixes).order_by(Segment.seq))])


def test_a_tracker_walks_a_patrol_that_counts(session: Session, tracker: Carried, grid: Grid) -> None:
    """Positions before, in and after the patrol, twice over, the patrol told last."""
    walk = Round.of(grid)
    steps = every(walk.fixes, 4)
    tracker.along(steps)
    tracker.at(walk.start.started_at - timedelta(minutes=5))
    tracker.at(walk.finish.finished_at + timedelta(minutes=5))
    tracker.put_away(session)
    assert len(filed(session)) == 0, "no patrol is known yet"

    walk.begin(session, tracker.owner)
    tracker.put_away(session)
    assert len(filed(session)) == len(steps) + 1, "an open patrol takes all from its start on"

    tracker.along(steps)
    walk.end(session, tracker.owner)
    tracker.put_away(session)
    found = filed(session)
    assert len(found) == len(set(found.at_ms.tolist())) == len(steps) + 1
    assert walk.judge(session).status == "valid"
    (waiting,) = held(session)
    assert waiting.at_ms < int(walk.fixes.at_ms[0])
    session.execute(update(TrackerFix).values(received_at=now() - timedelta(hours=3)))
    tracker.put_away(session)
    assert held(session) == [], "what was not on patrol is not kept"


def test_late_positions_of_a_finished_patrol_join_it(session: Session, tracker: Carried, walk: Round) -> None:
    walk.end(session, tracker.owner)
    tracker.along(every(walk.fixes, 10))
    tracker.at(walk.finish.finished_at + timedelta(minutes=1))
    tracker.put_away(session)
    assert len(filed(session)) == 37
    assert len(held(session)) == 1, "after the finish is after the patrol"


def test_any_portions_and_repeats_are_one_track(session: Session, tracker: Carried, walk: Round) -> None:
    steps = every(walk.fixes, 6)
    chance = np.random.default_rng(5)
    for _ in range(4):
        tracker.along(steps.take(np.sort(chance.choice(len(steps), 40, replace=False))))
        tracker.put_away(session)
    tracker.along(steps)
    tracker.put_away(session)
    assert sorted(filed(session).at_ms.tolist()) == steps.at_ms.tolist()


def test_a_forgotten_patrol_takes_no_evenings(session: Session, tracker: Carried, grid: Grid) -> None:
    begun = now() - timedelta(hours=20)
    start_patrol(session, tracker.owner, make.fixed_uuid("forgotten"), Start(grid.code, begun), LIMITS)
    for hours in (19, 2):
        tracker.at(now() - timedelta(hours=hours))
    tracker.put_away(session)
    assert len(filed(session)) == 1
    assert len(held(session)) == 1


def test_two_patrols_each_get_their_own(session: Session, tracker: Carried, grid: Grid, walk: Round) -> None:
    walk.end(session, tracker.owner)
    earlier, at = make.fixed_uuid("earlier"), walk.start.started_at - timedelta(hours=2)
    start_patrol(session, tracker.owner, earlier, Start(grid.code, at), LIMITS)
    finish_patrol(session, tracker.owner, earlier, Finish(at + timedelta(hours=1)), LIMITS)
    for moment in (at, at + timedelta(minutes=30), at + timedelta(minutes=90), walk.start.started_at):
        tracker.at(moment)
    tracker.put_away(session)
    rows = session.execute(select(Segment.patrol_id, Segment.fix_count))
    assert {row.patrol_id: row.fix_count for row in rows} == {earlier: 2, walk.patrol_id: 1}


def test_the_positions_of_others_stay_theirs(
    session: Session, client: ClientOf, tracker: Carried, grid: Grid, walk: Round
) -> None:
    """A phone handed on: a token belongs to one person, and so do the positions."""
    other = make.actor(session, role=Role.MEMBER, grid=grid, username="other")
    theirs = Carried.of(tracker.http, client(other), other)
    assert tracker.at(now()) == 401, "one token a device"
    assert theirs.at(walk.start.started_at) == 200
    theirs.put_away(session)
    assert len(filed(session)) == 0


def test_each_tracker_has_one_job(session: Session, tracker: Carried, walk: Round) -> None:
    enqueue_folding(session)
    assert jobs_of(session, FOLD) == []
    tracker.at(now())
    for _ in range(2):
        enqueue_folding(session)
    assert jobs_of(session, FOLD) == [{"device_id": str(DEVICE), "person_id": str(tracker.owner.person_id)}]
