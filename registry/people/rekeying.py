"""Sealing everything anew under the newest key, while people read and write.

A row changes in one statement, from one readable state to the next, with its indexes; look-ups ask for the
index under every key. Whatever stops it, the rows done are done, and the next run goes on with the others.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.secrecy import MAX_LABEL, KeyRing, sealed_under
from registry.people.checking import ID_NUMBER, PHONE
from registry.people.models import Resident
from registry.people.residents import aad_of

_COLUMNS = {ID_NUMBER: Resident.id_number_sealed, PHONE: Resident.phone_sealed}


@dataclass(frozen=True, slots=True)
class Sealed:
    """How many values are sealed under a key, and one of them."""

    label: str
    count: int
    sample_id: uuid.UUID
    sample_name: str
    sample: bytes

    def opens(self, keys: KeyRing) -> str:
        """The value of the sample. Raises: KeyMissing, NotOpened."""
        return keys.open(self.sample, aad_of(self.sample_id, self.sample_name))


def sealed_values(session: Session) -> list[Sealed]:
    """What is sealed, key by key; of columns that use the same key, the one with more."""
    found: dict[str, Sealed] = {}
    for name, column in _COLUMNS.items():
        for row in session.execute(_by_label(column)):
            label = sealed_under(row.sample)
            before = found.get(label)
            count = row.number + (before.count if before else 0)
            found[label] = Sealed(label, count, row.resident_id, name, row.sample)
    return sorted(found.values(), key=lambda one: one.label)


def count_outdated(session: Session, keys: KeyRing) -> int:
    """Rows with a value that is not sealed under the newest key."""
    return session.scalars(select(func.count()).select_from(Resident).where(_is_outdated(keys))).one()


def reseal(
    session: Session, keys: KeyRing, *, after: uuid.UUID | None, limit: int
) -> tuple[int, uuid.UUID | None]:
    """The next rows behind `after` are sealed under the newest key; how many, and the last of them.

    Contents and revision stay: nobody's copy becomes outdated by it. Raises: KeyMissing, NotOpened.
    """
    statement = (
        select(Resident.resident_id, Resident.id_number_sealed, Resident.phone_sealed)
        .where(_is_outdated(keys))
        .order_by(Resident.resident_id)
        .limit(limit)
        .with_for_update()
    )
    if after is not None:
        statement = statement.where(Resident.resident_id > after)
    rows = session.execute(statement).all()
    if rows:
        anew = [dict(_anew(row, keys)) for row in rows]
        session.execute(update(Resident), anew)
    return len(rows), rows[-1].resident_id if rows else None


def _anew(row: Any, keys: KeyRing) -> Iterator[tuple[str, Any]]:
    yield "resident_id", row.resident_id
    for name in _COLUMNS:
        sealed = getattr(row, f"{name}_sealed")
        value = None if sealed is None else keys.open(sealed, aad_of(row.resident_id, name))
        yield f"{name}_sealed", None if value is None else keys.seal(value, aad_of(row.resident_id, name))
        yield f"{name}_index", None if value is None else keys.index(value, name)


def _is_outdated(keys: KeyRing) -> ColumnElement[bool]:
    mark = f"{keys.newest}:".encode()
    return or_(*(func.substring(column, 1, len(mark)) != mark for column in _COLUMNS.values()))


def _by_label(column: InstrumentedAttribute[bytes | None]) -> Select[Any]:
    label = func.split_part(func.encode(func.substring(column, 1, MAX_LABEL), "escape"), ":", 1)
    rank = func.row_number().over(partition_by=label, order_by=Resident.resident_id)
    count = func.count().over(partition_by=label)
    ranked = (
        select(Resident.resident_id, column.label("sample"), rank.label("rank"), count.label("number"))
        .where(column.is_not(None))
        .subquery()
    )
    return select(ranked.c.resident_id, ranked.c.sample, ranked.c.number).where(ranked.c.rank == 1)
