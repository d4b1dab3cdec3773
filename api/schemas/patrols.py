"""Patrols on the wire."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from patrol.judging import reasons
from patrol.judging.reasons import Reason
from patrol.queries import PatrolView, VerdictView

SENT_AT = "the phone's clock at this attempt: by it the server knows how wrong the clock is"


class StartIn(BaseModel):
    """A patrol begins: in which grid, and when by the phone's clock."""

    grid_code: str = Field(min_length=1, max_length=40)
    started_at: AwareDatetime
    sent_at: AwareDatetime | None = Field(None, description=SENT_AT)
    device_id: uuid.UUID | None = None


class FinishIn(BaseModel):
    """A patrol ends, by the phone's clock; what is still on its way is filed later."""

    finished_at: AwareDatetime
    sent_at: AwareDatetime | None = Field(None, description=SENT_AT)


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
    kind: Literal["check", "doubt", "note"]
    evidence: dict[str, Any]  # of a doubt: what there is to look at; other patrols only if you may read them


class VisitOut(BaseModel):
    """A checkpoint that was visited, and what proves it."""

    checkpoint_id: uuid.UUID
    proof: Literal["token", "short_code", "track"]
    at: datetime


class UselessCheckInOut(ReasonOut):
    """A check-in that is kept and proves nothing, with the reason."""

    check_in_id: uuid.UUID
    checkpoint_id: uuid.UUID


class GapOut(BaseModel):
    """A time of which the phone reported that it did not record; `unknown_s` of it have no position."""

    reason: Literal["killed", "permission_lost", "battery", "no_fix", "paused"]
    from_at: datetime
    to_at: datetime
    unknown_s: float

    @classmethod
    def of(cls, gap: dict[str, Any]) -> "GapOut":
        return cls.model_validate({**gap, "from_at": gap["from"], "to_at": gap["to"]})


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
    checkpoints_visited: int
    checkpoints_total: int
    unknown_s: float
    counted: bool | None
    not_counted_reason: ReasonOut | None

    @classmethod
    def of(cls, verdict: VerdictView) -> "ListedVerdictOut":
        return cls.model_validate(_verdict(verdict))


class VerdictOut(ListedVerdictOut):
    """A verdict with the number of fixes per quality flag, the visited checkpoints and the reported gaps."""

    flags: dict[str, int]
    visits: list[VisitOut]
    useless_check_ins: list[UselessCheckInOut]
    indoor_s: float
    gaps: list[GapOut]
    clock_offset_s: int

    @classmethod
    def of(cls, verdict: VerdictView) -> "VerdictOut":
        members = {
            "flags": verdict.flags,
            "visits": verdict.visits,
            "useless_check_ins": [
                {**one, **Reason(one["code"]).members()} for one in verdict.useless_check_ins
            ],
            "indoor_s": verdict.indoor_s,
            "gaps": [GapOut.of(gap) for gap in verdict.gaps],
            "clock_offset_s": verdict.clock_offset_s,
        }
        return cls.model_validate({**_verdict(verdict), **members})


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
    """One position, for the documentation only: bodies are read by patrol/recording/wire.py."""

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
    sent_at: AwareDatetime | None = Field(None, description=SENT_AT)


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


def check_members(result: Mapping[str, Any]) -> dict[str, Any]:
    """A stored check with its sentences; those stored before had neither kind nor evidence."""
    is_doubt = not result["passed"] and not result["code"].endswith("-short")
    plain: dict[str, Any] = {"kind": "doubt" if is_doubt else "check", "evidence": {}}
    return {**plain, **result, **reasons.of_check(result).members()}


def _verdict(verdict: VerdictView) -> dict[str, object]:
    return {
        "status": verdict.status,
        "computed_status": verdict.computed_status,
        "decision": verdict.decision,
        "policy_version": verdict.policy_id,
        "results": [check_members(result) for result in verdict.results],
        "in_grid_s": verdict.in_grid_s,
        "observed_s": verdict.observed_s,
        "length_m": verdict.length_m,
        "coverage_ratio": verdict.coverage_ratio,
        "checkpoints_visited": verdict.checkpoints_visited,
        "checkpoints_total": verdict.checkpoints_total,
        "unknown_s": verdict.unknown_s,
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
