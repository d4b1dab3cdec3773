"""The diary on the wire."""

import uuid
from datetime import date, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, StringConstraints

from api.schemas.patrols import PersonOut
from core.storable import Body
from patrol.diary.composing import Diary
from patrol.diary.entries import KINDS, DiaryDay, Entry, summary_en, summary_zh


class RemarkIn(Body):
    """The worker's own remark on the day; the latest by the phone's clock holds, an empty one ends it."""

    remark: Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True)]
    at: AwareDatetime


class EntryOut(BaseModel):
    """One fact: what kind, when, and in a sentence; `item_id` is that of the patrol, finding or visit."""

    kind: str
    kind_zh: str
    kind_en: str
    at: datetime | None
    until: datetime | None
    zh: str
    en: str
    grid_code: str | None
    grid_name: str | None
    item_id: uuid.UUID | None

    @classmethod
    def of(cls, entry: Entry) -> "EntryOut":
        kind_zh, kind_en = KINDS.get(entry.kind, (entry.kind, entry.kind))
        return cls(
            kind=entry.kind,
            kind_zh=kind_zh,
            kind_en=kind_en,
            at=entry.at,
            until=entry.until,
            zh=entry.zh,
            en=entry.en,
            grid_code=entry.grid_code,
            grid_name=entry.grid_name,
            item_id=entry.item_id,
        )


class SummaryOut(BaseModel):
    """What facts add up to, as figures and as a sentence."""

    figures: dict[str, int]
    zh: str
    en: str

    @classmethod
    def of(cls, figures: dict[str, int]) -> "SummaryOut":
        return cls(figures=figures, zh=summary_zh(figures), en=summary_en(figures))


class DiaryDayOut(BaseModel):
    """One day."""

    day: date
    summary: SummaryOut
    entries: list[EntryOut]
    remark: str

    @classmethod
    def of(cls, day: DiaryDay) -> "DiaryDayOut":
        return cls(
            day=day.day,
            summary=SummaryOut.of(day.figures),
            entries=[EntryOut.of(entry) for entry in day.entries],
            remark=day.remark,
        )


class DiaryOut(BaseModel):
    """The days on which something was done or remarked; a single day that was asked for is always there."""

    person: PersonOut
    street: str | None
    grids: list[str]
    first: date
    last: date
    summary: SummaryOut
    days: list[DiaryDayOut]

    @classmethod
    def of(cls, diary: Diary) -> "DiaryOut":
        return cls(
            person=PersonOut(id=diary.person_id, name=diary.person_name),
            street=diary.street_name,
            grids=list(diary.grids),
            first=diary.span.first,
            last=diary.span.last,
            summary=SummaryOut.of(diary.figures),
            days=[DiaryDayOut.of(day) for day in diary.days],
        )
