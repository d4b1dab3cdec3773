"""Households, their tags and changes on the wire; bodies are the drafts of registry/people/drafts.py."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.schemas.places import PlacedInOut
from api.schemas.residents import ResidentOut
from core.secrecy import KeyRing
from core.storable import Body
from registry.people.drafts import Day, HouseholdKind, RetirementReason
from registry.people.models import RegistryChange, Resident, TagKind
from registry.people.views import HouseholdView, ShownTag


class TagOut(BaseModel):
    """A tag that stands on a household, or is to begin. `restricted` ones (7.5.5) have their name only for
    those who need to know; others see the code "restricted".
    """

    tag: str
    zh: str
    en: str
    special: bool
    restricted: bool
    resident: uuid.UUID | None
    valid_from: date
    valid_to: date | None

    @classmethod
    def of(cls, shown: ShownTag) -> "TagOut":
        return cls(
            tag=shown.code,
            zh=shown.zh,
            en=shown.en,
            special=shown.is_special,
            restricted=shown.is_restricted,
            resident=shown.resident_id,
            valid_from=shown.valid_from,
            valid_to=shown.valid_to,
        )


class HouseholdOut(BaseModel):
    """A household. `position` is CGCS2000, its own or that of its address or building; `special` on the day;
    `revision` is the number in the entity tag.
    """

    id: uuid.UUID
    street: str
    code: str | None
    address: uuid.UUID | None
    address_text: str | None
    building: uuid.UUID | None
    building_name: str | None
    entrance: str | None
    floor: str | None
    room: str | None
    kind: HouseholdKind
    position: tuple[float, float]
    grid: PlacedInOut | None
    special: bool
    tags: list[TagOut]
    residents: int
    source: str
    source_datum: str
    confirmed_at: datetime | None
    retired_on: date | None
    revision: int
    changed_at: datetime
    changed_by: str

    @classmethod
    def of(cls, view: HouseholdView) -> "HouseholdOut":
        return cls(**_columns(view))


class HouseholdDetailOut(BaseModel):
    """One household with those who live there, masked."""

    household: HouseholdOut
    residents: list[ResidentOut]

    @classmethod
    def of(cls, view: HouseholdView, residents: Sequence[Resident], keys: KeyRing) -> "HouseholdDetailOut":
        return cls(
            household=HouseholdOut.of(view), residents=[ResidentOut.of(one, keys) for one in residents]
        )


class HouseholdPage(BaseModel):
    """Households in the order of their ids."""

    items: list[HouseholdOut]
    next: str | None


class RetirementIn(Body):
    """Why and from which day a household stands no more."""

    reason: RetirementReason
    on: Day | None = Field(None, description="today if not given")


class TagKindOut(BaseModel):
    """A tag of the list, with the clauses that name it."""

    code: str
    zh: str
    en: str
    special: bool
    restricted: bool
    clause: str

    @classmethod
    def of(cls, kind: TagKind) -> "TagKindOut":
        return cls(
            code=kind.code,
            zh=kind.zh,
            en=kind.en,
            special=kind.is_special,
            restricted=kind.is_restricted,
            clause=kind.clause,
        )


class TagKindsOut(BaseModel):
    """The list of tags on a day."""

    on: date
    items: list[TagKindOut]


class ChangedFieldOut(BaseModel):
    """A field that changed; values that name a person are masked, others of persons left out."""

    field: str
    before: Any = None
    after: Any = None


class RegistryChangeOut(BaseModel):
    """One change of the register."""

    number: int
    at: datetime
    kind: Literal["household", "resident", "tags"]
    event: str
    household: uuid.UUID
    resident: uuid.UUID | None
    fields: list[ChangedFieldOut]
    changed_by: str

    @classmethod
    def of(cls, change: RegistryChange) -> "RegistryChangeOut":
        return cls.model_validate(
            {
                "number": change.change_id,
                "at": change.at,
                "kind": change.kind,
                "event": change.event,
                "household": change.household_id,
                "resident": change.resident_id,
                "fields": change.fields,
                "changed_by": change.changed_by,
            }
        )


class ChangePage(BaseModel):
    """Changes in the order they were made; `since` of the next request is `last`."""

    items: list[RegistryChangeOut]
    last: int
    more: bool


SinceNumber = Annotated[int, Field(ge=0, lt=2**62)]


def _columns(view: HouseholdView) -> dict[str, Any]:
    own = view.household
    return {
        "id": own.household_id,
        "street": own.street_code,
        "address": own.address_id,
        "address_text": view.address,
        "building": own.building_id,
        "building_name": view.building,
        "position": (view.lon, view.lat),
        "grid": None if view.grid is None else PlacedInOut.of(view.grid),
        "special": view.is_special,
        "tags": [TagOut.of(tag) for tag in view.tags],
        "residents": view.residents,
        "confirmed_at": own.collected_at,
        **{name: getattr(own, name) for name in ("code", "entrance", "floor", "room", "kind", "source")},
        **{name: getattr(own, name) for name in ("source_datum", "retired_on", "revision")},
        "changed_at": own.changed_at,
        "changed_by": own.changed_by,
    }
