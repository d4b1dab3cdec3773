"""A reply kept for one caller only: sealed under a key that exists only in what this caller sends.

The key is derived from the refresh token and the Idempotency-Key. The database holds neither, so a stolen
copy of it opens nothing, and a thief of the token alone cannot ask for the reply either.
"""

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES = 32
_NONCE_BYTES = 12
_PURPOSE = b"xunge refresh reply v1\x00"


@dataclass(frozen=True, slots=True)
class ReplayKey:
    """The sealing key, and a mark by which the same caller is known again."""

    sealing: bytes
    mark: bytes


def replay_key(token: str, idempotency_key: str) -> ReplayKey:
    """The key of exactly this token with exactly this Idempotency-Key."""
    derived = HKDF(
        algorithm=SHA256(), length=2 * _KEY_BYTES, salt=None, info=_PURPOSE + idempotency_key.encode()
    ).derive(token.encode())
    return ReplayKey(derived[:_KEY_BYTES], derived[_KEY_BYTES:])


def seal(key: ReplayKey, reply: bytes) -> bytes:
    """Only this key opens it, and any change to it is noticed."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key.sealing).encrypt(nonce, reply, key.mark)


def unseal(key: ReplayKey, sealed: bytes) -> bytes | None:
    """The reply, or None when the key is another or the bytes were changed."""
    nonce, box = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return AESGCM(key.sealing).decrypt(nonce, box, key.mark)
    except InvalidTag:
        return None
