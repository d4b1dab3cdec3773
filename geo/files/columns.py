"""A grid's attributes as columns of a table: texts in columns of their own, the rest as one JSON text."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geo.files.mapping import is_taken

_CONTINUED = re.compile(r".*_\d+$")
_MAX_COLUMNS = 60


@dataclass(frozen=True, slots=True)
class Spread:
    """Attributes of many grids: names of columns, their texts by grid, and a JSON text of what is left."""

    names: tuple[str, ...]
    texts: list[list[str | None]]  # a list per name
    rest: list[str | None]


def spread(
    attributes: Sequence[Mapping[str, Any]], *, fits: Callable[[str, Collection[str]], bool]
) -> Spread:
    """Columns for attributes that are plain texts wherever they occur, if `fits(name, values)` allows it.

    Read again (geo/files/mapping.py), they are what they were: numbers, lists, blanks and names that mean
    something else stay in the JSON text.
    """
    names = tuple(name for name, values in _texts(attributes) if fits(name, values))[:_MAX_COLUMNS]
    texts = [[one.get(name) for one in attributes] for name in names]
    return Spread(names, texts, [_json(one, names) for one in attributes])


def _texts(attributes: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, set[str]]]:
    values: dict[str, set[str]] = {}
    unfit: set[str] = set()
    for one in attributes:
        for name, value in one.items():
            if isinstance(value, str) and value and value == value.strip() and value.isprintable():
                values.setdefault(name, set()).add(value)
            else:
                unfit.add(name)
    seen: set[str] = set()
    for name in sorted(values.keys() - unfit):
        # GDAL takes field names that differ in case only for the same one.
        plain = name.strip() == name and name.isprintable() and not _CONTINUED.fullmatch(name)
        if name and plain and not is_taken(name) and name.casefold() not in seen:
            seen.add(name.casefold())
            yield name, values[name]


def _json(attributes: Mapping[str, Any], without: Collection[str]) -> str | None:
    rest = {name: value for name, value in attributes.items() if name not in without}
    return json.dumps(rest, ensure_ascii=False, separators=(",", ":")) if rest else None
