"""Drafts of households become rows, with their street, building, address and grid found."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import now
from geo.codes import Reason
from geo.footprints import OUTSIDE_CHINA, position_ewkb
from registry.models import Address
from registry.people.drafts import HouseholdDraft
from registry.settling import (
    Settled,
    Surroundings,
    Unsettled,
    home_of,
    manual_grid_of,
    street_of,
    surroundings_of,
)

_OWN = ("code", "entrance", "floor", "room", "kind")
_AHEAD = timedelta(minutes=5)  # a clock may be wrong by that
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

Doors = Mapping[uuid.UUID, str]


def doors_of(
    session: Session, drafts: Sequence[HouseholdDraft], datum: str, day: date
) -> tuple[Surroundings, Doors]:
    """Everything that settling these drafts will ask for: surroundings, and the streets of their addresses.

    Raises: UnknownDatum.
    """
    wanted = {draft.address for draft in drafts if draft.address}
    rows = session.execute(
        select(Address.address_id, Address.street_code).where(
            Address.address_id.in_(wanted), Address.retired_on.is_(None)
        )
    )
    return surroundings_of(session, drafts, datum, day), {row.address_id: row.street_code for row in rows}


def settle_household(draft: HouseholdDraft, index: int, around: Surroundings, doors: Doors) -> Settled:
    """The draft as a row of `households`. Raises: Unsettled."""
    at = around.positions[index]
    if draft.position is not None and at is None:
        raise Unsettled("/position", OUTSIDE_CHINA)
    street_code = _street_of(draft, index, around, doors)
    columns: dict[str, Any] = {
        "street_code": street_code,
        **{name: getattr(draft, name) for name in _OWN},
        "address_id": draft.address,
        "building_id": home_of(draft, street_code, around),
        "geom": None if at is None else position_ewkb(*at),
        "source_datum": draft.datum,
        "source": draft.source,
        "manual_grid_id": manual_grid_of(draft, street_code, around),
        "collected_at": _confirmed_at(draft),
    }
    return Settled(street_code, columns)


def _street_of(draft: HouseholdDraft, index: int, around: Surroundings, doors: Doors) -> str:
    if draft.address is not None and draft.address not in doors:
        raise _unknown_address()
    if draft.address is not None and not (draft.street or around.streets[index]):
        street_code = doors[draft.address]
    else:
        street_code = street_of(draft, index, around)
    if draft.address is not None and doors[draft.address] != street_code:
        raise _unknown_address()
    return street_code


def _unknown_address() -> Unsettled:
    zh, en = "本街道没有这个地址", "there is no such address in this street"
    return Unsettled("/address", Reason("address-unknown", zh, en))


def _confirmed_at(draft: HouseholdDraft) -> datetime | None:
    if draft.confirmed_at is None:
        return None
    if not _EARLIEST <= draft.confirmed_at <= now() + _AHEAD:
        zh, en = "确认时间不可能：请检查手机时间", "this time cannot be: look at the clock of the phone"
        raise Unsettled("/confirmed_at", Reason("impossible-time", zh, en))
    return draft.confirmed_at.astimezone(UTC)
