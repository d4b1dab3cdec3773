"""Signing in with HTTP Basic, for /ogc only: QGIS and GDAL keep a name and a password, no refresh token.

The password buys an ordinary sign-in, with its throttle, lock and audit line (access/sign_in.py). Its tokens
stay in this process under a keyed hash of name and password and are refreshed there, so a map that asks fifty
times costs one check of the password; every request still asks the database whether the sign-in holds. Over
plain http a password is readable on the way: docs/gis-clients.md asks for https.
"""

import base64
import binascii
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from access import tokens
from access.passwords import SignInBusy
from access.sign_in import Credentials, WrongCredentials, sign_in
from access.throttle import SignInThrottle
from access.tokens import TokenPair
from api.dependencies import Call, ReadSession, settings_of
from core.clock import now
from core.database import Sessions
from core.errors import DomainError, Unauthenticated
from core.settings import AccessSettings

CHALLENGE = 'Basic realm="xunge", charset="UTF-8", Bearer realm="xunge"'
CLIENT = "gis"
_REMEMBERED = 1000  # pairs of name and password
_RENEWED_BEFORE = timedelta(seconds=30)  # of its end: no token shall end between here and the answer
# QGIS sends several requests at once and repeats a wrong password in each: that counts as one failure.
_REFUSED_FOR = timedelta(seconds=30)
_LOCKS, _LOCK_WAIT_S = 64, 2.0
_LONGEST = 1000  # characters of the header
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class BasicCredentials:
    """Name and password as the header has them, and where they came from."""

    username: str
    password: str
    address: str


class GisPasswords:
    """One per application; safe between threads."""

    def __init__(self, sessions: Sessions, throttle: SignInThrottle, access: AccessSettings) -> None:
        self._sessions = sessions
        self._throttle = throttle
        self._access = access
        self._secret = secrets.token_bytes(32)
        self._pairs: OrderedDict[bytes, TokenPair] = OrderedDict()
        self._refused: OrderedDict[bytes, datetime] = OrderedDict()
        # One of them per name and password, more or less: requests at once lead to one sign-in.
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def token_for(self, given: BasicCredentials) -> str:
        """An access token of the person. Raises: WrongCredentials, SignInLocked, TooMany, SignInBusy."""
        key = self._key(given)
        pair = self._pairs.get(key)
        if pair is None or not _is_fresh(pair):
            with self._turn(key):
                pair = self._obtain(key, given)
        return pair.access_token

    def forget(self, given: BasicCredentials) -> None:
        """The next request signs in anew: the sign-in ended, perhaps because the password was changed."""
        self._pairs.pop(self._key(given), None)

    def _obtain(self, key: bytes, given: BasicCredentials) -> TokenPair:
        pair = self._pairs.get(key)  # another request may have been faster
        if pair is not None and _is_fresh(pair):
            return pair
        if self._refused.get(key, now()) > now():
            raise WrongCredentials
        renewed = None if pair is None else self._renewed(pair)
        return _keep(self._pairs, key, renewed or self._signed_in(key, given))

    def _renewed(self, pair: TokenPair) -> TokenPair | None:
        with self._sessions.begin() as session:
            outcome = tokens.refresh(session, pair.refresh_token, secrets.token_urlsafe(), self._access)
        return outcome if isinstance(outcome, TokenPair) else None

    def _signed_in(self, key: bytes, given: BasicCredentials) -> TokenPair:
        self._throttle.admit(given.address)
        credentials = Credentials(given.username, given.password, CLIENT)
        with self._sessions.begin() as session:  # a refusal leaves a count that must be committed
            outcome = sign_in(session, self._throttle, self._access, credentials)
        if isinstance(outcome, WrongCredentials):
            _keep(self._refused, key, now() + _REFUSED_FOR)
        if isinstance(outcome, DomainError):
            raise outcome
        return outcome

    @contextmanager
    def _turn(self, key: bytes) -> Iterator[None]:
        lock = self._locks[key[0] % _LOCKS]
        if not lock.acquire(timeout=_LOCK_WAIT_S):
            raise SignInBusy
        try:
            yield
        finally:
            lock.release()

    def _key(self, given: BasicCredentials) -> bytes:
        text = f"{len(given.username)}:{given.username}{given.password}"
        return blake2b(text.encode(), key=self._secret, digest_size=32).digest()


def _is_fresh(pair: TokenPair) -> bool:
    return pair.access_expires_at > now() + _RENEWED_BEFORE


def _keep(store: OrderedDict[bytes, Kept], key: bytes, kept: Kept) -> Kept:
    store[key] = kept
    while len(store) > _REMEMBERED:
        store.popitem(last=False)
    return kept


# ----------------------------------------------------------------------------------------------- dependencies


@dataclass(frozen=True, slots=True)
class Shown:
    """The token to be checked, and the password it came from, if any."""

    token: str
    basic: BasicCredentials | None


def shown_token(request: Request) -> Shown:
    """Raises: Unauthenticated, and what GisPasswords.token_for raises."""
    request.state.challenge = CHALLENGE
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return Shown(value.strip(), None)
    if scheme.lower() != "basic" or not settings_of(request).access.gis_passwords:
        raise Unauthenticated
    basic = _decoded(value, request.client.host if request.client else "")
    passwords: GisPasswords = request.app.state.gis_passwords
    return Shown(passwords.token_for(basic), basic)


def _decoded(value: str, address: str) -> BasicCredentials:
    try:
        text = base64.b64decode(value.strip()[:_LONGEST], validate=True).decode()
    except (binascii.Error, ValueError):
        raise Unauthenticated from None
    username, colon, password = text.partition(":")
    if not colon:
        raise Unauthenticated
    return BasicCredentials(username, password, address)


# The token comes first: while a password is checked, no connection is held.
def gis_call(request: Request, shown: Annotated[Shown, Depends(shown_token)], session: ReadSession) -> Call:
    """Who asks, by a token or by a name and a password."""
    try:
        return Call(session, tokens.actor_of(session, shown.token))
    except Unauthenticated:
        if shown.basic is not None:
            request.app.state.gis_passwords.forget(shown.basic)
        raise


GisReading = Annotated[Call, Depends(gis_call, scope="function")]
