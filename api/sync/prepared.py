"""Statements over the places of one grid that are built once per process: only grid and day differ.

Which places lie in a grid is said in one place (registry/placing.py), by expressions that take longer to put
together than the database takes to answer. So a statement is put together once, for a grid and a day that do
not exist, and these are replaced by parameters.
"""

from collections.abc import Callable, Sequence
from datetime import date
from functools import cached_property
from typing import Any, cast

from sqlalchemy import BindParameter, Date, Integer, Row, Select, Text, bindparam
from sqlalchemy.orm import Session
from sqlalchemy.sql.visitors import replacement_traverse

from access.scope import Scope

_STREET, _GRID_ID, _DAY = "999999999", 2_147_483_646, date(1999, 9, 9)
_PREFIX = f"{_STREET}/{_GRID_ID}/"
_TYPES: dict[str, Any] = {"street": Text, "grid_id": Integer, "prefix": Text, "behind": Text, "day": Date}


def _behind(prefix: str) -> str:
    """The first text after all paths that begin with this, as access/scope.py has it."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


_NAMES = {_STREET: "street", _GRID_ID: "grid_id", _PREFIX: "prefix", _behind(_PREFIX): "behind", _DAY: "day"}


class Prepared:
    """`build` makes the statement for a scope and a day, of which it uses nothing but the values."""

    def __init__(self, build: Callable[[Scope, date], Select[Any]]) -> None:
        self._build = build

    def rows(self, session: Session, prefix: str, day: date) -> Sequence[Row[Any]]:
        """The rows for the grid whose path this is, and all below it."""
        values = {
            "street": prefix.partition("/")[0],
            "grid_id": int(prefix.rstrip("/").rpartition("/")[2]),
            "prefix": prefix,
            "behind": _behind(prefix),
            "day": day,
        }
        return session.execute(self._statement, values).all()

    @cached_property
    def _statement(self) -> Select[Any]:
        statement = self._build(Scope((_PREFIX,)), _DAY)
        return cast(Select[Any], replacement_traverse(statement, {}, _parameter))


def _parameter(element: Any, **_: Any) -> BindParameter[Any] | None:
    if not isinstance(element, BindParameter) or not isinstance(element.value, str | int | date):
        return None
    name = _NAMES.get(element.value)
    return None if name is None else bindparam(name, type_=_TYPES[name])
