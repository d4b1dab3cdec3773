"""What stands on the plate of a checkpoint: a token in a QR code or NFC tag, and a short code for typing.

The token is `<short code><seal>`; the seal is an HMAC-SHA256 over checkpoint, generation and short code, cut
to 128 bits, under a key that lives outside the database (settings, or a file below XUNGE_HOME). So nothing
has to be stored that a stolen copy of the database could use, the same sheet can be printed again at any
time, and re-issuing a plate (a new short code and generation) makes every older one worthless. Keys rotate by
listing the new one first: it seals, the others still open, until their plates have been printed anew.

Whoever photographs a plate holds its token: it proves a look at the plate, not where the phone is. A short
code proves less still; who uses it learns `PlateProof.SHORT_CODE`.
"""

import hashlib
import hmac
import os
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from core.settings import Settings

KEY_FILE = "plate.key"

# Crockford's: no I, L, O and U, so that no sign is taken for another and no word appears.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011", " -")
_BASE = len(_ALPHABET)
_BITS = 5
_CODE_SIGNS = 7  # 35 bits: at 1,000 checkpoints one guess in 34 million hits, and each guess is a request
_SEAL_BYTES = 16
_SEAL_SIGNS = 26
_PURPOSE = b"xunge checkpoint plate v1\x00"


class PlateProof(StrEnum):
    """What somebody showed of a plate."""

    TOKEN = "token"
    SHORT_CODE = "short_code"


@dataclass(frozen=True, slots=True)
class Plate:
    """What the seal covers."""

    checkpoint_id: uuid.UUID
    short_code: str
    generation: int


@dataclass(frozen=True, slots=True)
class PlateKeys:
    """The first key seals, all of them open."""

    keys: tuple[bytes, ...]

    def token(self, plate: Plate) -> str:
        """The token of this plate: letters and digits, the same in either case."""
        return (plate.short_code + _seal(self.keys[0], plate)).lower()

    def opens(self, plate: Plate, seal: str) -> bool:
        """Whether one of the keys made this seal for this plate."""
        expected = (_seal(key, plate) for key in self.keys)
        return any(hmac.compare_digest(one.encode(), seal.encode()) for one in expected)


def _seal(key: bytes, plate: Plate) -> str:
    sealed = plate.checkpoint_id.bytes + plate.generation.to_bytes(4, "big") + plate.short_code.encode()
    digest = hmac.digest(key, _PURPOSE + sealed, hashlib.sha256)
    return _written(int.from_bytes(digest[:_SEAL_BYTES], "big"), _SEAL_SIGNS)


def split_token(text: str) -> tuple[str, str] | None:
    """Short code and seal of a token as it was scanned; None when it is none."""
    signs = _read(text)
    if signs is None or len(signs) != _CODE_SIGNS + 1 + _SEAL_SIGNS:
        return None
    return signs[: _CODE_SIGNS + 1], signs[_CODE_SIGNS + 1 :]


# ---------------------------------------------------------------------------------------- short codes


def new_short_code() -> str:
    """A random short code."""
    return short_code(secrets.token_bytes(5))


def short_code(five_bytes: bytes) -> str:
    """The short code of these bytes: seven signs of 35 bits and a check sign."""
    number = int.from_bytes(five_bytes, "big") % _BASE**_CODE_SIGNS
    signs = _written(number, _CODE_SIGNS)
    return signs + _check_sign(signs)


def parse_short_code(text: str) -> str | None:
    """The short code as it is stored, whatever case, hyphens and look-alikes were typed; None when wrong."""
    signs = _read(text)
    if signs is None or len(signs) != _CODE_SIGNS + 1 or _check_sign(signs[:-1]) != signs[-1]:
        return None
    return signs


def shown(code: str) -> str:
    """The short code as it is printed: K7QF-2M9X."""
    return f"{code[:4]}-{code[4:]}"


def _check_sign(signs: str) -> str:
    """Luhn's method in base 32: a wrong sign is always noticed, swapped neighbours nearly always."""
    total = 0
    for place, sign in enumerate(reversed(signs)):
        value = _ALPHABET.index(sign) * (2 if place % 2 == 0 else 1)
        total += value // _BASE + value % _BASE
    return _ALPHABET[-total % _BASE]


def _written(number: int, signs: int) -> str:
    return "".join(_ALPHABET[number >> _BITS * place & _BASE - 1] for place in reversed(range(signs)))


def _read(text: str) -> str | None:
    signs = text.strip().upper().translate(_MISREAD)
    return signs if signs and set(signs) <= set(_ALPHABET) else None


# ----------------------------------------------------------------------------------------------- keys


def plate_keys(settings: Settings) -> PlateKeys:
    """The keys of the settings; without any, the key in a file below home, made now if it is not there."""
    given = settings.registry.plate_keys
    if given is not None:
        return PlateKeys(_split(given.get_secret_value().split(",")))
    path = settings.home / KEY_FILE
    if not path.exists():
        _make_key(path)
    return PlateKeys(_split(path.read_text().splitlines()))


def _split(lines: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(line.strip().encode() for line in lines if line.strip())


def _make_key(path: Path) -> None:
    """The key is there whole or not at all, and of two processes that make it both read the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    fresh.touch(mode=0o600)
    fresh.write_text(secrets.token_hex(32) + "\n")
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
