"""Check-ins, gaps and what a patrol still needs, on the wire."""

import uuid
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from api.schemas.patrols import SENT_AT, CheckOut, ReasonOut, UselessCheckInOut, VisitOut, check_members
from core.storable import Body
from patrol.judging.reasons import Reason
from patrol.presence.recording import CheckInClaim, FiledCheckIn, GapClaim, GapReason, Position
from patrol.presence.rules import StandingCheckpoint
from patrol.progress import Progress

_LON, _LAT = Field(ge=73.0, le=135.1), Field(ge=3.8, le=53.6)  # China, as for fixes


class PositionIn(Body):
    """Where the phone was at the check-in."""

    lon: float = _LON
    lat: float = _LAT
    accuracy_m: float | None = Field(None, ge=0, le=1e7)
    datum: Literal["EPSG:4490", "EPSG:4326", "GCJ02", "BD09"]


class CheckInIn(Body):
    """A checkpoint was reached: its plate was scanned (`token`, or the whole address), its short code typed,
    or nothing of it shown (`checkpoint_id`), which the track must then bear out.
    """

    at: AwareDatetime
    checkpoint_id: uuid.UUID | None = None
    token: str | None = Field(None, min_length=1, max_length=400)
    short_code: str | None = Field(None, min_length=1, max_length=40)
    position: PositionIn | None = None
    sent_at: AwareDatetime | None = Field(None, description=SENT_AT)

    def claim(self) -> CheckInClaim:
        where = self.position
        position = None if where is None else Position(where.lon, where.lat, where.accuracy_m, where.datum)
        return CheckInClaim(
            at=self.at,
            checkpoint_id=self.checkpoint_id,
            token=self.token,
            short_code=self.short_code,
            position=position,
            sent_at=self.sent_at,
        )


class CheckInOut(BaseModel):
    """The check-in is stored; `repeated` when it was before this request. The verdict says what it proves."""

    check_in_id: uuid.UUID
    stored: bool
    repeated: bool
    checkpoint_id: uuid.UUID
    proof: Literal["token", "short_code", "position"]

    @classmethod
    def of(cls, check_in_id: uuid.UUID, filed: FiledCheckIn) -> "CheckInOut":
        members = {"checkpoint_id": filed.checkpoint_id, "proof": filed.proof, "repeated": filed.is_repeated}
        return cls.model_validate({"check_in_id": check_in_id, "stored": True, **members})


class GapIn(Body):
    """A time that the phone did not record, and why."""

    from_at: AwareDatetime
    to_at: AwareDatetime
    reason: GapReason
    sent_at: AwareDatetime | None = Field(None, description=SENT_AT)

    def claim(self) -> GapClaim:
        return GapClaim(self.from_at, self.to_at, self.reason, self.sent_at)


class GapStoredOut(BaseModel):
    """The gap is stored; `repeated` when it was before this request."""

    gap_id: uuid.UUID
    stored: bool
    repeated: bool


class NeedOut(CheckOut):
    """A check as it stands now; `missing` in the unit of the check, 0 when it is met."""

    missing: float


class CheckpointLeftOut(BaseModel):
    """A checkpoint that was not visited yet, and how a visit is proved."""

    checkpoint_id: uuid.UUID
    name: str
    kind: Literal["outdoor", "indoor", "vertical"]
    lon: float
    lat: float
    radius_m: float
    building: str | None
    entrance: str | None
    floor: str | None
    proved_by: list[Literal["token", "short_code", "track"]]

    @classmethod
    def of(cls, one: StandingCheckpoint) -> "CheckpointLeftOut":
        by_track: list[Any] = ["track"] if one.kind == "outdoor" else []
        return cls(
            checkpoint_id=one.checkpoint_id,
            name=one.name,
            kind=one.kind,
            lon=round(one.lon, 7),
            lat=round(one.lat, 7),
            radius_m=one.radius_m,
            building=one.building,
            entrance=one.entrance,
            floor=one.floor,
            proved_by=["token", "short_code", *by_track],
        )


class WeekOut(BaseModel):
    """Whether the week still needs this patrol: `would_count` once it meets all that is asked for."""

    week: str
    counted: int
    required: int
    would_count: bool
    reason: ReasonOut | None
    zh: str
    en: str


class ProgressOut(BaseModel):
    """What a patrol still needs to count, judged on what has arrived; nothing is stored.

    `would_be` is the status that it would be given if it ended now. `checks` are all that is asked for,
    `doubts` what a person would have to look at, `notes` what else there is to know.
    """

    patrol_id: uuid.UUID
    would_be: Literal["valid", "invalid", "pending_review"]
    zh: str
    en: str
    checks: list[NeedOut]
    doubts: list[CheckOut]
    notes: list[CheckOut]
    minutes_recorded: float
    checkpoints_visited: int
    checkpoints_total: int
    visits: list[VisitOut]
    useless_check_ins: list[UselessCheckInOut]
    checkpoints_left: list[CheckpointLeftOut]
    last_fix_at: datetime | None
    week: WeekOut

    @classmethod
    def of(cls, progress: Progress) -> "ProgressOut":
        summary = progress.summary
        return cls(
            patrol_id=progress.patrol_id,
            would_be=progress.would_be.value,
            zh=summary.zh,
            en=summary.en,
            checks=[
                NeedOut.model_validate({**check_members(check.members()), "missing": missing})
                for check, missing in progress.checks
            ],
            doubts=[CheckOut.model_validate(check_members(one.members())) for one in progress.doubts],
            notes=[CheckOut.model_validate(check_members(one.members())) for one in progress.notes],
            minutes_recorded=progress.minutes_recorded,
            checkpoints_visited=len(progress.visits),
            checkpoints_total=progress.checkpoints_total,
            visits=[VisitOut.model_validate(visit.members()) for visit in progress.visits],
            useless_check_ins=[
                UselessCheckInOut.model_validate({**one.members(), **Reason(one.code).members()})
                for one in progress.useless
            ],
            checkpoints_left=[CheckpointLeftOut.of(one) for one in progress.left],
            last_fix_at=progress.last_fix_at,
            week=WeekOut.model_validate(progress.week, from_attributes=True),
        )
