"""Which version of a checklist holds where and when. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

OK, HANDLED, REPORT = "ok", "handled", "report"  # of an item


@dataclass(frozen=True, slots=True)
class Entry:
    """An item, or an aspect of items; a clause only where a standard names it."""

    code: str
    zh: str
    en: str
    clause: str = ""
    hint_zh: str = ""
    hint_en: str = ""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Entry":
        return cls(**stored)


@dataclass(frozen=True, slots=True)
class ChecklistRow:
    """One version of a checklist as stored."""

    checklist_id: int
    code: str
    version: int
    path: str
    kind: str
    valid_from: date
    field: str
    zh: str
    en: str
    clause: str
    aspects: tuple[Entry, ...]
    items: tuple[Entry, ...]

    def entry(self, item: str) -> Entry | None:
        return next((one for one in self.items if one.code == item), None)

    def aspect(self, code: str) -> Entry | None:
        return next((one for one in self.aspects if one.code == code), None)


def holding(rows: Iterable[ChecklistRow], *, path: str, kind: str, day: date) -> list[ChecklistRow]:
    """Of each code the version that holds for a grid on a day, in the order of the standard's clauses.

    The longest path wins, then the grid's kind, then the newest; a version without items holds by saying that
    there is nothing to check.
    """
    best: dict[str, ChecklistRow] = {}
    for row in rows:
        fits = path.startswith(row.path) and row.kind in ("", kind) and row.valid_from <= day
        if fits and (row.code not in best or _weight(row) > _weight(best[row.code])):
            best[row.code] = row
    found = (row for row in best.values() if row.items)
    return sorted(found, key=lambda row: (not row.clause, row.clause, row.code))


def _weight(row: ChecklistRow) -> tuple[int, bool, date, int]:
    return len(row.path), row.kind != "", row.valid_from, row.version
