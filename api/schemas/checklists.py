"""Checklists, findings and themes of patrols on the wire."""

import uuid
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel

from api.schemas.patrols import PersonOut, ReasonOut
from api.schemas.photos import NamedPhotoOut
from patrol.checklists.fields import FIELDS, ServiceField
from patrol.checklists.lists import ChecklistRow, Entry
from patrol.checklists.queries import FindingView, ItemProgress, ListProgress, PatrolProgress
from patrol.checklists.wording import incomplete


class FieldOut(BaseModel):
    """A service field of chapter 7."""

    code: str
    zh: str
    en: str
    clause: str

    @classmethod
    def of(cls, code: str) -> "FieldOut":
        name = FIELDS[ServiceField(code)]
        return cls(code=code, zh=name.zh, en=name.en, clause=name.clause)


class EntryOut(BaseModel):
    """An item or an aspect; `clause` is empty for what a standard does not name."""

    code: str
    zh: str
    en: str
    clause: str
    hint_zh: str
    hint_en: str

    @classmethod
    def of(cls, entry: Entry) -> "EntryOut":
        return cls(
            code=entry.code,
            zh=entry.zh,
            en=entry.en,
            clause=entry.clause,
            hint_zh=entry.hint_zh,
            hint_en=entry.hint_en,
        )


class ChecklistOut(BaseModel):
    """One version of a checklist; `path` is the part of the tree that it is for, empty for all."""

    code: str
    version: int
    path: str
    kind: str
    valid_from: date
    field: FieldOut
    zh: str
    en: str
    clause: str
    aspects: list[EntryOut]
    items: list[EntryOut]

    @classmethod
    def of(cls, row: ChecklistRow) -> "ChecklistOut":
        return cls(
            code=row.code,
            version=row.version,
            path=row.path,
            kind=row.kind,
            valid_from=row.valid_from,
            field=FieldOut.of(row.field),
            zh=row.zh,
            en=row.en,
            clause=row.clause,
            aspects=[EntryOut.of(one) for one in row.aspects],
            items=[EntryOut.of(one) for one in row.items],
        )


class ChecklistsOut(BaseModel):
    """Checklists, in the order of the standard's clauses, or the versions of one, newest first."""

    items: list[ChecklistOut]

    @classmethod
    def of(cls, rows: list[ChecklistRow]) -> "ChecklistsOut":
        return cls(items=[ChecklistOut.of(row) for row in rows])


class NamedOut(BaseModel):
    """Something by its code and name."""

    code: str
    zh: str
    en: str

    @classmethod
    def of(cls, named: Entry | ChecklistRow) -> "NamedOut":
        return cls(code=named.code, zh=named.zh, en=named.en)


class FindingOut(BaseModel):
    """A finding. `state` is open until it has become a hazard; `incomplete` says what is still missing."""

    id: uuid.UUID
    patrol_id: uuid.UUID
    person: PersonOut
    checklist: NamedOut
    version: int
    item: NamedOut
    aspect: NamedOut | None
    result: Literal["ok", "handled", "report"]
    state: Literal["done", "open", "handed"]
    note: str
    at: datetime
    position: tuple[float, float] | None
    grid_code: str
    grid_name: str
    photos: list[NamedPhotoOut]
    photos_arrived: int
    incomplete: ReasonOut | None
    received_at: datetime

    @classmethod
    def of(cls, view: FindingView) -> "FindingOut":
        return cls(
            id=view.finding_id,
            patrol_id=view.patrol_id,
            person=PersonOut(id=view.person_id, name=view.person_name),
            checklist=NamedOut.of(view.checklist),
            version=view.checklist.version,
            item=NamedOut.of(view.item),
            aspect=NamedOut.of(view.aspect) if view.aspect else None,
            result=view.result,
            state="open" if view.is_open else "handed" if view.handed_to else "done",
            note=view.note,
            at=view.at,
            position=view.position,
            grid_code=view.grid_code,
            grid_name=view.grid_name,
            photos=[NamedPhotoOut.of(photo) for photo in view.photos],
            photos_arrived=sum(photo.arrived for photo in view.photos),
            incomplete=_missing(view),
            received_at=view.received_at,
        )


class FindingPage(BaseModel):
    """Newest first."""

    items: list[FindingOut]
    next: str | None


class ItemProgressOut(EntryOut):
    """An item with what was last found of it; null while it has not been looked at."""

    finding: FindingOut | None

    @classmethod
    def of_progress(cls, one: ItemProgress) -> "ItemProgressOut":
        finding = FindingOut.of(one.finding) if one.finding else None
        return cls(**EntryOut.of(one.item).model_dump(), finding=finding)


class ListProgressOut(BaseModel):
    """A checklist on a patrol; `is_theme` when the patrol is made for its field."""

    code: str
    version: int
    zh: str
    en: str
    clause: str
    field: FieldOut
    is_theme: bool
    done: int
    total: int
    aspects: list[EntryOut]
    items: list[ItemProgressOut]

    @classmethod
    def of(cls, one: ListProgress) -> "ListProgressOut":
        return cls(
            code=one.checklist.code,
            version=one.checklist.version,
            zh=one.checklist.zh,
            en=one.checklist.en,
            clause=one.checklist.clause,
            field=FieldOut.of(one.checklist.field),
            is_theme=one.is_theme,
            done=one.done,
            total=len(one.items),
            aspects=[EntryOut.of(aspect) for aspect in one.checklist.aspects],
            items=[ItemProgressOut.of_progress(item) for item in one.items],
        )


class PatrolChecklistsOut(BaseModel):
    """The themes and checklists of a patrol, and how much of them is done."""

    patrol_id: uuid.UUID
    themes: list[FieldOut]
    done: int
    total: int
    checklists: list[ListProgressOut]

    @classmethod
    def of(cls, patrol_id: uuid.UUID, progress: PatrolProgress) -> "PatrolChecklistsOut":
        return cls(
            patrol_id=patrol_id,
            themes=[FieldOut.of(theme) for theme in progress.themes],
            done=sum(one.done for one in progress.lists),
            total=sum(len(one.items) for one in progress.lists),
            checklists=[ListProgressOut.of(one) for one in progress.lists],
        )


def _missing(view: FindingView) -> ReasonOut | None:
    found = incomplete(view)
    return None if found is None else ReasonOut(code=found.code, zh=found.zh, en=found.en)
