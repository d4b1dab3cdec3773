"""Households: read, keep, retire, tag; what changed, for the command centre."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from access.roles import Action
from api.days import OnDay
from api.dependencies import AppSettings, Call, Reading, Writing
from api.downloads import attachment
from api.if_match import IfMatch, tagged
from api.problems import problem_replies
from api.routes.grids import wanted_box
from api.routes.places import ALWAYS, REPEATED, Behind, PlaceLimit
from api.schemas.households import (
    ChangePage,
    HouseholdDetailOut,
    HouseholdOut,
    HouseholdPage,
    RegistryChangeOut,
    RetirementIn,
    SinceNumber,
    TagKindOut,
    TagKindsOut,
)
from core.clock import today
from core.errors import Forbidden, NotFound, Outdated, Unguarded
from core.secrecy import KeyMissing, key_ring
from core.settings import Settings
from core.spreadsheets import write_csv
from geo.datums import UnknownDatum
from geo.queries import BBox
from registry.people.changes import ChangeFilter, list_changes
from registry.people.drafts import HouseholdDraft, TagsDraft
from registry.people.keeping import put_household, retire_household
from registry.people.models import RegistryChange
from registry.people.problems import HouseholdCodeTaken, HouseholdOutside, HouseholdRetired
from registry.people.queries import (
    HouseholdFilter,
    below_grid,
    list_households,
    read_household,
    residents_of,
)
from registry.people.rights import Sight, require_somewhere
from registry.people.tagging import kinds_on, set_tags

router = APIRouter(prefix="/v1", tags=["households"])

KEEPING = (*ALWAYS, Forbidden, NotFound, Outdated, Unguarded, HouseholdRetired, KeyMissing)
CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}
MAX_EXPORTED = 50_000
_HEADERS = ("序号", "时间", "类别", "变更", "户", "人员", "字段", "操作人")

ChangeLimit = Annotated[int, Query(ge=1, le=1000, description="changes at once")]
Street = Annotated[str, Query(pattern="^[0-9]{9}$", description="street code")]
Since = Annotated[SinceNumber, Query(description="`last` of the page before; 0 from the beginning")]


def wanted_households(
    bbox: Annotated[BBox | None, Depends(wanted_box)],
    *,
    grid: Annotated[str | None, Query(max_length=40, description="code; with all grids below")] = None,
    text: Annotated[
        str | None, Query(max_length=100, description="part of address, building, room or code; no names")
    ] = None,
    building: Annotated[uuid.UUID | None, Query()] = None,
    tag: Annotated[str | None, Query(max_length=50, description="code of a tag that stands")] = None,
    special: Annotated[bool | None, Query(description="only special ones, or only others")] = None,
    retired: Annotated[bool, Query(description="also those that stand no more")] = False,
) -> HouseholdFilter:
    return HouseholdFilter(grid, bbox, text, building, tag, special, retired)


@router.get(
    "/households", response_model=HouseholdPage, responses=problem_replies(*ALWAYS, Forbidden, NotFound)
)
def read_households(
    call: Reading,
    wanted: Annotated[HouseholdFilter, Depends(wanted_households)],
    day: OnDay,
    after: Behind,
    limit: PlaceLimit = 200,
) -> HouseholdPage:
    """Households of the caller's scope, each with its grid, its tags and how many live there."""
    require_somewhere(call.actor, Action.READ_HOUSEHOLDS)
    sight = Sight.of(call.actor)
    views = list_households(call.session, sight, day, wanted=wanted, after=after, limit=limit + 1)
    items = [HouseholdOut.of(view) for view in views[:limit]]
    return HouseholdPage(items=items, next=str(items[-1].id) if len(views) > limit else None)


# Before {household_id}: the list of changes is not a household of that name.
@router.get(
    "/households/changes",
    response_model=ChangePage,
    responses=problem_replies(*ALWAYS, Forbidden, NotFound),
)
def read_changes(
    call: Reading,
    street: Street,
    *,
    since: Since = 0,
    grid: str | None = None,
    household: uuid.UUID | None = None,
    limit: ChangeLimit = 200,
) -> ChangePage:
    """What changed in the register of a street behind a number, in order; nothing in it names anybody.

    With `grid` and `household` only what lies in that grid, or was changed of that household.
    """
    wanted = _wanted(call, street, since, grid, household)
    found = list_changes(call.session, Sight.of(call.actor).scope, today(), wanted, limit=limit + 1)
    last = found[:limit][-1].change_id if found else since
    items = [RegistryChangeOut.of(change) for change in found[:limit]]
    return ChangePage(items=items, last=last, more=len(found) > limit)


@router.get(
    "/households/changes.csv",
    response_class=Response,
    responses=CSV | problem_replies(*ALWAYS, Forbidden, NotFound),
)
def export_changes(call: Reading, street: Street, *, since: Since = 0, grid: str | None = None) -> Response:
    """The same as a table, at most 50,000 changes."""
    wanted = _wanted(call, street, since, grid)
    found = list_changes(call.session, Sight.of(call.actor).scope, today(), wanted, limit=MAX_EXPORTED)
    body = write_csv(_HEADERS, [_line(change) for change in found])
    named = {"Content-Disposition": attachment(f"变更日志-{street}.csv"), "Cache-Control": "no-store"}
    return Response(body, media_type="text/csv", headers=named)


@router.get("/tags", response_model=TagKindsOut, responses=problem_replies(*ALWAYS, Forbidden))
def read_tag_kinds(call: Reading, day: OnDay) -> TagKindsOut:
    """The list of tags on a day: which make a household special, which are restricted, by which clause."""
    require_somewhere(call.actor, Action.READ_HOUSEHOLDS)
    kinds = kinds_on(call.session, day).values()
    return TagKindsOut(on=day, items=[TagKindOut.of(kind) for kind in kinds])


@router.get(
    "/households/{household_id}",
    response_model=HouseholdDetailOut,
    responses=problem_replies(*ALWAYS, NotFound, KeyMissing),
)
def read_one_household(
    call: Reading,
    settings: AppSettings,
    household_id: uuid.UUID,
    day: OnDay,
    response: Response,
    *,
    former: Annotated[bool, Query(description="also those who moved out")] = False,
) -> HouseholdDetailOut:
    """One household with those who live there, masked."""
    view = read_household(call.session, Sight.of(call.actor), household_id, day)
    residents = residents_of(call.session, household_id, with_former=former)
    tagged(response, view.household.revision)
    return HouseholdDetailOut.of(view, residents, key_ring(settings))


@router.put(
    "/households/{household_id}",
    status_code=201,
    response_model=HouseholdDetailOut,
    responses=REPEATED | problem_replies(*KEEPING, HouseholdOutside, HouseholdCodeTaken, UnknownDatum),
)
def keep_household(
    response: Response,
    *,
    household_id: uuid.UUID,
    body: HouseholdDraft,
    revision: IfMatch,
    call: Writing,
    settings: AppSettings,
) -> HouseholdDetailOut:
    """Make a household under an id of the phone's, or change it: then If-Match names the state it was in."""
    keys = key_ring(settings)
    kept = put_household(call.session, call.actor, household_id, body, keys=keys, revision=revision)
    response.status_code = 201 if kept.is_new else 200
    return _shown(call, settings, household_id, response)


@router.post(
    "/households/{household_id}/retirement",
    response_model=HouseholdDetailOut,
    responses=problem_replies(*ALWAYS, Forbidden, NotFound, KeyMissing),
)
def retire(
    household_id: uuid.UUID, body: RetirementIn, call: Writing, settings: AppSettings, response: Response
) -> HouseholdDetailOut:
    """The household stands no more from the day on; it stays readable."""
    retire_household(call.session, call.actor, household_id, reason=body.reason, on=body.on)
    return _shown(call, settings, household_id, response)


@router.put(
    "/households/{household_id}/tags",
    response_model=HouseholdDetailOut,
    responses=problem_replies(*KEEPING),
)
def keep_tags(
    response: Response,
    *,
    household_id: uuid.UUID,
    body: TagsDraft,
    revision: IfMatch,
    call: Writing,
    settings: AppSettings,
) -> HouseholdDetailOut:
    """These tags stand on the household; others end today. If-Match names the state of the household."""
    set_tags(call.session, call.actor, household_id, body.tags, revision=revision)
    return _shown(call, settings, household_id, response)


def _shown(call: Call, settings: Settings, household_id: uuid.UUID, response: Response) -> HouseholdDetailOut:
    call.session.flush()
    return read_one_household(call, settings, household_id, today(), response, former=False)


def _wanted(
    call: Call, street: str, since: int, grid: str | None, household_id: uuid.UUID | None = None
) -> ChangeFilter:
    require_somewhere(call.actor, Action.READ_HOUSEHOLDS)
    below = None if grid is None else below_grid(call.session, Sight.of(call.actor).scope, grid)
    return ChangeFilter(street, since, below, household_id)


def _line(change: RegistryChange) -> tuple[Any, ...]:
    fields = "；".join(f"{one['field']}: {one['before']} → {one['after']}" for one in change.fields)
    named = (str(change.household_id), str(change.resident_id or ""))
    return (change.change_id, change.at, change.kind, change.event, *named, fields, change.changed_by)
