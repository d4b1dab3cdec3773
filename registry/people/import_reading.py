"""Read-only SQL for an import: what a file may mean, in a few statements for all of its rows."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import Row, Uuid, cast, func, literal, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from access.scope import Scope
from registry.address_text import normalised
from registry.models import Address, Building
from registry.people.models import Household, HouseholdTag, Resident
from registry.people.placing import OF_HOUSEHOLDS, Door, House, at_their_doors
from registry.people.tags import tag_stands_on
from registry.placing import Whereabouts, grid_at, with_grids
from registry.settling import division_names

T = TypeVar("T")
Site = tuple[uuid.UUID | None, uuid.UUID | None]  # address, building

_CHUNK = 5000  # parameters of a statement


def chunks(items: Sequence[T], size: int = _CHUNK) -> Iterator[Sequence[T]]:
    """The items, some at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def buildings_called(session: Session, street: str, codes: Iterable[str]) -> dict[str, uuid.UUID]:
    """Standing buildings of the street by their code."""
    found: dict[str, uuid.UUID] = {}
    for some in chunks(sorted(set(codes))):
        statement = select(Building.code, Building.building_id).where(
            Building.street_code == street, Building.code.in_(some), Building.retired_on.is_(None)
        )
        found |= {str(row.code): row.building_id for row in session.execute(statement)}
    return found


def addresses_called(session: Session, street: str, texts: Iterable[str]) -> dict[str, uuid.UUID]:
    """Standing addresses of the street by what the file calls them."""
    names = tuple(division_names(session, street))
    plain = {text: normalised(text, names) for text in set(texts)}
    ids: dict[str, uuid.UUID] = {}
    for some in chunks(sorted(set(plain.values()))):
        statement = select(Address.normalised, Address.address_id).where(
            Address.street_code == street, Address.normalised.in_(some), Address.retired_on.is_(None)
        )
        ids |= {row.normalised: row.address_id for row in session.execute(statement)}
    return {text: ids[one] for text, one in plain.items() if one in ids}


def households_meant(
    session: Session, street: str, codes: Iterable[str], sites: Iterable[Site]
) -> list[Row[Any]]:
    """Households of the street with these codes, or in these buildings or at these addresses."""
    columns = [column for column in Household.__table__.columns if column.name not in {"geom", "attributes"}]
    wanted = list(sites)
    lists = (
        (Household.code, sorted(set(codes))),
        (Household.address_id, list({address for address, _ in wanted if address})),
        (Household.building_id, list({building for _, building in wanted if building})),
    )
    found: dict[uuid.UUID, Row[Any]] = {}
    for column, values in lists:
        for some in chunks(values):
            statement = select(*columns, Household.geom.is_not(None).label("is_sited")).where(
                Household.street_code == street, column.in_(some)
            )
            found |= {row.household_id: row for row in session.execute(statement)}
    return [
        row
        for row in found.values()
        if row.retired_on is None or row.code is not None  # a code is used up for ever
    ]


def paths_of_households(
    session: Session, street: str, ids: Sequence[uuid.UUID], day: date
) -> dict[uuid.UUID, str]:
    """The path of the grid that each household lies in."""
    found: dict[uuid.UUID, str] = {}
    for some in chunks(ids):
        statement = select(Household.household_id).where(Household.household_id.in_(some))
        whole = with_grids(at_their_doors(statement), OF_HOUSEHOLDS, Scope((f"{street}/",)), day)
        found |= {row.household_id: row.grid_path or f"{street}/" for row in session.execute(whole)}
    return found


def paths_of_sites(session: Session, street: str, sites: Sequence[Site], day: date) -> Mapping[Site, str]:
    """The path of the grid of a household that would have this address and building, and nothing else."""
    found: dict[Site, str] = {}
    for some in chunks(sites):
        columns = [cast([site[number] for site in some], ARRAY(Uuid)) for number in (0, 1)]
        asked = func.unnest(*columns).table_valued("address_id", "building_id").render_derived("asked")
        at = Whereabouts(
            literal(street), (Door.geom, House.geom), (Door.manual_grid_id, House.manual_grid_id)
        )
        placed = grid_at(at, day)
        home = func.coalesce(asked.c.building_id, Door.building_id)
        statement = (
            select(asked.c.address_id, asked.c.building_id, placed.c.path)
            .select_from(asked)
            .outerjoin(Door, Door.address_id == asked.c.address_id)
            .outerjoin(House, House.building_id == home)
            .outerjoin(placed, true())
        )
        for address_id, building_id, path in session.execute(statement):
            found[address_id, building_id] = path or f"{street}/"
    return found


def residents_within(session: Session, ids: Sequence[uuid.UUID]) -> Iterator[Resident]:
    """Those who live in these households."""
    for some in chunks(ids):
        yield from session.scalars(_living().where(Resident.household_id.in_(some)))


def residents_with_numbers(session: Session, street: str, indexes: Sequence[bytes]) -> Iterator[Resident]:
    """Those who live in the street and have one of these ID numbers."""
    for some in chunks(indexes):
        yield from session.scalars(
            _living().where(Resident.street_code == street, Resident.id_number_index.in_(some))
        )


def _living() -> Any:
    return select(Resident).where(Resident.left_on.is_(None), Resident.erased_at.is_(None))


def standing_tags_of(
    session: Session, ids: Sequence[uuid.UUID], day: date
) -> set[tuple[uuid.UUID, str, uuid.UUID | None]]:
    """Tags of these households that stand or are to begin: household, tag, because of whom."""
    found = set()
    for some in chunks(ids):
        statement = select(HouseholdTag.household_id, HouseholdTag.tag, HouseholdTag.resident_id).where(
            HouseholdTag.household_id.in_(some), or_(tag_stands_on(day), HouseholdTag.valid_from > day)
        )
        found |= {(row.household_id, row.tag, row.resident_id) for row in session.execute(statement)}
    return found
