"""Sign-in families: who a token names, how pairs rotate, and what ends a family."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session

from access import tokens
from access.models import AccessToken, Account, Assignment, RefreshToken, SignIn
from access.roles import Role
from access.scope import Actor
from access.tokens import (
    AccountDisabled,
    RefreshReused,
    SignedOut,
    TokenExpired,
    TokenInvalid,
    TokenPair,
    actor_of,
    refresh,
)
from core.models import AuditEntry
from core.settings import AccessSettings
from tests import make

ACCESS = AccessSettings()
START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)  # Monday 09:00 in Nanjing
KEY, OTHER_KEY = "key-of-the-first-caller", "key-of-another-caller"


@pytest.fixture
def pair(session: Session) -> TokenPair:
    """A fresh sign-in of the level-3 member of A11 at START."""
    with time_machine.travel(START, tick=False):
        member(session)
        person_id = make.fixed_uuid("person 某member")
        return tokens.start(session, person_id, "app", ACCESS)[1]


def member(session: Session) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=make.street_tree(session).a11)


def refreshed(session: Session, token: str, key: str = KEY) -> TokenPair:
    outcome = refresh(session, token, key, ACCESS)
    assert isinstance(outcome, TokenPair), outcome
    return outcome


# --------------------------------------------------------------------------------------------------- who asks


def test_a_token_names_its_actor_in_one_statement(session: Session, pair: TokenPair, engine: Engine) -> None:
    seen: list[str] = []

    def listen(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    session.flush()
    event.listen(engine, "before_cursor_execute", listen)
    try:
        with time_machine.travel(START, tick=False):
            actor = actor_of(session, pair.access_token)
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    assert len(seen) == 1
    assert (actor.name, actor.username) == ("某member", "member")
    assert actor.roles == {Role.MEMBER}
    assert actor.label == f"person:{actor.person_id}"


def test_nothing_of_a_token_is_stored_but_its_hash(session: Session, pair: TokenPair) -> None:
    session.flush()
    stored = session.scalars(select(AccessToken.token_hash)).all()
    assert all(pair.access_token.encode() not in value and len(value) == 32 for value in stored)


@pytest.mark.parametrize("token", ["", "nonsense", "test token of nobody", "é" * 300])
def test_unknown_tokens_are_invalid(session: Session, token: str) -> None:
    with pytest.raises(TokenInvalid):
        actor_of(session, token)


def test_a_refresh_token_is_no_access_token(session: Session, pair: TokenPair) -> None:
    with pytest.raises(TokenInvalid):
        actor_of(session, pair.refresh_token)


def test_access_ends_after_a_quarter_of_an_hour(session: Session, pair: TokenPair) -> None:
    with time_machine.travel(START + timedelta(minutes=14, seconds=59), tick=False):
        actor_of(session, pair.access_token)
    with time_machine.travel(START + timedelta(minutes=15), tick=False), pytest.raises(TokenExpired):
        actor_of(session, pair.access_token)


def test_a_disabled_account_is_out_at_once(session: Session, pair: TokenPair) -> None:
    session.get_one(Account, make.fixed_uuid("person 某member")).disabled_at = START
    with time_machine.travel(START, tick=False):
        with pytest.raises(AccountDisabled):
            actor_of(session, pair.access_token)
        assert isinstance(refresh(session, pair.refresh_token, KEY, ACCESS), AccountDisabled)


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "holds"),
    [
        (date(2026, 11, 16), None, True),
        (date(2026, 11, 15), date(2026, 11, 17), True),
        (date(2026, 11, 15), date(2026, 11, 16), False),
        (date(2026, 11, 17), None, False),
    ],
)
def test_assignments_count_on_their_days_only(
    session: Session, pair: TokenPair, valid_from: date, valid_to: date | None, holds: bool
) -> None:
    stored = session.scalars(select(Assignment)).one()
    stored.valid_from, stored.valid_to = valid_from, valid_to
    session.flush()
    with time_machine.travel(START, tick=False):
        assert bool(actor_of(session, pair.access_token).assignments) is holds


def test_the_day_is_that_of_shanghai(session: Session, pair: TokenPair) -> None:
    """16:00 UTC is midnight in Nanjing: an assignment that begins on the 17th counts from then on."""
    session.scalars(select(Assignment)).one().valid_from = date(2026, 11, 17)
    token = session.get_one(AccessToken, tokens.token_hash(pair.access_token))
    token.expires_at = START + timedelta(days=1)
    session.flush()
    with time_machine.travel(datetime(2026, 11, 16, 15, 59, 59, tzinfo=UTC), tick=False):
        assert not actor_of(session, pair.access_token).assignments
    with time_machine.travel(datetime(2026, 11, 16, 16, 0, tzinfo=UTC), tick=False):
        assert actor_of(session, pair.access_token).assignments


# --------------------------------------------------------------------------------------------------- rotation


def test_each_refresh_gives_a_new_pair(session: Session, pair: TokenPair) -> None:
    with time_machine.travel(START + timedelta(minutes=20), tick=False):
        following = refreshed(session, pair.refresh_token)
        assert (
            len({pair.access_token, pair.refresh_token, following.access_token, following.refresh_token}) == 4
        )
        assert actor_of(session, following.access_token).username == "member"
    with time_machine.travel(START + timedelta(minutes=40), tick=False):
        assert refreshed(session, following.refresh_token).access_token != following.access_token


def test_expired_access_tokens_of_the_family_are_forgotten(session: Session, pair: TokenPair) -> None:
    with time_machine.travel(START + timedelta(minutes=20), tick=False):
        refreshed(session, pair.refresh_token)
        session.flush()
    assert session.get(AccessToken, tokens.token_hash(pair.access_token)) is None


def test_a_lost_reply_is_given_again(session: Session, pair: TokenPair) -> None:
    with time_machine.travel(START, tick=False):
        first = refreshed(session, pair.refresh_token)
    with time_machine.travel(START + timedelta(seconds=ACCESS.replay_window_s), tick=False):
        assert refreshed(session, pair.refresh_token) == first
        assert actor_of(session, first.access_token).username == "member"
        assert refreshed(session, first.refresh_token).refresh_token != first.refresh_token


def test_a_lost_reply_cannot_be_asked_for_for_ever(session: Session, pair: TokenPair) -> None:
    with time_machine.travel(START, tick=False):
        refreshed(session, pair.refresh_token)
    with time_machine.travel(START + timedelta(seconds=ACCESS.replay_window_s + 1), tick=False):
        assert isinstance(refresh(session, pair.refresh_token, KEY, ACCESS), RefreshReused)


def test_the_database_alone_does_not_give_the_reply_away(session: Session, pair: TokenPair) -> None:
    with time_machine.travel(START, tick=False):
        first = refreshed(session, pair.refresh_token)
    session.flush()
    spent = session.get_one(RefreshToken, tokens.token_hash(pair.refresh_token))
    assert spent.sealed_reply is not None
    assert first.access_token.encode() not in spent.sealed_reply
    assert KEY.encode() not in (spent.replay_key_hash or b"")


def test_a_tampered_reply_counts_as_reuse(session: Session, pair: TokenPair) -> None:
    with time_machine.travel(START, tick=False):
        refreshed(session, pair.refresh_token)
        spent = session.get_one(RefreshToken, tokens.token_hash(pair.refresh_token))
        assert spent.sealed_reply is not None
        spent.sealed_reply = spent.sealed_reply[:-1] + bytes([spent.sealed_reply[-1] ^ 1])
        assert isinstance(refresh(session, pair.refresh_token, KEY, ACCESS), RefreshReused)


def test_a_stolen_token_ends_the_family_for_both(session: Session, pair: TokenPair) -> None:
    with time_machine.travel(START, tick=False):
        owner = refreshed(session, pair.refresh_token)
        assert isinstance(refresh(session, pair.refresh_token, OTHER_KEY, ACCESS), RefreshReused)
        with pytest.raises(SignedOut) as out:
            actor_of(session, owner.access_token)
        assert out.value.extra == {"because": "refresh-reused"}
        for token in (owner.refresh_token, pair.refresh_token):
            assert isinstance(refresh(session, token, KEY, ACCESS), SignedOut)
    line = session.scalars(select(AuditEntry).where(AuditEntry.action == "sign_in.ended")).one()
    assert line.detail == {"because": "refresh-reused"}
    assert line.actor == f"person:{make.fixed_uuid('person 某member')}"


def test_other_sign_ins_of_the_person_go_on(session: Session, pair: TokenPair) -> None:
    with time_machine.travel(START, tick=False):
        other = tokens.start(session, make.fixed_uuid("person 某member"), "web", ACCESS)[1]
        refreshed(session, pair.refresh_token)
        refresh(session, pair.refresh_token, OTHER_KEY, ACCESS)
        assert actor_of(session, other.access_token).username == "member"


def test_idle_sign_ins_end(session: Session, pair: TokenPair) -> None:
    with time_machine.travel(START + timedelta(days=30), tick=False):
        assert isinstance(refresh(session, pair.refresh_token, KEY, ACCESS), TokenExpired)


def test_no_refresh_goes_past_the_absolute_end(session: Session, pair: TokenPair) -> None:
    following = pair
    for days in (29, 58, 87):
        with time_machine.travel(START + timedelta(days=days), tick=False):
            following = refreshed(session, following.refresh_token)
    assert following.refresh_expires_at == START + timedelta(days=90)
    with time_machine.travel(START + timedelta(days=90), tick=False):
        assert isinstance(refresh(session, following.refresh_token, KEY, ACCESS), TokenExpired)


# ----------------------------------------------------------------------------------------------------- ending


@pytest.mark.parametrize("by", ["access_token", "refresh_token"])
def test_signing_out_ends_the_family(session: Session, pair: TokenPair, by: str) -> None:
    with time_machine.travel(START, tick=False):
        tokens.sign_out(session, getattr(pair, by), None)
        with pytest.raises(SignedOut):
            actor_of(session, pair.access_token)
        assert isinstance(refresh(session, pair.refresh_token, KEY, ACCESS), SignedOut)


def test_signing_out_twice_or_with_nonsense_is_no_matter(session: Session, pair: TokenPair) -> None:
    for _ in range(2):
        tokens.sign_out(session, pair.access_token, "nonsense", None)
    tokens.sign_out(session)
    ended = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "sign_in.ended")
    assert session.scalar(ended) == 1


def test_ended_families_are_forgotten_whole(session: Session, pair: TokenPair) -> None:
    def counts() -> list[int | None]:
        tables = (SignIn, AccessToken, RefreshToken)
        return [session.scalar(select(func.count()).select_from(table)) for table in tables]

    with time_machine.travel(START + timedelta(days=89), tick=False):
        tokens.forget_ended(session)
    assert counts() == [2, 2, 1]  # this one, and the one that the builder made
    with time_machine.travel(START + timedelta(days=91), tick=False):
        tokens.forget_ended(session)
    assert counts() == [0, 0, 0]
