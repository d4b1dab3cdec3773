"""Native trackers over HTTP, in their own words."""

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from access.models import Account, TrackerToken
from access.roles import Role
from access.scope import Actor
from core.clock import now
from core.models import QuarantinedItem
from core.settings import Settings, SyncSettings
from geo.models import Grid
from patrol.trackers.models import TrackerFix
from tests import make
from tests.patrol.deliveries import Round, plot

ClientOf = Callable[[Actor], TestClient]
DEVICE = make.fixed_uuid("tracker")
OSMAND, OWNTRACKS = "/v1/ingest/osmand", "/v1/ingest/owntracks"


@pytest.fixture
def grid(session: Session) -> Grid:
    return plot(session)


@pytest.fixture
def member(session: Session, grid: Grid) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=grid)


@pytest.fixture
def token(client: ClientOf, member: Actor) -> str:
    phone = client(member)
    phone.put(f"/v1/devices/{DEVICE}", json={"platform": "tracker"})
    made: str = phone.post(f"/v1/devices/{DEVICE}/tracker-token").json()["token"]
    return made


@pytest.fixture
def walk(session: Session, grid: Grid, member: Actor) -> Round:
    begun = Round.of(grid)
    begun.begin(session, member)
    return begun


def basic(token: str, user: str = "phone") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()}


def held(session: Session) -> list[TrackerFix]:
    found = select(TrackerFix).order_by(TrackerFix.at_ms).execution_options(populate_existing=True)
    return list(session.scalars(found))


def only(session: Session) -> TrackerFix:
    (fix,) = held(session)
    return fix


def query(token: str, at: datetime, **members: Any) -> dict[str, str]:
    plain = {"lat": 32.1, "lon": 118.9, "timestamp": int(at.timestamp())}
    return {"id": token, **{name: str(value) for name, value in {**plain, **members}.items()}}


# ------------------------------------------------------------------------------------------- the protocols


def test_osmand_as_query(anonymous: TestClient, session: Session, token: str) -> None:
    at = now().replace(microsecond=0)
    said = query(token, at, hdop=1.2, altitude=21.5, speed=2.0, bearing=90, batt=81.4)
    reply = anonymous.get(OSMAND, params=said)
    assert (reply.status_code, reply.content) == (200, b"")
    fix = only(session)
    assert fix.at_ms == int(at.timestamp() * 1000)
    assert (fix.lon, fix.lat, fix.altitude_m, fix.heading_deg) == (118.9, 32.1, 21.5, 90.0)
    assert fix.speed_mps == pytest.approx(1.0289, abs=1e-3), "knots"
    assert fix.accuracy_m == pytest.approx(6.0), "from the dilution, where no accuracy is stated"
    assert session.scalars(select(TrackerToken.battery_percent)).one() == 81


@pytest.mark.parametrize("method", ["query", "form"])
def test_traccar_client_before_version_9(
    anonymous: TestClient, session: Session, token: str, method: str
) -> None:
    """POST with everything in the query and an empty body, or as a form."""
    said = query(token, now(), accuracy=12.5, mock="true", charge="false", batt=5.0)
    reply = anonymous.post(OSMAND, params=said) if method == "query" else anonymous.post(OSMAND, data=said)
    assert reply.status_code == 200
    fix = only(session)
    assert (fix.accuracy_m, fix.is_mock, fix.speed_mps) == (12.5, True, None)


def location(at: datetime, **coords: Any) -> dict[str, Any]:
    plain = {
        "latitude": 32.1,
        "longitude": 118.9,
        "accuracy": 4.7,
        "speed": 1.4,
        "heading": 271,
        "altitude": 8,
    }
    return {
        "timestamp": at.isoformat().replace("+00:00", "Z"),
        "coords": {**plain, **coords},
        "is_moving": True,
        "odometer": 1200.5,
        "event": "motionchange",
        "battery": {"level": 0.57, "is_charging": False},
        "activity": {"type": "walking"},
        "extras": {},
    }


def test_traccar_client_from_version_9(anonymous: TestClient, session: Session, token: str) -> None:
    at = now()
    body = {"location": location(at, speed=-1, heading=-1), "device_id": token}
    assert anonymous.post(OSMAND, json=body).status_code == 200
    fix = only(session)
    assert (fix.accuracy_m, fix.speed_mps, fix.heading_deg) == (4.7, None, None), "-1 is not known"
    assert abs(fix.at_ms - at.timestamp() * 1000) <= 1
    assert session.scalars(select(TrackerToken.battery_percent)).one() == 57


def test_traccar_client_says_when_a_position_is_made_up(
    anonymous: TestClient, session: Session, token: str
) -> None:
    mocked = {**location(now()), "mock": True}
    later = location(now() + timedelta(seconds=5))
    body = {"location": [mocked, later], "device_id": token}
    assert anonymous.post(OSMAND, json=body).status_code == 200
    assert [fix.is_mock for fix in held(session)] == [True, False]
    assert held(session)[1].speed_mps == 1.4, "metres a second here"


def test_owntracks(anonymous: TestClient, session: Session, token: str) -> None:
    at = int(now().timestamp())
    message = {
        "_type": "location",
        "tst": at,
        "lat": 32.1,
        "lon": 118.9,
        "acc": 15,
        "vel": 5,
        "cog": 270,
        "alt": 30,
        "batt": 64,
        "tid": "wm",
        "conn": "m",
        "t": "u",
        "topic": "owntracks/wang/phone",
    }
    headers = {**basic(token), "X-Limit-U": "wang", "X-Limit-D": "phone"}
    reply = anonymous.post(OWNTRACKS, json=message, headers=headers)
    assert (reply.status_code, reply.json()) == (200, [])
    fix = only(session)
    assert (fix.at_ms, fix.accuracy_m, fix.heading_deg, fix.altitude_m) == (at * 1000, 15.0, 270.0, 30.0)
    assert fix.speed_mps == pytest.approx(1.389, abs=1e-3), "km/h"


@pytest.mark.parametrize(
    "message",
    [{"_type": "lwt", "tst": 1}, {"_type": "waypoint", "lat": 1, "lon": 2}, {"_type": "status"}, {}],
)
def test_owntracks_says_other_things_too(
    anonymous: TestClient, session: Session, token: str, message: dict[str, Any]
) -> None:
    reply = anonymous.post(OWNTRACKS, json=message, headers=basic(token))
    assert (reply.status_code, reply.json(), held(session)) == (200, [], [])
    assert anonymous.post(OWNTRACKS, content=b"", headers=basic(token)).json() == []


def test_a_sign_of_life_without_a_position(anonymous: TestClient, session: Session, token: str) -> None:
    for said in (
        {"id": token, "batt": "9"},
        query(token, now(), valid="false"),
        query(token, now(), lat=0, lon=0),
    ):
        assert anonymous.get(OSMAND, params=said).status_code == 200
    assert held(session) == []
    assert session.scalars(select(TrackerToken.used_at)).one() is not None


@pytest.mark.parametrize(
    "written",
    ["{s}", "{ms}", "{iso}", "{plain}", "{s}.0"],
)
def test_times_as_trackers_write_them(
    anonymous: TestClient, session: Session, token: str, written: str
) -> None:
    at = now().replace(microsecond=0)
    seconds = int(at.timestamp())
    text = written.format(
        s=seconds, ms=seconds * 1000, iso=at.isoformat(), plain=at.strftime("%Y-%m-%d %H:%M:%S")
    )
    anonymous.get(OSMAND, params=query(token, at, timestamp=text))
    assert only(session).at_ms == seconds * 1000


# --------------------------------------------------------------------------------------------- who may


def test_without_a_good_token_nobody_learns_why(
    anonymous: TestClient, session: Session, client: ClientOf, member: Actor, token: str
) -> None:
    replies = [
        anonymous.get(OSMAND),
        anonymous.get(OSMAND, params=query("nonsense", now())),
        anonymous.post(OSMAND, json={"location": location(now())}),
        anonymous.post(OSMAND, content=b"{broken"),
        anonymous.post(OWNTRACKS, json={}),
        anonymous.post(OWNTRACKS, json={}, headers={"Authorization": "Basic !!"}),
        anonymous.post(OWNTRACKS, json={}, headers=basic("")),
    ]
    session.execute(update(TrackerToken).values(expires_at=now() - timedelta(seconds=1)))
    replies.append(anonymous.get(OSMAND, params=query(token, now())))
    session.execute(update(TrackerToken).values(expires_at=now() + timedelta(days=1)))
    session.execute(update(Account).values(disabled_at=now()))
    replies.append(anonymous.get(OSMAND, params=query(token, now())))
    session.execute(update(Account).values(disabled_at=None))
    client(member).delete(f"/v1/devices/{DEVICE}/tracker-token")
    replies.append(anonymous.get(OSMAND, params=query(token, now())))

    assert {reply.status_code for reply in replies} == {401}
    assert {json.dumps({**reply.json(), "instance": ""}) for reply in replies} == {
        json.dumps({**replies[0].json(), "instance": ""})
    }
    assert replies[4].headers["www-authenticate"].startswith("Basic")
    assert held(session) == []


def test_a_tracker_token_opens_nothing_else(anonymous: TestClient, token: str) -> None:
    for headers in ({"Authorization": f"Bearer {token}"}, basic(token)):
        assert anonymous.get("/v1/me", headers=headers).status_code == 401


def test_a_tracker_that_floods_is_told_to_wait(
    session: Session, sessions: Any, settings: Settings, token: str
) -> None:
    from api.app import create_app

    slow = settings.model_copy(update={"sync": SyncSettings(tracker_fixes_per_minute=3)})
    http = TestClient(create_app(slow, sessions=sessions))
    at = now()
    replies = [http.get(OSMAND, params=query(token, at - timedelta(seconds=n))) for n in range(4)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    assert int(replies[-1].headers["retry-after"]) >= 1


def test_whoever_tries_tokens_is_told_to_wait(anonymous: TestClient) -> None:
    replies = [anonymous.get(OSMAND, params={"id": str(n)}).status_code for n in range(62)]
    assert set(replies[:60]) == {401}
    assert replies[-1] == 429


@pytest.mark.parametrize(
    "body",
    [
        b'{"device_id": "TOKEN"}',
        b'{"device_id": "TOKEN", "location": []}',
        b'{"device_id": "TOKEN", "location": {"coords": {"latitude": "x", "longitude": 1}, "timestamp": 1}}',
        b'{"device_id": "TOKEN", "location": {"coords": {"latitude": 1e400, "longitude": 1}}}',
        b'{"device_id": "TOKEN", "location": {"coords": {"latitude": 32, "longitude": 118}}}',
        b'{"device_id": "TOKEN", "location": {"coords": [], "timestamp": {}}}',
    ],
)
def test_what_cannot_be_read_stops_no_tracker(
    anonymous: TestClient, session: Session, token: str, walk: Round, body: bytes
) -> None:
    """An error would be sent again for ever; on patrol it is kept for a person to look at."""
    reply = anonymous.post(OSMAND, content=body.replace(b"TOKEN", token.encode()))
    assert reply.status_code == 200
    (item,) = session.scalars(select(QuarantinedItem))
    assert (item.kind, item.reason) == ("tracker-fix", "tracker-unreadable")


@pytest.mark.parametrize(
    "wrong",
    [
        {"lat": "abc"},
        {"lon": "nan"},
        {"timestamp": "never"},
        {"timestamp": "9" * 40},
        {"lat": 48.8, "lon": 2.3},
        {"lat": 118.9, "lon": 32.1},
        {"timestamp": 0},
        {"accuracy": 1e12},
    ],
)
def test_impossible_positions(
    anonymous: TestClient, session: Session, token: str, walk: Round, wrong: dict[str, Any]
) -> None:
    assert anonymous.get(OSMAND, params=query(token, now(), **wrong)).status_code == 200
    assert held(session) == []
    assert len(list(session.scalars(select(QuarantinedItem)))) == 1


def test_off_duty_not_even_nonsense_is_kept(anonymous: TestClient, session: Session, token: str) -> None:
    assert anonymous.get(OSMAND, params=query(token, now(), lat=48.8, lon=2.3)).status_code == 200
    assert list(session.scalars(select(QuarantinedItem))) == []


def test_large_bodies(anonymous: TestClient, token: str) -> None:
    body = b'{"device_id": "' + token.encode() + b'", "x": "' + b"x" * 70_000 + b'"}'
    assert anonymous.post(OSMAND, content=body).status_code == 413
