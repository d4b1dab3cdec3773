"""Patrols on the wire."""

import uuid
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from patrol import reasons
from patrol.queries import PatrolView, VerdictView
from patrol.reasons import Reason


class StartIn(BaseModel):
    """A patrol begins: in which grid, and when by the phone's clock."""

    grid_code: str = Field(min_length=1, max_length=40)
    started_at: AwareDatetime


class FinishIn(BaseModel):
    """A patrol ends, by the phone's clock; what is still on its way is filed later."""

    finished_at: AwareDatetime


class ReasonOut(BaseModel):
    """A stable code with a sentence in Chinese and English."""

    code: str
    zh: str
    en: str

    @classmethod
    def of(cls, reason: Reason | None) -> "ReasonOut | None":
        return cls(**reason.members()) if reason else None


class CheckOut(ReasonOut):
    """One check: the measured figure beside the required one."""

    check: str
    measured: float
    required: float
    unit: str
    passed: bool


class ListedVerdictOut(BaseModel):
    """A verdict and its place in the weekly count; `counted` is null while that is open."""

    status: Literal["valid", "invalid", "pending_review", "accepted_by_supervisor"]
    computed_status: Literal["valid", "invalid", "pending_review"]
    decision: Literal["accepted", "rejected"] | None
    policy_version: int
    results: list[CheckOut]
    in_grid_s: float
    observed_s: float
    length_m: float
    coverage_ratio: float
    counted: bool | None
    not_counted_reason: ReasonOut | None

    @classmethod
    def of(cls, verdict: VerdictView) -> "ListedVerdictOut":
        return cls.model_validate(_verdict(verdict))


class VerdictOut(ListedVerdictOut):
    """A verdict with the number of fixes per quality flag."""

    flags: dict[str, int]

    @classmethod
    def of(cls, verdict: VerdictView) -> "VerdictOut":
        return cls.model_validate({**_verdict(verdict), "flags": verdict.flags})


class PersonOut(BaseModel):
    """Who walked."""

    id: uuid.UUID
    name: str


class PatrolBase(BaseModel):
    """A patrol; `state` is judged once the verdict includes everything that has arrived.

    `source` is app, gpx or tracker, or appeal for one that only an accepted appeal speaks for.
    """

    id: uuid.UUID
    grid_code: str
    grid_name: str
    person: PersonOut
    source: str
    started_at: datetime
    finished_at: datetime | None
    state: Literal["open", "judging", "judged"]
    segments: int
    fixes: int


class ListedPatrolOut(PatrolBase):
    """A patrol in a list."""

    verdict: ListedVerdictOut | None

    @classmethod
    def of(cls, view: PatrolView) -> "ListedPatrolOut":
        verdict = ListedVerdictOut.of(view.verdict) if view.verdict else None
        return cls.model_validate({**_patrol(view), "verdict": verdict})


class PatrolOut(PatrolBase):
    """A patrol by itself."""

    verdict: VerdictOut | None

    @classmethod
    def of(cls, view: PatrolView) -> "PatrolOut":
        verdict = VerdictOut.of(view.verdict) if view.verdict else None
        return cls.model_validate({**_patrol(view), "verdict": verdict})


class PatrolPage(BaseModel):
    """Newest first."""

    items: list[ListedPatrolOut]
    next: str | None


class FixIn(BaseModel):
    """One position, for the documentation only: bodies are read by patrol/wire.py."""

    at: AwareDatetime
    lon: float
    lat: float
    accuracy_m: float = Field(ge=0)
    speed_mps: float | None = None
    heading_deg: float | None = None
    altitude_m: float | None = None
    mock: bool | None = None


class SegmentIn(BaseModel):
    """One batch of positions, for the documentation only."""

    seq: int = Field(ge=0)
    datum: Literal["EPSG:4490", "EPSG:4326", "GCJ02", "BD09"]
    fixes: list[FixIn] = Field(min_length=1, max_length=1000)


def segment_schema() -> dict[str, Any]:
    """The schema of a segment in one piece: references would point outside the document."""
    schema = SegmentIn.model_json_schema()
    schema["properties"]["fixes"]["items"] = schema.pop("$defs")["FixIn"]
    return schema


class SegmentOut(BaseModel):
    """The segment is stored; `repeated` when it was before this request."""

    segment_id: uuid.UUID
    stored: bool
    fixes: int
    repeated: bool


def _verdict(verdict: VerdictView) -> dict[str, object]:
    return {
        "status": verdict.status,
        "computed_status": verdict.computed_status,
        "decision": verdict.decision,
        "policy_version": verdict.policy_id,
        "results": [{**result, **reasons.of_check(result).members()} for result in verdict.results],
        "in_grid_s": verdict.in_grid_s,
        "observed_s": verdict.observed_s,
        "length_m": verdict.length_m,
        "coverage_ratio": verdict.coverage_ratio,
        "counted": verdict.counted,
        "not_counted_reason": ReasonOut.of(verdict.not_counted),
    }


def _patrol(view: PatrolView) -> dict[str, object]:
    return {
        "id": view.patrol_id,
        "grid_code": view.grid_code,
        "grid_name": view.grid_name,
        "person": PersonOut(id=view.person_id, name=view.person_name),
        "source": view.source,
        "started_at": view.started_at,
        "finished_at": view.finished_at,
        "state": view.state,
        "segments": view.segments,
        "fixes": view.fixes,
    }
