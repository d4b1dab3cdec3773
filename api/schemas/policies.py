"""Patrol policies on the wire."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StrictFloat, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from api.schemas.patrols import ReasonOut
from core.clock import YEARS
from core.storable import Body
from patrol.policy_desk import WHY, Candidate, PolicyDraft, PolicyView
from patrol.thresholds import Threshold


def in_reach(day: date) -> date:
    if day.year not in YEARS:
        raise PydanticCustomError("bad_day", "日期写作 2026-09-01 / a day is written like 2026-09-01")
    return day


class PolicyIn(Body):
    """A policy: everywhere, in a street, or in a grid and all below it; what is left out is the default."""

    street_code: str | None = Field(default=None, pattern=r"^\d{9}$")
    grid_code: str | None = Field(default=None, min_length=1, max_length=40)
    kind: str = Field(default="", max_length=40, description="kind of grid; empty for any")
    valid_from: Annotated[date, AfterValidator(in_reach)]
    thresholds: dict[str, StrictInt | StrictFloat] = Field(max_length=100)

    @model_validator(mode="after")
    def _one_place(self) -> "PolicyIn":
        if self.street_code is not None and self.grid_code is not None:
            told = "street_code 与 grid_code 只能给一个 / give street_code or grid_code, not both"
            raise PydanticCustomError("one_of_two", told, {"at": "/grid_code"})
        return self

    def draft(self) -> PolicyDraft:
        return PolicyDraft(
            street_code=self.street_code,
            grid_code=self.grid_code,
            kind=self.kind.strip(),
            valid_from=self.valid_from,
            thresholds=self.thresholds,
        )


class PolicyOut(BaseModel):
    """A policy; verdicts name its `id` as policy_version. Weeks are counted by it from `weekly_from` on."""

    id: int
    street_code: str | None
    grid_code: str | None
    grid_name: str | None
    kind: str
    valid_from: date
    weekly_from: date
    has_begun: bool
    may_delete: bool
    thresholds: dict[str, float | int]

    @classmethod
    def of(cls, view: PolicyView) -> "PolicyOut":
        return cls(
            id=view.row.policy_id,
            street_code=view.street_code,
            grid_code=view.grid_code,
            grid_name=view.grid_name,
            kind=view.row.kind,
            valid_from=view.row.valid_from,
            weekly_from=view.weekly_from,
            has_begun=view.has_begun,
            may_delete=view.may_delete,
            thresholds=view.row.policy.thresholds(),
        )


class PoliciesOut(BaseModel):
    """By part of the tree, kind and day."""

    items: list[PolicyOut]


class CandidateOut(BaseModel):
    """A policy that fits the grid, and why it holds or does not."""

    policy: PolicyOut
    holds: bool
    why: ReasonOut

    @classmethod
    def of(cls, candidate: Candidate) -> "CandidateOut":
        zh, en = WHY[candidate.why]
        why = ReasonOut(code=candidate.why, zh=zh, en=en)
        return cls(policy=PolicyOut.of(candidate.view), holds=candidate.holds, why=why)


class EffectiveOut(BaseModel):
    """What a patrol in this grid on this day is judged by, and what that outweighs."""

    grid_code: str
    on: date
    policy: PolicyOut
    candidates: list[CandidateOut]


class ThresholdOut(BaseModel):
    """One threshold, for a form; 0 switches a minimum or a doubt off where it is allowed."""

    name: str
    unit: str
    zh: str
    en: str
    default: float
    least: float
    most: float
    is_whole: bool

    @classmethod
    def of(cls, one: Threshold) -> "ThresholdOut":
        return cls.model_validate({name: getattr(one, name) for name in cls.model_fields})


class ThresholdsOut(BaseModel):
    """Everything a policy says."""

    items: list[ThresholdOut]
