"""How many are asked for, over HTTP: from a day on, by part, with history; what runs stays as it is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import today
from core.models import AuditEntry
from core.periods import Period, PeriodKind
from patrol.duties.queries import stored_duties
from patrol.duties.rules import duty_for
from tests import make

ClientOf = Callable[[Actor], TestClient]
NEXT_YEAR = Period.of(PeriodKind.YEAR, today()).shifted(1)


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def desk(session: Session, client: ClientOf, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.OPERATOR))


def put(desk: TestClient, duty: str = "full-visits", tag: int | None = None, **changes: Any) -> Response:
    body = {"street_code": make.STREET, "valid_from": NEXT_YEAR.first.isoformat(), "count": 3, **changes}
    return desk.put(f"/v1/duty-rules/{duty}", json=body, headers={"If-Match": f'"{tag}"'} if tag else {})


def test_more_visits_from_the_next_year_on(session: Session, desk: TestClient, tree: make.StreetTree) -> None:
    made = put(desk)
    assert made.status_code == 201, made.text
    rule = made.json()
    assert (rule["count"], rule["clause"], rule["period"], rule["zh"]) == (3, "11.1.3", "year", "全面走访")
    assert (rule["measured_from"], rule["has_begun"]) == (NEXT_YEAR.first.isoformat(), False)
    assert (rule["made_by"], rule["street_code"]) == ("某operator", make.STREET)
    assert made.headers["etag"] == f'"{rule["id"]}"'
    again = put(desk)
    assert (again.status_code, again.json()) == (200, rule)
    rows = [row for row in stored_duties(session) if row.code == "full-visits"]
    for period, count in ((NEXT_YEAR, 3), (NEXT_YEAR.shifted(-1), 2), (NEXT_YEAR.shifted(-2), 2)):
        held = duty_for(rows, path=tree.a11.path, kind="residential", period=period)
        assert held is not None
        assert held.count == count
    asked = desk.get("/v1/duties", params={"grid": tree.a11.code, "duty": "full-visits"})
    assert {item["required"] for item in asked.json()["totals"]} <= {0}  # nobody lives there yet
    lines = session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "duty.created")).all()
    assert [(line["code"], line["count"]) for line in lines] == [("full-visits", 3)]


def test_a_change_names_what_it_follows(session: Session, client: ClientOf, desk: TestClient) -> None:
    """Two at the desk: the second learns who was first and when, and history keeps every row."""
    first = put(desk).json()["id"]
    later: dict[str, Any] = {"valid_from": NEXT_YEAR.shifted(1).first.isoformat(), "count": 4}
    assert put(desk, **later).json()["code"] == "if-match-required"
    second = put(desk, tag=first, **later)
    assert second.status_code == 201, second.text
    other = client(make.actor(session, role=Role.ADMIN, username="other"))
    outdated = put(other, tag=first, valid_from=NEXT_YEAR.shifted(2).first.isoformat(), count=1)
    assert (outdated.status_code, outdated.json()["code"]) == (412, "outdated")
    assert (outdated.json()["changed_by"], outdated.json()["duty_id"]) == ("某operator", second.json()["id"])
    forked = put(other, tag=second.json()["id"], count=5)
    assert (forked.status_code, forked.json()["code"]) == (409, "duty-conflict")
    rules = desk.get("/v1/duty-rules", params={"duty": "full-visits"}).json()["items"]
    assert [(rule["street_code"], rule["count"]) for rule in rules] == [
        *((None, 2), (make.STREET, 3), (make.STREET, 4))
    ]


@pytest.mark.parametrize(
    ("duty", "changes", "pointer"),
    [
        ("full-visits", {"valid_from": today().isoformat()}, "/valid_from"),
        ("full-visits", {"valid_to": today().isoformat()}, "/valid_to"),
        ("full-visits", {"count": 0}, "/count"),
        ("full-visits", {"count": 2.5}, "/count"),
        ("full-visits", {"options": {"per_day": -1}}, "/options"),
        ("full-visits", {"options": {"nonsense": 1}}, "/options"),
        ("full-visits", {"options": {"kinds": []}}, "/options"),
        ("full-visits", {"options": {"outcomes": ["teleported"]}}, "/options"),
        ("full-visits", {"street_code": "320113099"}, "/street_code"),
        ("full-visits", {"street_code": make.STREET, "grid_code": "x"}, "/grid_code"),
        ("patrols", {"count": 3}, "/count"),
        ("reports", {"is_on": True}, "/is_on"),
    ],
)
def test_what_cannot_be_asked_for(desk: TestClient, duty: str, changes: dict[str, Any], pointer: str) -> None:
    reply = put(desk, duty, **changes)
    assert reply.status_code == 422, reply.text
    assert pointer in [error["pointer"] for error in reply.json()["errors"]]


def test_who_may_ask_and_who_may_see(
    session: Session, client: ClientOf, desk: TestClient, tree: make.StreetTree
) -> None:
    made = put(desk).json()
    member = client(make.actor(session, role=Role.MEMBER, grid=tree.a11, username="member"))
    far = client(make.actor(session, role=Role.OPERATOR, area=f"{make.OTHER_STREET}/", username="far"))
    shown = member.get("/v1/duty-rules", params={"duty": "full-visits"}).json()["items"]
    assert [rule["may_delete"] for rule in shown] == [False, False]
    refused = put(member, street_code=None, grid_code=tree.a11.code)
    assert refused.status_code == 403, refused.text
    assert [rule["id"] for rule in far.get("/v1/duty-rules").json()["items"]].count(made["id"]) == 0
    assert put(far).status_code in {403, 422}
    assert put(desk, street_code=None).status_code == 403  # the rule for all is kept by administrators
    assert put(desk, "nothing").json()["code"] == "duty-unknown"
    address = f"/v1/duty-rules/{made['id']}"
    assert [who.delete(address).status_code for who in (member, far, desk, desk)] == [404, 404, 204, 404]
    general = shown[0]["id"]
    admin = client(make.actor(session, role=Role.ADMIN, area=""))
    held = admin.delete(f"/v1/duty-rules/{general}")
    assert (held.status_code, held.json()["code"]) == (409, "duty-holds")
    tomorrow = (today() + timedelta(days=1)).isoformat()
    off = put(admin, "special-visits", tag=_newest(admin), street_code=None, valid_from=tomorrow, is_on=False)
    assert (off.status_code, off.json()["is_on"]) == (201, False), off.text


def _newest(desk: TestClient) -> int:
    rules = desk.get("/v1/duty-rules", params={"duty": "special-visits"}).json()["items"]
    return max(int(rule["id"]) for rule in rules)
