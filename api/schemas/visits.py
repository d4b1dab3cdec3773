"""Visits, forms, needs and due lists on the wire; what phones send is patrol/visits/wire.py."""

import uuid
from datetime import date, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel

from api.schemas.patrols import PersonOut, ReasonOut
from api.schemas.places import PlacedInOut
from core.settings import PatrolSettings
from patrol.visits.doors import DoorPlate
from patrol.visits.evidence import Evidence
from patrol.visits.models import Need, VisitForm, VisitVersion
from patrol.visits.needs import KINDS, URGENCIES
from patrol.visits.queries import NeedView, VisitDetail, VisitView
from patrol.visits.reasons import VisitReason
from patrol.visits.wire import CorrectionIn, Theme, VisitIn

Outcome = Literal["met", "not_home", "refused", "moved_away", "by_phone", "withdrawn"]


def reason_of(reason: VisitReason | None) -> ReasonOut | None:
    """A reason in a reply."""
    return ReasonOut(**reason.members()) if reason else None


class DoorOut(BaseModel):
    """Where a household is found, its people by masked names; `residents` is how many there are."""

    household_id: uuid.UUID
    address: str | None
    building_id: uuid.UUID | None
    building: str | None
    entrance: str | None
    floor: str | None
    room: str | None
    position: tuple[float, float]
    names: list[str]
    residents: int

    @classmethod
    def of(cls, household_id: uuid.UUID, plate: DoorPlate) -> "DoorOut":
        return cls(
            household_id=household_id,
            address=plate.address,
            building_id=plate.building_id,
            building=plate.building,
            entrance=plate.entrance,
            floor=plate.floor,
            room=plate.room,
            position=(plate.lon, plate.lat),
            names=list(plate.names),
            residents=plate.residents,
        )


# --------------------------------------------------------------------------------------------------- visits


class FormRefOut(BaseModel):
    """The form that was filled in."""

    code: str
    version: int
    zh: str
    en: str

    @classmethod
    def of(cls, form: VisitForm | None) -> "FormRefOut | None":
        return None if form is None else cls(code=form.code, version=form.version, zh=form.zh, en=form.en)


class ListedVisitOut(BaseModel):
    """A visit in a list. `counted` is whether a duty counts it; its grid is that of the day."""

    id: uuid.UUID
    household: DoorOut
    grid: PlacedInOut | None
    person: PersonOut
    at: datetime
    received_at: datetime
    outcome: Outcome
    theme: Theme
    form: FormRefOut | None
    counted: bool
    not_counted_reason: ReasonOut | None
    revision: int
    photos_expected: int
    photos_arrived: int

    @classmethod
    def of(cls, view: VisitView) -> "ListedVisitOut":
        return cls.model_validate(_visit(view))


class NeedOut(BaseModel):
    """Something a household needs; `handed_to` is the case that took it over."""

    id: uuid.UUID
    kind: str
    kind_zh: str
    kind_en: str
    detail: str
    urgency: str
    urgency_zh: str
    urgency_en: str
    status: Literal["open", "handed", "withdrawn"]
    handed_to: uuid.UUID | None

    @classmethod
    def of(cls, need: Need) -> "NeedOut":
        return cls.model_validate(_need(need))


class EvidenceOut(BaseModel):
    """What shows that somebody was there: the phone's distance, and the plate that was shown."""

    distance_m: float | None
    accuracy_m: float | None
    plate: Literal["none", "unknown", "elsewhere", "same_building"]
    checkpoint: str | None

    @classmethod
    def of(cls, evidence: Evidence) -> "EvidenceOut":
        return cls.model_validate(
            {
                "distance_m": evidence.distance_m,
                "accuracy_m": evidence.accuracy_m,
                "plate": evidence.plate,
                "checkpoint": evidence.checkpoint_name,
            }
        )


class VersionOut(BaseModel):
    """What a visit said before or after a correction; the first has no reason."""

    id: uuid.UUID
    made_at: datetime
    received_at: datetime
    reason: str
    outcome: Outcome
    theme: Theme
    answers: dict[str, Any]
    note: str

    @classmethod
    def of(cls, version: VisitVersion) -> "VersionOut":
        return cls.model_validate(
            {"id": version.version_id}
            | {name: getattr(version, name) for name in cls.model_fields if name != "id"}
        )


class VisitOut(ListedVisitOut):
    """One visit with answers, needs, evidence, and every version of a corrected one.

    Until `correctable_until` whoever made it may say it otherwise.
    """

    answers: dict[str, Any]
    note: str
    patrol_id: uuid.UUID | None
    follow_up_on: date | None
    photos: list[str]
    needs: list[NeedOut]
    evidence: EvidenceOut
    versions: list[VersionOut]
    correctable_until: datetime

    @classmethod
    def of_detail(cls, detail: VisitDetail, limits: PatrolSettings) -> "VisitOut":
        visit = detail.view.visit
        own = {
            "answers": visit.answers,
            "note": visit.note,
            "patrol_id": visit.patrol_id,
            "follow_up_on": visit.follow_up_on,
            "photos": visit.photos,
            "needs": [NeedOut.of(need) for need in detail.needs],
            "evidence": EvidenceOut.of(detail.evidence),
            "versions": [VersionOut.of(version) for version in detail.versions],
            "correctable_until": visit.at + timedelta(days=limits.visit_correction_days),
        }
        return cls.model_validate(_visit(detail.view) | own)


class VisitPage(BaseModel):
    """Newest first."""

    items: list[ListedVisitOut]
    next: str | None


class ListedNeedOut(NeedOut):
    """A need with the door it was found at."""

    visit_id: uuid.UUID
    found_at: datetime
    person_name: str
    household: DoorOut
    grid: PlacedInOut | None

    @classmethod
    def of_view(cls, view: NeedView) -> "ListedNeedOut":
        need = view.need
        own = {
            "visit_id": need.visit_id,
            "found_at": need.found_at,
            "person_name": view.person_name,
            "household": DoorOut.of(need.household_id, view.plate),
            "grid": PlacedInOut.of(view.grid) if view.grid else None,
        }
        return cls.model_validate(_need(need) | own)


class NeedPage(BaseModel):
    """Newest first."""

    items: list[ListedNeedOut]
    next: str | None


def _visit(view: VisitView) -> dict[str, Any]:
    visit = view.visit
    return {
        "id": visit.visit_id,
        "household": DoorOut.of(visit.household_id, view.plate),
        "grid": PlacedInOut.of(view.grid) if view.grid else None,
        "person": PersonOut(id=visit.person_id, name=view.person_name),
        "at": visit.at,
        "received_at": visit.received_at,
        "outcome": visit.outcome,
        "theme": visit.theme,
        "form": FormRefOut.of(view.form),
        "counted": view.counted.counted,
        "not_counted_reason": reason_of(view.counted.reason),
        "revision": visit.revision,
        "photos_expected": len(view.photos),
        "photos_arrived": sum(photo.arrived for photo in view.photos),
    }


def _need(need: Need) -> dict[str, Any]:
    kind_zh, kind_en = KINDS.get(need.kind, (need.kind, need.kind))
    urgency_zh, urgency_en = URGENCIES.get(need.urgency, (need.urgency, need.urgency))
    return {
        "id": need.need_id,
        "kind": need.kind,
        "kind_zh": kind_zh,
        "kind_en": kind_en,
        "detail": need.detail,
        "urgency": need.urgency,
        "urgency_zh": urgency_zh,
        "urgency_en": urgency_en,
        "status": need.status,
        "handed_to": need.handed_to,
    }


def body_schema(kind: type[VisitIn] | type[CorrectionIn]) -> dict[str, Any]:
    """The schema of a body that is read by hand, in one piece."""
    schema = kind.model_json_schema()
    inlined: dict[str, Any] = _inlined(schema, schema.pop("$defs", {}))
    return inlined


def _inlined(node: Any, parts: dict[str, Any]) -> Any:
    """References would point outside the document that the schema is put into."""
    if isinstance(node, list):
        return [_inlined(inner, parts) for inner in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(parts[node["$ref"].rpartition("/")[2]], parts)
    return {name: _inlined(inner, parts) for name, inner in node.items()}
