"""A visit as phones send it: every wrong field is named, and equal contents have equal hashes."""

import hashlib
import json
import uuid
from datetime import UTC
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from core.errors import FieldError
from core.storable import Body
from geo.datums import Datum
from patrol.visits.problems import VisitInvalid

MAX_BODY_BYTES = 128 * 1024
MAX_NOTE = 2000
MAX_PHOTOS = 20
_MAX_ERRORS = 20
_MAX_SHOWN = 80  # of a pointer: names in a hostile body may be long

Theme = Literal["employment", "hardship", "needs", "safety", "routine"]
PhotoHash = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
FormCode = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]{0,39}$")]
Note = Annotated[str, StringConstraints(max_length=MAX_NOTE)]


class FormRef(Body):
    """Which version of which form was filled in."""

    model_config = ConfigDict(frozen=True)

    code: FormCode
    version: int = Field(ge=1, le=100_000)


class Position(Body):
    """Where the phone was, in degrees of the declared datum."""

    model_config = ConfigDict(frozen=True)

    lon: float = Field(ge=73.0, le=135.1)
    lat: float = Field(ge=3.8, le=53.6)
    accuracy_m: float = Field(ge=0, le=100_000)
    datum: Datum = Datum.CGCS2000


class Proof(Body):
    """What shows that somebody stood there: a check-in of the phone's, or a plate's short code."""

    model_config = ConfigDict(frozen=True)

    check_in: uuid.UUID | None = None
    short_code: Annotated[str, StringConstraints(min_length=4, max_length=20)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Proof":
        if self.check_in is None and self.short_code is None:
            raise PydanticCustomError("proof-empty", "a check-in or a short code is needed")
        return self


class Contents(Body):
    """What a visit says and a correction can say otherwise."""

    model_config = ConfigDict(frozen=True)

    theme: Theme = "routine"
    form: FormRef | None = None
    answers: dict[str, Any] = Field(default_factory=dict)
    note: Note = ""

    @model_validator(mode="after")
    def _answers_have_a_form(self) -> "Contents":
        if self.answers and self.form is None:
            told = "有答案就要说明表单及版本 / answers need the form and version they were given to"
            raise PydanticCustomError("form-missing", "{told}", {"at": "/form", "told": told})
        return self


class VisitIn(Contents):
    """One visit to one household, by the phone's clock."""

    household_id: uuid.UUID
    at: AwareDatetime
    outcome: Literal["met", "not_home", "refused", "moved_away", "by_phone"]
    patrol_id: uuid.UUID | None = None
    position: Position | None = None
    proof: Proof | None = None
    photos: list[PhotoHash] = Field(default_factory=list, max_length=MAX_PHOTOS)


class CorrectionIn(Contents):
    """What the visit should say instead; `withdrawn` when it should never have been entered."""

    id: uuid.UUID = Field(description="made by the phone")
    made_at: AwareDatetime
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
    outcome: Literal["met", "not_home", "refused", "moved_away", "by_phone", "withdrawn"]


BodyT = TypeVar("BodyT", VisitIn, CorrectionIn)


def parse(kind: type[BodyT], body: bytes) -> BodyT:
    """The visit or correction of a request body. Raises: VisitInvalid, naming every wrong field it can."""
    if len(body) > MAX_BODY_BYTES:
        told = f"最多 {MAX_BODY_BYTES // 1024} KiB / at most {MAX_BODY_BYTES // 1024} KiB"
        raise VisitInvalid(errors=[FieldError("", "too-large", told)])
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[:_MAX_ERRORS]
        raise VisitInvalid(errors=[_field_error(one) for one in found]) from None


def content_hash(said: VisitIn | CorrectionIn) -> bytes:
    """Equal for equal contents, however their JSON was written and in whatever zone the time was given."""
    contents = said.model_dump(mode="json")
    for name in ("at", "made_at"):
        if name in contents:
            contents[name] = getattr(said, name).astimezone(UTC).isoformat(timespec="microseconds")
    text = json.dumps(contents, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def _field_error(item: Any) -> FieldError:
    where = "".join(f"/{part}" for part in item["loc"]) + str(item.get("ctx", {}).get("at", ""))
    return FieldError(storable(where), item["type"].replace("_", "-"), storable(item["msg"]))


def storable(text: str) -> str:
    """The text as it can be kept and shown, when it comes from a body that cannot."""
    shown = text.encode("utf-8", "replace").decode().replace("\0", "�")
    return shown if len(shown) <= _MAX_SHOWN * 2 else shown[: _MAX_SHOWN * 2] + "…"
