"""Buildings, addresses and checkpoints on the wire; bodies are the drafts of registry/drafts.py."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from access.scope import Scope
from core.storable import Body
from registry.drafts import BuildingKind, CheckpointKind
from registry.geocoding import Candidate, Match
from registry.importing import PlacesReport
from registry.keeping import AnyPlace
from registry.models import Address, Building, Checkpoint
from registry.organisations.models import Organisation
from registry.place_files import PlaceRejection
from registry.placing import PlacedIn
from registry.plates import PlateProof, shown
from registry.queries import Found


class PlacedInOut(BaseModel):
    """The grid a place lies in on the day; `manual` when somebody chose it against the position."""

    code: str
    name: str
    level: int
    manual: bool

    @classmethod
    def of(cls, placed: PlacedIn) -> "PlacedInOut":
        return cls(code=placed.code, name=placed.name, level=placed.level, manual=placed.is_manual)


class PlaceOut(BaseModel):
    """What every kind of place has. `position` is CGCS2000; `revision` is the number in the entity tag."""

    id: uuid.UUID
    street: str
    position: tuple[float, float]
    grid: PlacedInOut | None
    source: str
    source_datum: str
    attributes: dict[str, Any]
    retired_on: date | None
    revision: int
    changed_at: datetime
    changed_by: str


class BuildingOut(PlaceOut):
    """A building; figures that are not known are null."""

    code: str | None
    name: str
    kind: BuildingKind
    compound: str | None
    floors: int | None
    entrances: int | None
    households: int | None
    organisations: int | None
    shops: int | None

    @classmethod
    def of(cls, found: Found[Building]) -> "BuildingOut":
        own = own_columns(cls, found.place)
        return cls.model_validate({**shared_columns(found, found.place.building_id), **own})


class BuildingDetailOut(BuildingOut):
    """One building with its outline."""

    footprint: dict[str, Any] | None

    @classmethod
    def of_detail(cls, found: Found[Building], footprint: dict[str, Any] | None) -> "BuildingDetailOut":
        return cls.model_validate({**BuildingOut.of(found).model_dump(), "footprint": footprint})


class AddressOut(PlaceOut):
    """An address; `building_name` says whose position it has when it has none of its own."""

    text: str
    normalised: str
    building: uuid.UUID | None
    building_name: str | None

    @classmethod
    def of(cls, found: Found[Address]) -> "AddressOut":
        return cls.model_validate(
            {
                **shared_columns(found, found.place.address_id),
                **own_columns(cls, found.place),
                **home_columns(found),
            }
        )


class CheckpointOut(PlaceOut):
    """A checkpoint. The token of its plate is nowhere but on the plate; its short code is shown to those who
    keep places, for whoever patrols shall read it there.
    """

    code: str | None
    name: str
    kind: CheckpointKind
    building: uuid.UUID | None
    building_name: str | None
    floor: str | None
    entrance: str | None
    radius_m: float
    short_code: str | None
    generation: int

    @classmethod
    def of(cls, found: Found[Checkpoint], keeper: Scope) -> "CheckpointOut":
        is_keeper = keeper.covers(f"{found.place.street_code}/")
        own = {
            **own_columns(cls, found.place),
            "short_code": shown(found.place.short_code) if is_keeper else None,
        }
        return cls.model_validate(
            {**shared_columns(found, found.place.checkpoint_id), **own, **home_columns(found)}
        )


class BuildingPage(BaseModel):
    """Buildings in the order of their ids."""

    items: list[BuildingOut]
    next: str | None


class AddressPage(BaseModel):
    """Addresses in the order of their ids."""

    items: list[AddressOut]
    next: str | None


class CheckpointPage(BaseModel):
    """Checkpoints in the order of their ids."""

    items: list[CheckpointOut]
    next: str | None


class PlateIn(Body):
    """What was scanned (the token or the whole address in the QR code), or what was typed."""

    token: Annotated[str, Field(max_length=300)] | None = None
    short_code: Annotated[str, Field(max_length=40)] | None = None


class PlateOut(BaseModel):
    """The checkpoint of a plate. A typed short code proves less than a scanned token: see `shown`."""

    shown: PlateProof
    checkpoint: CheckpointOut


class CandidateOut(BaseModel):
    """An address that may be meant; `match` says how far the texts agree, `score` orders by it."""

    id: uuid.UUID
    text: str
    street: str
    position: tuple[float, float]
    grid: PlacedInOut | None
    building: uuid.UUID | None
    match: Match
    score: float

    @classmethod
    def of(cls, candidate: Candidate) -> "CandidateOut":
        found = candidate.found
        return cls(
            id=found.place.address_id,
            text=found.place.text,
            street=found.place.street_code,
            position=(found.lon, found.lat),
            grid=None if found.grid is None else PlacedInOut.of(found.grid),
            building=found.place.building_id,
            match=candidate.match,
            score=candidate.score,
        )


class GeocodeOut(BaseModel):
    """Candidates, best first; positions are CGCS2000."""

    text: str
    normalised: str
    datum: Literal["EPSG:4490"]
    candidates: list[CandidateOut]


class PlaceRejectionOut(BaseModel):
    """Why a row cannot be imported. `row` is the number in the spreadsheet, or of the GeoJSON feature."""

    row: int
    name: str | None
    field: str
    reason: str
    detail: str

    @classmethod
    def of(cls, rejection: PlaceRejection) -> "PlaceRejectionOut":
        return cls(
            row=rejection.row,
            name=rejection.name,
            field=rejection.field,
            reason=rejection.reason.code,
            detail=str(rejection.reason),
        )


class PlacesReportOut(BaseModel):
    """What was imported, or would be; nothing is while `rejected` holds anything.

    `unplaced` counts places in no grid of the day; they are kept, and the coverage report lists them.
    """

    file: str
    kind: str
    datum: str
    dry_run: bool
    total: int
    created: int
    changed: int
    unchanged: int
    unplaced: int
    rejected: list[PlaceRejectionOut]
    imported: bool
    notes: list[dict[str, str]]

    @classmethod
    def of(cls, report: PlacesReport, *, file: str, dry_run: bool) -> "PlacesReportOut":
        return cls(
            file=file,
            kind=report.kind,
            datum=report.datum,
            dry_run=dry_run,
            total=report.total,
            created=report.created,
            changed=report.changed,
            unchanged=report.unchanged,
            unplaced=report.unplaced,
            rejected=[PlaceRejectionOut.of(one) for one in report.rejected],
            imported=report.imported,
            notes=[{"code": note.code, "zh": note.zh, "en": note.en} for note in report.notes],
        )


def next_of(items: Sequence[PlaceOut], limit: int) -> str | None:
    """Where the page after the first `limit` items begins."""
    return str(items[limit - 1].id) if len(items) > limit else None


def shared_columns(found: Found[Any], place_id: uuid.UUID) -> dict[str, Any]:
    own = own_columns(PlaceOut, found.place)
    return {
        **own,
        "id": place_id,
        "street": found.place.street_code,
        "position": (found.lon, found.lat),
        "grid": None if found.grid is None else PlacedInOut.of(found.grid),
    }


def own_columns(schema: type[PlaceOut], place: AnyPlace) -> Mapping[str, Any]:
    """The columns that the schema names like the table does."""
    columns = place.__table__.columns
    return {name: getattr(place, name) for name in schema.model_fields if name in columns}


def home_columns(found: Found[Address] | Found[Checkpoint] | Found[Organisation]) -> dict[str, Any]:
    return {"building": found.place.building_id, "building_name": found.home}
