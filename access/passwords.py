"""Password hashes, and the few rules a password must keep: long enough, and not among those tried first.

No composition rules and no forced change: both make people choose worse (OWASP ASVS 5.0, 6.2.5 and 6.2.10).
"""

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NewType

from pwdlib import PasswordHash as Hasher

from core.errors import FieldError, Invalid, Unavailable

PasswordHash = NewType("PasswordHash", str)

MIN_LENGTH = 8  # ASVS 6.2.1
MAX_LENGTH = 256  # a longer text costs hashing time and protects nothing more
# Each check takes 64 MiB and a core for about 0.2 s; more at once would starve the rest of the service.
CONCURRENT_CHECKS = 4
CHECK_WAIT_S = 1.0

_COMMON_FILE = Path(__file__).parent / "common_passwords.txt"
_hasher = Hasher.recommended()
_slots = threading.BoundedSemaphore(CONCURRENT_CHECKS)


class WeakPassword(Invalid):
    """This password is too easy to guess."""

    code = "weak-password"


class SignInBusy(Unavailable):
    """Too many people are signing in at this moment; try again."""

    code = "sign-in-busy"


def hash_password(password: str, *, username: str) -> PasswordHash:
    """A hash to store. Takes 0.2 s on purpose: call it before a transaction opens.

    Raises: WeakPassword with the reason, SignInBusy.
    """
    text = _normal(password)
    _refuse_weak(text, username)
    with _slot():
        return PasswordHash(_hasher.hash(text))


def verify(password: str, stored: str | None) -> tuple[bool, PasswordHash | None]:
    """Whether the password is right, and a new hash when the stored one was made with weaker settings.

    An unknown account (None) costs the same work, so the time tells nothing.
    Raises: SignInBusy when too many checks are under way.
    """
    with _slot():
        nobody = _nobody()  # made once per process, whoever asks first
        right, better = _hasher.verify_and_update(_normal(password), stored or nobody)
    return stored is not None and right, PasswordHash(better) if better else None


@contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(timeout=CHECK_WAIT_S):
        raise SignInBusy
    try:
        yield
    finally:
        _slots.release()


def _normal(password: str) -> str:
    # The same characters typed on two keyboards, or full-width by a Chinese input method, are one password.
    return unicodedata.normalize("NFKC", password)


def _refuse_weak(text: str, username: str) -> None:
    plain = text.casefold()
    if len(text) < MIN_LENGTH:
        reason = "too-short", f"至少 {MIN_LENGTH} 个字符 / at least {MIN_LENGTH} characters"
    elif len(text) > MAX_LENGTH:
        reason = "too-long", f"至多 {MAX_LENGTH} 个字符 / at most {MAX_LENGTH} characters"
    elif plain in _common() or _is_pattern(plain):
        reason = "too-common", "属于最常见的密码 / among the passwords that are tried first"
    elif username.casefold() in plain:
        reason = "contains-username", "不得包含用户名 / must not contain the user name"
    else:
        return
    raise WeakPassword(reason[1], errors=[FieldError("/password", *reason)])


def _is_pattern(plain: str) -> bool:
    """One character repeated, or characters counting up or down: 88888888, 12345678, 98765432."""
    steps = {ord(after) - ord(before) for before, after in pairwise(plain)}
    return steps in ({0}, {1}, {-1})


@cache
def _common() -> frozenset[str]:
    return frozenset(_COMMON_FILE.read_text(encoding="utf-8").split())


@cache
def _nobody() -> str:
    """The hash that stands in for an account that does not exist."""
    return _hasher.hash("nobody has this password")
