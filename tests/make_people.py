"""Builders of households, residents and tags, like those of tests/make.py."""

from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from core.secrecy import Key, KeyRing
from registry.people.models import Household, HouseholdTag, Resident
from tests import make

KEYS = KeyRing([Key("k1", bytes(range(32)))])  # of tests without settings; those with them have a file


def id_number(*, born: str = "19800101", sequence: str = "002") -> str:
    """A number with a right check digit, of a division that does not exist."""
    seventeen = f"990199{born}{sequence}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    rest = sum(int(digit) * weight for digit, weight in zip(seventeen, weights, strict=True)) % 11
    return seventeen + "10X98765432"[rest]


def household(
    session: Session, *, code: str = "H1", lon: float = 118.902, lat: float = 32.105, **columns: Any
) -> Household:
    """A household of STREET, by default inside A11 of `street_tree`; give `building_id` and `geom=None` for
    one that lies where its building does.
    """
    plain: dict[str, Any] = {
        "source_datum": "EPSG:4490",
        "source": "test",
        "attributes": {},
        "revision": 1,
        "changed_by": "测试",
        "household_id": make.fixed_uuid(f"household {code}"),
        "street_code": make.STREET,
        "kind": "registered",
        "room": "101",
        "geom": make.point(lon, lat),
    }
    made = Household(code=code, **{**plain, **columns})
    session.add(made)
    session.flush()
    return made


def resident(
    session: Session,
    *,
    household: Household,
    name: str = "张小红",
    id_number: str | None = None,
    phone: str | None = None,
    keys: KeyRing = KEYS,
    **columns: Any,
) -> Resident:
    """Somebody who lives in the household; the numbers are sealed as the product does."""
    resident_id = make.fixed_uuid(f"resident {name} {household.household_id}")
    made = Resident(
        **{
            "resident_id": resident_id,
            "household_id": household.household_id,
            "street_code": household.street_code,
            "name": name,
            "residence": "registered",
            "attributes": {},
            "revision": 1,
            "changed_by": "测试",
            **columns,
        }
    )
    for field, value in (("id_number", id_number), ("phone", phone)):
        if value is not None:
            aad = f"residents:{field}:{resident_id}"
            setattr(made, f"{field}_sealed", keys.seal(value, aad))
            setattr(made, f"{field}_index", keys.index(value, field))
    session.add(made)
    session.flush()
    return made


def tag(
    session: Session,
    *,
    household: Household,
    code: str = "disabled",
    resident: Resident | None = None,
    valid_from: date = make.SINCE,
    valid_to: date | None = None,
) -> HouseholdTag:
    """A tag of the seeded list on the household."""
    made = HouseholdTag(
        household_tag_id=make.fixed_uuid(f"tag {household.household_id} {code} {valid_from}"),
        household_id=household.household_id,
        resident_id=resident.resident_id if resident else None,
        tag=code,
        valid_from=valid_from,
        valid_to=valid_to,
        changed_by="测试",
    )
    session.add(made)
    session.flush()
    return made
