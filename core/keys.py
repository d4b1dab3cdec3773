"""Rows by many keys: one parameter, whatever their number."""

import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Uuid, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute


def among(
    column: ColumnElement[Any] | InstrumentedAttribute[Any], keys: Iterable[uuid.UUID]
) -> ColumnElement[bool]:
    """Rows whose column holds one of the keys. `IN` has a parameter for each: with hundreds of them, writing
    and reading the statement takes longer than answering it, and none is like the one before.
    """
    return column == any_(literal(list(keys), ARRAY(Uuid)))
