"""Signing in with a name and a password.

Whether somebody has that name shows nowhere: a name that nobody has costs the same work, gets the same
answers and is locked in the same way.
"""

import re
import unicodedata
import uuid
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from access import tokens
from access.models import Account
from access.passwords import PasswordHash, verify
from access.scope import person_label
from access.throttle import SignInLocked, SignInThrottle, after_failure
from access.tokens import AccountDisabled, TokenPair
from core import audit
from core.clock import now
from core.errors import DomainError, Unauthenticated
from core.settings import AccessSettings

# Lower-case Latin letters, digits, Chinese characters; not so many kinds that two names could look the same.
USERNAME = re.compile(r"[a-z0-9\u4e00-\u9fff][a-z0-9\u4e00-\u9fff._@-]{1,63}")


class WrongCredentials(Unauthenticated):
    """The user name or the password is wrong."""

    code = "wrong-credentials"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody typed, on which kind of client."""

    username: str
    password: str
    client: str


@dataclass(frozen=True, slots=True)
class _Checked:
    person_id: uuid.UUID
    was_right: bool
    against: str  # the stored hash that was checked
    better: PasswordHash | None


def normal_username(typed: str) -> str:
    """How a user name is stored: as typed, but for case, width and blanks around it."""
    return unicodedata.normalize("NFKC", typed).strip().lower()


def sign_in(
    session: Session, throttle: SignInThrottle, access: AccessSettings, credentials: Credentials
) -> TokenPair | DomainError:
    """A new sign-in, or why not.

    A refusal is returned, not raised: the count of failures it leaves must be committed.
    Raises: SignInBusy, before anything was counted.
    """
    username = normal_username(credentials.username)
    account = _account(session, username)
    until = throttle.locked_until(username) if account is None else account.locked_until
    if until is not None and until > now():
        return SignInLocked(until)
    right, better = verify(credentials.password, account.password_hash if account else None)
    if account is None:
        until = throttle.count_failure(username)
        return SignInLocked(until) if until else WrongCredentials()
    checked = _Checked(account.person_id, right, account.password_hash, better)
    return _decide(session, checked, credentials.client, access)


def _account(session: Session, username: str) -> Account | None:
    if not USERNAME.fullmatch(username):
        return None  # nobody can have it; and PostgreSQL refuses some of the characters
    return session.scalar(select(Account).where(Account.username == username))


def _decide(
    session: Session, checked: _Checked, client: str, access: AccessSettings
) -> TokenPair | DomainError:
    # Locked from here on: of many guesses at once each is counted, and no password change slips in between.
    account = session.scalars(
        select(Account)
        .where(Account.person_id == checked.person_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if account.locked_until is not None and account.locked_until > now():
        return SignInLocked(account.locked_until)
    if not checked.was_right or account.password_hash != checked.against:
        return _count_failure(session, account, access)
    account.failed_logins, account.locked_until = 0, None
    if account.disabled_at is not None:
        return AccountDisabled()
    if checked.better is not None:
        account.password_hash = checked.better
    sign_in_id, pair = tokens.start(session, account.person_id, client, access)
    _record(session, account, "sign_in.started", {"sign_in": str(sign_in_id), "client": client})
    return pair


def _count_failure(session: Session, account: Account, access: AccessSettings) -> DomainError:
    # Waiting for the disk would tell that the name exists. A crash forgets half a second of failures.
    session.execute(text("SET LOCAL synchronous_commit = off"))
    account.failed_logins, account.locked_until = after_failure(account.failed_logins, access)
    if account.locked_until is None:
        return WrongCredentials()
    _record(session, account, "account.locked", {"until": account.locked_until.isoformat()})
    return SignInLocked(account.locked_until)


def _record(session: Session, account: Account, action: str, detail: dict[str, str]) -> None:
    label = person_label(account.person_id)
    audit.record(session, chain="", actor=label, action=action, subject=label, detail=detail)
