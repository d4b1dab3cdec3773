"""Residents on the wire, masked; and how full values are asked for."""

import uuid
from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from core.secrecy import KeyRing
from core.storable import Body
from registry.people.drafts import Day, DepartureReason, Number, Relation, Residence, Sex
from registry.people.models import Resident
from registry.people.revealing import Reason, Revealed, Why
from registry.people.views import ResidentView

Note = Annotated[str, StringConstraints(max_length=100, strip_whitespace=True)]


class ResidentOut(BaseModel):
    """A resident: name and numbers masked, of the birth date the year."""

    id: uuid.UUID
    household: uuid.UUID
    name: str
    relation: Relation | None
    sex: Sex | None
    birth_year: int | None
    residence: Residence
    id_number: str | None
    phone: str | None
    joined_on: date | None
    left_on: date | None
    erased: bool
    revision: int

    @classmethod
    def of(cls, resident: Resident, keys: KeyRing) -> "ResidentOut":
        view = ResidentView.of(resident, keys)
        return cls.model_validate(
            {
                "id": view.resident_id,
                "household": view.household_id,
                "name": view.name,
                "relation": view.relation,
                "sex": view.sex,
                "birth_year": view.birth_year,
                "residence": view.residence,
                "id_number": view.id_number,
                "phone": view.phone,
                "joined_on": view.joined_on,
                "left_on": view.left_on,
                "erased": view.is_erased,
                "revision": view.revision,
            }
        )


class MoveIn(Body):
    """The household somebody lives in now, and since when."""

    household: uuid.UUID
    on: Day | None = Field(None, description="today if not given")


class DepartureIn(Body):
    """Why somebody no longer lives there, and since when."""

    reason: DepartureReason
    on: Day | None = Field(None, description="today if not given")


class WhyIn(Body):
    """Why personal data is looked at; `other` needs words."""

    reason: Reason
    note: Note = ""

    @property
    def why(self) -> Why:
        return Why(self.reason, self.note)


class RevealIn(WhyIn):
    """Which values are wanted in full."""

    fields: list[Revealed] = Field(min_length=1, max_length=4)


class RevealedOut(BaseModel):
    """Full values; a field that was not asked for is not there."""

    id: uuid.UUID
    values: dict[Revealed, str | date | None]


class SearchIn(WhyIn):
    """One full number; only exactly this one is found."""

    id_number: Number | None = None
    phone: Number | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "SearchIn":
        if (self.id_number is None) == (self.phone is None):
            told = "id_number 与 phone 二选一 / give either id_number or phone"
            raise PydanticCustomError("one-of-two", told)
        return self


class FoundOut(BaseModel):
    """Those of your scope who have the number, masked; whoever lives there now goes first."""

    items: list[ResidentOut]


class ErasureIn(Body):
    """Why somebody's data is erased: the law's ground or the file number of the request, no names."""

    reason: Annotated[str, StringConstraints(min_length=2, max_length=200, strip_whitespace=True)]
