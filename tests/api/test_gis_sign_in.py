"""HTTP Basic on /ogc: an ordinary sign-in, once, with everything that guards one."""

import base64
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access import tokens
from access.models import Account, SignIn
from access.roles import Role
from access.scope import Actor
from access.sign_in import Credentials, sign_in
from api import gis_sign_in
from api.app import create_app
from core.clock import now
from core.database import Sessions
from core.settings import Settings
from tests import make

ADDRESS = "/ogc/conformance"


@pytest.fixture
def actor(session: Session) -> Actor:
    return make.actor(session, role=Role.OPERATOR)


def basic(username: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


RIGHT = basic("operator", make.PASSWORD)
WRONG = basic("operator", "not the password")


def gis_sign_ins(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(SignIn).where(SignIn.client == "gis")) or 0


def failures(session: Session) -> int:
    return session.scalars(select(Account.failed_logins).where(Account.username == "operator")).one()


@pytest.mark.usefixtures("actor")
class TestAdmitted:
    def test_many_requests_are_one_sign_in(
        self, anonymous: TestClient, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checked: list[Credentials] = []

        def check(*args: Any) -> Any:
            checked.append(args[-1])
            return sign_in(*args)

        monkeypatch.setattr(gis_sign_in, "sign_in", check)
        for _ in range(5):
            assert anonymous.get(ADDRESS, headers=RIGHT).status_code == 200
        assert (len(checked), gis_sign_ins(session)) == (1, 1)

    def test_it_outlives_its_access_token_without_a_second_sign_in(
        self, anonymous: TestClient, session: Session, settings: Settings
    ) -> None:
        with time_machine.travel(now(), tick=False) as traveller:
            assert anonymous.get(ADDRESS, headers=RIGHT).status_code == 200
            traveller.shift(timedelta(seconds=settings.access.access_token_s + 60))
            assert anonymous.get(ADDRESS, headers=RIGHT).status_code == 200
        assert gis_sign_ins(session) == 1

    def test_only_where_desk_gis_reads(self, anonymous: TestClient) -> None:
        assert anonymous.get(ADDRESS, headers=RIGHT).status_code == 200
        for path in ("/v1/me", "/v1/grids", "/tiles/grids.json"):
            assert anonymous.get(path, headers=RIGHT).status_code == 401

    def test_it_ends_with_the_sign_in(self, anonymous: TestClient, session: Session, actor: Actor) -> None:
        """As after a change of the password: what was remembered is worth nothing any more."""
        assert anonymous.get(ADDRESS, headers=RIGHT).status_code == 200
        account = session.scalars(select(Account).where(Account.username == "operator")).one()
        account.password_hash = make.password_hash("another lantern river")
        tokens.revoke_all(session, actor.person_id, "test")
        session.flush()
        for _ in range(2):
            assert anonymous.get(ADDRESS, headers=RIGHT).status_code == 401
        assert anonymous.get(ADDRESS, headers=basic("operator", "another lantern river")).status_code == 200

    def test_a_disabled_account_is_out_at_once(self, anonymous: TestClient, session: Session) -> None:
        assert anonymous.get(ADDRESS, headers=RIGHT).status_code == 200
        account = session.scalars(select(Account).where(Account.username == "operator")).one()
        account.disabled_at = now()
        session.flush()
        for _ in range(2):
            reply = anonymous.get(ADDRESS, headers=RIGHT)
            assert (reply.status_code, reply.json()["code"]) == (401, "account-disabled")


@pytest.mark.usefixtures("actor")
class TestRefused:
    def test_the_reply_says_what_would_do(self, anonymous: TestClient) -> None:
        for headers in ({}, WRONG, {"Authorization": "Digest x"}):
            reply = anonymous.get(ADDRESS, headers=headers)
            assert reply.status_code == 401
            assert reply.headers["www-authenticate"].startswith('Basic realm="xunge"')
        assert anonymous.get("/v1/me").headers["www-authenticate"] == 'Bearer realm="xunge"'

    @pytest.mark.parametrize("value", ["", "x", "!!!!", "b3BlcmF0b3I=", "/w==", "OnB3", "Og=="])
    def test_what_is_no_name_and_password(self, anonymous: TestClient, value: str) -> None:
        reply = anonymous.get(ADDRESS, headers={"Authorization": f"Basic {value}"})
        assert reply.status_code == 401

    def test_one_wrong_password_in_many_requests_is_one_failure(
        self, anonymous: TestClient, session: Session
    ) -> None:
        for _ in range(20):
            reply = anonymous.get(ADDRESS, headers=WRONG)
            assert (reply.status_code, reply.json()["code"]) == (401, "wrong-credentials")
        assert failures(session) == 1
        assert anonymous.get(ADDRESS, headers=RIGHT).status_code == 200

    def test_guesses_lock_the_name_as_everywhere(self, anonymous: TestClient, settings: Settings) -> None:
        for number in range(settings.access.lockout_failures):
            reply = anonymous.get(ADDRESS, headers=basic("operator", f"guess number {number}"))
        assert (reply.status_code, reply.json()["code"]) == (429, "sign-in-locked")
        assert anonymous.get(ADDRESS, headers=RIGHT).status_code == 429
        form = {"username": "operator", "password": make.PASSWORD}
        assert anonymous.post("/v1/auth/token", data=form).status_code == 429

    def test_guesses_count_for_the_address_as_everywhere(
        self, anonymous: TestClient, settings: Settings
    ) -> None:
        replies = [
            anonymous.get(ADDRESS, headers=basic(f"nobody{number}", "guess guess"))
            for number in range(settings.access.logins_per_minute + 1)
        ]
        assert [reply.status_code for reply in replies][-2:] == [401, 429]
        assert replies[-1].json()["code"] == "too-many-requests"

    def test_it_can_be_switched_off(self, settings: Settings, sessions: Sessions) -> None:
        access = settings.access.model_copy(update={"gis_passwords": False})
        app = create_app(settings.model_copy(update={"access": access}), sessions=sessions)
        assert TestClient(app).get(ADDRESS, headers=RIGHT).status_code == 401


@pytest.mark.usefixtures("actor")
def test_no_password_is_kept(anonymous: TestClient, app: FastAPI) -> None:
    assert anonymous.get(ADDRESS, headers=RIGHT).status_code == 200
    kept = app.state.gis_passwords
    assert make.PASSWORD not in repr(vars(kept))
    given = gis_sign_in.BasicCredentials("operator", make.PASSWORD, "")
    elsewhere = create_app(app.state.settings, sessions=app.state.sessions).state.gis_passwords
    assert kept._key(given) in kept._pairs
    assert elsewhere._key(given) != kept._key(given), "a hash of one process is worth nothing to another"
