"""/v1/auth and /v1/me over HTTP: every answer, every problem, and what a browser is told about the cookie."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any

import pytest
import time_machine
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session

from access import accounts
from access.models import Account
from access.roles import Role
from access.scope import Actor, system_actor
from api.app import create_app
from core.database import Sessions
from core.models import AuditEntry
from core.settings import AccessSettings, HttpSettings, Settings
from tests import make

START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
SYSTEM = system_actor("cli:test")
KEY, OTHER_KEY = "0190-key-of-the-first", "0190-key-of-another"

ClientOf = Callable[[Actor], TestClient]


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def member(session: Session, tree: make.StreetTree) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=tree.a11, username="wangxm")


def sign_in(
    client: TestClient, username: str = "wangxm", password: str = make.PASSWORD, **form: str
) -> Response:
    return client.post("/v1/auth/token", data={"username": username, "password": password, **form})


def refresh(client: TestClient, token: str | None, key: str = KEY) -> Response:
    body = None if token is None else {"refresh_token": token}
    return client.post("/v1/auth/refresh", json=body, headers={"Idempotency-Key": key})


def me(client: TestClient, token: str) -> Response:
    return client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})


def assert_problem(reply: Response, status: int, code: str) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = reply.json()
    assert body["code"] == code
    assert body["type"] == f"urn:xunge:problem:{code}"
    return body


def cookie_of(reply: Response) -> Any:
    return SimpleCookie(reply.headers["set-cookie"])["xunge_refresh"]


# ------------------------------------------------------------------------------------------------- signing in


def test_signing_in_gives_a_pair(anonymous: TestClient, member: Actor) -> None:
    reply = sign_in(anonymous, grant_type="password", client_id="phone")
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-store"
    assert "set-cookie" not in reply.headers
    body = reply.json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert body["token_type"] == "bearer"
    assert 898 <= body["expires_in"] <= 900
    assert me(anonymous, body["access_token"]).json()["person_id"] == str(member.person_id)


def test_a_browser_gets_the_refresh_token_as_a_cookie_only(anonymous: TestClient, member: Actor) -> None:
    reply = sign_in(anonymous, client_id="web")
    assert reply.json()["refresh_token"] is None
    cookie = cookie_of(reply)
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["secure"]) == ("strict", "/v1/auth", "")
    assert 29 * 86400 < int(cookie["max-age"]) <= 30 * 86400
    assert cookie.value not in reply.text


def test_behind_https_the_cookie_is_secure(settings: Settings, sessions: Sessions, member: Actor) -> None:
    behind_https = settings.model_copy(update={"http": HttpSettings(secure_cookies=True)})
    client = TestClient(create_app(behind_https, sessions=sessions), base_url="https://testserver")
    assert cookie_of(sign_in(client, client_id="web"))["secure"]
    assert cookie_of(refresh(client, None))["secure"]
    assert cookie_of(client.post("/v1/auth/logout"))["secure"]


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_another_sites_page_cannot_sign_a_browser_in(
    anonymous: TestClient, member: Actor, site: str, status: int
) -> None:
    form = {"username": "wangxm", "password": make.PASSWORD, "client_id": "web"}
    reply = anonymous.post("/v1/auth/token", data=form, headers={"Sec-Fetch-Site": site})
    assert reply.status_code == status
    if status == 403:
        assert_problem(reply, 403, "cross-site")
        assert "set-cookie" not in reply.headers


def test_wrong_name_and_wrong_password_get_one_answer(anonymous: TestClient, member: Actor) -> None:
    known = sign_in(anonymous, "wangxm", "not the password")
    unknown = sign_in(anonymous, "nobody", "not the password")
    assert_problem(known, 401, "wrong-credentials")
    assert known.headers["cache-control"] == "no-store"
    assert {**known.json(), "instance": ""} == {**unknown.json(), "instance": ""}
    by_request = {"x-request-id"}
    assert {k: v for k, v in known.headers.items() if k not in by_request} == {
        k: v for k, v in unknown.headers.items() if k not in by_request
    }


@pytest.mark.parametrize(
    ("form", "pointer"),
    [
        ({"username": "wangxm"}, "/password"),
        ({"password": "x"}, "/username"),
        ({"username": "a" * 65, "password": "x"}, "/username"),
        ({"username": "wangxm", "password": "x" * 257}, "/password"),
        ({"username": "wangxm", "password": "x", "grant_type": "client_credentials"}, "/grant_type"),
        ({"username": "wangxm", "password": "x", "client_id": "a b"}, "/client_id"),
    ],
)
def test_a_wrong_form_names_the_field(anonymous: TestClient, form: dict[str, str], pointer: str) -> None:
    body = assert_problem(anonymous.post("/v1/auth/token", data=form), 422, "invalid")
    assert [error["pointer"] for error in body["errors"]] == [pointer]
    assert body["errors"][0]["detail"]


def test_a_disabled_account_is_told_so(anonymous: TestClient, session: Session, member: Actor) -> None:
    accounts.disable(session, SYSTEM, member.person_id)
    session.flush()
    assert_problem(sign_in(anonymous), 401, "account-disabled")


def hasty(settings: Settings, sessions: Sessions, **access: int) -> TestClient:
    impatient = settings.model_copy(update={"access": AccessSettings(**access)})
    return TestClient(create_app(impatient, sessions=sessions), raise_server_exceptions=False)


@pytest.mark.parametrize("username", ["wangxm", "nobody"])
def test_failures_lock_and_the_lock_ends(
    settings: Settings, sessions: Sessions, session: Session, member: Actor, username: str
) -> None:
    client = hasty(settings, sessions, lockout_failures=2)
    with time_machine.travel(START, tick=False) as traveller:
        assert_problem(sign_in(client, username, "wrong one"), 401, "wrong-credentials")
        for _ in range(2):
            reply = sign_in(client, username, "wrong two")
            body = assert_problem(reply, 429, "sign-in-locked")
            assert reply.headers["retry-after"] == "900"
            assert body["locked_until"] == "2026-11-16T01:15:00+00:00"
        if username == "wangxm":
            session.expire_all()
            assert session.get_one(Account, member.person_id).locked_until == START + timedelta(minutes=15)
        traveller.shift(timedelta(minutes=15))
        expected = 200 if username == "wangxm" else 401
        assert sign_in(client, username).status_code == expected


def test_an_address_may_ask_only_so_often(settings: Settings, sessions: Sessions) -> None:
    client = hasty(settings, sessions, logins_per_minute=2)
    for _ in range(2):
        sign_in(client, "\u00a0", "x")
    reply = sign_in(client, "\u00a0", "x")
    body = assert_problem(reply, 429, "too-many-requests")
    assert 0 < int(reply.headers["retry-after"]) == body["retry_after_s"] <= 60


# ------------------------------------------------------------------------------------------------- refreshing


def test_a_lost_reply_is_sent_again(anonymous: TestClient, member: Actor) -> None:
    first = sign_in(anonymous).json()["refresh_token"]
    reply = refresh(anonymous, first)
    again = refresh(anonymous, first)
    assert reply.status_code == again.status_code == 200
    assert reply.headers["cache-control"] == "no-store"
    tokens = ("access_token", "refresh_token")
    assert [reply.json()[name] for name in tokens] == [again.json()[name] for name in tokens]
    assert me(anonymous, again.json()["access_token"]).status_code == 200


def test_a_stolen_token_puts_both_parties_out(anonymous: TestClient, session: Session, member: Actor) -> None:
    stolen = sign_in(anonymous).json()["refresh_token"]
    owner = refresh(anonymous, stolen).json()
    theft = refresh(anonymous, stolen, OTHER_KEY)
    assert_problem(theft, 401, "refresh-reused")
    assert theft.headers["cache-control"] == "no-store"
    assert_problem(me(anonymous, owner["access_token"]), 401, "signed-out")
    assert_problem(refresh(anonymous, owner["refresh_token"]), 401, "signed-out")
    assert_problem(refresh(anonymous, stolen), 401, "signed-out")
    session.expire_all()
    lines = session.scalars(select(AuditEntry).where(AuditEntry.action == "sign_in.ended")).all()
    assert [line.detail for line in lines] == [{"because": "refresh-reused"}]


def test_a_browser_refreshes_by_cookie(anonymous: TestClient, member: Actor) -> None:
    before = cookie_of(sign_in(anonymous, client_id="web")).value
    reply = refresh(anonymous, None)
    assert reply.json()["refresh_token"] is None
    assert cookie_of(reply).value != before
    assert refresh(anonymous, None, OTHER_KEY).status_code == 200, "the new cookie, any new key"


def test_a_browser_that_lost_the_reply_has_the_old_cookie(
    anonymous: TestClient, app: FastAPI, member: Actor
) -> None:
    old = cookie_of(sign_in(anonymous, client_id="web")).value
    arrived = cookie_of(refresh(anonymous, None)).value
    other_tab = TestClient(app)
    other_tab.cookies.set("xunge_refresh", old, path="/v1/auth")
    assert cookie_of(refresh(other_tab, None)).value == arrived


def test_a_refresh_without_a_key_says_so(anonymous: TestClient) -> None:
    reply = anonymous.post("/v1/auth/refresh", json={"refresh_token": "x"})
    body = assert_problem(reply, 422, "invalid")
    assert body["errors"] == [
        {"pointer": "/header/Idempotency-Key", "code": "missing", "detail": "缺少此项 / Field required"}
    ]


@pytest.mark.parametrize("key", ["short", "k" * 201])
def test_a_key_that_could_be_guessed_is_refused(anonymous: TestClient, key: str) -> None:
    body = assert_problem(refresh(anonymous, "x", key), 422, "invalid")
    assert body["errors"][0]["pointer"] == "/header/Idempotency-Key"


@pytest.mark.parametrize(
    "body", ['{"refresh_token": 7}', '{"token": "x"}', '{"refresh_token": "\\ud800"}', "[", '"x"']
)
def test_a_wrong_refresh_body_is_refused(anonymous: TestClient, body: str) -> None:
    headers = {"Idempotency-Key": KEY, "Content-Type": "application/json"}
    assert_problem(anonymous.post("/v1/auth/refresh", content=body, headers=headers), 422, "invalid")


def test_a_refresh_without_a_token_is_unauthenticated(anonymous: TestClient) -> None:
    assert_problem(refresh(anonymous, None), 401, "unauthenticated")


def test_an_unknown_refresh_token_is_invalid(anonymous: TestClient) -> None:
    assert_problem(refresh(anonymous, "nonsense"), 401, "token-invalid")


def test_tokens_expire(anonymous: TestClient, session: Session, member: Actor) -> None:
    with time_machine.travel(START, tick=False):
        pair = sign_in(anonymous).json()
    with time_machine.travel(START + timedelta(minutes=15), tick=False):
        assert_problem(me(anonymous, pair["access_token"]), 401, "token-expired")
    with time_machine.travel(START + timedelta(days=30), tick=False):
        assert_problem(refresh(anonymous, pair["refresh_token"]), 401, "token-expired")


# ------------------------------------------------------------------------------------------------ signing out


def test_signing_out_ends_the_sign_in_and_clears_the_cookie(anonymous: TestClient, member: Actor) -> None:
    signed_in = sign_in(anonymous, client_id="web")
    cookie = cookie_of(signed_in).value
    reply = anonymous.post("/v1/auth/logout")
    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["cache-control"] == "no-store"
    assert (cookie_of(reply)["max-age"], cookie_of(reply)["path"]) == ("0", "/v1/auth")
    assert_problem(me(anonymous, signed_in.json()["access_token"]), 401, "signed-out")
    assert_problem(refresh(anonymous, cookie), 401, "signed-out")


@pytest.mark.parametrize("by", ["access_token", "refresh_token"])
def test_a_phone_signs_out_with_either_token(anonymous: TestClient, member: Actor, by: str) -> None:
    pair = sign_in(anonymous).json()
    if by == "access_token":
        reply = anonymous.post("/v1/auth/logout", headers={"Authorization": f"Bearer {pair[by]}"})
    else:
        reply = anonymous.post("/v1/auth/logout", json={"refresh_token": pair[by]})
    assert reply.status_code == 204
    assert_problem(refresh(anonymous, pair["refresh_token"]), 401, "signed-out")


def test_signing_out_without_a_sign_in_is_no_matter(anonymous: TestClient) -> None:
    assert anonymous.post("/v1/auth/logout").status_code == 204


# --------------------------------------------------------------------------------------------------- who am I


def test_me_tells_roles_places_box_and_actions(
    client: ClientOf, tree: make.StreetTree, member: Actor
) -> None:
    reply = client(member).get("/v1/me")
    assert reply.headers["cache-control"] == "no-store"
    body = reply.json()
    assert body.pop("bbox") == pytest.approx([118.90, 32.10, 118.905, 32.11], abs=1e-9)
    assert " ".join(body.pop("actions")) == (
        "read_compliance read_grids read_households read_patrols read_people read_places read_visits"
        " record_patrol record_visit reveal_personal write_households"
    )
    assert body == {
        "person_id": str(member.person_id),
        "name": "某wangxm",
        "username": "wangxm",
        "roles": ["member"],
        "assignments": [
            {
                "role": "member",
                "grid_code": tree.a11.code,
                "grid_name": "A11",
                "street_code": make.STREET,
                "street_name": "仙林街道",
                "valid_from": "2026-01-01",
                "valid_to": None,
                "stands_in_for": None,
            }
        ],
    }


def test_me_of_somebody_without_a_post_is_empty(client: ClientOf, session: Session, member: Actor) -> None:
    accounts.end_assignment(session, SYSTEM, member.assignments[0].assignment_id)
    session.flush()
    body = client(member).get("/v1/me").json()
    assert (body["roles"], body["assignments"], body["bbox"], body["actions"]) == ([], [], None, [])


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "unauthenticated"),
        ("Basic d2FuZzp4bQ==", "unauthenticated"),
        ("Bearer nonsense", "token-invalid"),
    ],
)
def test_me_needs_a_token(anonymous: TestClient, header: str | None, code: str) -> None:
    reply = anonymous.get("/v1/me", headers={"Authorization": header} if header else {})
    assert_problem(reply, 401, code)
    assert reply.headers["www-authenticate"].startswith("Bearer")


def test_a_disabled_account_is_out_at_the_next_request(
    client: ClientOf, session: Session, member: Actor
) -> None:
    signed_in = client(member)
    assert signed_in.get("/v1/me").status_code == 200
    accounts.disable(session, SYSTEM, member.person_id)
    session.flush()
    assert_problem(signed_in.get("/v1/me"), 401, "account-disabled")


def test_me_costs_few_statements(client: ClientOf, engine: Engine, member: Actor) -> None:
    seen: list[str] = []

    def listen(*arguments: object) -> None:
        statement = str(arguments[2])
        if statement.startswith("SELECT") and "set_config" not in statement:
            seen.append(statement)

    signed_in = client(member)
    event.listen(engine, "before_cursor_execute", listen)
    try:
        signed_in.get("/v1/me")
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    assert len(seen) == 4, seen  # who asks, names of streets, names of grids, extent


def test_the_contract_names_every_problem(anonymous: TestClient) -> None:
    paths = anonymous.get("/v1/openapi.json").json()["paths"]
    declared = {
        f"{method} {path}": " ".join(reply["description"] for reply in operation["responses"].values())
        for path, operations in paths.items()
        for method, operation in operations.items()
    }
    for code in ("wrong-credentials", "account-disabled", "sign-in-locked", "too-many-requests", "invalid"):
        assert f"`{code}`" in declared["post /v1/auth/token"]
    for code in ("token-invalid", "token-expired", "refresh-reused", "signed-out", "invalid"):
        assert f"`{code}`" in declared["post /v1/auth/refresh"]
    for code in ("unauthenticated", "token-invalid", "token-expired", "signed-out", "account-disabled"):
        assert f"`{code}`" in declared["get /v1/me"]
