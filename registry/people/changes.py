"""Each change of the register, for the command centre: which fields, never whose numbers (9.3.3.2)."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from access.scope import Actor, Scope
from core import audit
from core.secrecy import KeyRing
from registry.people.models import Household, RegistryChange
from registry.people.placing import OF_HOUSEHOLDS, at_their_doors
from registry.placing import with_grids

CONTENT = "content"  # purpose of the index that knows a body again

Field = dict[str, Any]

# Writers of one street's households take turns: an ID number is kept once, and changes are numbered in the
# order of their commits.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('people:' || :street, 0))")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a change is about."""

    household: Household
    kind: str
    resident_id: uuid.UUID | None = None


def lock_street(session: Session, street_code: str) -> None:
    """Nobody else writes households of this street until this transaction ends."""
    session.execute(_LOCK, {"street": street_code})


def mark_of(keys: KeyRing, contents: Mapping[str, Any]) -> tuple[bytes, ...]:
    """What knows these contents again, under each key; the newest first."""
    canonical = json.dumps(contents, sort_keys=True, separators=(",", ":"), default=str)
    return keys.indexes(canonical, CONTENT)


def is_repeated(session: Session, subject_id: uuid.UUID, marks: Sequence[bytes]) -> bool:
    """Whether these contents were put before: a phone that lost the reply says them again."""
    seen = select(RegistryChange.change_id).where(
        RegistryChange.content_mark.in_(marks),
        (RegistryChange.resident_id == subject_id)
        | (RegistryChange.resident_id.is_(None) & (RegistryChange.household_id == subject_id)),
    )
    return session.scalar(seen.limit(1)) is not None


def record_change(
    session: Session,
    actor: Actor,
    subject: Subject,
    event: str,
    fields: Iterable[Field],
    *,
    mark: bytes | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """The change is in the centre's list and in the audit trail. Call it last: writers of a street wait."""
    told = list(fields)
    session.add(
        RegistryChange(
            street_code=subject.household.street_code,
            household_id=subject.household.household_id,
            resident_id=subject.resident_id,
            kind=subject.kind,
            event=event,
            fields=told,
            content_mark=mark,
            actor=actor.label,
            changed_by=actor.name,
        )
    )
    session.flush()
    named = subject.resident_id or subject.household.household_id
    label = "resident" if subject.resident_id else "household"
    audit.record(
        session,
        chain=subject.household.street_code,
        actor=actor.label,
        action=f"{subject.kind}.{event}",
        subject=f"{label}:{named}",
        detail={"fields": [field["field"] for field in told], **(detail or {})},
    )


def field(name: str, before: Any, after: Any) -> Field:
    """A field with its values, as JSON holds them."""
    return {"field": name, "before": _plain(before), "after": _plain(after)}


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Field]:
    """The fields that differ; a position is only said to have changed."""
    return [
        field(name, before.get(name), value)
        for name, value in after.items()
        if _plain(before.get(name), exact=True) != _plain(value, exact=True)
    ]


def _plain(value: Any, *, exact: bool = False) -> Any:
    if isinstance(value, WKBElement | bytes):
        if not exact:
            return None
        data = value.data if isinstance(value, WKBElement) else value
        return data if isinstance(data, str) else bytes(data).hex()
    if isinstance(value, date | datetime | uuid.UUID):
        return str(value)
    return value


# ---------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Which changes of a street are wanted: those behind a number, of all or of one household."""

    street: str
    since: int = 0
    grid: Scope | None = None
    household_id: uuid.UUID | None = None


def list_changes(
    session: Session, scope: Scope, day: date, wanted: ChangeFilter, *, limit: int
) -> list[RegistryChange]:
    """Changes of households that the scope shows today, in their order."""
    statement: Select[Any] = (
        select(RegistryChange)
        .join(Household, Household.household_id == RegistryChange.household_id)
        .where(RegistryChange.street_code == wanted.street, RegistryChange.change_id > wanted.since)
    )
    if wanted.household_id is not None:
        statement = statement.where(RegistryChange.household_id == wanted.household_id)
    below = () if wanted.grid is None else (wanted.grid,)
    narrowed = with_grids(at_their_doors(statement), OF_HOUSEHOLDS, scope, day, *below)
    return [row[0] for row in session.execute(narrowed.order_by(RegistryChange.change_id).limit(limit))]
