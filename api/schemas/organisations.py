"""Organisations, shops and facilities on the wire; the body is the draft of registry/drafts.py."""

import uuid
from datetime import date

from pydantic import BaseModel

from api.schemas.places import PlaceOut, home_columns, own_columns, shared_columns
from registry.organisations.categories import ZH, Category, OrganisationKind
from registry.organisations.models import Organisation
from registry.queries import Found


class OrganisationOut(PlaceOut):
    """An organisation, a shop or a facility; `category_zh` is what people call its category."""

    code: str | None
    name: str
    kind: OrganisationKind
    category: Category
    category_zh: str
    credit_code: str | None
    building: uuid.UUID | None
    building_name: str | None
    floor: str | None
    room: str | None
    licensed_from: date | None
    licensed_to: date | None

    @classmethod
    def of(cls, found: Found[Organisation]) -> "OrganisationOut":
        shared = shared_columns(found, found.place.organisation_id)
        own = own_columns(cls, found.place)
        words = {"category_zh": ZH.get(own["category"], own["category"])}
        return cls.model_validate({**shared, **own, **home_columns(found), **words})


class OrganisationPage(BaseModel):
    """Organisations in the order of their ids."""

    items: list[OrganisationOut]
    next: str | None
