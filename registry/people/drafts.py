"""What a household, a resident and tags are to be, as a phone, a page or a row of a file says it.

Nothing here takes free text about a person: what can be said of them are the fields and the tags of the list.
"""

import uuid
from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from core.clock import YEARS
from core.storable import Body
from registry.drafts import Code, ShortText, SitedDraft

HouseholdKind = Literal["registered", "floating", "collective", "vacant"]
Residence = Literal["registered", "floating", "other"]
Sex = Literal["male", "female"]
# GB/T 4761, its first digit
Relation = Literal[
    "head", "spouse", "son", "daughter", "grandchild", "parent", "grandparent", "sibling", "other", "none"
]
RetirementReason = Literal["moved_away", "demolished", "merged", "mistake"]
DepartureReason = Literal["moved_away", "deceased", "mistake"]

PersonName = Annotated[
    str, StringConstraints(max_length=50, strip_whitespace=True, min_length=1, pattern=r"^[^\d*]+$")
]
Number = Annotated[str, StringConstraints(max_length=40, strip_whitespace=True, min_length=1)]
Day = Annotated[date, Field(ge=date(YEARS.start, 1, 1), lt=date(YEARS.stop - 1, 1, 1))]
TagCode = Annotated[str, StringConstraints(max_length=50, strip_whitespace=True, min_length=1)]

MAX_TAGS = 50


class HouseholdDraft(SitedDraft):
    """A household at a position of its own, at its address or in its building."""

    code: Code | None = Field(None, description="what the owner of the list calls it")
    address: uuid.UUID | None = None
    building: uuid.UUID | None = None
    entrance: ShortText | None = None
    floor: ShortText | None = None
    room: ShortText | None = None
    kind: HouseholdKind = "registered"
    confirmed_at: AwareDatetime | None = Field(None, description="when it was last confirmed at the door")

    @model_validator(mode="after")
    def _lies_somewhere(self) -> "HouseholdDraft":
        if self.position is None and self.address is None and self.building is None:
            raise PydanticCustomError("position-missing", "a position, an address or a building is needed")
        return self


class ResidentDraft(Body):
    """A person of a household. Of name and numbers, what is left out stays as it is; null takes it away."""

    model_config = ConfigDict(frozen=True)

    household: uuid.UUID
    name: PersonName | None = None
    relation: Relation | None = None
    sex: Sex | None = None
    born_on: Day | None = None
    residence: Residence = "registered"
    id_number: Number | None = None
    phone: Number | None = None
    joined_on: Day | None = None


class TagDraft(Body):
    """A tag that stands on the household, because of one resident or of all of it."""

    model_config = ConfigDict(frozen=True)

    tag: TagCode
    resident: uuid.UUID | None = None
    valid_from: Day | None = Field(None, description="today if not given")
    valid_to: Day | None = Field(None, description="first day without it")


class TagsDraft(Body):
    """The tags that stand from now on; those that are not listed end today."""

    model_config = ConfigDict(frozen=True)

    tags: list[TagDraft] = Field(max_length=MAX_TAGS)
