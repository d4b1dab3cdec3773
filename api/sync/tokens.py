"""Tokens of plates do not stay in what is kept aside (docs/decisions/0012): of each its short code is left.

So an item that is tried again proves what a typed code proves. The seal is gone with the token: whether it
was good, nobody can say any more who did not look at the plate.
"""

import re
from typing import Any

import msgspec

from patrol.presence.plates import address_tail
from registry.plates import parse_short_code, split_token

CHECK_IN = "check_in"
_TOKEN = re.compile(rb"(?<![0-9A-Za-z])[0-9A-Za-z]{34}(?![0-9A-Za-z])")
_CODE_SIGNS = 8


def without_token(kind: str, body: bytes) -> bytes:
    """The body of an item with short codes where it had tokens; the same bytes where it had none."""
    return without_tokens(_as_typed(body) if kind == CHECK_IN else body)


def without_tokens(body: bytes) -> bytes:
    """The same for bytes that nobody could read: what looks like a token is cut."""
    return _TOKEN.sub(_code_of, body)


def _code_of(found: re.Match[bytes]) -> bytes:
    code = found[0][:_CODE_SIGNS]
    return found[0] if parse_short_code(code.decode()) is None else code


def _as_typed(body: bytes) -> bytes:
    """A check-in by token as one by the short code that the token begins with."""
    try:
        said = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return body
    if "token" not in said:
        return body
    token = said.pop("token")
    split = split_token(address_tail(token)) if isinstance(token, str) else None
    if split is not None:
        said.setdefault("short_code", split[0])
    return msgspec.json.encode(said)
