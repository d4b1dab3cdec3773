"""Drafts become rows: positions in CGCS2000, grids and buildings found by their names, streets by position.

One reading of the surroundings serves a single draft of a page as well as every row of a file.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Float, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from geo.codes import Reason
from geo.footprints import OUTSIDE_CHINA, BadFootprint, position_ewkb, positions_of, read_footprint
from geo.models import CGCS2000, Division, Grid, GridVersion
from geo.queries import standing_on, version_on
from registry.address_text import normalised
from registry.drafts import AddressDraft, AnyDraft, BuildingDraft, CheckpointDraft, OrganisationDraft
from registry.models import Building
from registry.people.drafts import HouseholdDraft


class Unsettled(Exception):
    """One field of a draft that fits nothing."""

    def __init__(self, pointer: str, reason: Reason) -> None:
        super().__init__(str(reason))
        self.pointer = pointer
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Settled:
    """A draft as columns of its table."""

    street_code: str
    columns: Mapping[str, Any]  # everything but key, revision and who changed it when


@dataclass(slots=True)
class Surroundings:
    """What drafts refer to, read at once for all of them."""

    grids: Mapping[str, tuple[int, str]]  # by code: id and street
    buildings: Mapping[uuid.UUID, str]  # standing ones by id: their street
    division_names: Mapping[str, Sequence[str]]  # by street: what addresses may begin with
    positions: Sequence[tuple[float, float] | None]  # in the order of the drafts
    footprints: Sequence[bytes | Reason | None]
    streets: Sequence[str | None]  # by position
    default_street: str | None = None  # of drafts that name none and lie in no grid


def surroundings_of(
    session: Session,
    drafts: Sequence[AnyDraft | HouseholdDraft],
    datum: str,
    day: date,
    *,
    default_street: str | None = None,
) -> Surroundings:
    """Everything that settling these drafts will ask for. Raises: UnknownDatum."""
    positions, footprints = _placed(drafts, datum)
    found = _streets_at(session, positions, day)
    codes = {draft.grid for draft in drafts if draft.grid}
    grids = select(Grid.code, Grid.grid_id, Grid.street_code).where(Grid.code.in_(codes), standing_on(day))
    homes = {draft.building for draft in drafts if not isinstance(draft, BuildingDraft) and draft.building}
    buildings = select(Building.building_id, Building.street_code).where(
        Building.building_id.in_(homes), Building.retired_on.is_(None)
    )
    rows = {row.building_id: row.street_code for row in session.execute(buildings)}
    streets = {*(draft.street for draft in drafts), *found, *rows.values(), default_street} - {None}
    return Surroundings(
        grids={row.code: (row.grid_id, row.street_code) for row in session.execute(grids)},
        buildings=rows,
        division_names={street: tuple(division_names(session, street)) for street in map(str, streets)},
        positions=positions,
        footprints=footprints,
        streets=found,
        default_street=default_street,
    )


def settle(draft: AnyDraft, index: int, around: Surroundings) -> Settled:
    """The draft as a row of its table. Raises: Unsettled."""
    at, footprint = around.positions[index], around.footprints[index]
    if isinstance(footprint, Reason):
        raise Unsettled("/footprint", footprint)
    if draft.position is not None and at is None:
        raise Unsettled("/position", OUTSIDE_CHINA)
    street_code = street_of(draft, index, around)
    columns = {
        "street_code": street_code,
        "geom": None if at is None else position_ewkb(*at),
        "source_datum": draft.datum,
        "source": draft.source,
        "manual_grid_id": manual_grid_of(draft, street_code, around),
        "attributes": draft.attributes,
        **_own_columns(draft, street_code, around),
    }
    if isinstance(draft, BuildingDraft):
        columns["footprint"] = footprint
    return Settled(street_code, columns)


def division_names(session: Session, street_code: str) -> Iterator[str]:
    """Names of county, street and communities as addresses begin with them; none for no street of ours."""
    rows = session.execute(
        select(Division.code, Division.name).where(
            Division.code.in_([street_code[:6], street_code]) | (Division.parent_code == street_code)
        )
    ).all()
    if street_code in {row.code for row in rows}:
        for row in rows:
            yield row.name.removesuffix("居委会").removesuffix("村委会")


def divisions_in(session: Session, address: str) -> list[str]:
    """Names of divisions that the text holds, whichever street they are of."""
    name = func.regexp_replace(Division.name, "(居委会|村委会)$", "")
    return list(session.scalars(select(name).where(func.strpos(address, name) > 0)))


# --------------------------------------------------------------------------------------------- parts

_FIGURES = ("floors", "entrances", "households", "organisations", "shops")
_OF_BUILDINGS = ("code", "name", "kind", "compound", *_FIGURES)
_OF_ORGANISATIONS = (
    *("code", "name", "kind", "category", "credit_code"),
    *("floor", "room", "licensed_from", "licensed_to"),
)
_OF_CHECKPOINTS = ("code", "name", "kind", "floor", "entrance", "radius_m")


def _own_columns(draft: AnyDraft, street_code: str, around: Surroundings) -> dict[str, Any]:
    if isinstance(draft, BuildingDraft):
        return {name: getattr(draft, name) for name in _OF_BUILDINGS}
    building_id = home_of(draft, street_code, around)
    if isinstance(draft, AddressDraft):
        plain = normalised(draft.text, around.division_names[street_code])
        return {"text": draft.text, "normalised": plain, "building_id": building_id}
    own = _OF_ORGANISATIONS if isinstance(draft, OrganisationDraft) else _OF_CHECKPOINTS
    return {"building_id": building_id, **{name: getattr(draft, name) for name in own}}


def home_of(
    draft: AddressDraft | CheckpointDraft | OrganisationDraft | HouseholdDraft,
    street_code: str,
    around: Surroundings,
) -> uuid.UUID | None:
    """The building that the draft names. Raises: Unsettled."""
    if draft.building is not None and around.buildings.get(draft.building) != street_code:
        zh, en = "本街道没有这座楼栋", "there is no such building in this street"
        raise Unsettled("/building", Reason("building-unknown", zh, en))
    return draft.building


def street_of(draft: AnyDraft | HouseholdDraft, index: int, around: Surroundings) -> str:
    """The street that the draft names, else that of its position, else of its building. Raises: Unsettled."""
    street_code = draft.street or around.streets[index]
    if street_code is None and not isinstance(draft, BuildingDraft) and draft.building is not None:
        street_code = around.buildings.get(draft.building)
    street_code = street_code or around.default_street
    if street_code is None:
        zh, en = (
            "位置不在任何网格内，请写明街道代码",
            "the position lies in no grid: give the code of the street",
        )
        raise Unsettled("/street", Reason("street-missing", zh, en))
    if not around.division_names.get(street_code):
        zh, en = f"区划表中没有街道 {street_code}", f"there is no street {street_code} in the division table"
        raise Unsettled("/street", Reason("unknown-division", zh, en))
    return street_code


def manual_grid_of(draft: AnyDraft | HouseholdDraft, street_code: str, around: Surroundings) -> int | None:
    """The id of the grid that the draft names. Raises: Unsettled."""
    if draft.grid is None:
        return None
    grid_id, street = around.grids.get(draft.grid, (None, ""))
    if street != street_code:
        zh, en = f"本街道没有网格 {draft.grid}", f"there is no grid {draft.grid} in this street"
        raise Unsettled("/grid", Reason("grid-unknown", zh, en))
    return grid_id


def _placed(
    drafts: Sequence[AnyDraft | HouseholdDraft], datum: str
) -> tuple[list[tuple[float, float] | None], list[bytes | Reason | None]]:
    """Positions and outlines in CGCS2000; a building without a position lies inside its outline."""
    given = [draft.position or (float("nan"), float("nan")) for draft in drafts]
    positions = positions_of(given, datum)
    footprints: list[bytes | Reason | None] = []
    for index, draft in enumerate(drafts):
        outline: bytes | Reason | None = None
        if isinstance(draft, BuildingDraft) and draft.footprint is not None:
            try:
                read = read_footprint(draft.footprint, datum)
                outline = read.ewkb
                if draft.position is None:
                    positions[index] = (read.lon, read.lat)
            except BadFootprint as bad:
                outline = bad.reason
        footprints.append(outline)
    return positions, footprints


def _streets_at(
    session: Session, positions: Sequence[tuple[float, float] | None], day: date
) -> list[str | None]:
    """The street whose division covers each position."""
    there = [(index, *at) for index, at in enumerate(positions) if at is not None]
    found: list[str | None] = [None] * len(positions)
    if not there:
        return found
    columns = [[row[number] for row in there] for number in (1, 2)]
    unnested = func.unnest(*(cast(column, ARRAY(Float)) for column in columns))
    asked = unnested.table_valued("lon", "lat", with_ordinality="place").render_derived()
    point = func.ST_SetSRID(func.ST_MakePoint(asked.c.lon, asked.c.lat), CGCS2000)
    rows = session.execute(
        select(asked.c.place, func.min(Grid.street_code))
        .select_from(asked)
        .join(GridVersion, func.ST_Covers(GridVersion.geom, point))
        .join(Grid, Grid.grid_id == GridVersion.grid_id)
        .where(Grid.level == 1, version_on(day), standing_on(day))
        .group_by(asked.c.place)
    )
    for place, street_code in rows:
        found[there[place - 1][0]] = street_code
    return found
