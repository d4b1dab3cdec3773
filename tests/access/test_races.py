"""Two at once: tabs that refresh together, and guesses that come in a burst."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import sessionmaker

from access import accounts, tokens
from access.accounts import AssignmentOverlaps, Post
from access.models import AccessToken, Account, Assignment, SignIn
from access.roles import Role
from access.scope import system_actor
from access.sign_in import Credentials, sign_in
from access.throttle import SignInLocked, SignInThrottle
from access.tokens import RefreshReused, SignedOut, TokenPair, actor_of, refresh
from core.database import Sessions
from core.errors import DomainError
from core.models import AuditEntry
from core.settings import AccessSettings
from tests import make

pytestmark = pytest.mark.own_database

ACCESS = AccessSettings(lockout_failures=3)


@pytest.fixture
def own(own_database_url: str) -> Iterator[Sessions]:
    engine = create_engine(own_database_url, pool_size=12)
    yield sessionmaker(engine, expire_on_commit=False)
    engine.dispose()


def at_once(calls: list[Callable[[], object]]) -> list[object]:
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def signed_in(own: Sessions) -> TokenPair:
    with own.begin() as session:
        member = make.actor(session, role=Role.OPERATOR)
        return tokens.start(session, member.person_id, "web", ACCESS)[1]


def refreshing(own: Sessions, token: str, key: str) -> Callable[[], object]:
    def call() -> object:
        with own.begin() as session:
            return refresh(session, token, key, ACCESS)

    return call


def test_two_tabs_with_one_key_get_one_pair(own: Sessions) -> None:
    pair = signed_in(own)
    outcomes = at_once([refreshing(own, pair.refresh_token, "the key both tabs share")] * 6)
    assert all(isinstance(outcome, TokenPair) for outcome in outcomes), outcomes
    assert len(set(outcomes)) == 1
    first = outcomes[0]
    assert isinstance(first, TokenPair)
    with own() as session:
        assert actor_of(session, first.access_token).username == "operator"
        assert session.scalar(select(func.count()).select_from(AccessToken)) == 3


def test_two_holders_with_two_keys_are_both_out(own: Sessions) -> None:
    pair = signed_in(own)
    keys = ("the key of the owner", "the key of the thief")
    outcomes = at_once([refreshing(own, pair.refresh_token, key) for key in keys])
    kinds = {type(outcome) for outcome in outcomes}
    assert kinds == {TokenPair, RefreshReused}
    winner = next(outcome for outcome in outcomes if isinstance(outcome, TokenPair))
    with own() as session:
        with pytest.raises(SignedOut):
            actor_of(session, winner.access_token)
        ended = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "sign_in.ended")
        assert session.scalar(ended) == 1


def test_a_burst_of_guesses_gets_no_more_tries_than_a_row_of_them(own: Sessions) -> None:
    with own.begin() as session:
        make.account(session, person=make.person(session), username="wangxm")
    throttle = SignInThrottle(ACCESS)

    def guess(password: str) -> Callable[[], object]:
        def call() -> object:
            with own.begin() as session:
                return sign_in(session, throttle, ACCESS, Credentials("wangxm", password, "app"))

        return call

    outcomes = at_once([guess("wrong")] * 4)
    locked = [outcome for outcome in outcomes if isinstance(outcome, SignInLocked)]
    assert len(locked) == 2, outcomes  # the third locks, the fourth meets the lock
    assert all(isinstance(outcome, DomainError) for outcome in outcomes)
    with own() as session:
        assert session.scalars(select(Account.locked_until)).one() is not None
        assert session.scalar(select(func.count()).select_from(SignIn)) == 0


def test_the_same_assignment_twice_at_once_is_made_once(own: Sessions) -> None:
    with own.begin() as session:
        someone = make.person(session)
        make.account(session, person=someone)

    def call() -> object:
        try:
            with own.begin() as session:
                post = Post(Role.LEADER, area=f"{make.STREET}/")
                return accounts.assign(session, system_actor("cli:test"), someone.person_id, post)
        except AssignmentOverlaps as refusal:
            return refusal

    outcomes = at_once([call] * 4)
    assert sum(isinstance(outcome, AssignmentOverlaps) for outcome in outcomes) == 3
    with own() as session:
        assert session.scalar(select(func.count()).select_from(Assignment)) == 1
