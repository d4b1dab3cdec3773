"""Organisations, shops and facilities: read, keep, retire. Tables of them: /v1/places/import."""

import dataclasses
import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.days import OnDay
from api.dependencies import Reading, Writing
from api.if_match import IfMatch, tagged
from api.problems import problem_replies
from api.routes.places import ALWAYS, KEEPING, REPEATED, Behind, PlaceLimit, WantedPlaces, readable
from api.schemas.organisations import OrganisationOut, OrganisationPage
from api.schemas.places import next_of
from core.clock import today
from core.errors import Forbidden, NotFound
from registry.drafts import OrganisationDraft
from registry.keeping import put_place, retire_place
from registry.organisations.categories import Category, OrganisationKind
from registry.organisations.models import Organisation
from registry.problems import PlaceCodeTaken
from registry.queries import list_places, read_place

router = APIRouter(prefix="/v1/organisations", tags=["places"])


@router.get("", response_model=OrganisationPage, responses=problem_replies(*ALWAYS, NotFound))
def read_organisations(
    call: Reading,
    wanted: WantedPlaces,
    day: OnDay,
    after: Behind,
    limit: PlaceLimit = 200,
    *,
    kind: Annotated[OrganisationKind | None, Query()] = None,
    category: Annotated[Category | None, Query()] = None,
) -> OrganisationPage:
    """Organisations, shops and facilities of the caller's scope, each with its grid on the day."""
    scope, narrowed = readable(call.actor), dataclasses.replace(wanted, kind=kind, category=category)
    found = list_places(call.session, Organisation, scope, day, wanted=narrowed, after=after, limit=limit + 1)
    items = [OrganisationOut.of(one) for one in found]
    return OrganisationPage(items=items[:limit], next=next_of(items, limit))


@router.get(
    "/{organisation_id}", response_model=OrganisationOut, responses=problem_replies(*ALWAYS, NotFound)
)
def read_organisation(
    call: Reading, organisation_id: uuid.UUID, day: OnDay, response: Response
) -> OrganisationOut:
    """One of them; retired ones too."""
    found = read_place(call.session, Organisation, readable(call.actor), organisation_id, day)
    tagged(response, found.place.revision)
    return OrganisationOut.of(found)


@router.put(
    "/{organisation_id}",
    status_code=201,
    response_model=OrganisationOut,
    responses=REPEATED | problem_replies(*KEEPING, PlaceCodeTaken),
)
def put_organisation(
    response: Response,
    *,
    organisation_id: uuid.UUID,
    body: OrganisationDraft,
    revision: IfMatch,
    call: Writing,
) -> OrganisationOut:
    """Make one under an id of the client's, or change it: then If-Match names the state it was in."""
    kept = put_place(call.session, call.actor, organisation_id, body, revision=revision)
    response.status_code = 201 if kept.is_new else 200
    return read_organisation(call, organisation_id, today(), response)


@router.post(
    "/{organisation_id}/retirement",
    response_model=OrganisationOut,
    responses=problem_replies(*ALWAYS, Forbidden, NotFound),
)
def retire_organisation(organisation_id: uuid.UUID, call: Writing, response: Response) -> OrganisationOut:
    """It is there no more; it stays readable."""
    retire_place(call.session, call.actor, Organisation, organisation_id)
    return read_organisation(call, organisation_id, today(), response)
