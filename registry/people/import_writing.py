"""What an import changes, written in bulk: rows, stays, tags, and the list of changes."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec
from sqlalchemy import LargeBinary, Table, text, update
from sqlalchemy.orm import Session

from access.scope import Actor
from core.clock import now, today
from core.models import Base
from core.secrecy import KeyRing
from registry.people.changes import changed_fields
from registry.people.import_rows import Home, NewTag, Person
from registry.people.models import Household, HouseholdTag, RegistryChange, Residency, Resident, TagKind
from registry.people.residents import columns_of_said, told_of
from registry.people.tagging import RESTRICTED

_CHUNK = 1000  # rows of a statement


def write(
    session: Session, actor: Actor, homes: Sequence[Home], kinds: Mapping[str, TagKind], keys: KeyRing
) -> None:
    """The households, their residents and tags are as the file says, each change on the centre's list."""
    for start in range(0, len(homes), _CHUNK):
        batch = _Batch(actor, kinds, keys)
        for home in homes[start : start + _CHUNK]:
            batch.add(home)
        batch.store(session)
    session.expire_all()


class _Batch:
    """Rows of some households, table by table."""

    def __init__(self, actor: Actor, kinds: Mapping[str, TagKind], keys: KeyRing) -> None:
        self._actor, self._kinds, self._keys = actor, kinds, keys
        self._at, self._day = now(), today()
        self._rows: dict[type[Base], list[dict[str, Any]]] = {
            table: [] for table in (Household, Resident, Residency, HouseholdTag, RegistryChange)
        }
        self._updates: dict[type[Base], list[dict[str, Any]]] = {Household: [], Resident: []}

    def add(self, home: Home) -> None:
        """Everything that changes in one household."""
        self._add_household(home)
        for person in home.people:
            if person.event != "unchanged":
                self._add_person(home, person)
        for tag in home.tags:
            self._add_tag(home, tag)
        if home.tags:
            kind = (self._kinds[tag.code] for tag in home.tags)
            told = [
                {"field": "tag", "before": None, "after": RESTRICTED if one.is_restricted else one.code}
                for one in kind
            ]
            self._tell(home, "tags", "changed", told)

    def store(self, session: Session) -> None:
        """The rows are in their tables."""
        for table, changed in self._updates.items():
            if changed:
                session.execute(update(table), sorted(changed, key=sorted))
        for table, rows in self._rows.items():
            if rows:
                _insert(session, cast(Table, table.__table__), rows)

    def _add_household(self, home: Home) -> None:
        new = {name: value for name, value in home.columns.items() if value is not None}
        if home.stored is None:
            made = {"household_id": home.household_id, **home.columns, "attributes": {}, **self._first}
            self._rows[Household].append(made)
            self._tell(home, "household", "created", changed_fields({}, new))
        elif home.columns or home.tags:
            revised = {"household_id": home.household_id, **home.columns, **self._next(home.stored.revision)}
            self._updates[Household].append(revised)
            if home.columns:
                told = changed_fields(home.stored._asdict(), home.columns)
                self._tell(home, "household", "changed", told)

    def _add_person(self, home: Home, person: Person) -> None:
        columns = columns_of_said(person.resident_id, person.said, self._keys, only=set(person.changes))
        told = list(told_of(person.stored, person.said, set(person.changes), self._keys))
        self._tell(home, "resident", person.event, told, person.resident_id)
        if person.stored is not None:
            revised = {"resident_id": person.resident_id, **columns, **self._next(person.stored.revision)}
            self._updates[Resident].append(revised)
            return
        blank = dict.fromkeys(_OF_RESIDENTS)
        lives = {"household_id": home.household_id, "street_code": home.street_code}
        made = {"resident_id": person.resident_id, **lives, **blank, "residence": "registered", **columns}
        self._rows[Resident].append({**made, "attributes": {}, **self._first})
        self._rows[Residency].append(
            {
                "residency_id": uuid.uuid4(),
                "resident_id": person.resident_id,
                "household_id": home.household_id,
                "valid_from": columns.get("joined_on"),
            }
        )

    def _add_tag(self, home: Home, tag: NewTag) -> None:
        self._rows[HouseholdTag].append(
            {
                "household_tag_id": uuid.uuid4(),
                "household_id": home.household_id,
                "resident_id": tag.resident_id,
                "tag": tag.code,
                "valid_from": self._day,
                "changed_by": self._actor.name,
            }
        )

    def _tell(
        self,
        home: Home,
        kind: str,
        event: str,
        fields: Iterable[dict[str, Any]],
        resident_id: uuid.UUID | None = None,
    ) -> None:
        self._rows[RegistryChange].append(
            {
                "street_code": home.street_code,
                "household_id": home.household_id,
                "resident_id": resident_id,
                "kind": kind,
                "event": event,
                "fields": list(fields),
                "actor": self._actor.label,
                "changed_by": self._actor.name,
            }
        )

    @property
    def _first(self) -> dict[str, Any]:
        return {"revision": 1, "changed_by": self._actor.name}

    def _next(self, revision: int) -> dict[str, Any]:
        return {"revision": revision + 1, "changed_at": self._at, "changed_by": self._actor.name}


def _insert(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows, which all name the same columns, are in the table by one statement: the driver would send
    each by itself, and most of an import would be spent on that.

    No household can be waited for here: its id was made a moment ago, and no phone knows it.
    """
    names = list(rows[0])
    sealed = [name for name in names if isinstance(table.c[name].type, LargeBinary)]
    said = [
        {**row, **{name: None if row[name] is None else f"\\x{row[name].hex()}" for name in sealed}}
        for row in rows
    ]
    columns = ", ".join(names)  # of models and not of files
    session.execute(
        text(
            f"INSERT INTO {table.name} ({columns}) SELECT {columns} "
            f"FROM json_populate_recordset(NULL::{table.name}, CAST(:rows AS json))"
        ),
        {"rows": msgspec.json.encode(said).decode()},
    )


_OF_RESIDENTS = (
    *("name", "relation", "sex", "born_on", "joined_on"),
    *("id_number_sealed", "id_number_index", "phone_sealed", "phone_index"),
)
