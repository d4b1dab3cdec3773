"""Numbers that name a person, sealed in the application: AES-256-GCM under keys outside the database.

A sealed value is `<key label>:` + nonce + ciphertext, bound to its place by `aad` = "table:column:row id":
moved to another row it does not open. The label is the key's id and a fingerprint, k1.9f3c12ab: a key that
was lost and made anew is another key, and says so. Equality is asked of a blind index, HMAC-SHA256 with a key
of its own for each purpose. ID and phone numbers are few enough to be tried out one by one: an index is as
secret as its key.

Keys rotate by listing the new one first: it seals, the others still open, and a look-up tries all of them,
until everything is sealed anew (cli/keys.py). A stolen copy of the database opens nothing without the keys; a
lost key takes everything sealed under it along: docs/operations.md says how to keep them.
"""

import hashlib
import hmac
import os
import re
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.errors import Unavailable
from core.settings import Settings

KEY_FILE = "personal.key"

_KEY_BYTES = 32
_NONCE_BYTES = 12
MAX_LABEL = 16  # signs: k, at most 6 digits, a dot, 8 hexadecimal digits
_SEAL = b"xunge personal data v1\x00seal"
_INDEX = b"xunge personal data v1\x00index\x00"
_FINGERPRINT = b"xunge personal data v1\x00fingerprint"
_LINE = re.compile(r"^(k[1-9][0-9]{0,5}):([0-9a-f]{64})$")


class KeyMissing(Unavailable):
    """Personal data cannot be opened: its key is not there."""

    code = "personal-key-missing"


class KeysInvalid(Unavailable):
    """The list of keys for personal data cannot be read."""

    code = "personal-keys-invalid"


class NotOpened(Exception):
    """A sealed value was altered, or stands in a row that it was not sealed for."""


@dataclass(frozen=True, slots=True)
class Key:
    """One master key; what seals and what indexes is derived from it."""

    key_id: str  # "k1"
    secret: bytes

    @property
    def label(self) -> str:
        """What sealed values begin with."""
        return f"{self.key_id}.{_derived(self, _FINGERPRINT)[:4].hex()}"

    def __repr__(self) -> str:
        return f"Key({self.key_id})"  # the secret is in no log and no traceback


class KeyRing:
    """The first key seals, all of them open. `source` is the file they came from: it may have grown since."""

    def __init__(self, keys: Sequence[Key], source: Path | None = None) -> None:
        if not keys or len({key.key_id for key in keys}) != len(keys):
            raise KeysInvalid("no key, or one id twice")
        self.keys = tuple(keys)
        self._source = source
        self.labels = tuple(key.label for key in keys)
        boxes = (AESGCM(_derived(key, _SEAL)) for key in keys)
        self._boxes = dict(zip((label.encode() for label in self.labels), boxes, strict=True))
        self._index_keys: dict[tuple[str, str], bytes] = {}

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self.labels)})"

    @property
    def newest(self) -> str:
        """The label of the key that seals."""
        return self.labels[0]

    def seal(self, value: str, aad: str) -> bytes:
        """Only this ring opens it, and only for the same `aad`."""
        label, nonce = self.newest.encode(), os.urandom(_NONCE_BYTES)
        return label + b":" + nonce + self._boxes[label].encrypt(nonce, value.encode(), aad.encode())

    def open(self, sealed: bytes, aad: str) -> str:
        """The value. Raises: KeyMissing, NotOpened."""
        label, _, box = sealed.partition(b":")
        if label not in self._boxes:
            fresh = self.refreshed()
            if fresh is self:
                raise KeyMissing(key=label[:MAX_LABEL].decode("ascii", "replace"))
            return fresh.open(sealed, aad)
        try:
            return self._boxes[label].decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], aad.encode()).decode()
        except (InvalidTag, ValueError):
            raise NotOpened(aad) from None

    def index(self, value: str, purpose: str) -> bytes:
        """What equals exactly for equal values; under the newest key. `value` is normalised by the caller."""
        return self._index_under(self.keys[0], value, purpose)

    def indexes(self, value: str, purpose: str) -> tuple[bytes, ...]:
        """The index under each key: look-ups ask for all, and find during a rotation too."""
        return tuple(self._index_under(key, value, purpose) for key in self.keys)

    def refreshed(self) -> "KeyRing":
        """The ring as its file has it now: whoever finds nothing under these keys asks it once more."""
        if self._source is None or not self._source.exists():
            return self
        fresh = _ring(self._source.read_text(), self._source)
        return self if fresh.labels == self.labels else fresh

    def _index_under(self, key: Key, value: str, purpose: str) -> bytes:
        name = (key.key_id, purpose)
        if name not in self._index_keys:
            self._index_keys[name] = _derived(key, _INDEX + purpose.encode())
        return hmac.digest(self._index_keys[name], value.encode(), hashlib.sha256)


def sealed_under(sealed: bytes) -> str:
    """The label of the key that a value was sealed with."""
    return sealed.partition(b":")[0].decode("ascii", "replace")


def _derived(key: Key, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose).derive(key.secret)


# ----------------------------------------------------------------------------------------------- keys


def key_ring(settings: Settings) -> KeyRing:
    """The keys of the settings; without any, those in a file below home, made now if it is not there.

    Ask anew for each request: a key that is added to the file counts from the next one on.
    """
    given = settings.privacy.personal_keys
    if given is not None:
        return _ring(given.get_secret_value().replace(",", "\n"))
    path = key_file(settings)
    if not path.exists():
        make_secret_file(path, written([new_key(())]))
    return _ring(path.read_text(), path)


def key_file(settings: Settings) -> Path:
    """Where the keys are when the settings give none."""
    return settings.home / KEY_FILE


def new_key(keys: Sequence[Key]) -> Key:
    """A random key with the next id."""
    highest = max((int(key.key_id[1:]) for key in keys), default=0)
    return Key(f"k{highest + 1}", secrets.token_bytes(_KEY_BYTES))


def written(keys: Sequence[Key]) -> str:
    """The keys as the file holds them."""
    return "".join(f"{key.key_id}:{key.secret.hex()}\n" for key in keys)


def make_secret_file(path: Path, contents: str) -> None:
    """The file is there whole or not at all, and of two processes that make it both read the same."""
    fresh = _fresh_beside(path, contents)
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def replace_secret_file(path: Path, contents: str) -> None:
    """The file holds the new contents, whole; until then the old ones."""
    _fresh_beside(path, contents).replace(path)


def _fresh_beside(path: Path, contents: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    fresh.touch(mode=0o600)
    with fresh.open("r+") as file:
        file.write(contents)
        file.flush()
        os.fsync(file.fileno())  # a key that seals must outlive a power cut
    return fresh


@lru_cache(maxsize=16)
def _ring(text: str, source: Path | None = None) -> KeyRing:
    keys = []
    for line in filter(None, map(str.strip, text.splitlines())):
        match = _LINE.match(line)
        if match is None:
            raise KeysInvalid("a key is written as k1:<64 hexadecimal digits>")
        keys.append(Key(match[1], bytes.fromhex(match[2])))
    return KeyRing(keys, source)
