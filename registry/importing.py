"""Import places from a file: all of them, or none with a reason for each row that cannot be.

A row means the stored place with its code; without a code, a building with the same compound and name, an
address with the same text, a checkpoint with the same name in the same building. So the same file again
changes nothing. Of a stored place only what the row fills in is changed: a blank cell takes nothing away.
A dry run says the same and changes nothing.
"""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, scope_of
from core import audit
from core.spreadsheets import Note
from geo.codes import Reason
from registry.drafts import AddressDraft, AnyDraft, BuildingDraft
from registry.keeping import (
    TABLES,
    AnyPlace,
    Table,
    change,
    is_same,
    lock_street,
    new_place,
    require_keeper,
)
from registry.models import Building
from registry.place_files import DraftRow, PlaceRejection, ReadPlaces
from registry.settling import Settled, Unsettled, settle, surroundings_of

Key = tuple[Any, ...]

_OTHER_STREET = Reason(
    "not-found", "没有这个街道，或您不可见", "there is no such street, or you may not see it"
)
_NO_HOME = Reason("building-unknown", "没有此编码的楼栋", "there is no building with this code")
_MANY_HOMES = Reason(
    "building-ambiguous",
    "多个街道有此编码的楼栋，请写明街道代码",
    "several streets have it: give the street's code",
)
_RETIRED = Reason("place-retired", "此编码的地点已撤销", "the place with this code was retired")

# Which columns a field of a draft fills.
_FILLS: Mapping[str, tuple[str, ...]] = {
    "position": ("geom", "source_datum"),
    "footprint": ("footprint", "source_datum"),
    "grid": ("manual_grid_id",),
    "building": ("building_id",),
    "text": ("text", "normalised"),
}


@dataclass(frozen=True, slots=True)
class PlacesOrder:
    """What to do with the rows of a file; `street` is that of rows that name none and lie in no grid."""

    kind: str
    datum: str
    street: str | None
    day: date
    dry_run: bool


@dataclass(frozen=True, slots=True)
class PlacesReport:
    """What was, or in a dry run would be, imported; `unplaced` lie in no level-1 grid of their street."""

    kind: str
    datum: str
    total: int
    created: int
    changed: int
    unchanged: int
    unplaced: int
    rejected: tuple[PlaceRejection, ...]
    imported: bool
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """A row that fits its surroundings."""

    read: DraftRow
    settled: Settled
    is_unplaced: bool


@dataclass(frozen=True, slots=True)
class _Step:
    """A row, the stored place that it means and the columns it changes there."""

    row: _Row
    place: AnyPlace | None
    columns: Mapping[str, Any]
    event: str


def import_places(session: Session, actor: Actor, found: ReadPlaces, order: PlacesOrder) -> PlacesReport:
    """All rows are kept, or none is. Raises: Forbidden, UnknownDatum."""
    require_keeper(actor)
    importing = _Importing(session, actor, order, list(found.rejected))
    rows = importing.settled(found.rows)
    steps = importing.steps(rows)
    rejected = sorted(importing.rejected, key=lambda one: one.row)
    imported = not rejected and not order.dry_run
    if imported:
        importing.write(steps)
    refused = {rejection.row for rejection in rejected}
    counts = Counter(step.event for step in steps if step.row.read.row not in refused)
    return PlacesReport(
        kind=order.kind,
        datum=order.datum,
        total=len({*refused, *(row.row for row in found.rows)}),
        created=counts["created"],
        changed=counts["changed"],
        unchanged=counts["unchanged"],
        unplaced=sum(row.is_unplaced for row in rows if row.read.row not in refused),
        rejected=tuple(rejected),
        imported=imported,
        notes=tuple(found.notes),
    )


class _Importing:
    """One import; collects the rejections."""

    def __init__(
        self, session: Session, actor: Actor, order: PlacesOrder, rejected: list[PlaceRejection]
    ) -> None:
        self.rejected = rejected
        self._session = session
        self._actor = actor
        self._order = order
        self._table: Table = TABLES[order.kind]
        self._scope = scope_of(actor, Action.MANAGE_PLACES)

    def _reject(self, row: DraftRow, pointer: str, reason: Reason) -> None:
        self.rejected.append(PlaceRejection(row.row, name_of(row.draft), pointer, reason))

    # -------------------------------------------------------------------------------------- settling

    def settled(self, rows: Sequence[DraftRow]) -> list[_Row]:
        """The rows that fit; the others are rejected."""
        known = list(self._with_homes(rows))
        around = surroundings_of(
            self._session,
            [row.draft for row in known],
            self._order.datum,
            self._order.day,
            default_street=self._order.street,
        )
        kept = []
        for index, row in enumerate(known):
            try:
                one = settle(row.draft, index, around)
                if not self._scope.covers(f"{one.street_code}/"):
                    raise Unsettled("/street", _OTHER_STREET)
                at, street = around.positions[index], around.streets[index]
                kept.append(_Row(row, one, at is not None and street != one.street_code))
            except Unsettled as fault:
                self._reject(row, fault.pointer, fault.reason)
        return kept

    def _with_homes(self, rows: Sequence[DraftRow]) -> Iterator[DraftRow]:
        """The rows with the building that they name by its code."""
        homes = self._homes({row.home for row in rows if row.home})
        for row in rows:
            if row.home is None:
                yield row
                continue
            street = row.draft.street or self._order.street
            ids = [one for there, one in homes.get(row.home, ()) if street in (None, there)]
            if len(ids) == 1:
                yield DraftRow(row.row, row.draft.model_copy(update={"building": ids[0]}), row.home)
            else:
                self._reject(row, "/building", _MANY_HOMES if ids else _NO_HOME)

    def _homes(self, codes: set[str]) -> dict[str, list[tuple[str, uuid.UUID]]]:
        """Streets and ids of the standing buildings with these codes, as far as the actor keeps them."""
        homes: dict[str, list[tuple[str, uuid.UUID]]] = {}
        standing = select(Building.code, Building.street_code, Building.building_id).where(
            Building.code.in_(codes), Building.retired_on.is_(None)
        )
        for code, street_code, building_id in self._session.execute(standing):
            if self._scope.covers(f"{street_code}/"):
                homes.setdefault(str(code), []).append((street_code, building_id))
        return homes

    # -------------------------------------------------------------------------------------- matching

    def steps(self, rows: Sequence[_Row]) -> list[_Step]:
        """What each row would do. A row that means the same place as an earlier one is rejected."""
        stored = self._stored(sorted({row.settled.street_code for row in rows}))
        seen: dict[Key, int] = {}
        steps = []
        for row in rows:
            key = _key(row.settled.columns)
            place = stored.get(key)
            if key in seen:
                zh, en = f"与第 {seen[key]} 行是同一地点", f"the same place as row {seen[key]}"
                self._reject(row.read, "", Reason("row-repeated", zh, en))
            elif place is not None and place.retired_on is not None:
                self._reject(row.read, "/code", _RETIRED)
            seen.setdefault(key, row.read.row)
            steps.append(_step(row, place))
        return steps

    def _stored(self, streets: Sequence[str]) -> dict[Key, AnyPlace]:
        """Places by what rows may mean them by; retired ones where their code is used up for ever."""
        for street_code in streets:
            lock_street(self._session, street_code)
        columns = self._table.__table__.columns
        rows = self._session.scalars(select(self._table).where(columns["street_code"].in_(streets)))
        places = [cast(AnyPlace, place) for place in rows]
        return {
            _key(_columns_of(place)): place
            for place in places
            if place.retired_on is None or getattr(place, "code", None) is not None
        }

    # --------------------------------------------------------------------------------------- writing

    def write(self, steps: Sequence[_Step]) -> None:
        """The steps are done."""
        by_street: dict[str, Counter[str]] = {}
        for step in steps:
            if step.event == "created":
                self._session.add(new_place(self._table, uuid.uuid4(), step.columns, self._actor))
            elif step.place is not None and step.event == "changed":
                change(step.place, step.columns, self._actor)
            by_street.setdefault(step.row.settled.street_code, Counter())[step.event] += 1
        self._session.flush()  # a constraint must speak before the trail does
        for street_code, counts in sorted(by_street.items()):
            if counts.keys() != {"unchanged"}:
                audit.record(
                    self._session,
                    chain=street_code,
                    actor=self._actor.label,
                    action=f"{self._order.kind}.imported",
                    subject=f"street:{street_code}",
                    detail={"datum": self._order.datum, **counts},
                )


def name_of(draft: AnyDraft) -> str:
    """What the place is called, for a report."""
    return draft.text if isinstance(draft, AddressDraft) else draft.name


def _step(row: _Row, place: AnyPlace | None) -> _Step:
    if place is None:
        return _Step(row, None, row.settled.columns, "created")
    filled = set(_filled(row.read.draft))
    columns = {name: value for name, value in row.settled.columns.items() if name in filled}
    return _Step(row, place, columns, "unchanged" if is_same(place, columns) else "changed")


def _filled(draft: AnyDraft) -> Iterator[str]:
    for name in draft.model_fields_set - {"street", "datum"}:
        yield from _FILLS.get(name, (name,))
    if isinstance(draft, BuildingDraft) and draft.position is None:
        yield "geom"  # follows from the outline


def _columns_of(place: AnyPlace) -> dict[str, Any]:
    names = ("street_code", "code", "compound", "name", "normalised", "building_id")
    return {name: getattr(place, name) for name in names if hasattr(place, name)}


def _key(columns: Mapping[str, Any]) -> Key:
    """What one place of a kind is told from another by, in a file and in the table."""
    street_code = columns["street_code"]
    if "normalised" in columns:
        return street_code, "text", columns["normalised"]
    if columns["code"] is not None:
        return street_code, "code", columns["code"]
    if "compound" in columns:
        return street_code, "name", columns["compound"], columns["name"]
    return street_code, "name", columns["building_id"], columns["name"]
