"""Signing in: lock-out, and nothing that tells whether a name exists."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session

from access import passwords
from access.models import Account, SignIn
from access.sign_in import Credentials, WrongCredentials, sign_in
from access.throttle import REMEMBERED_NAMES, SignInLocked, SignInThrottle
from access.tokens import AccountDisabled, TokenPair, actor_of
from core.errors import DomainError, TooMany
from core.models import AuditEntry
from core.settings import AccessSettings
from tests import make

START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
ACCESS = AccessSettings(lockout_failures=3, logins_per_minute=4)
KNOWN, UNKNOWN = "wangxm", "nobody.at.all"


@pytest.fixture
def throttle() -> SignInThrottle:
    return SignInThrottle(ACCESS)


@pytest.fixture
def account(session: Session) -> Account:
    return make.account(session, person=make.person(session), username=KNOWN)


@pytest.fixture
def cheap_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare instead of hashing: for tests that fail many times."""

    class Plain:
        def verify_and_update(self, password: str, stored: str) -> tuple[bool, None]:
            return stored == make.password_hash() and password == make.PASSWORD, None

    make.password_hash()  # by the real one
    monkeypatch.setattr(passwords, "_hasher", Plain())
    monkeypatch.setattr(passwords, "_nobody", lambda: "$nobody")


def attempt(
    session: Session, throttle: SignInThrottle, username: str, password: str = make.PASSWORD
) -> TokenPair | DomainError:
    return sign_in(session, throttle, ACCESS, Credentials(username, password, "app"))


@pytest.mark.parametrize("typed", [KNOWN, "WangXM", " wangxm ", "ｗａｎｇｘｍ"])
def test_the_right_password_signs_in(
    session: Session, throttle: SignInThrottle, account: Account, typed: str
) -> None:
    outcome = attempt(session, throttle, typed)
    assert isinstance(outcome, TokenPair)
    assert actor_of(session, outcome.access_token).person_id == account.person_id
    line = session.scalars(select(AuditEntry).where(AuditEntry.action == "sign_in.started")).one()
    assert line.detail["client"] == "app"
    assert session.scalar(select(func.count()).select_from(SignIn)) == 1


@pytest.mark.parametrize("username", [KNOWN, UNKNOWN, "\x00", "x", "a" * 64, "👻👻👻"])
def test_every_failure_looks_the_same(
    session: Session, throttle: SignInThrottle, account: Account, username: str
) -> None:
    outcome = attempt(session, throttle, username, "a wrong password")
    assert isinstance(outcome, WrongCredentials)
    assert outcome.members() == WrongCredentials().members()


@pytest.mark.usefixtures("cheap_checks")
def test_a_failure_sends_the_same_statements_for_every_name(
    session: Session, throttle: SignInThrottle, account: Account, engine: Engine
) -> None:
    """Measured: without hashing, a known name takes 0.3 ms longer; hashing varies by far more than that."""
    sent: dict[str, list[str]] = {KNOWN: [], UNKNOWN: []}
    for username, statements in sent.items():

        def listen(*arguments: object, to: list[str] = statements) -> None:
            to.append(str(arguments[2]))

        event.listen(engine, "before_cursor_execute", listen)
        attempt(session, throttle, username, "wrong")
        event.remove(engine, "before_cursor_execute", listen)
    assert sent[KNOWN] == sent[UNKNOWN]
    assert len(sent[KNOWN]) == 4


@pytest.mark.parametrize("username", [KNOWN, UNKNOWN])
@pytest.mark.usefixtures("cheap_checks")
def test_failures_lock_known_and_unknown_names_alike(
    session: Session, throttle: SignInThrottle, account: Account, username: str
) -> None:
    with time_machine.travel(START, tick=False) as traveller:
        for _ in range(2):
            assert isinstance(attempt(session, throttle, username, "wrong"), WrongCredentials)
        locking = attempt(session, throttle, username, "wrong")
        traveller.shift(timedelta(minutes=5))
        waiting = attempt(session, throttle, username)  # even the right password
        traveller.shift(timedelta(minutes=10))
        again = attempt(session, throttle, username, "wrong")
    assert isinstance(locking, SignInLocked)
    assert isinstance(waiting, SignInLocked)
    assert (locking.retry_after_s, waiting.retry_after_s) == (900, 600)
    assert waiting.extra["locked_until"] == "2026-11-16T01:15:00+00:00"
    assert isinstance(again, WrongCredentials), "after the lock counting starts anew"


@pytest.mark.usefixtures("cheap_checks")
def test_success_unlocks_and_forgets_failures(
    session: Session, throttle: SignInThrottle, account: Account
) -> None:
    with time_machine.travel(START, tick=False) as traveller:
        for _ in range(3):
            attempt(session, throttle, KNOWN, "wrong")
        traveller.shift(timedelta(minutes=15))
        for _ in range(2):
            for _ in range(2):
                assert isinstance(attempt(session, throttle, KNOWN, "wrong"), WrongCredentials)
            assert isinstance(attempt(session, throttle, KNOWN), TokenPair)
    assert (account.failed_logins, account.locked_until) == (0, None)
    actions = session.scalars(select(AuditEntry.action)).all()
    assert actions.count("account.locked") == 1


def test_a_disabled_account_is_told_only_to_who_knows_the_password(
    session: Session, throttle: SignInThrottle, account: Account
) -> None:
    account.disabled_at = START
    session.flush()
    assert isinstance(attempt(session, throttle, KNOWN, "wrong"), WrongCredentials)
    assert isinstance(attempt(session, throttle, KNOWN), AccountDisabled)


def test_a_stronger_hash_replaces_the_old_one(
    session: Session, throttle: SignInThrottle, account: Account
) -> None:
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    account.password_hash = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=1024),)).hash(make.PASSWORD)
    session.flush()
    assert isinstance(attempt(session, throttle, KNOWN), TokenPair)
    assert "m=65536,t=3" in account.password_hash


def test_an_address_may_try_only_so_often(throttle: SignInThrottle) -> None:
    with time_machine.travel(START, tick=False) as traveller:
        for _ in range(4):
            throttle.admit("203.0.113.7")
        with pytest.raises(TooMany) as refusal:
            throttle.admit("203.0.113.7")
        assert refusal.value.retry_after_s == 60
        throttle.admit("203.0.113.8")
        traveller.shift(timedelta(seconds=61))
        throttle.admit("203.0.113.7")


def test_addresses_of_one_ipv6_network_count_as_one(throttle: SignInThrottle) -> None:
    for host in range(4):
        throttle.admit(f"2001:db8:1:2::{host}")
    with pytest.raises(TooMany):
        throttle.admit("2001:db8:1:2:ffff::1")
    throttle.admit("2001:db8:1:3::1")
    throttle.admit("testclient")


def test_guessed_names_do_not_fill_the_memory() -> None:
    throttle = SignInThrottle(ACCESS)
    for number in range(REMEMBERED_NAMES + 10):
        throttle.count_failure(f"name{number}")
    assert len(throttle._nobodies) == REMEMBERED_NAMES
