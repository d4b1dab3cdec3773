"""Opaque tokens: only their SHA-256 is stored, so whoever reads the database cannot sign in with it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from access.models import AccessToken, Account, Assignment, Person, SignIn
from access.roles import Role
from access.scope import Actor, HeldRole, person_label
from core.clock import local_date, now
from core.errors import Unauthenticated


class TokenInvalid(Unauthenticated):
    """This token was never given out, or is gone."""

    code = "token-invalid"


class TokenExpired(Unauthenticated):
    """This token has expired; refresh it or sign in again."""

    code = "token-expired"


class SignedOut(Unauthenticated):
    """This sign-in has ended; sign in again."""

    code = "signed-out"


class AccountDisabled(Unauthenticated):
    """This account is disabled."""

    code = "account-disabled"


def token_hash(token: str) -> bytes:
    """What is stored of a token. 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).digest()


@dataclass(frozen=True, slots=True)
class Identified:
    """An actor, and the moment until which the token alone vouches for it."""

    actor: Actor
    expires_at: datetime


def actor_of(session: Session, token: str) -> Actor:
    """Who holds this access token, with the roles of today.

    One statement on every request, so every change of rights holds from the next request.

    Raises: TokenInvalid, TokenExpired, SignedOut, AccountDisabled.
    """
    return identify(session, token).actor


def identify(session: Session, token: str) -> Identified:
    """Like `actor_of`, with the end of the token's life."""
    at = now()
    today = local_date(at)
    active = and_(
        Assignment.person_id == Person.person_id,
        Assignment.valid_from <= today,
        or_(Assignment.valid_to.is_(None), Assignment.valid_to > today),
    )
    # Columns, not objects: nothing of this may come from what the session already knows.
    rows = session.execute(
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
            Assignment.valid_from,
            Assignment.valid_to,
        )
        .select_from(AccessToken)
        .join(SignIn, SignIn.sign_in_id == AccessToken.sign_in_id)
        .join(Account, Account.person_id == SignIn.person_id)
        .join(Person, Person.person_id == SignIn.person_id)
        .outerjoin(Assignment, active)
        .where(AccessToken.token_hash == token_hash(token))
        .order_by(Assignment.path, Assignment.role)
    ).all()
    if not rows:
        raise TokenInvalid
    one = rows[0]
    if one.disabled_at is not None:
        raise AccountDisabled
    if one.revoked_at is not None:
        raise SignedOut(because=one.revoked_because)
    if one.expires_at <= at:
        raise TokenExpired
    held = tuple(
        HeldRole(row.assignment_id, Role(row.role), row.path, row.grid_id, row.valid_from, row.valid_to)
        for row in rows
        if row.assignment_id is not None
    )
    actor = Actor(one.person_id, one.name, one.username, one.sign_in_id, held, person_label(one.person_id))
    return Identified(actor, one.expires_at)
