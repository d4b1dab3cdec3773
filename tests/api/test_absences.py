"""Absences over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from patrol.judging.judge import ROLL_UP
from tests import make
from tests.patrol.deliveries import jobs_of

ClientOf = Callable[[Actor], TestClient]
ID = make.fixed_uuid("absence of a test")
OTHER_ID = make.fixed_uuid("another absence")
MORNING = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _today() -> object:
    with time_machine.travel(MORNING, tick=False):
        yield


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def wang(session: Session, tree: make.StreetTree) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=tree.a11, username="wang")


@pytest.fixture
def zhao(session: Session, tree: make.StreetTree) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=tree.b11, username="zhao")


@pytest.fixture
def operator(client: ClientOf, session: Session) -> TestClient:
    return client(make.actor(session, role=Role.OPERATOR))


@pytest.fixture
def body(wang: Actor, zhao: Actor) -> dict[str, Any]:
    return {
        "person_id": str(wang.person_id),
        "substitute_id": str(zhao.person_id),
        "valid_from": "2026-11-09",
        "valid_to": "2026-11-23",
        "reason": "leave",
    }


def test_away_and_back(
    session: Session,
    client: ClientOf,
    operator: TestClient,
    *,
    zhao: Actor,
    tree: make.StreetTree,
    body: dict[str, Any],
) -> None:
    replies = [operator.put(f"/v1/absences/{ID}", json=body) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [201, 200]
    absence = replies[0].json()
    assert absence == {
        "id": str(ID),
        "person": {"id": body["person_id"], "name": "某wang"},
        "substitute": {"id": body["substitute_id"], "name": "某zhao"},
        "valid_from": "2026-11-09",
        "valid_to": "2026-11-23",
        "cancelled_on": None,
        "reason": "leave",
        "note": "",
    }
    weeks = [job["week"] for job in jobs_of(session, ROLL_UP)]
    assert weeks == ["2026-W46", "2026-W47"]

    held = client(zhao).get("/v1/me").json()["assignments"]
    assert [(one["grid_name"], one["stands_in_for"]) for one in held] == [("A11", "某wang"), ("B11", None)]
    team = operator.get("/v1/teams", params={"grid": tree.a11.code}).json()
    assert team["members"][0]["away"] == {"substitute": absence["substitute"], "valid_to": "2026-11-23"}
    people = operator.get(f"/v1/grids/{tree.a11.code}").json()["people"]
    assert [(one["name"], one["stands_in_for"]) for one in people] == [("某wang", None), ("某zhao", "某wang")]
    patrol = {"grid_code": tree.a11.code, "started_at": MORNING.isoformat()}
    assert client(zhao).put(f"/v1/patrols/{ID}", json=patrol).status_code == 201

    back = operator.post(f"/v1/absences/{ID}/cancel", json={})
    assert (back.status_code, back.json()["cancelled_on"]) == (200, "2026-11-16")
    assert len(client(zhao).get("/v1/me").json()["assignments"]) == 1


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"reason": "sick"}, 409, "absence-conflict"),
        ({"reason": "bored"}, 422, "invalid"),
        ({"valid_to": "2026-11-09"}, 422, "invalid"),
        ({"person_id": str(OTHER_ID)}, 404, "not-found"),
        ({"more": 1}, 422, "invalid"),
        ({"note": "\x00"}, 422, "invalid"),
    ],
)
def test_what_cannot_be(
    operator: TestClient, body: dict[str, Any], changed: dict[str, Any], status: int, code: str
) -> None:
    assert operator.put(f"/v1/absences/{ID}", json=body).status_code == 201
    reply = operator.put(f"/v1/absences/{ID}", json={**body, **changed})
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text


def test_clashes(
    session: Session,
    operator: TestClient,
    *,
    wang: Actor,
    zhao: Actor,
    body: dict[str, Any],
    tree: make.StreetTree,
) -> None:
    operator.put(f"/v1/absences/{ID}", json=body)
    li = make.actor(session, role=Role.MEMBER, grid=tree.a12, username="li")
    nobody = make.person(session, name="新人")
    ids = {"li": li.person_id, "wang": wang.person_id, "zhao": zhao.person_id, "nobody": nobody.person_id}
    for person, substitute, code in (
        ("wang", "li", "absence-overlaps"),
        ("li", "wang", "substitute-away"),
        ("zhao", "li", "stands-in"),
        ("li", "nobody", "substitute-without-account"),
    ):
        who = {"person_id": str(ids[person]), "substitute_id": str(ids[substitute])}
        reply = operator.put(f"/v1/absences/{OTHER_ID}", json={**body, **who})
        assert (reply.status_code, reply.json()["code"]) == (409, code)


def test_a_list_page_by_page(
    session: Session,
    client: ClientOf,
    operator: TestClient,
    *,
    wang: Actor,
    zhao: Actor,
    body: dict[str, Any],
) -> None:
    operator.put(f"/v1/absences/{ID}", json=body)
    operator.put(f"/v1/absences/{OTHER_ID}", json={**body, "valid_from": "2026-11-25", "valid_to": None})
    first = operator.get("/v1/absences", params={"limit": 1, "street": make.STREET}).json()
    second = operator.get("/v1/absences", params={"limit": 1, "after": first["next"]}).json()
    assert [first["items"][0]["id"], second["items"][0]["id"]] == [str(OTHER_ID), str(ID)]
    assert second["next"] is None
    own = client(wang).get("/v1/absences", params={"on": "2026-11-16"}).json()["items"]
    assert [(one["id"], one["reason"]) for one in own] == [(str(ID), "leave")]
    as_substitute = client(zhao).get("/v1/absences", params={"person": body["person_id"]}).json()["items"]
    assert [one["reason"] for one in as_substitute] == [None, None]
    for bad in ({"after": "x"}, {"on": "x"}, {"street": "x"}, {"person": "x"}):
        assert operator.get("/v1/absences", params=bad).status_code == 422


def test_who_may_not(
    session: Session, client: ClientOf, operator: TestClient, *, wang: Actor, body: dict[str, Any]
) -> None:
    elsewhere = client(
        make.actor(session, role=Role.OPERATOR, area=f"{make.OTHER_STREET}/", username="elsewhere")
    )
    assert client(wang).put(f"/v1/absences/{ID}", json=body).status_code == 403
    assert elsewhere.put(f"/v1/absences/{ID}", json=body).status_code == 404
    operator.put(f"/v1/absences/{ID}", json=body)
    assert client(wang).post(f"/v1/absences/{ID}/cancel", json={}).status_code == 403
    assert elsewhere.post(f"/v1/absences/{ID}/cancel", json={}).status_code == 404
    assert operator.post(f"/v1/absences/{OTHER_ID}/cancel", json={}).status_code == 404
    assert operator.post(f"/v1/absences/{ID}/cancel", json={"on": "2026-12-24"}).status_code == 422
    assert elsewhere.get("/v1/absences").json()["items"] == []
