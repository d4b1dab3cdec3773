"""Collection rate, accuracy, drawn samples and their checks (annex A 15)."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query

from api.days import OnDay
from api.dependencies import AppSettings, Call, Reading, Writing
from api.problems import problem_replies
from api.routes.places import ALWAYS, Street
from api.schemas.samples import CheckIn, DrawIn, DrawnOut, QualityOut, SampleDetailOut, SampleOut
from core.clock import today
from core.errors import FieldError, Forbidden, Invalid, NotFound
from registry.samples.drawing import Draw, check_household, draw_sample
from registry.samples.problems import NothingToDraw, OwnCollection, SampleConflict
from registry.samples.quality import area_of, collection_of
from registry.samples.queries import households_of, newest_sample, read_sample, result_of

router = APIRouter(prefix="/v1", tags=["registry quality"])

Grid = Annotated[str | None, Query(max_length=40, description="code; with all grids below")]


@router.get(
    "/registry/quality", response_model=QualityOut, responses=problem_replies(*ALWAYS, Forbidden, NotFound)
)
def read_quality(
    call: Reading, settings: AppSettings, day: OnDay, street: Street = None, grid: Grid = None
) -> QualityOut:
    """How complete and how right the register of a street or grid is, with denominators explained."""
    if street is None and grid is None:
        told = "街道或网格填一项 / give a street or a grid"
        raise Invalid(told, errors=[FieldError("/query/street", "one-of-two", told)])
    area = area_of(call.session, call.actor, street, grid)
    months = settings.registry.confirmed_within_months
    collection = collection_of(call.session, area, day, months=months)
    sample = newest_sample(call.session, area.path, day)
    newest = None if sample is None else (sample, result_of(call.session, sample.sample_id))
    return QualityOut.of(area, day, collection, newest)


@router.post(
    "/samples",
    status_code=201,
    response_model=SampleDetailOut,
    responses=problem_replies(*ALWAYS, Forbidden, NotFound, NothingToDraw, SampleConflict),
)
def make_sample(body: DrawIn, call: Writing, settings: AppSettings) -> SampleDetailOut:
    """Draw a random sample of the collected households of a street or grid."""
    area = area_of(call.session, call.actor, body.street, body.grid)
    months = settings.registry.confirmed_within_months
    draw_sample(call.session, call.actor, Draw(body.id, area, body.size, body.seed, months))
    return _shown(call, body.id)


@router.get(
    "/samples/{sample_id}", response_model=SampleDetailOut, responses=problem_replies(*ALWAYS, NotFound)
)
def read_one_sample(sample_id: uuid.UUID, call: Reading) -> SampleDetailOut:
    """A sample, its result so far, and those of its households that the caller may see."""
    return _shown(call, sample_id)


@router.put(
    "/samples/{sample_id}/checks/{household_id}",
    response_model=SampleDetailOut,
    responses=problem_replies(*ALWAYS, Forbidden, NotFound, OwnCollection),
)
def put_check(sample_id: uuid.UUID, household_id: uuid.UUID, body: CheckIn, call: Writing) -> SampleDetailOut:
    """Note what was found at the door, by somebody who never wrote this household."""
    sample = read_sample(call.session, call.actor, sample_id)
    check_household(
        call.session,
        call.actor,
        sample,
        household_id,
        is_correct=body.correct,
        wrong_fields=body.wrong_fields,
    )
    return _shown(call, sample_id)


def _shown(call: Call, sample_id: uuid.UUID) -> SampleDetailOut:
    sample = read_sample(call.session, call.actor, sample_id)
    call.session.refresh(sample)
    out = SampleOut.of(sample, result_of(call.session, sample_id))
    drawn = households_of(call.session, call.actor, sample, today())
    return SampleDetailOut(**out.model_dump(), households=[DrawnOut.of(one) for one in drawn])
