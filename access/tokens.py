"""Opaque tokens: only their SHA-256 is stored, so whoever reads the database cannot sign in with it.

A sign-in is a family: an access token for minutes, and a refresh token that is good for one exchange. A
refresh token shown twice means that two parties hold it, unless it is the caller whose reply got lost: that
one sends the same Idempotency-Key and gets the same reply again. Anything else ends the whole family.
"""

import hashlib
import secrets
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    Date,
    Row,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    null,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.orm import Session, aliased

from access.models import Absence, AccessToken, Account, Assignment, Person, RefreshToken, SignIn
from access.queries import away_on, held_on
from access.roles import Role
from access.scope import Actor, HeldRole, person_label
from access.sealing import ReplayKey, replay_key, seal, unseal
from core import audit
from core.clock import local_date, now
from core.errors import Unauthenticated
from core.settings import AccessSettings
from core.signals import ACCESS, announce

TOKEN_BYTES = 32


class TokenInvalid(Unauthenticated):
    """This token was never given out, or is gone."""

    code = "token-invalid"


class TokenExpired(Unauthenticated):
    """This token has expired; refresh it or sign in again."""

    code = "token-expired"


class SignedOut(Unauthenticated):
    """This sign-in has ended; sign in again."""

    code = "signed-out"


class RefreshReused(Unauthenticated):
    """This refresh token was used before; for safety the sign-in has ended. Sign in again."""

    code = "refresh-reused"


class AccountDisabled(Unauthenticated):
    """This account is disabled."""

    code = "account-disabled"


_DAY = bindparam("day", type_=Date)
_ABSENT = aliased(Person)
# Whose assignments the person holds: the own ones, and those in grids of everybody the person stands in for.
# A lateral subquery and not an OR in the join below: both halves then use an index.
_HOLDERS = union_all(
    select(
        Person.person_id.label("holder_id"),
        cast(null(), Text).label("absent"),
        cast(null(), Date).label("away_from"),
        cast(null(), Date).label("away_to"),
    ).correlate(Person),
    select(
        Absence.person_id,
        _ABSENT.name,
        Absence.valid_from,
        func.least(Absence.valid_to, Absence.cancelled_on),
    )
    .join(_ABSENT, _ABSENT.person_id == Absence.person_id)
    .where(Absence.substitute_id == Person.person_id, away_on(_DAY))
    .correlate(Person),
).lateral("holders")
_held = and_(
    Assignment.person_id == _HOLDERS.c.holder_id,
    held_on(_DAY),
    # Nobody hands the keys of the deployment to a substitute: what is held for others are grids.
    or_(_HOLDERS.c.absent.is_(None), Assignment.grid_id.is_not(None)),
)
# Columns, not objects: nothing of this may come from what the session already knows.
_WHO_HOLDS = (
    select(
        AccessToken.expires_at,
        SignIn.sign_in_id,
        SignIn.revoked_at,
        SignIn.revoked_because,
        Account.username,
        Account.disabled_at,
        Person.person_id,
        Person.name,
        Assignment.assignment_id,
        Assignment.role,
        Assignment.path,
        Assignment.grid_id,
        func.greatest(Assignment.valid_from, _HOLDERS.c.away_from).label("valid_from"),  # passes over null
        func.least(Assignment.valid_to, _HOLDERS.c.away_to).label("valid_to"),
        _HOLDERS.c.absent,
    )
    .select_from(AccessToken)
    .join(SignIn, SignIn.sign_in_id == AccessToken.sign_in_id)
    .join(Account, Account.person_id == SignIn.person_id)
    .join(Person, Person.person_id == SignIn.person_id)
    .join(_HOLDERS, true())
    .outerjoin(Assignment, _held)
    .where(AccessToken.token_hash == bindparam("token_hash"))
    .order_by(Assignment.path, Assignment.role)
)


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a sign-in or a refresh gives; the only place where the tokens themselves exist on this side."""

    access_token: str
    refresh_token: str
    access_expires_at: datetime
    refresh_expires_at: datetime


@dataclass(frozen=True, slots=True)
class Identified:
    """An actor, and the moment until which the token vouches for it."""

    actor: Actor
    expires_at: datetime


def token_hash(token: str) -> bytes:
    """What is stored of a token. 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def actor_of(session: Session, token: str) -> Actor:
    """Who holds this access token, with the roles of today.

    One statement on every request, so every change of rights holds from the next request.
    Raises: TokenInvalid, TokenExpired, SignedOut, AccountDisabled.
    """
    return identify(session, token).actor


def identify(session: Session, token: str) -> Identified:
    """Like `actor_of`, with the end of the token's life."""
    at = now()
    rows = session.execute(_WHO_HOLDS, {"token_hash": token_hash(token), "day": local_date(at)}).all()
    if not rows:
        raise TokenInvalid
    one = rows[0]
    if one.disabled_at is not None:
        raise AccountDisabled
    if one.revoked_at is not None:
        raise SignedOut(because=one.revoked_because)
    if one.expires_at <= at:
        raise TokenExpired
    held = tuple(_held_role(row) for row in rows if row.assignment_id is not None)
    actor = Actor(one.person_id, one.name, one.username, one.sign_in_id, held, person_label(one.person_id))
    return Identified(actor, one.expires_at)


def _held_role(row: Row[*tuple[Any, ...]]) -> HeldRole:
    return HeldRole(
        assignment_id=row.assignment_id,
        role=Role(row.role),
        path=row.path,
        grid_id=row.grid_id,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        stands_in_for=row.absent,
    )


def start(
    session: Session, person_id: uuid.UUID, client: str, access: AccessSettings
) -> tuple[uuid.UUID, TokenPair]:
    """A new family for a person whose password was right."""
    at = now()
    sign_in_id, ends_at = uuid.uuid4(), at + timedelta(days=access.refresh_absolute_days)
    session.execute(
        insert(SignIn).values(
            sign_in_id=sign_in_id, person_id=person_id, client=client, created_at=at, expires_at=ends_at
        )
    )
    return sign_in_id, _issue(session, sign_in_id, ends_at, access)


def refresh(
    session: Session, token: str, idempotency_key: str, access: AccessSettings
) -> TokenPair | Unauthenticated:
    """The next pair, or again the pair that this token and key already bought.

    A refusal is returned, not raised: the revocation it may bring must be committed.
    """
    at = now()
    # Two refreshes with one token wait for each other here; the later one then sees it used.
    spent = session.scalar(
        select(RefreshToken)
        .where(RefreshToken.token_hash == token_hash(token))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if spent is None:
        return TokenInvalid()
    # A statement of its own: after the wait it must see what the other transaction committed.
    family = _family(session, spent.sign_in_id)
    if family.disabled_at is not None:
        return AccountDisabled()
    if family.revoked_at is not None:
        return SignedOut(because=family.revoked_because)
    key = replay_key(token, idempotency_key)
    if spent.used_at is not None:
        return _replayed(spent, key, at, access) or _refuse_reuse(session, family)
    if spent.expires_at <= at:
        return TokenExpired()
    return _exchange(session, spent, key, family.expires_at, access)


def sign_out(session: Session, *tokens: str | None) -> None:
    """Whatever family these access or refresh tokens belong to has ended; unknown tokens are no matter."""
    hashes = [token_hash(token) for token in tokens if token]
    families = session.execute(
        select(SignIn.sign_in_id, SignIn.person_id).where(
            SignIn.revoked_at.is_(None),
            SignIn.sign_in_id.in_(
                select(AccessToken.sign_in_id)
                .where(AccessToken.token_hash.in_(hashes))
                .union(select(RefreshToken.sign_in_id).where(RefreshToken.token_hash.in_(hashes)))
            ),
        )
    ).all()
    for sign_in_id, person_id in families:
        _revoke(session, sign_in_id, person_id, "signed-out")


def revoke_all(session: Session, person_id: uuid.UUID, because: str) -> None:
    """Every sign-in of the person has ended; call it after the change of the account that is the reason."""
    session.execute(
        update(SignIn)
        .where(SignIn.person_id == person_id, SignIn.revoked_at.is_(None))
        .values(revoked_at=now(), revoked_because=because)
    )
    announce(session, ACCESS, str(person_id))


def forget_ended(session: Session) -> None:
    """Sign-ins past their absolute end are gone with their tokens.

    Until that day a used refresh token stays, for only so can its second use be noticed.
    """
    at = now()
    ended = select(SignIn.sign_in_id).where(SignIn.expires_at <= at)
    for table in (AccessToken, RefreshToken):
        session.execute(delete(table).where(table.sign_in_id.in_(ended)))
    session.execute(delete(SignIn).where(SignIn.expires_at <= at))


def _family(session: Session, sign_in_id: uuid.UUID) -> Row[*tuple[object, ...]]:
    return session.execute(
        select(
            SignIn.sign_in_id,
            SignIn.person_id,
            SignIn.expires_at,
            SignIn.revoked_at,
            SignIn.revoked_because,
            Account.disabled_at,
        )
        .join(Account, Account.person_id == SignIn.person_id)
        .where(SignIn.sign_in_id == sign_in_id)
    ).one()


def _issue(session: Session, sign_in_id: uuid.UUID, ends_at: datetime, access: AccessSettings) -> TokenPair:
    at = now()
    pair = TokenPair(
        access_token=secrets.token_urlsafe(TOKEN_BYTES),
        refresh_token=secrets.token_urlsafe(TOKEN_BYTES),
        access_expires_at=min(at + timedelta(seconds=access.access_token_s), ends_at),
        refresh_expires_at=min(at + timedelta(days=access.refresh_idle_days), ends_at),
    )
    session.add(
        AccessToken(
            token_hash=token_hash(pair.access_token),
            sign_in_id=sign_in_id,
            expires_at=pair.access_expires_at,
        )
    )
    session.add(
        RefreshToken(
            token_hash=token_hash(pair.refresh_token),
            sign_in_id=sign_in_id,
            expires_at=pair.refresh_expires_at,
        )
    )
    return pair


def _exchange(
    session: Session, spent: RefreshToken, key: ReplayKey, ends_at: datetime, access: AccessSettings
) -> TokenPair:
    at = now()
    session.execute(
        delete(AccessToken).where(AccessToken.sign_in_id == spent.sign_in_id, AccessToken.expires_at <= at)
    )
    pair = _issue(session, spent.sign_in_id, ends_at, access)
    spent.used_at = at
    spent.replay_key_hash = key.mark
    spent.sealed_reply = seal(key, msgspec.json.encode(asdict(pair)))
    return pair


def _replayed(spent: RefreshToken, key: ReplayKey, at: datetime, access: AccessSettings) -> TokenPair | None:
    assert spent.used_at is not None
    if at > spent.used_at + timedelta(seconds=access.replay_window_s) or spent.sealed_reply is None:
        return None
    if spent.replay_key_hash is None or not secrets.compare_digest(spent.replay_key_hash, key.mark):
        return None
    reply = unseal(key, spent.sealed_reply)
    return None if reply is None else msgspec.json.decode(reply, type=TokenPair)


def _refuse_reuse(session: Session, family: Row[*tuple[object, ...]]) -> RefreshReused:
    _revoke(session, family.sign_in_id, family.person_id, RefreshReused.code)
    return RefreshReused()


def _revoke(session: Session, sign_in_id: uuid.UUID, person_id: uuid.UUID, because: str) -> None:
    session.execute(
        update(SignIn)
        .where(SignIn.sign_in_id == sign_in_id, SignIn.revoked_at.is_(None))
        .values(revoked_at=now(), revoked_because=because)
    )
    announce(session, ACCESS, str(person_id))
    audit.record(
        session,
        chain="",
        actor=person_label(person_id),
        action="sign_in.ended",
        subject=f"sign-in:{sign_in_id}",
        detail={"because": because},
    )
