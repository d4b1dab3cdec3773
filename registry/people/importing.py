"""Import households and residents from a table: all rows, or none with the reasons for each that cannot be.

A row means the stored household of the street with its code, else the one at its door (building or address,
entrance, room); the resident with its ID number, else the one of that name in the household. So the same file
again changes nothing. Of what is stored only what a row fills in is changed: a blank cell takes nothing away,
nobody moves and nobody leaves by a file. Everything is read in a few statements, whatever the file's length.
"""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, scope_of
from core import audit
from core.errors import Invalid
from core.secrecy import KeyRing
from core.spreadsheets import Note
from geo.codes import Reason
from registry.people.changes import lock_street
from registry.people.checking import ID_NUMBER, Said, beside_stored_number
from registry.people.files import FileRow, ReadResidents, RowRejection
from registry.people.import_homes import Homes
from registry.people.import_reading import residents_with_numbers, residents_within, standing_tags_of
from registry.people.import_rows import Home, NewTag, Person
from registry.people.import_writing import write
from registry.people.masking import mask_name
from registry.people.models import Resident, TagKind
from registry.people.residents import changes_of
from registry.people.rights import require_somewhere
from registry.people.tagging import kinds_on

MAX_TOLD = 1000  # rejections in a report; all of them are counted

_OUTSIDE = Reason(
    "grid-not-yours", "此户不在您负责的网格内", "this household lies in no grid that you look after"
)
_ELSEWHERE = Reason(
    "resident-elsewhere",
    "此身份证号的人登记在本街道另一户；请先办理迁移",
    "somebody with this ID number is kept in another household: move them first",
)
_AMBIGUOUS = Reason(
    "resident-ambiguous", "户内有几个同名的人，请填写身份证号", "several of this name: give the ID number"
)
_DIFFERS = Reason(
    "id-number-differs", "户内同名的人已有另一身份证号", "the person of this name has another ID number"
)
_BEFORE_BIRTH = Reason("before-birth", "迁入早于出生", "this is before the birth")


@dataclass(frozen=True, slots=True)
class ResidentsOrder:
    """What to do with the rows of a file."""

    street: str
    day: date
    dry_run: bool


@dataclass(frozen=True, slots=True)
class ResidentsReport:
    """What was, or in a dry run would be, imported. Of the rejections the first are told."""

    street: str
    total: int
    households: Counter[str]  # "created", "changed", "unchanged"
    residents: Counter[str]
    tags: int
    rejected: tuple[RowRejection, ...]
    rejected_rows: int
    imported: bool
    notes: tuple[Note, ...]


def import_residents(
    session: Session, actor: Actor, found: ReadResidents, order: ResidentsOrder, *, keys: KeyRing
) -> ResidentsReport:
    """All rows are kept, or none is; a household outside the actor's grids is a rejection of its rows.

    Raises: Forbidden, KeyMissing.
    """
    require_somewhere(actor, Action.WRITE_HOUSEHOLDS)
    lock_street(session, order.street)
    homes = Homes(session, order.street, list(found.rejected))
    homes.read(found.rows)
    importing = _Importing(session, actor, order, homes, keys)
    importing.place()
    importing.match()
    rejected = sorted(homes.rejected, key=lambda one: (one.row, one.field))
    imported = not rejected and not order.dry_run
    if imported:
        write(session, actor, homes.all, importing.kinds, keys)
    refused = {one.row for one in rejected}
    report = ResidentsReport(
        street=order.street,
        total=len(refused | {row.row for row in found.rows}),
        households=Counter(home.event for home in homes.all if refused.isdisjoint(home.numbers)),
        residents=Counter(
            person.event for home in homes.all for person in home.people if person.row not in refused
        ),
        tags=sum(tag.row not in refused for home in homes.all for tag in home.tags),
        rejected=tuple(rejected[:MAX_TOLD]),
        rejected_rows=len(refused),
        imported=imported,
        notes=tuple(found.notes),
    )
    _record(session, actor, report, importing.known_elsewhere)
    return report


def _record(session: Session, actor: Actor, report: ResidentsReport, elsewhere: int) -> None:
    """One line for a file that changed something, and for one that asked after people of other households."""
    counts = {
        "rows": report.total,
        **{f"households_{event}": count for event, count in sorted(report.households.items())},
        **{f"residents_{event}": count for event, count in sorted(report.residents.items())},
        "tags": report.tags,
    }
    changed = any(
        report.households[event] + report.residents[event] for event in ("created", "changed")
    ) or bool(report.tags)
    if report.imported and changed:
        action = "households.imported"
    elif elsewhere:
        action, counts = "households.import_refused", {"rows": report.total, "known_elsewhere": elsewhere}
    else:
        return
    audit.record(
        session,
        chain=report.street,
        actor=actor.label,
        action=action,
        subject=f"street:{report.street}",
        detail=counts,
    )


@dataclass
class _Seen:
    """Who stood in earlier rows."""

    numbers: dict[bytes, int] = field(default_factory=dict)
    residents: dict[uuid.UUID, int] = field(default_factory=dict)
    names: dict[tuple[uuid.UUID, str], tuple[int, bool]] = field(default_factory=dict)


class _Importing:
    """One import; collects the rejections in `homes`."""

    def __init__(
        self, session: Session, actor: Actor, order: ResidentsOrder, homes: Homes, keys: KeyRing
    ) -> None:
        self.kinds: dict[str, TagKind] = kinds_on(session, order.day)
        self.known_elsewhere = 0
        self._session, self._order, self._homes, self._keys = session, order, homes, keys
        self._writes = scope_of(actor, Action.WRITE_HOUSEHOLDS)
        self._reveals = scope_of(actor, Action.REVEAL_PERSONAL)
        self._words = {word: kind for kind in self.kinds.values() for word in (kind.zh, kind.code)}
        self._by_index: dict[bytes, Resident] = {}
        self._lives: dict[uuid.UUID, list[Resident]] = {}
        self._standing: set[tuple[uuid.UUID, str, uuid.UUID | None]] = set()
        self._seen = _Seen()

    def _reject(self, row: FileRow, pointer: str, reason: Reason) -> None:
        name = None if row.name is None else mask_name(row.name)
        self._homes.rejected.append(RowRejection(row.row, name, pointer, reason))

    def place(self) -> None:
        """Households outside the actor's grids, before or after, are rejected with their rows."""
        self._homes.place(self._order.day)
        for home in self._homes.all:
            covered = all(not self._writes.is_empty and self._writes.covers(path) for path in home.paths)
            if not covered:
                for row in home.rows:
                    self._reject(row, "", _OUTSIDE)
        refused = {one.row for one in self._homes.rejected}
        self._homes.all = [home for home in self._homes.all if not refused.issuperset(home.numbers)]

    # ------------------------------------------------------------------------------------- residents

    def match(self) -> None:
        """Each row that names somebody means a stored resident of its household, or a new one."""
        numbers = {
            index: row.row
            for home in self._homes.all
            for row in home.rows
            for index in self._indexes(row.said)
        }
        stored = [home.household_id for home in self._homes.all if home.stored is not None]
        for resident in residents_within(self._session, stored):
            self._lives.setdefault(resident.household_id, []).append(resident)
        for resident in residents_with_numbers(self._session, self._order.street, list(numbers)):
            assert resident.id_number_index is not None
            self._by_index[resident.id_number_index] = resident
        self._standing = standing_tags_of(self._session, stored, self._order.day)
        for home in self._homes.all:
            for row in home.rows:
                person = None if row.said is None else self._person(home, row, row.said)
                if row.said is None or person is not None:
                    self._tag(home, row, person)

    def _indexes(self, said: Said | None) -> tuple[bytes, ...]:
        number = None if said is None else said.numbers.get(ID_NUMBER)
        return self._keys.indexes(number, ID_NUMBER) if number else ()

    def _person(self, home: Home, row: FileRow, said: Said) -> Person | None:
        indexes = self._indexes(said)
        resident = self._by_index.get(next((one for one in indexes if one in self._by_index), b""))
        if resident is not None and resident.household_id != home.household_id:
            self.known_elsewhere += 1
            self._reject(row, "/id_number", _ELSEWHERE)
            return None
        if resident is None:
            same_name = self._of_that_name(home, said)
            if len(same_name) > 1:
                self._reject(row, "/name", _AMBIGUOUS)
                return None
            resident = same_name[0] if same_name else None
            if resident is not None and indexes and resident.id_number_index is not None:
                self._reject(row, "/id_number", _DIFFERS)
                return None
        if (before := self._repeats(home, row, indexes, resident)) is not None:
            zh, en = f"与第 {before} 行是同一人", f"the same person as row {before}"
            self._reject(row, "", Reason("row-repeated", zh, en))
            return None
        return self._checked(home, row, said, resident)

    def _of_that_name(self, home: Home, said: Said) -> list[Resident]:
        found = [one for one in self._lives.get(home.household_id, ()) if one.name == said.columns["name"]]
        born_on = said.columns.get("born_on")
        narrowed = [one for one in found if born_on is not None and one.born_on == born_on]
        return narrowed if len(found) > 1 and narrowed else found

    def _repeats(
        self, home: Home, row: FileRow, indexes: Sequence[bytes], resident: Resident | None
    ) -> int | None:
        """The earlier row that says the same person."""
        seen = self._seen
        if indexes:
            first = seen.numbers.setdefault(indexes[0], row.row)
            if first != row.row:
                return first
        if resident is not None:
            first = seen.residents.setdefault(resident.resident_id, row.row)
            return None if first == row.row else first
        key = home.household_id, str(row.name)
        first, was_numbered = seen.names.setdefault(key, (row.row, bool(indexes)))
        return first if first != row.row and not (was_numbered and indexes) else None

    def _checked(self, home: Home, row: FileRow, said: Said, resident: Resident | None) -> Person | None:
        if resident is None:
            person = Person(row.row, uuid.uuid4(), None, said, frozenset(_given(said)))
            home.people.append(person)
            return person
        try:
            whole = beside_stored_number(said, resident)
        except Invalid as invalid:
            for error in invalid.errors:
                zh, _, en = error.detail.partition(" / ")
                self._reject(row, error.pointer, Reason(error.code, zh, en))
            return None
        joined_on = whole.columns.get("joined_on", resident.joined_on)
        born_on = whole.columns.get("born_on", resident.born_on)
        if joined_on is not None and born_on is not None and joined_on < born_on:
            self._reject(row, "/joined_on", _BEFORE_BIRTH)
            return None
        changes = frozenset(changes_of(resident, whole, self._keys))
        person = Person(row.row, resident.resident_id, resident, whole, changes)
        home.people.append(person)
        return person

    # ------------------------------------------------------------------------------------------ tags

    def _tag(self, home: Home, row: FileRow, person: Person | None) -> None:
        knows = not self._reveals.is_empty and all(self._reveals.covers(path) for path in home.paths)
        for word in row.tags:
            kind = self._words.get(word)
            if kind is None or (kind.is_restricted and not knows):
                self._reject(row, "/tags", self._unknown_tag())
                continue
            key = home.household_id, kind.code, None if person is None else person.resident_id
            if key not in self._standing:
                self._standing.add(key)
                home.tags.append(NewTag(row.row, kind.code, key[2]))

    def _unknown_tag(self) -> Reason:
        known = "、".join(kind.zh for kind in self.kinds.values() if not kind.is_restricted)
        return Reason("unknown-tag", f"标签表中没有此标签；可用：{known}", "no such tag on the list")


def _given(said: Said) -> Sequence[Any]:
    return [name for name, value in {**said.columns, **said.numbers}.items() if value is not None]
