"""What a place is to be, as a page, a phone or a row of a file says it: one set of limits for all of them."""

import uuid
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from core.clock import YEARS
from core.storable import Attributes, Body
from geo.datums import Datum
from registry.organisations.categories import Category, OrganisationKind
from registry.organisations.credit_codes import CreditCode

BuildingKind = Literal["residential", "mixed", "commercial", "office", "school", "public", "other"]
CheckpointKind = Literal["outdoor", "indoor", "vertical"]

StreetCode = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{9}$")]
Code = Annotated[str, StringConstraints(max_length=50, strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(max_length=100, strip_whitespace=True, min_length=1)]
ShortText = Annotated[str, StringConstraints(max_length=20, strip_whitespace=True, min_length=1)]
Source = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]
Coordinate = Annotated[
    float, Field(ge=-1e8, le=1e8, allow_inf_nan=False)
]  # degrees, or metres of a projection
Position = tuple[Coordinate, Coordinate]
Day = Annotated[date, Field(ge=date(YEARS.start, 1, 1), lt=date(YEARS.stop - 1, 1, 1))]
Count = Annotated[int, Field(ge=0, le=100_000)]

DEFAULT_RADIUS_M = 30.0
_MAX_ATTRIBUTES = 50


class SitedDraft(Body):
    """Where something is: `position` is lon, lat (or easting, northing) in `datum`."""

    model_config = ConfigDict(frozen=True)

    street: StreetCode | None = Field(None, description="street code; by default that of the grid there")
    position: Position | None = None
    datum: str = Field(Datum.CGCS2000.value, max_length=20)
    grid: Code | None = Field(None, description="code of a grid chosen by hand, where the position misleads")
    source: Source = Field("", description="where it is known from")


class PlaceDraft(SitedDraft):
    """What every kind of place has."""

    kind_of_place: ClassVar[str]

    attributes: Attributes = Field(default_factory=dict, max_length=_MAX_ATTRIBUTES)


class BuildingDraft(PlaceDraft):
    """A building; a figure that is not known is null. Without a position, its footprint gives it."""

    kind_of_place = "building"

    code: Code | None = None
    name: Name
    kind: BuildingKind = "residential"
    compound: Name | None = None
    floors: Annotated[int, Field(ge=1, le=200)] | None = None
    entrances: Annotated[int, Field(ge=1, le=200)] | None = None
    households: Count | None = None
    organisations: Count | None = None
    shops: Count | None = None
    footprint: dict[str, Any] | None = Field(None, description="Polygon or MultiPolygon in the same datum")

    @model_validator(mode="after")
    def _lies_somewhere(self) -> "BuildingDraft":
        if self.position is None and self.footprint is None:
            raise PydanticCustomError("position-missing", "a position or a footprint is needed")
        return self


class AddressDraft(PlaceDraft):
    """An address, at a position of its own or at that of its building."""

    kind_of_place = "address"

    text: Annotated[str, StringConstraints(max_length=200, strip_whitespace=True, min_length=2)]
    building: uuid.UUID | None = None

    @model_validator(mode="after")
    def _lies_somewhere(self) -> "AddressDraft":
        if self.position is None and self.building is None:
            raise PydanticCustomError("position-missing", "a position or a building is needed")
        return self


class CheckpointDraft(PlaceDraft):
    """A checkpoint; outdoor ones need a position of their own, for the phone must find itself near it."""

    kind_of_place = "checkpoint"

    code: Code | None = None
    name: Name
    kind: CheckpointKind = "outdoor"
    building: uuid.UUID | None = None
    floor: ShortText | None = None
    entrance: ShortText | None = None
    radius_m: Annotated[float, Field(ge=5, le=500, allow_inf_nan=False)] = DEFAULT_RADIUS_M

    @model_validator(mode="after")
    def _lies_somewhere(self) -> "CheckpointDraft":
        if self.position is None and (self.kind == "outdoor" or self.building is None):
            raise PydanticCustomError("position-missing", "a position is needed, or indoors a building")
        return self


class OrganisationDraft(PlaceDraft):
    """An organisation, a shop or a facility, at a position of its own or in its building."""

    kind_of_place = "organisation"

    code: Code | None = None
    name: Name
    kind: OrganisationKind = "organisation"
    category: Category = "other"
    credit_code: CreditCode | None = Field(None, description="GB 32100, checked")
    building: uuid.UUID | None = None
    floor: ShortText | None = None
    room: ShortText | None = None
    licensed_from: Day | None = None
    licensed_to: Day | None = Field(None, description="first day without the licence")

    @model_validator(mode="after")
    def _can_be(self) -> "OrganisationDraft":
        if self.position is None and self.building is None:
            raise PydanticCustomError("position-missing", "a position or a building is needed")
        if self.licensed_from and self.licensed_to and self.licensed_to <= self.licensed_from:
            raise PydanticCustomError(
                "licence-dates", "许可止期应晚于起期 / the licence ends before it begins"
            )
        return self


AnyDraft = BuildingDraft | AddressDraft | CheckpointDraft | OrganisationDraft
