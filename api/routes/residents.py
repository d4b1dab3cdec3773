"""Residents: keep, move, let go. Replies are masked; full values have a door of their own (personal_data)."""

import uuid

from fastapi import APIRouter, Response

from api.dependencies import AppSettings, Reading, Writing
from api.if_match import IfMatch, tagged
from api.problems import problem_replies
from api.routes.places import ALWAYS, REPEATED
from api.schemas.residents import DepartureIn, MoveIn, ResidentOut
from core.clock import today
from core.errors import Forbidden, NotFound, Outdated, Unguarded
from core.secrecy import KeyMissing, KeyRing, key_ring
from registry.people.drafts import ResidentDraft
from registry.people.models import Resident
from registry.people.problems import HouseholdRetired, ResidentElsewhere, ResidentErased, ResidentKnown
from registry.people.queries import read_resident
from registry.people.residents import depart_resident, move_resident, put_resident
from registry.people.rights import Sight

router = APIRouter(prefix="/v1", tags=["households"])

CHANGING = (*ALWAYS, Forbidden, NotFound, KeyMissing, ResidentErased)


@router.get(
    "/residents/{resident_id}",
    response_model=ResidentOut,
    responses=problem_replies(*ALWAYS, NotFound, KeyMissing),
)
def read_one_resident(
    call: Reading, settings: AppSettings, resident_id: uuid.UUID, response: Response
) -> ResidentOut:
    """One resident, masked; also one who moved out."""
    resident = read_resident(call.session, Sight.of(call.actor), resident_id, today())
    return _shown(resident, key_ring(settings), response)


@router.put(
    "/residents/{resident_id}",
    status_code=201,
    response_model=ResidentOut,
    responses=REPEATED
    | problem_replies(*CHANGING, Outdated, Unguarded, HouseholdRetired, ResidentElsewhere, ResidentKnown),
)
def keep_resident(
    response: Response,
    *,
    resident_id: uuid.UUID,
    body: ResidentDraft,
    revision: IfMatch,
    call: Writing,
    settings: AppSettings,
) -> ResidentOut:
    """Make a resident under an id of the phone's, or change one with If-Match.

    Left out, name, sex, birth date and numbers stay as they are; null takes a number away.
    """
    keys = key_ring(settings)
    kept = put_resident(call.session, call.actor, resident_id, body, keys=keys, revision=revision)
    response.status_code = 201 if kept.is_new else 200
    return _shown(call.session.get_one(Resident, resident_id), keys, response)


@router.post(
    "/residents/{resident_id}/move",
    response_model=ResidentOut,
    responses=problem_replies(*CHANGING, HouseholdRetired, ResidentKnown),
)
def move(
    resident_id: uuid.UUID, body: MoveIn, call: Writing, settings: AppSettings, response: Response
) -> ResidentOut:
    """The resident lives in another household of the caller's scope; tags that stand on them come along."""
    keys = key_ring(settings)
    resident = move_resident(call.session, call.actor, resident_id, body.household, keys=keys, on=body.on)
    return _shown(resident, keys, response)


@router.post(
    "/residents/{resident_id}/departure", response_model=ResidentOut, responses=problem_replies(*CHANGING)
)
def depart(
    resident_id: uuid.UUID, body: DepartureIn, call: Writing, settings: AppSettings, response: Response
) -> ResidentOut:
    """The resident no longer lives there."""
    resident = depart_resident(call.session, call.actor, resident_id, reason=body.reason, on=body.on)
    return _shown(resident, key_ring(settings), response)


def _shown(resident: Resident, keys: KeyRing, response: Response) -> ResidentOut:
    tagged(response, resident.revision)
    return ResidentOut.of(resident, keys)
