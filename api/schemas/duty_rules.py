"""Rows of duties on the wire."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, StrictBool, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from api.schemas.policies import in_reach
from core.storable import Body
from patrol.duties.desk import DutyDraft, DutyView

Day = Annotated[date, AfterValidator(in_reach)]


class DutyRuleIn(Body):
    """What a duty asks for from a day on: everywhere, in a street, or in a grid and all below it."""

    street_code: str | None = Field(default=None, pattern=r"^\d{9}$")
    grid_code: str | None = Field(default=None, min_length=1, max_length=40)
    kind: str = Field(default="", max_length=40, description="kind of grid; empty for any")
    valid_from: Day
    valid_to: Day | None = Field(default=None, description="first day without it")
    count: Annotated[StrictInt, Field(ge=1, le=1000)] | None = Field(
        default=None, description="per subject and period"
    )
    is_on: StrictBool | None = None
    options: dict[str, StrictInt | StrictBool | list[str]] = Field(default_factory=dict, max_length=20)

    @model_validator(mode="after")
    def _one_place(self) -> "DutyRuleIn":
        if self.street_code is not None and self.grid_code is not None:
            told = "street_code 与 grid_code 只能给一个 / give street_code or grid_code, not both"
            raise PydanticCustomError("one_of_two", told, {"at": "/grid_code"})
        return self

    def draft(self, code: str) -> DutyDraft:
        return DutyDraft(
            code=code,
            street_code=self.street_code,
            grid_code=self.grid_code,
            kind=self.kind.strip(),
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            count=self.count,
            is_on=self.is_on,
            options=self.options,
        )


class DutyRuleOut(BaseModel):
    """A row of a duty; `measured_from` is the first day of the first period that it measures."""

    id: int
    code: str
    zh: str
    en: str
    clause: str
    fact: str
    subject: str
    period: str
    street_code: str | None
    grid_code: str | None
    kind: str
    count: int
    is_on: bool
    options: dict[str, Any]
    valid_from: date
    valid_to: date | None
    measured_from: date
    has_begun: bool
    may_delete: bool
    made_by: str | None
    made_at: datetime | None

    @classmethod
    def of(cls, view: DutyView) -> "DutyRuleOut":
        row = view.row
        told = ("code", "zh", "en", "clause", "fact", "kind", "count", "is_on", "valid_from", "valid_to")
        seen = ("street_code", "grid_code", "measured_from", "has_begun", "may_delete")
        return cls(
            id=row.duty_id,
            subject=row.subject.value,
            period=row.period.value,
            made_by=view.made and view.made.by,
            made_at=view.made and view.made.at,
            options=row.options.stored(),
            **{name: getattr(row, name) for name in told},
            **{name: getattr(view, name) for name in seen},
        )


class DutyRulesOut(BaseModel):
    """By duty, part of the tree, kind and day."""

    items: list[DutyRuleOut]
