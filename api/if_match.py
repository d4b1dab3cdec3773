"""Entity tags of things that people edit together: `If-Match` in, `ETag` out."""

import re
from typing import Annotated

from fastapi import Depends, Header, Response

from core.errors import FieldError, Invalid, Unguarded

_TAG = re.compile(r'(?:W/)?"?(\d{1,9})"?')


def wanted_revision(
    if_match: Annotated[str | None, Header(max_length=40, description='like "7", from ETag')] = None,
) -> int | None:
    """Raises: Invalid."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        detail = 'If-Match 应形如 "7" / If-Match looks like "7"'
        raise Invalid(detail, errors=[FieldError("/header/if-match", "bad-if-match", detail)])
    return int(found[1])


def guarded_revision(
    revision: Annotated[int | None, Depends(wanted_revision)],
    if_match: Annotated[str | None, Header(max_length=40)] = None,
) -> int | None:
    """The revision that a change is meant for; `*` for any. Raises: Unguarded."""
    if if_match is None:
        raise Unguarded
    return revision


def tagged(response: Response, revision: int) -> None:
    """The reply says which state it shows, or has made."""
    response.headers["ETag"] = f'"{revision}"'
    response.headers["Cache-Control"] = "private, no-cache"


IfMatch = Annotated[int | None, Depends(wanted_revision)]
Guarded = Annotated[int | None, Depends(guarded_revision)]
