"""Buildings and addresses: read, keep, import; positions of addresses."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Path, Query, Response, UploadFile

from access.roles import Action
from access.scope import Actor, Scope, scope_of
from api.datums import DatumText
from api.days import OnDay
from api.dependencies import Reading, Writing
from api.if_match import IfMatch, tagged
from api.paging import After, bad_cursor
from api.problems import problem_replies
from api.routes.grids import wanted_box
from api.schemas.places import (
    AddressOut,
    AddressPage,
    BuildingDetailOut,
    BuildingOut,
    BuildingPage,
    CandidateOut,
    GeocodeOut,
    PlacesReportOut,
    next_of,
)
from core.clock import today
from core.errors import (
    Forbidden,
    Invalid,
    NotFound,
    Outdated,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unguarded,
)
from core.spreadsheets import UnreadableTable
from core.texts import WrongEncoding
from geo.datums import UnknownDatum
from geo.queries import BBox
from registry.drafts import AddressDraft, BuildingDraft
from registry.geocoding import geocode
from registry.importing import PlacesOrder, import_places
from registry.keeping import put_place, require_keeper, retire_place
from registry.models import Address, Building
from registry.place_files import read_places, template
from registry.problems import AddressTaken, PlaceCodeTaken, PlaceRetired, UnreadablePlaces
from registry.queries import PlaceFilter, footprint_of, list_places, read_place

router = APIRouter(prefix="/v1", tags=["places"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
KEEPING = (*ALWAYS, Forbidden, NotFound, Outdated, Unguarded, PlaceRetired, UnknownDatum)
FILES = (UnreadablePlaces, UnreadableTable, WrongEncoding, UnknownDatum)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
REPEATED: dict[int | str, dict[str, Any]] = {200: {"description": "Changed, or there already."}}
TABLE: dict[int | str, dict[str, Any]] = {200: {"content": {XLSX: {}}}}
_MAX_FILE_NAME = 200

Kind = Literal["buildings", "addresses", "checkpoints", "organisations"]
# A map of a street's buildings shall not need fifty requests.
PlaceLimit = Annotated[int, Query(ge=1, le=1000, description="items on a page")]
Street = Annotated[str | None, Query(pattern="^[0-9]{9}$", description="street code")]


def wanted_places(
    bbox: Annotated[BBox | None, Depends(wanted_box)],
    *,
    street: Street = None,
    grid: Annotated[str | None, Query(max_length=40, description="code; with all grids below")] = None,
    text: Annotated[str | None, Query(max_length=100, description="part of name, code or address")] = None,
    building: Annotated[uuid.UUID | None, Query(description="places of this building")] = None,
    retired: Annotated[bool, Query(description="also those that stand no more")] = False,
) -> PlaceFilter:
    return PlaceFilter(street, grid, bbox, text, building, retired)


def behind(after: After = None) -> uuid.UUID | None:
    """Raises: Invalid."""
    try:
        return None if after is None else uuid.UUID(after)
    except ValueError:
        raise bad_cursor() from None


def readable(actor: Actor) -> Scope:
    return scope_of(actor, Action.READ_PLACES)


WantedPlaces = Annotated[PlaceFilter, Depends(wanted_places)]
Behind = Annotated[uuid.UUID | None, Depends(behind)]

# ------------------------------------------------------------------------------------------- buildings


@router.get("/buildings", response_model=BuildingPage, responses=problem_replies(*ALWAYS, NotFound))
def read_buildings(
    call: Reading, wanted: WantedPlaces, day: OnDay, after: Behind, limit: PlaceLimit = 200
) -> BuildingPage:
    """Buildings of the caller's scope, each with the grid it lies in on the day."""
    scope = readable(call.actor)
    found = list_places(call.session, Building, scope, day, wanted=wanted, after=after, limit=limit + 1)
    items = [BuildingOut.of(one) for one in found]
    return BuildingPage(items=items[:limit], next=next_of(items, limit))


@router.get(
    "/buildings/{building_id}",
    response_model=BuildingDetailOut,
    responses=problem_replies(*ALWAYS, NotFound),
)
def read_building(call: Reading, building_id: uuid.UUID, day: OnDay, response: Response) -> BuildingDetailOut:
    """One building with its outline; retired ones too."""
    found = read_place(call.session, Building, readable(call.actor), building_id, day)
    tagged(response, found.place.revision)
    return BuildingDetailOut.of_detail(found, footprint_of(call.session, building_id))


@router.put(
    "/buildings/{building_id}",
    status_code=201,
    response_model=BuildingDetailOut,
    responses=REPEATED | problem_replies(*KEEPING, PlaceCodeTaken),
)
def put_building(
    response: Response, *, building_id: uuid.UUID, body: BuildingDraft, revision: IfMatch, call: Writing
) -> BuildingDetailOut:
    """Make a building under an id of the client's, or change it: then If-Match names the state it was in."""
    kept = put_place(call.session, call.actor, building_id, body, revision=revision)
    response.status_code = 201 if kept.is_new else 200
    return read_building(call, building_id, today(), response)


@router.post(
    "/buildings/{building_id}/retire",
    response_model=BuildingDetailOut,
    responses=problem_replies(*ALWAYS, Forbidden, NotFound),
)
def retire_building(building_id: uuid.UUID, call: Writing, response: Response) -> BuildingDetailOut:
    """The building stands no more; it stays readable."""
    retire_place(call.session, call.actor, Building, building_id)
    return read_building(call, building_id, today(), response)


# ------------------------------------------------------------------------------------------- addresses


@router.get("/addresses", response_model=AddressPage, responses=problem_replies(*ALWAYS, NotFound))
def read_addresses(
    call: Reading, wanted: WantedPlaces, day: OnDay, after: Behind, limit: PlaceLimit = 200
) -> AddressPage:
    """Addresses of the caller's scope, each with the grid it lies in on the day."""
    scope = readable(call.actor)
    found = list_places(call.session, Address, scope, day, wanted=wanted, after=after, limit=limit + 1)
    items = [AddressOut.of(one) for one in found]
    return AddressPage(items=items[:limit], next=next_of(items, limit))


@router.get(
    "/addresses/{address_id}", response_model=AddressOut, responses=problem_replies(*ALWAYS, NotFound)
)
def read_address(call: Reading, address_id: uuid.UUID, day: OnDay, response: Response) -> AddressOut:
    """One address; retired ones too."""
    found = read_place(call.session, Address, readable(call.actor), address_id, day)
    tagged(response, found.place.revision)
    return AddressOut.of(found)


@router.put(
    "/addresses/{address_id}",
    status_code=201,
    response_model=AddressOut,
    responses=REPEATED | problem_replies(*KEEPING, AddressTaken),
)
def put_address(
    response: Response, *, address_id: uuid.UUID, body: AddressDraft, revision: IfMatch, call: Writing
) -> AddressOut:
    """Make an address under an id of the client's, or change it: then If-Match names the state it was in."""
    kept = put_place(call.session, call.actor, address_id, body, revision=revision)
    response.status_code = 201 if kept.is_new else 200
    return read_address(call, address_id, today(), response)


@router.post(
    "/addresses/{address_id}/retire",
    response_model=AddressOut,
    responses=problem_replies(*ALWAYS, Forbidden, NotFound),
)
def retire_address(address_id: uuid.UUID, call: Writing, response: Response) -> AddressOut:
    """The address stands no more; it stays readable."""
    retire_place(call.session, call.actor, Address, address_id)
    return read_address(call, address_id, today(), response)


@router.get("/geocode", response_model=GeocodeOut, responses=problem_replies(*ALWAYS))
def read_position_of_text(
    call: Reading,
    text: Annotated[str, Query(min_length=1, max_length=200, description="an address as people write it")],
    street: Street = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> GeocodeOut:
    """Where an address is, from the table of addresses alone; nothing leaves the server."""
    found = geocode(call.session, readable(call.actor), text, today(), street=street, limit=limit)
    return GeocodeOut(
        text=text,
        normalised=found.normalised,
        datum="EPSG:4490",
        candidates=[CandidateOut.of(candidate) for candidate in found.candidates],
    )


# ----------------------------------------------------------------------------------------------- files


@router.post(
    "/places/import",
    response_model=PlacesReportOut,
    responses=problem_replies(*ALWAYS, Forbidden, TooLarge, *FILES),
)
def import_file(
    file: Annotated[UploadFile, File(description=".xlsx, .csv or GeoJSON")],
    kind: Kind,
    datum: DatumText,
    call: Writing,
    *,
    street: Street = None,
    dry_run: Annotated[bool, Query(description="say what would happen and change nothing")] = False,
) -> PlacesReportOut:
    """Import all places of a file, or none: then `imported` is false and `rejected` says why, row by row."""
    require_keeper(call.actor)
    name = (file.filename or "")[:_MAX_FILE_NAME]
    found = read_places(file.file.read(), name, kind, datum)
    order = PlacesOrder(kind, datum, street, today(), dry_run)
    report = import_places(call.session, call.actor, found, order)
    return PlacesReportOut.of(report, file=name, dry_run=dry_run)


@router.get(
    "/places/template/{kind}.xlsx",
    response_class=Response,
    responses=TABLE | problem_replies(*ALWAYS, Forbidden),
)
def read_template(kind: Annotated[Kind, Path()], call: Reading) -> Response:
    """An empty table with the columns that an import knows, and one line as an example."""
    require_keeper(call.actor)
    named = {"Content-Disposition": f'attachment; filename="{kind}.xlsx"'}
    return Response(template(kind), media_type=XLSX, headers=named)
