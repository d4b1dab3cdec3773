"""Households and residents of the demo street: made up, so many per building as the building says.

Everybody has a door; only some have people behind it, those of the member's own grid all. Numbers begin with
320000, the province itself, under which no identity card is issued.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from core.secrecy import KeyRing
from registry.people.models import Household, HouseholdTag, Resident
from registry.people.residents import aad_of
from seeds.demo.buildings import House, building_id, shared_columns
from seeds.demo.copying import copy_rows
from seeds.demo.crew import MEMBER_GRID
from seeds.demo.names import GIVEN_NAMES, SURNAMES
from seeds.demo.places import CAMPUS, STREET_CODE
from seeds.demo.street import DemoGrid

# Each grid has each of these somewhere; the commonest stand more often.
_SPECIAL = (
    "disabled", "elder_living_alone", "subsistence", "disabled", "lone_elder", "single_parent", "disabled",
    "elder_living_alone", "bereaved_parents", "destitute", "child_in_need",
)  # fmt: skip
_OLD = frozenset({"elder_living_alone", "lone_elder", "bereaved_parents"})
_SPECIAL_SHARE = 0.035
_PEOPLED_SHARE = 0.04  # of other grids: the demo must load in seconds
_LATE_TAG_SHARE = 0.06  # of the special ones became so in the running quarter
_PER_FLOOR = 2
_ID_DIVISION = "320000"
_PHONE_BLOCK = 13000000000


@dataclass(frozen=True, slots=True, eq=False)
class Home:
    """A household of the demo with its grid and what marks it."""

    household_id: uuid.UUID
    grid: DemoGrid
    tag: str | None
    is_vacant: bool


def _confirmed_at(at: datetime, today: date, number: int) -> datetime:
    """Somebody was at the door within the last 400 days, mostly within the year that counts."""
    return at + (today - at.date()) - timedelta(days=1 + number * 37 % 400)


def store_households(
    session: Session, houses: Sequence[House], at: datetime, today: date, keys: KeyRing
) -> list[Home]:
    """Every household is in the database, with the tags and residents of some; all of them in order."""
    rng = np.random.default_rng([2763, 6])
    shared = shared_columns(at)
    homes: list[Home] = []
    rows: list[dict[str, Any]] = []
    for number, house in enumerate(houses):
        if house.grid is None:
            continue
        for door in _doors(number, house, rng):
            homes.append(Home(door["household_id"], house.grid, door.pop("tag"), door["kind"] == "vacant"))
            collected_at = None if homes[-1].is_vacant else _confirmed_at(at, today, len(homes))
            rows.append({**shared, **door, "collected_at": collected_at})
    copy_rows(session, Household, rows)
    residents = list(_residents(homes, today, rng, keys=keys, shared=shared))
    copy_rows(session, Resident, residents)
    copy_rows(session, HouseholdTag, list(_tags(homes, residents, today, rng)))
    return homes


def _doors(number: int, house: House, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """401 of the second entrance: so many rooms on a floor as it takes."""
    assert house.grid
    entrances = max(1, round(house.households / (_PER_FLOOR * house.floors)))
    luck = rng.random((house.households, 2))
    for nth in range(house.households):
        entrance, place = nth % entrances + 1, nth // entrances
        floor, room = place % house.floors + 1, place // house.floors + 1
        is_special = luck[nth, 1] < _SPECIAL_SHARE
        home = building_id(number)
        yield {
            "household_id": uuid.uuid5(home, f"household {nth}"),
            "code": f"XL-{number + 1:05}-{entrance}-{floor}{room:02}",
            "address_id": None,
            "building_id": home,
            "entrance": str(entrance),
            "floor": str(floor),
            "room": f"{floor}{room:02}",
            "kind": "registered" if is_special else _kind(house.grid, float(luck[nth, 0])),
            "geom": None,
            "manual_grid_id": None,
            "tag": _SPECIAL[int(luck[nth, 1] / _SPECIAL_SHARE * len(_SPECIAL))] if is_special else None,
        }


def _kind(grid: DemoGrid, luck: float) -> str:
    if luck < 0.03:
        return "vacant"
    if grid.kind == CAMPUS and luck < 0.5:
        return "collective"
    return "floating" if luck > 0.86 else "registered"


def _residents(
    homes: Sequence[Home],
    today: date,
    rng: np.random.Generator,
    *,
    keys: KeyRing,
    shared: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:
    peopled = [home for home in homes if not home.is_vacant and _is_peopled(home, rng)]
    given = GIVEN_NAMES.split()
    for home in peopled:
        surname = SURNAMES[int(rng.integers(len(SURNAMES)))]
        count = 1 if home.tag in _OLD else int(rng.integers(1, 4))
        for nth in range(count):
            age = int(rng.integers(76, 92) if home.tag in _OLD else rng.integers(20, 75) if nth < 2 else 9)
            born_on = date(today.year - age, 1, 1) + timedelta(days=int(rng.integers(365)))
            resident_id = uuid.uuid5(home.household_id, f"resident {nth}")
            is_known = home.grid.name == MEMBER_GRID and nth == 0
            yield {
                **{name: shared[name] for name in ("attributes", "revision", "created_at", "changed_at")},
                "changed_by": shared["changed_by"],
                "resident_id": resident_id,
                "household_id": home.household_id,
                "street_code": STREET_CODE,
                "name": surname + given[int(rng.integers(len(given)))],
                "relation": ("head", "spouse", "grandchild")[nth],
                "sex": ("male", "female")[int(rng.integers(2))],
                "born_on": born_on,
                "residence": "registered",
                **_numbers(keys, resident_id, born_on, int(rng.integers(10_000)), is_known=is_known),
            }


def _is_peopled(home: Home, rng: np.random.Generator) -> bool:
    return home.grid.name == MEMBER_GRID or home.tag is not None or rng.random() < _PEOPLED_SHARE


def _numbers(
    keys: KeyRing, resident_id: uuid.UUID, born_on: date, luck: int, *, is_known: bool
) -> dict[str, bytes | None]:
    """The sealed ID and phone number of those who gave them."""
    texts = {"id_number": None, "phone": None} if not is_known else _made_up(born_on, luck, resident_id)
    columns: dict[str, bytes | None] = {}
    for name, text in texts.items():
        sealed = None if text is None else keys.seal(text, aad_of(resident_id, name))
        columns |= {f"{name}_sealed": sealed}
        columns |= {f"{name}_index": None if text is None else keys.index(text, name)}
    return columns


def _made_up(born_on: date, luck: int, resident_id: uuid.UUID) -> dict[str, str | None]:
    body = f"{_ID_DIVISION}{born_on:%Y%m%d}{resident_id.int % 999 + 1:03}"
    rest = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(body)) % 11  # GB 11643
    return {"id_number": body + "10X98765432"[rest], "phone": str(_PHONE_BLOCK + luck)}


def _tags(
    homes: Sequence[Home], residents: Sequence[Mapping[str, Any]], today: date, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    first = {row["household_id"]: row["resident_id"] for row in reversed(residents)}
    for home in homes:
        if home.tag is None:
            continue
        days = rng.integers(5, 40) if rng.random() < _LATE_TAG_SHARE else rng.integers(200, 900)
        yield {
            "household_tag_id": uuid.uuid5(home.household_id, home.tag),
            "household_id": home.household_id,
            "resident_id": first.get(home.household_id),
            "tag": home.tag,
            "valid_from": today - timedelta(days=int(days)),
            "changed_by": "演示数据",
        }
