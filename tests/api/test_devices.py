"""Devices over HTTP: what they say of themselves, who sees what waits on them, tokens of trackers."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.models import TrackerToken
from access.roles import Role
from access.scope import Actor
from tests import make

ClientOf = Callable[[Actor], TestClient]
DEVICE = make.fixed_uuid("device")
ADDRESS = f"/v1/devices/{DEVICE}"
FACTS = {"platform": "android", "model": "Mate 60", "app_version": "1.2.0", "pending_items": 12}


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def phone(session: Session, client: ClientOf, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.MEMBER, grid=tree.a11))


def test_a_device_is_put_as_often_as_one_likes(phone: TestClient) -> None:
    first, again = phone.put(ADDRESS, json=FACTS), phone.put(ADDRESS, json={**FACTS, "pending_items": 0})
    assert (first.status_code, again.status_code) == (201, 200)
    told = again.json()
    assert (told["model"], told["pending_items"], told["person"]["name"]) == ("Mate 60", 0, "某member")
    assert told["last_contact_at"] >= told["first_contact_at"]
    assert told["tracker"] is None
    unsaid = phone.put(ADDRESS, json={"platform": "android"}).json()
    assert unsaid["pending_items"] == 0, "what is not said stays"


@pytest.mark.parametrize(
    "wrong",
    [{}, {"platform": "fridge"}, {"platform": "web", "pending_items": -1}, {"platform": "web", "root": True}],
)
def test_what_is_no_device(phone: TestClient, wrong: dict[str, object]) -> None:
    assert phone.put(ADDRESS, json=wrong).status_code == 422


def test_unstorable_words(phone: TestClient) -> None:
    assert phone.put(ADDRESS, json={"platform": "web", "model": "\0"}).status_code == 422


def test_who_sees_what_waits_on_whose_phone(
    session: Session, client: ClientOf, phone: TestClient, tree: make.StreetTree
) -> None:
    phone.put(ADDRESS, json=FACTS)
    seen = {}
    for role, grid, area in (
        (Role.HEAD, tree.a1, None),
        (Role.OPERATOR, None, None),
        (Role.LEADER, None, None),
        (Role.ADMIN, None, f"{make.OTHER_STREET}/"),
    ):
        reader = client(make.actor(session, role=role, grid=grid, area=area))
        seen[role.value] = [one["pending_items"] for one in reader.get("/v1/devices").json()["items"]]
    assert seen == {"head": [12], "operator": [12], "leader": [], "admin": []}
    colleague = client(make.actor(session, role=Role.MEMBER, grid=tree.a11, username="colleague"))
    assert colleague.get("/v1/devices").json()["items"] == []


def test_pages(phone: TestClient) -> None:
    for number in range(3):
        phone.put(f"/v1/devices/{make.fixed_uuid(str(number))}", json=FACTS)
    first = phone.get("/v1/devices", params={"limit": 2}).json()
    second = phone.get("/v1/devices", params={"limit": 2, "after": first["next"]}).json()
    assert len({one["id"] for one in first["items"] + second["items"]}) == 3
    assert second["next"] is None


def test_a_token_is_shown_once_and_ends(session: Session, phone: TestClient) -> None:
    phone.put(ADDRESS, json=FACTS)
    made = phone.post(f"{ADDRESS}/tracker-token")
    assert made.status_code == 201
    told = made.json()
    assert told["osmand_url"].endswith("/v1/ingest/osmand")
    (stored,) = session.scalars(select(TrackerToken))
    assert told["token"].encode() not in stored.token_hash
    assert made.headers["cache-control"] == "no-store"
    assert told["token"] not in phone.get("/v1/devices").text
    assert phone.get("/v1/devices").json()["items"][0]["tracker"]["expires_at"] == told["expires_at"]

    again = phone.post(f"{ADDRESS}/tracker-token").json()
    standing = select(TrackerToken).where(TrackerToken.revoked_at.is_(None))
    assert len(session.scalars(standing).all()) == 1, "the new one takes the place of the old"
    assert again["token"] != told["token"]
    assert phone.delete(f"{ADDRESS}/tracker-token").status_code == 204
    assert phone.delete(f"{ADDRESS}/tracker-token").status_code == 204
    assert session.scalars(standing).all() == []


def test_a_token_needs_a_device_of_ones_own(
    session: Session, client: ClientOf, phone: TestClient, tree: make.StreetTree
) -> None:
    assert phone.post(f"{ADDRESS}/tracker-token").status_code == 404
    phone.put(ADDRESS, json=FACTS)
    operator = client(make.actor(session, role=Role.OPERATOR))
    for method in ("POST", "DELETE"):
        reply = operator.request(method, f"{ADDRESS}/tracker-token")
        assert (reply.status_code, reply.json()["code"]) == (404, "not-found"), "seeing it is not using it"
