"""Appeals, reviews and decisions on the wire."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from api.schemas.patrols import CheckOut, PatrolOut, PersonOut, ReasonOut
from core.storable import Body
from patrol.appeals.asking import Claim
from patrol.appeals.deciding import Ruling
from patrol.appeals.queries import AppealState, AppealView, Decided, ReviewView
from patrol.judging import reasons
from patrol.judging.verdicts import Decision

MAX_PHOTOS = 9
Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
PhotoHash = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[0-9A-Fa-f]{64}$")]
Photos = Annotated[
    tuple[PhotoHash, ...], Field(max_length=MAX_PHOTOS, description="SHA-256 of each photo, in hex")
]

_SAID: dict[AppealState, tuple[str, str]] = {
    AppealState.OPEN: (
        "补签申请已提交，等待网格长或上级审核。",
        "Your appeal was received and waits for a decision.",
    ),
    AppealState.ACCEPTED: ("补签申请已通过。", "Your appeal was accepted."),
    AppealState.REJECTED: ("补签申请未通过，原判定不变。", "Your appeal was rejected; the verdict stays."),
    AppealState.WITHDRAWN: ("您已撤回补签申请。", "You have withdrawn the appeal."),
}


class PatrolAppealIn(Body):
    """An appeal about one patrol, under an id that the phone made."""

    id: uuid.UUID
    note: Note
    photos: Photos = ()

    def claim(self, patrol_id: uuid.UUID) -> Claim:
        return Claim(self.note, self.photos, patrol_id)


class AppealIn(Body):
    """An appeal: about a recorded patrol, or about one walked without a record, then where and when."""

    patrol_id: uuid.UUID | None = None
    grid_code: str | None = Field(default=None, min_length=1, max_length=40)
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    note: Note
    photos: Photos = ()

    @model_validator(mode="after")
    def _one_of_two(self) -> "AppealIn":
        given = [one is not None for one in (self.grid_code, self.started_at, self.finished_at)]
        if (self.patrol_id is None) != all(given) or (self.patrol_id is not None and any(given)):
            told = (
                "patrol_id 与 grid_code、started_at、finished_at 二选一"
                " / give either patrol_id or grid_code, started_at and finished_at"
            )
            raise PydanticCustomError("one_of_two", told, {"at": "/patrol_id"})
        return self

    def claim(self) -> Claim:
        return Claim(
            note=self.note,
            photos=self.photos,
            patrol_id=self.patrol_id,
            grid_code=self.grid_code,
            started_at=self.started_at,
            finished_at=self.finished_at,
        )


class RulingIn(Body):
    """A decision; whoever asked reads the note."""

    decision: Decision
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""

    @model_validator(mode="after")
    def _rejected_with_a_reason(self) -> "RulingIn":
        if self.decision == Decision.REJECTED and not self.note:
            told = "不通过时请写明原因 / say why it is rejected"
            raise PydanticCustomError("missing", told, {"at": "/note"})
        return self

    def ruling(self) -> Ruling:
        return Ruling(self.decision, self.note)


class DecidedOut(BaseModel):
    """Who decided what, when and why, beside what had been computed then."""

    decision: Literal["accepted", "rejected"]
    note: str
    by: PersonOut
    at: datetime
    computed_status: Literal["valid", "invalid", "pending_review"] | None
    results: list[CheckOut]
    appeal_id: uuid.UUID | None

    @classmethod
    def of(cls, decided: Decided) -> "DecidedOut":
        return cls.model_validate(
            {
                "decision": decided.decision,
                "note": decided.note,
                "by": PersonOut(id=decided.decided_by, name=decided.decider_name),
                "at": decided.decided_at,
                "computed_status": decided.computed_status,
                "results": [{**one, **reasons.of_check(one).members()} for one in decided.results],
                "appeal_id": decided.appeal_id,
            }
        )


class DecisionsOut(BaseModel):
    """Everything decided on one patrol, the newest first; the newest holds."""

    items: list[DecidedOut]


class AppealDecisionOut(BaseModel):
    """What was decided on an appeal."""

    decision: Literal["accepted", "rejected"]
    note: str
    by: PersonOut
    at: datetime

    @classmethod
    def of(cls, view: AppealView) -> "AppealDecisionOut | None":
        if view.decision is None:
            return None
        by = PersonOut.model_validate({"id": view.decided_by, "name": view.decider_name})
        return cls.model_validate(
            {"decision": view.decision, "note": view.decision_note, "by": by, "at": view.decided_at}
        )


class AppealOut(BaseModel):
    """An appeal with the patrol it is about as it stands now, verdict and place in the week included.

    Photos are named at once and sent when the network allows: `photos_missing` are on their way still.
    """

    id: uuid.UUID
    kind: Literal["recorded", "unrecorded"]
    state: AppealState
    told: ReasonOut
    patrol_id: uuid.UUID | None
    grid_code: str
    grid_name: str
    person: PersonOut
    week: str
    started_at: datetime
    finished_at: datetime | None
    note: str
    photos: list[str]
    photos_expected: int
    photos_arrived: int
    photos_missing: list[str]
    received_at: datetime
    decision: AppealDecisionOut | None
    may_decide: bool
    patrol: PatrolOut | None

    @classmethod
    def of(cls, view: AppealView) -> "AppealOut":
        zh, en = _SAID[view.state]
        return cls(
            id=view.appeal_id,
            kind="recorded" if view.kind == "recorded" else "unrecorded",
            state=view.state,
            told=ReasonOut(code=f"appeal-{view.state}", zh=zh, en=en),
            patrol_id=view.patrol_id,
            grid_code=view.grid_code,
            grid_name=view.grid_name,
            person=PersonOut(id=view.person_id, name=view.person_name),
            week=str(view.week),
            started_at=view.started_at,
            finished_at=view.finished_at,
            note=view.note,
            photos=[one.photo_hash.hex() for one in view.photos],
            photos_expected=len(view.photos),
            photos_arrived=sum(one.arrived for one in view.photos),
            photos_missing=[one.photo_hash.hex() for one in view.photos if not one.arrived],
            received_at=view.received_at,
            decision=AppealDecisionOut.of(view),
            may_decide=view.may_decide,
            patrol=PatrolOut.of(view.patrol) if view.patrol else None,
        )


class AppealPage(BaseModel):
    """Newest first."""

    items: list[AppealOut]
    next: str | None


class ReviewOut(BaseModel):
    """A patrol that somebody has to look at, with the doubts and their evidence.

    `changed_since`: it was judged otherwise after the decision, which still holds; decide anew or leave it.
    """

    patrol: PatrolOut
    doubts: list[CheckOut]
    decided: DecidedOut | None
    changed_since: bool
    open_appeal_id: uuid.UUID | None

    @classmethod
    def of(cls, view: ReviewView) -> "ReviewOut":
        patrol = PatrolOut.of(view.patrol)
        results = patrol.verdict.results if patrol.verdict else []
        return cls(
            patrol=patrol,
            # A check of the policy ends in -met or -short; what else was not passed is a doubt.
            doubts=[one for one in results if not one.passed and not one.code.endswith("-short")],
            decided=DecidedOut.of(view.decided) if view.decided else None,
            changed_since=view.changed_since,
            open_appeal_id=view.open_appeal_id,
        )


class ReviewPage(BaseModel):
    """Oldest first."""

    items: list[ReviewOut]
    next: str | None
