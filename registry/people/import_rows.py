"""What the rows of a file of households come to, before anything is written."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row

from registry.people.checking import Said
from registry.people.files import FileRow
from registry.people.import_reading import Site
from registry.people.models import Resident


@dataclass(frozen=True, slots=True)
class Person:
    """A row's resident: a stored one with what changes, or a new one."""

    row: int
    resident_id: uuid.UUID
    stored: Resident | None
    said: Said
    changes: frozenset[str]

    @property
    def event(self) -> str:
        if self.stored is None:
            return "created"
        return "changed" if self.changes else "unchanged"


@dataclass(frozen=True, slots=True)
class NewTag:
    """A tag that a row sets."""

    row: int
    code: str
    resident_id: uuid.UUID | None


@dataclass(slots=True)
class Home:
    """A household of the file, with the rows that say it."""

    household_id: uuid.UUID
    rows: list[FileRow]
    cells: dict[str, Any]
    site: Site
    stored: Row[Any] | None = None
    columns: dict[str, Any] = field(default_factory=dict)  # all of a new one; of a stored one what changes
    paths: tuple[str, ...] = ()  # of the grids it lies in, before and after
    people: list[Person] = field(default_factory=list)
    tags: list[NewTag] = field(default_factory=list)

    @property
    def event(self) -> str:
        if self.stored is None:
            return "created"
        return "changed" if self.columns else "unchanged"

    @property
    def street_code(self) -> str:
        return str(self.columns["street_code"] if self.stored is None else self.stored.street_code)

    @property
    def numbers(self) -> list[int]:
        return [row.row for row in self.rows]
