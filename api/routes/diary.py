"""民情日志: a worker's days, composed from what is recorded anyway, with one remark a day."""

import uuid
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import AppSettings, Reading, Writing
from api.downloads import attachment
from api.problems import problem_replies, problem_response
from api.schemas.diary import DiaryOut, RemarkIn
from api.spans import DaySpan, DayText, day_called, wanted_span
from core.clock import today
from core.documents import FontMissing
from core.errors import DomainError, FieldError, Invalid, NotFound, Unauthenticated, Unavailable
from core.quarantine import QuarantineFull
from patrol.diary.composing import read_diary
from patrol.diary.entries import MAX_DAYS, Span
from patrol.diary.exporting import diary_pdf, diary_workbook, record_export
from patrol.diary.remarking import Remark, RemarkConflict, put_remark

router = APIRouter(prefix="/v1", tags=["diary"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
PDF = "application/pdf"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILES: dict[int | str, dict[str, Any]] = {200: {"content": {PDF: {}, XLSX: {}}}}


def wanted_days(given: Annotated[DaySpan, Depends(wanted_span)], day: DayText = None) -> Span:
    """The days from `from` to `to`, or the one day; today if none is named. Raises: Invalid."""
    one = day_called(day, "day")
    if one is not None and (given.first or given.last):
        told = "day 与 from、to 二选一 / give either day or from and to"
        raise Invalid(told, errors=[FieldError("/query/day", "one-of-two", told)])
    last = one or given.last or given.first or today()
    span = Span(one or given.first or last, last)
    if (span.last - span.first).days >= MAX_DAYS:
        told = f"最多 {MAX_DAYS} 天 / at most {MAX_DAYS} days"
        raise Invalid(told, errors=[FieldError("/query/to", "too-many-days", told)])
    return span


Days = Annotated[Span, Depends(wanted_days)]
Whose = Annotated[uuid.UUID | None, Query(description="your own if not given")]


@router.get("/diary", response_model=DiaryOut, responses=problem_replies(*ALWAYS, NotFound))
def get_diary(call: Reading, span: Days, person: Whose = None) -> DiaryOut:
    """Your diary, or that of somebody whose patrols you may read, with the facts that you may see."""
    whose = person or call.actor.person_id
    return DiaryOut.of(read_diary(call.session, call.actor, whose, span))


@router.put(
    "/diary/{day}/remark",
    response_model=DiaryOut,
    responses=problem_replies(*ALWAYS, QuarantineFull, RemarkConflict),
)
def remark(
    request: Request, day: date, body: RemarkIn, call: Writing, settings: AppSettings
) -> DiaryOut | Response:
    """Your own remark on a day; it may be sent again and changed as often as you like."""
    said = Remark(body.remark, body.at)
    outcome = put_remark(call.session, call.actor, day, said, settings.patrol)
    if isinstance(outcome, DomainError):
        return problem_response(request, outcome)
    return DiaryOut.of(read_diary(call.session, call.actor, call.actor.person_id, Span(day, day)))


@router.get(
    "/diary/export",
    response_class=Response,
    responses=FILES | problem_replies(*ALWAYS, NotFound, FontMissing),
)
def export(
    call: Writing,
    span: Days,
    person: Whose = None,
    file_format: Annotated[Literal["pdf", "xlsx"], Query(alias="format")] = "pdf",
) -> Response:
    """The diary as a PDF to be signed, or as an Excel table. An export of somebody else's is audited."""
    diary = read_diary(call.session, call.actor, person or call.actor.person_id, span)
    body = diary_pdf(diary) if file_format == "pdf" else diary_workbook(diary)
    record_export(call.session, call.actor, diary, file_format)
    name = f"民情日志_{diary.person_name}_{span.first}_{span.last}.{file_format}"
    headers = {"Content-Disposition": attachment(name), "Cache-Control": "no-store"}
    return Response(body, media_type=PDF if file_format == "pdf" else XLSX, headers=headers)
