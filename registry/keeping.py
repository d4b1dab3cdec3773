"""Places are kept: put, changed, retired; each change with its right, its revision and its audit line.

A place is made under an id that the client made. The same contents again change nothing; other contents need
the revision that they were made from, so that nobody overwrites what they never saw.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from geoalchemy2 import WKBElement
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, scope_of
from core import audit
from core.clock import now, today
from core.errors import FieldError, Forbidden, Invalid, NotFound, Outdated, Unguarded
from geo.models import CGCS2000
from registry.drafts import AddressDraft, AnyDraft, BuildingDraft, OrganisationDraft
from registry.models import Address, Building, Checkpoint
from registry.organisations.models import Organisation
from registry.people.models import Household, Resident
from registry.plates import new_short_code
from registry.problems import AddressTaken, PlaceCodeTaken, PlaceRetired
from registry.settling import Settled, Unsettled, settle, surroundings_of

AnyPlace = Building | Address | Checkpoint | Organisation
AnyRow = AnyPlace | Household | Resident
Table = type[Building] | type[Address] | type[Checkpoint] | type[Organisation]
TABLES: Mapping[str, Table] = {
    "buildings": Building,
    "addresses": Address,
    "checkpoints": Checkpoint,
    "organisations": Organisation,
}

# Writers of one street's places take turns, so that a code or an address is given once.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('places:' || :street, 0))")
_GEOMETRY = frozenset({"geom", "footprint"})


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a put."""

    place_id: uuid.UUID
    is_new: bool


def table_of(draft: AnyDraft) -> Table:
    """The table that a draft's place is kept in."""
    if isinstance(draft, BuildingDraft):
        return Building
    if isinstance(draft, OrganisationDraft):
        return Organisation
    return Address if isinstance(draft, AddressDraft) else Checkpoint


def key_of(place: AnyPlace) -> uuid.UUID:
    """The id of a place."""
    if isinstance(place, Building):
        return place.building_id
    if isinstance(place, Organisation):
        return place.organisation_id
    return place.address_id if isinstance(place, Address) else place.checkpoint_id


def put_place(
    session: Session, actor: Actor, place_id: uuid.UUID, draft: AnyDraft, *, revision: int | None
) -> Kept:
    """The place is as the draft says. `revision` is the one it was read in; None for a new place.

    Raises: Invalid, UnknownDatum, Forbidden, NotFound, PlaceCodeTaken, AddressTaken, PlaceRetired, Unguarded,
    Outdated.
    """
    require_keeper(actor)
    around = surroundings_of(session, [draft], draft.datum, today())
    try:
        settled = settle(draft, 0, around)
    except Unsettled as fault:
        error = FieldError(fault.pointer, fault.reason.code, str(fault.reason))
        raise Invalid(str(fault.reason), errors=[error]) from None
    require_keeper(actor, settled.street_code)
    lock_street(session, settled.street_code)
    table = table_of(draft)
    place = _locked(session, table, place_id)
    if place is not None:
        require_keeper(actor, place.street_code)
        if is_same(place, settled.columns):
            return Kept(place_id, is_new=False)
        _require_revision(place, revision)
    _refuse_taken(session, table, place_id, settled)
    if place is None:
        session.add(new_place(table, place_id, settled.columns, actor))
    else:
        change(place, settled.columns, actor)
    session.flush()  # a constraint must speak before the trail does
    event = "created" if place is None else "changed"
    _record(session, actor, (table, place_id), settled.street_code, event)
    return Kept(place_id, is_new=place is None)


def retire_place(session: Session, actor: Actor, table: Table, place_id: uuid.UUID) -> None:
    """The place stands no more from today on; it stays readable. Again changes nothing.

    Raises: Forbidden, NotFound.
    """
    require_keeper(actor)
    place = _locked(session, table, place_id)
    if place is None:
        raise NotFound
    require_keeper(actor, place.street_code)
    if place.retired_on is None:
        change(place, {"retired_on": today()}, actor)
        _record(session, actor, (table, place_id), place.street_code, "retired")


# --------------------------------------------------------------------------------------------- rights


def require_keeper(actor: Actor, street_code: str | None = None) -> None:
    """Return when the actor keeps the places of this street, or of any.

    Raises: Forbidden for whoever keeps none, NotFound for a street that is another keeper's.
    """
    scope = scope_of(actor, Action.MANAGE_PLACES)
    if scope.is_empty:
        raise Forbidden(
            "您没有维护地点资料的权限 / none of your roles keeps places", action=Action.MANAGE_PLACES.value
        )
    if street_code is not None and not scope.covers(f"{street_code}/"):
        raise NotFound


def lock_street(session: Session, street_code: str) -> None:
    """Nobody else writes places of this street until this transaction ends."""
    session.execute(_LOCK, {"street": street_code})


def _locked(session: Session, table: Table, place_id: uuid.UUID) -> AnyPlace | None:
    found = session.get(table, place_id, with_for_update=True, populate_existing=True)
    return cast(AnyPlace | None, found)


def _require_revision(place: AnyPlace, revision: int | None) -> None:
    if place.retired_on is not None:
        raise PlaceRetired
    if revision is None:
        raise Unguarded
    if revision != place.revision:
        raise Outdated(changed_by=place.changed_by, changed_at=place.changed_at.isoformat())


# ----------------------------------------------------------------------------------------------- rows


def new_place(table: Table, place_id: uuid.UUID, columns: Mapping[str, Any], actor: Actor) -> AnyPlace:
    """A row for a place that was not there."""
    (key,) = table.__mapper__.primary_key
    whole: dict[str, Any] = {key.name: place_id, **columns, "revision": 1, "changed_by": actor.name}
    if table is Checkpoint:
        whole |= {"short_code": new_short_code(), "generation": 1}
    return table(**{name: stored(name, value) for name, value in whole.items()})


def change(place: AnyRow, columns: Mapping[str, Any], actor: Actor) -> None:
    """The row holds these columns, in a new revision."""
    for name, value in columns.items():
        setattr(place, name, stored(name, value))
    place.revision += 1
    place.changed_at = now()
    place.changed_by = actor.name


def is_same(place: AnyRow, columns: Mapping[str, Any]) -> bool:
    """Whether the row holds exactly these columns, positions to the last bit."""
    return all(_plain(getattr(place, name)) == value for name, value in columns.items())


def stored(name: str, value: Any) -> Any:
    """The value of a column as the table takes it."""
    if name in _GEOMETRY and value is not None:
        return WKBElement(value, srid=CGCS2000, extended=True)
    return value


def _plain(value: Any) -> Any:
    if not isinstance(value, WKBElement):
        return value
    return bytes.fromhex(value.data) if isinstance(value.data, str) else bytes(value.data)


def _refuse_taken(session: Session, table: Table, place_id: uuid.UUID, settled: Settled) -> None:
    """Raises: PlaceCodeTaken, AddressTaken."""
    if table is Address:
        same = select(Address.address_id).where(
            Address.street_code == settled.street_code,
            Address.normalised == settled.columns["normalised"],
            Address.address_id != place_id,
            Address.retired_on.is_(None),
        )
        if (taken := session.scalar(same)) is not None:
            raise AddressTaken(address_id=str(taken))
        return
    code = settled.columns["code"]
    if code is None:
        return
    (key,) = table.__mapper__.primary_key
    columns = table.__table__.columns
    holders = select(func.count()).where(
        columns["street_code"] == settled.street_code, columns["code"] == code, key != place_id
    )
    if session.scalar(holders):
        raise PlaceCodeTaken(f"编码 {code} 已被使用 / the code {code} is taken")


def _record(
    session: Session, actor: Actor, place: tuple[Table, uuid.UUID], street_code: str, event: str
) -> None:
    table, place_id = place
    kind = table.__name__.lower()
    audit.record(
        session,
        chain=street_code,
        actor=actor.label,
        action=f"{kind}.{event}",
        subject=f"{kind}:{place_id}",
        detail={"on": date.isoformat(today())},
    )
