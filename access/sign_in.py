"""Signing in with a name and a password.

Whether somebody has that name shows nowhere: a name that nobody has costs the same work, gets the same
answers and is locked in the same way.
"""

import re
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text, update
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
NOBODYS_NAME = "-"  # asked for in place of a name that cannot be: PostgreSQL refuses some characters


class WrongCredentials(Unauthenticated):
    """The user name or the password is wrong."""

    code = "wrong-credentials"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody typed, on which kind of client."""

    username: str
    password: str
    client: str


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
    typed = normal_username(credentials.username)
    username = typed if USERNAME.fullmatch(typed) else NOBODYS_NAME
    stored = session.execute(
        select(Account.password_hash, Account.locked_until).where(Account.username == username)
    ).one_or_none()
    until = stored.locked_until if stored else throttle.locked_until(typed)
    if until is not None and until > now():
        return SignInLocked(until)
    right, better = verify(credentials.password, stored.password_hash if stored else None)
    account = _locked_row(session, username)
    if account is None or stored is None:
        return _refused(session, username, *throttle.count_failure(typed))
    if account.locked_until is not None and account.locked_until > now():
        return SignInLocked(account.locked_until)
    if not right or account.password_hash != stored.password_hash:
        return _refused(session, username, *after_failure(account.failed_logins, access))
    return _admitted(session, account, better, credentials.client, access)


def _locked_row(session: Session, username: str) -> Account | None:
    # Locked from here on: of many guesses at once each is counted, and no password change slips in between.
    return session.scalar(
        select(Account)
        .where(Account.username == username)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _refused(session: Session, username: str, failures: int, until: datetime | None) -> DomainError:
    """The failure is counted. A name that nobody has gets the same statements, which then change no row."""
    # Waiting for the disk would tell that the name exists. A crash forgets half a second of failures.
    session.execute(text("SET LOCAL synchronous_commit = off"))
    person_id = session.scalar(
        update(Account)
        .where(Account.username == username)
        .values(failed_logins=failures, locked_until=until)
        .returning(Account.person_id)
    )
    if until is None:
        return WrongCredentials()
    if person_id is not None:
        _record(session, person_id, "account.locked", {"until": until.isoformat()})
    return SignInLocked(until)


def _admitted(
    session: Session, account: Account, better: PasswordHash | None, client: str, access: AccessSettings
) -> TokenPair | DomainError:
    account.failed_logins, account.locked_until = 0, None
    if account.disabled_at is not None:
        return AccountDisabled()
    if better is not None:
        account.password_hash = better
    sign_in_id, pair = tokens.start(session, account.person_id, client, access)
    _record(session, account.person_id, "sign_in.started", {"sign_in": str(sign_in_id), "client": client})
    return pair


def _record(session: Session, person_id: uuid.UUID, action: str, detail: dict[str, str]) -> None:
    label = person_label(person_id)
    audit.record(session, chain="", actor=label, action=action, subject=label, detail=detail)
