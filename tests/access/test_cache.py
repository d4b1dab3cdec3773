"""Remembered actors: never older than a notice, never used while nobody listens."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from access import accounts, cache, tokens
from access.cache import ActorCache
from access.models import AccessToken
from access.roles import Role
from access.scope import Actor, system_actor
from access.tokens import AccountDisabled, TokenExpired, TokenInvalid, token_hash
from core.clock import now
from core.database import Sessions
from core.signals import ACCESS, GRIDS, Listener
from tests import make

SYSTEM = system_actor("cli:test")


class StubListener(Listener):
    """Connected when told so; notices come from the test."""

    def __init__(self, *, connected: bool = True) -> None:
        super().__init__("")
        if connected:
            self._connected.set()

    def hear(self, topic: str, payload: str = "") -> None:
        self._dispatch(topic, payload)

    def lose_connection(self) -> None:
        self._connected.clear()


@pytest.fixture
def listener() -> StubListener:
    return StubListener()


@pytest.fixture
def actors(sessions: Sessions, listener: StubListener) -> ActorCache:
    return ActorCache(sessions, listener, timeout_ms=1000)


@pytest.fixture
def member(session: Session) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=make.street_tree(session).a11)


@pytest.fixture
def token(session: Session, member: Actor) -> str:
    return make.access_token(session, sign_in_id=member.sign_in_id)


def test_an_actor_is_remembered(actors: ActorCache, token: str, member: Actor) -> None:
    assert actors.known(token) is None
    assert actors.actor_of(token) == member
    assert actors.known(token) is actors.actor_of(token)


def test_an_unknown_token_is_refused_each_time(actors: ActorCache) -> None:
    for _ in range(2):
        with pytest.raises(TokenInvalid):
            actors.actor_of("nonsense")


def test_a_notice_forgets_the_person_it_names(
    actors: ActorCache, listener: StubListener, token: str, member: Actor
) -> None:
    actors.actor_of(token)
    listener.hear(GRIDS, make.STREET)
    listener.hear(ACCESS, str(make.fixed_uuid("somebody else")))
    assert actors.known(token) == member
    listener.hear(ACCESS, str(member.person_id))
    assert actors.known(token) is None


def test_a_notice_without_a_name_forgets_everybody(
    actors: ActorCache, listener: StubListener, token: str
) -> None:
    actors.actor_of(token)
    listener.hear(ACCESS)
    assert actors.known(token) is None


def test_nothing_is_remembered_while_nobody_listens(
    sessions: Sessions, listener: StubListener, actors: ActorCache, token: str, member: Actor
) -> None:
    actors.actor_of(token)
    listener.lose_connection()
    assert actors.known(token) is None
    deaf = ActorCache(sessions, None, timeout_ms=1000)
    assert deaf.actor_of(token) == member
    assert deaf.known(token) is None


def test_what_was_read_before_a_notice_is_not_kept_after_it(
    sessions: Sessions, listener: StubListener, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    actors = ActorCache(sessions, listener, timeout_ms=1000)
    identify = tokens.identify

    def overtaken(session: Session, token: str) -> object:
        found = identify(session, token)
        listener.hear(ACCESS)  # the right was revoked between our read and our note
        return found

    monkeypatch.setattr(cache, "identify", overtaken)
    actors.actor_of(token)
    assert actors.known(token) is None


def test_an_actor_is_not_remembered_past_token_age_or_midnight(
    actors: ActorCache, session: Session, member: Actor
) -> None:
    with time_machine.travel("2026-11-16T15:59:50Z", tick=False) as traveller:
        token = f"short {member.sign_in_id}"
        session.add(
            AccessToken(
                token_hash=token_hash(token),
                sign_in_id=member.sign_in_id,
                expires_at=now() + timedelta(seconds=20),
            )
        )
        session.flush()
        actors.actor_of(token)
        traveller.shift(timedelta(seconds=9))
        assert actors.known(token) is not None
        traveller.shift(timedelta(seconds=1))  # midnight in Nanjing
        assert actors.known(token) is None
        actors.actor_of(token)
        assert actors.known(token) is not None
        traveller.shift(timedelta(seconds=10))
        assert actors.known(token) is None
        with pytest.raises(TokenExpired):
            actors.actor_of(token)


def test_memory_is_bounded(
    actors: ActorCache, session: Session, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "CAPACITY", 1)
    other = make.actor(session, role=Role.OPERATOR)
    actors.actor_of(token)
    actors.actor_of(make.access_token(session, sign_in_id=other.sign_in_id))
    assert actors.known(token) is None
    assert len(actors._remembered) == 1


@pytest.fixture
def own_sessions(own_database_url: str) -> Iterator[Sessions]:
    engine = create_engine(own_database_url)
    yield sessionmaker(engine, expire_on_commit=False)
    engine.dispose()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.own_database
def test_a_real_notice_ends_what_another_process_remembers(
    own_sessions: Sessions, own_database_url: str
) -> None:
    listener = Listener(own_database_url.replace("+psycopg", ""))
    actors = ActorCache(own_sessions, listener, timeout_ms=1000)
    with own_sessions.begin() as session:
        member = make.actor(session, role=Role.MEMBER, grid=make.street_tree(session).a11)
        token = make.access_token(session, sign_in_id=member.sign_in_id)
    listener.start()
    try:
        wait_until(lambda: listener.is_connected)
        actors.actor_of(token)
        assert actors.known(token) == member
        with own_sessions.begin() as session:
            accounts.disable(session, SYSTEM, member.person_id)
        wait_until(lambda: actors.known(token) is None)
        with pytest.raises(AccountDisabled):
            actors.actor_of(token)
    finally:
        listener.stop()
