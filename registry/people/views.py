"""Households and residents as they are shown: names and numbers masked, restricted tags by right alone."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from core.secrecy import KeyRing
from registry.people.checking import ID_NUMBER, PHONE
from registry.people.masking import mask_id_number, mask_name, mask_phone
from registry.people.models import Household, HouseholdTag, Resident, TagKind
from registry.people.residents import aad_of
from registry.people.tagging import RESTRICTED
from registry.placing import PlacedIn


@dataclass(frozen=True, slots=True)
class ShownTag:
    """A tag of a household as somebody may see it."""

    code: str
    zh: str
    en: str
    is_special: bool
    is_restricted: bool
    resident_id: uuid.UUID | None
    valid_from: date
    valid_to: date | None

    @classmethod
    def of(cls, tag: HouseholdTag, kinds: Mapping[str, TagKind], *, knows_restricted: bool) -> "ShownTag":
        """A restricted tag keeps its name and whom it is about from those who need not know (7.5.5)."""
        kind = kinds.get(tag.tag)
        is_restricted = kind is None or kind.is_restricted
        if is_restricted and not knows_restricted:
            return cls(
                RESTRICTED, "受限标签", "restricted tag", False, True, None, tag.valid_from, tag.valid_to
            )
        return cls(
            tag.tag,
            kind.zh if kind else tag.tag,
            kind.en if kind else tag.tag,
            bool(kind and kind.is_special),
            is_restricted,
            tag.resident_id,
            tag.valid_from,
            tag.valid_to,
        )


@dataclass(frozen=True, slots=True)
class HouseholdView:
    """A household with its grid on the day, where it is in words, its tags and how many live there."""

    household: Household
    lon: float
    lat: float
    grid: PlacedIn | None
    address: str | None
    building: str | None
    is_special: bool
    tags: tuple[ShownTag, ...]
    residents: int


@dataclass(frozen=True, slots=True)
class ResidentView:
    """A resident without what would name them. Of the birth date only the year: with the masked number, the
    day would give nearly all digits away.
    """

    resident_id: uuid.UUID
    household_id: uuid.UUID
    name: str
    relation: str | None
    sex: str | None
    birth_year: int | None
    residence: str
    id_number: str | None
    phone: str | None
    joined_on: date | None
    left_on: date | None
    is_erased: bool
    revision: int

    @classmethod
    def of(cls, resident: Resident, keys: KeyRing) -> "ResidentView":
        """Raises: KeyMissing."""
        numbers = {
            name: None if sealed is None else keys.open(sealed, aad_of(resident.resident_id, name))
            for name, sealed in ((ID_NUMBER, resident.id_number_sealed), (PHONE, resident.phone_sealed))
        }
        id_number, phone = numbers[ID_NUMBER], numbers[PHONE]
        return cls(
            resident.resident_id,
            resident.household_id,
            mask_name(resident.name),
            resident.relation,
            resident.sex,
            resident.born_on.year if resident.born_on else None,
            resident.residence,
            mask_id_number(id_number) if id_number else None,
            mask_phone(phone) if phone else None,
            resident.joined_on,
            resident.left_on,
            resident.erased_at is not None,
            resident.revision,
        )
