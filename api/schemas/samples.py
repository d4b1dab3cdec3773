"""Collection rate, accuracy and drawn samples on the wire; every figure says what it is made of."""

import uuid
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from api.schemas.places import PlacedInOut
from core.storable import Body
from registry.drafts import Code, StreetCode
from registry.samples.drawing import MAX_SEED, MAX_SIZE, WrongField
from registry.samples.models import Sample
from registry.samples.quality import (
    ACCURACY_GOAL,
    COLLECTION_GOAL,
    SMALL,
    Area,
    Collection,
    Interval,
    wilson,
)
from registry.samples.queries import Drawn, Result


class NoteOut(BaseModel):
    """Something worth knowing about a figure."""

    code: str
    zh: str
    en: str


class CollectionOut(BaseModel):
    """The collection rate; `rate` is null where nothing is expected."""

    rate: float | None
    goal: float
    collected: int
    stored: int
    expected: int
    confirmed_since: date
    notes: list[NoteOut]

    @classmethod
    def of(cls, found: Collection) -> "CollectionOut":
        return cls(
            rate=found.rate,
            goal=COLLECTION_GOAL,
            collected=found.collected,
            stored=found.stored,
            expected=found.expected,
            confirmed_since=found.confirmed_since,
            notes=list(_denominator(found)),
        )


class AccuracyOut(BaseModel):
    """The share of checked households with nothing wrong, and its 95 % interval after Wilson."""

    goal: float
    drawn: int
    checked: int
    right: int
    share: float | None
    low: float | None
    high: float | None
    notes: list[NoteOut]

    @classmethod
    def of(cls, result: Result) -> "AccuracyOut":
        interval = wilson(result.right, result.checked)
        return cls(
            goal=ACCURACY_GOAL,
            drawn=result.drawn,
            checked=result.checked,
            right=result.right,
            share=None if interval is None else interval.share,
            low=None if interval is None else interval.low,
            high=None if interval is None else interval.high,
            notes=list(_certainty(result, interval)),
        )


class SampleOut(BaseModel):
    """A sample as drawn: seed and frame draw the same households again."""

    id: uuid.UUID
    street: str
    grid: str | None
    day: date
    confirmed_since: date
    seed: int
    size: int
    frame: int
    drawn_at: datetime
    accuracy: AccuracyOut

    @classmethod
    def of(cls, sample: Sample, result: Result) -> "SampleOut":
        return cls(
            id=sample.sample_id,
            street=sample.street_code,
            grid=sample.grid_code,
            day=sample.day,
            confirmed_since=sample.confirmed_since,
            seed=sample.seed,
            size=sample.size,
            frame=sample.frame_count,
            drawn_at=sample.drawn_at,
            accuracy=AccuracyOut.of(result),
        )


class DrawnOut(BaseModel):
    """A household of a sample; `changed` says that its data is no longer what was drawn."""

    id: uuid.UUID
    place: int
    address: str | None
    building: str | None
    entrance: str | None
    floor: str | None
    room: str | None
    grid: PlacedInOut | None
    changed: bool
    correct: bool | None
    wrong_fields: list[str]
    checked_at: datetime | None

    @classmethod
    def of(cls, one: Drawn) -> "DrawnOut":
        return cls(
            id=one.household_id,
            place=one.place,
            address=one.address,
            building=one.building,
            entrance=one.entrance,
            floor=one.floor,
            room=one.room,
            grid=None if one.grid is None else PlacedInOut.of(one.grid),
            changed=one.is_changed,
            correct=one.is_correct,
            wrong_fields=list(one.wrong_fields),
            checked_at=one.checked_at,
        )


class SampleDetailOut(SampleOut):
    """The sample with those of its households that the caller may see, in the order of the draw."""

    households: list[DrawnOut]


class QualityOut(BaseModel):
    """How complete and how right the register of an area is (annex A 15)."""

    street: str
    grid: str | None
    on: date
    collection: CollectionOut
    accuracy: AccuracyOut | None = Field(description="of the newest sample of exactly this area")
    sample: uuid.UUID | None

    @classmethod
    def of(
        cls, area: Area, day: date, collection: Collection, newest: tuple[Sample, Result] | None
    ) -> "QualityOut":
        return cls(
            street=area.street_code,
            grid=area.grid_code,
            on=day,
            collection=CollectionOut.of(collection),
            accuracy=None if newest is None else AccuracyOut.of(newest[1]),
            sample=None if newest is None else newest[0].sample_id,
        )


class DrawIn(Body):
    """What a sample is drawn from; `id` is made by the client: a repetition draws no second one."""

    id: uuid.UUID
    street: StreetCode | None = None
    grid: Code | None = None
    size: Annotated[int, Field(ge=1, le=MAX_SIZE)]
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None

    @model_validator(mode="after")
    def _says_where(self) -> "DrawIn":
        if (self.street is None) == (self.grid is None):
            raise PydanticCustomError("one-of-two", "街道或网格填一项 / give a street or a grid")
        return self


class CheckIn(Body):
    """What was found at the door."""

    correct: bool
    wrong_fields: list[WrongField] = Field(default_factory=list, max_length=20)


def _denominator(found: Collection) -> list[NoteOut]:
    frame = NoteOut(
        code="frame",
        zh=f"分母：{found.buildings} 座楼栋的户数（楼栋表所填；登记更多或未填时取登记数），"
        f"加不在楼栋内的 {found.in_no_building} 户；分子：{found.confirmed_since} 以来采集或核实过的户",
        en=f"expected: the households of {found.buildings} buildings (the figure of the list, or those kept "
        f"where there are more or no figure), and {found.in_no_building} in no building; collected: filled "
        f"in or confirmed since {found.confirmed_since}",
    )
    if not found.without_figure:
        return [frame]
    count = found.without_figure
    unknown = NoteOut(
        code="figures-missing",
        zh=f"{count} 座楼栋未填户数，采集率可能偏高",
        en=f"{count} buildings have no figure: the rate may be too high",
    )
    return [frame, unknown]


def _certainty(result: Result, interval: Interval | None) -> list[NoteOut]:
    notes = []
    if result.checked < result.drawn:
        left = result.drawn - result.checked
        notes.append(NoteOut(code="unfinished", zh=f"还有 {left} 户未复核", en=f"{left} are not checked yet"))
    if result.checked < SMALL:
        zh, en = f"复核不足 {SMALL} 户，比例仅供参考", f"fewer than {SMALL} checks: this says little"
        notes.append(NoteOut(code="small-sample", zh=zh, en=en))
    if interval is not None and interval.low < ACCURACY_GOAL <= interval.high:
        zh, en = "置信区间跨过达标线，尚不能断定是否达标", "the interval holds the goal: it may be met or not"
        notes.append(NoteOut(code="undecided", zh=zh, en=en))
    return notes
