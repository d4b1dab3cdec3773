"""Full values of personal data, searches by them, their erasure: each with a reason, each in the trail."""

import uuid

from fastapi import APIRouter, Response

from api.dependencies import AppSettings, Writing
from api.problems import problem_replies
from api.routes.places import ALWAYS
from api.schemas.residents import ErasureIn, FoundOut, ResidentOut, RevealedOut, RevealIn, SearchIn
from core.errors import Forbidden, NotFound
from core.secrecy import KeyMissing, key_ring
from registry.people.erasing import erase_resident
from registry.people.problems import ResidentErased, TooManyLooks
from registry.people.revealing import reveal, search

router = APIRouter(prefix="/v1/residents", tags=["personal data"])

LOOKING = (*ALWAYS, Forbidden, KeyMissing, TooManyLooks)
UNSTORED = {"Cache-Control": "private, no-store"}


# Before {resident_id}: a search is not a resident of that name.
@router.post("/search", response_model=FoundOut, responses=problem_replies(*LOOKING))
def search_residents(body: SearchIn, call: Writing, settings: AppSettings, response: Response) -> FoundOut:
    """Those of the caller's scope with exactly this ID or phone number, masked."""
    keys, limits = key_ring(settings), settings.privacy
    response.headers.update(UNSTORED)
    if body.id_number is not None:
        found = search(
            call.session, call.actor, body.id_number, "id_number", body.why, keys=keys, limits=limits
        )
    else:
        found = search(
            call.session, call.actor, body.phone or "", "phone", body.why, keys=keys, limits=limits
        )
    return FoundOut(items=[ResidentOut.of(resident, keys) for resident in found])


@router.post(
    "/{resident_id}/reveal",
    response_model=RevealedOut,
    responses=problem_replies(*LOOKING, NotFound, ResidentErased),
)
def reveal_resident(
    resident_id: uuid.UUID, body: RevealIn, call: Writing, settings: AppSettings, response: Response
) -> RevealedOut:
    """Full values of a resident; who looked, at what and why is in the trail."""
    response.headers.update(UNSTORED)
    values = reveal(
        call.session,
        call.actor,
        resident_id,
        body.fields,
        body.why,
        keys=key_ring(settings),
        limits=settings.privacy,
    )
    return RevealedOut.model_validate({"id": resident_id, "values": values})


@router.post(
    "/{resident_id}/erasure",
    response_model=ResidentOut,
    responses=problem_replies(*ALWAYS, Forbidden, NotFound, KeyMissing),
)
def erase(resident_id: uuid.UUID, body: ErasureIn, call: Writing, settings: AppSettings) -> ResidentOut:
    """Everything that names the person is gone; the row stays for the counts. There is no way back."""
    resident = erase_resident(call.session, call.actor, resident_id, body.reason)
    return ResidentOut.of(resident, key_ring(settings))
