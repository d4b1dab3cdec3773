"""Whose track is seen by whom, for how long, and with what trace."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import time_machine
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import now
from core.models import AuditEntry
from core.settings import PatrolSettings
from geo.datums import from_cgcs2000
from patrol.appeals.asking import Claim, put_appeal
from patrol.fixes import Fixes
from patrol.models import Patrol, Segment
from patrol.presence.models import CheckIn, PatrolGap
from patrol.sight import Purpose, TrackClosed, see_track
from tests import make
from tests.api.appealing import (
    DAY,
    ClientOf,
    World,
    ask,
    assert_problem,
    decide,
    review,
    walked,
    world_of,
)
from tests.patrol.deliveries import LIMITS, Round, recent
from tests.patrol.walks import WEST, patrol


@pytest.fixture
def world(session: Session) -> World:
    return world_of(session)


@pytest.fixture
def valid(session: Session, world: World) -> uuid.UUID:
    return walked(session, world.member, world.grid)


def looks(session: Session) -> list[AuditEntry]:
    return list(session.scalars(select(AuditEntry).where(AuditEntry.action == "patrol.track_seen")))


def test_the_own_track_with_its_times(
    session: Session, client: ClientOf, world: World, valid: uuid.UUID
) -> None:
    reply = client(world.member).get(f"/v1/patrols/{valid}/track")
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/geo+json"
    assert reply.headers["cache-control"] == "no-store"
    track = reply.json()
    assert (track["type"], track["datum"], track["patrol_id"]) == (
        "FeatureCollection",
        "EPSG:4490",
        str(valid),
    )
    (line,) = track["features"]
    assert line["geometry"]["type"] == "LineString"
    told = line["properties"]
    assert told["kind"] == "walked"
    assert len(told["times"]) == len(line["geometry"]["coordinates"]) > 300
    assert told["times"] == sorted(told["times"])
    assert told["times"][0].endswith("Z")
    assert looks(session) == []


def test_positions_in_another_datum(client: ClientOf, world: World, valid: uuid.UUID) -> None:
    phone = client(world.member)

    def first(**query: str) -> list[float]:
        track = phone.get(f"/v1/patrols/{valid}/track", params=query).json()
        position: list[float] = track["features"][0]["geometry"]["coordinates"][0]
        return position

    lon, lat = first()
    assert lon == pytest.approx(WEST, abs=1e-3)
    assert first(datum="GCJ02") == pytest.approx(
        [float(value) for value in from_cgcs2000(lon, lat, "GCJ02")], abs=2e-7
    )
    assert phone.get(f"/v1/patrols/{valid}/track", params={"datum": "EPSG:9999"}).status_code == 422
    assert phone.get(f"/v1/patrols/{valid}/track", params={"reason": "curiosity"}).status_code == 422


def test_a_head_looks_and_it_is_told(
    session: Session, client: ClientOf, world: World, valid: uuid.UUID
) -> None:
    desk = client(world.head1)
    for reason in ("review", "complaint"):
        assert desk.get(f"/v1/patrols/{valid}/track", params={"reason": reason}).status_code == 200
    first, second = looks(session)
    assert (first.actor, first.chain, first.subject) == (world.head1.label, make.STREET, f"patrol:{valid}")
    assert first.detail == {"of": world.member.label, "why": "review"}
    assert second.detail["why"] == "complaint"


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("colleague", 403),
        ("leader", 403),
        ("operator", 403),
        ("auditor", 403),
        ("head of A", 200),
        ("head elsewhere", 404),
        ("unit", 404),
    ],
)
def test_who_sees_anothers_track(
    session: Session, client: ClientOf, world: World, valid: uuid.UUID, *, who: str, status: int
) -> None:
    def other() -> Actor:
        if who == "colleague":
            return make.actor(session, role=Role.MEMBER, grid=world.grid, username="colleague")
        if who == "head elsewhere":
            return make.actor(session, role=Role.HEAD, grid=world.tree.b, username="elsewhere")
        return make.actor(session, role=Role(who), area="" if who == "auditor" else None)

    actor = {"leader": world.leader, "head of A": world.head}.get(who) or other()
    reply = client(actor).get(f"/v1/patrols/{valid}/track")
    assert reply.status_code == status, reply.text
    assert len(looks(session)) == (1 if status == 200 else 0)


def test_a_leader_sees_what_waits_for_a_decision_and_no_longer(
    session: Session, client: ClientOf, world: World
) -> None:
    doubted = walked(session, world.member, world.grid, mocked=True)
    desk, address = client(world.leader), f"/v1/patrols/{doubted}/track"
    assert desk.get(address).status_code == 200
    assert [one.actor for one in looks(session)] == [world.leader.label]
    assert review(desk, doubted).status_code == 200
    assert_problem(desk.get(address), 403, "forbidden")
    assert client(world.head).get(address).status_code == 200


def test_a_leader_sees_the_track_that_an_open_appeal_is_about(
    client: ClientOf, world: World, valid: uuid.UUID
) -> None:
    desk, address = client(world.leader), f"/v1/patrols/{valid}/track"
    assert_problem(desk.get(address), 403, "forbidden")
    assert ask(client(world.member), valid).status_code == 201
    assert desk.get(address, params={"reason": "appeal"}).status_code == 200
    assert decide(desk).status_code == 200
    assert_problem(desk.get(address), 403, "forbidden")


def test_a_patrol_that_is_not_there(client: ClientOf, world: World) -> None:
    unknown = make.fixed_uuid("no patrol")
    assert_problem(client(world.head).get(f"/v1/patrols/{unknown}/track"), 404, "not-found")


def see(session: Session, actor: Actor, patrol_id: uuid.UUID, limits: PatrolSettings = LIMITS) -> Any:
    return see_track(session, actor, patrol_id, purpose=Purpose.REVIEW, limits=limits)


def test_the_time_to_look_ends_but_not_for_the_walker_nor_an_open_appeal(
    session: Session, world: World, valid: uuid.UUID
) -> None:
    limits = PatrolSettings(track_visible_days=7)
    with time_machine.travel(now() + 8 * DAY, tick=False):
        with pytest.raises(TrackClosed):
            see(session, world.head, valid, limits)
        assert see(session, world.member, valid, limits).stretches
        put_appeal(session, world.member, make.fixed_uuid("a"), Claim("请复核", patrol_id=valid), limits)
        assert see(session, world.head, valid, limits).stretches
    assert len(looks(session)) == 1


def without(fixes: Fixes, *spans: tuple[int, int]) -> Fixes:
    kept = np.ones(len(fixes), np.bool_)
    for first, end in spans:
        kept[first:end] = False
    return fixes.take(kept)


def test_gaps_are_features_of_their_own_and_say_what_is_known(
    session: Session, client: ClientOf, world: World
) -> None:
    fixes = recent(patrol(30))
    at = [datetime.fromtimestamp(ms / 1000, UTC) for ms in fixes.at_ms.tolist()]
    walk = Round.of(world.grid, without(fixes, (100, 160), (220, 280)))
    walk.deliver(session, world.member)
    session.add(
        PatrolGap(
            gap_id=make.fixed_uuid("gap"),
            patrol_id=walk.patrol_id,
            from_at=at[102],
            to_at=at[158],
            reason="no_fix",
            body_hash=b"",
        )
    )
    session.flush()
    features = client(world.member).get(f"/v1/patrols/{walk.patrol_id}/track").json()["features"]
    kinds = [feature["properties"]["kind"] for feature in features]
    assert kinds == ["walked"] * 3 + ["gap"] * 2
    reported, silent = (feature["properties"] for feature in features[3:])
    assert (reported["cause"], reported["is_reported"], reported["is_unknown"]) == ("no_fix", True, True)
    assert (silent["cause"], silent["is_reported"], silent["is_unknown"]) == ("silence", False, True)
    assert "没有定位信号" in reported["zh"]
    assert silent["zh"]


def test_check_ins_lie_where_the_plate_is(session: Session, client: ClientOf, world: World) -> None:
    walk = Round.of(world.grid)
    place = make.checkpoint(session, lon=WEST + 0.001, lat=32.101, created_at=now() - 30 * DAY)
    walk.deliver(session, world.member)
    session.add(
        CheckIn(
            check_in_id=make.fixed_uuid("check-in"),
            patrol_id=walk.patrol_id,
            checkpoint_id=place.checkpoint_id,
            proof="token",
            generation=1,
            at=walk.start.started_at + timedelta(minutes=5),
            body_hash=b"",
        )
    )
    session.flush()
    features = client(world.member).get(f"/v1/patrols/{walk.patrol_id}/track").json()["features"]
    stop = features[-1]
    assert stop["geometry"] == {"type": "Point", "coordinates": [118.901, 32.101]}
    assert (stop["properties"]["kind"], stop["properties"]["name"]) == ("check_in", "北门")


def test_after_the_positions_are_deleted_the_path_is_left(
    session: Session, client: ClientOf, world: World, valid: uuid.UUID
) -> None:
    session.execute(delete(Segment).where(Segment.patrol_id == valid))
    session.execute(update(Patrol).where(Patrol.patrol_id == valid).values(fixes_deleted_at=now()))
    (feature,) = client(world.member).get(f"/v1/patrols/{valid}/track").json()["features"]
    assert feature["properties"]["kind"] == "path"
    assert len(feature["geometry"]["coordinates"]) > 2


def test_a_patrol_without_positions_has_an_empty_track(
    session: Session, client: ClientOf, world: World
) -> None:
    walk = Round.of(world.grid)
    walk.begin(session, world.member)
    assert client(world.member).get(f"/v1/patrols/{walk.patrol_id}/track").json()["features"] == []
