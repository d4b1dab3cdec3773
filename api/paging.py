"""Keyset pages: `next` of one page is `after` of the following one, opaque to clients."""

import base64
import binascii
import uuid
from datetime import datetime
from typing import Annotated

from fastapi import Query

from core.errors import FieldError, Invalid

Limit = Annotated[int, Query(ge=1, le=200, description="items on a page")]
After = Annotated[str | None, Query(max_length=200, description="`next` of the page before")]


def cursor_of(at: datetime, item_id: uuid.UUID) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()} {item_id}".encode()).decode().rstrip("=")


def parse_cursor(after: str) -> tuple[datetime, uuid.UUID]:
    """Raises: Invalid, when it is no `next` of ours."""
    try:
        at, _, item_id = base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)).decode().partition(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError(at)
        return moment, uuid.UUID(item_id)
    except (ValueError, binascii.Error):
        raise bad_cursor() from None


def bad_cursor() -> Invalid:
    return Invalid(errors=[FieldError("/query/after", "bad-cursor", "take it from `next` of a page")])
