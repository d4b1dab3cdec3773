"""Findings and themes as phones send them: every wrong field is named, equal contents have equal hashes."""

import hashlib
import json
import uuid
from datetime import UTC
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints, ValidationError

from core.errors import FieldError
from core.storable import Body
from geo.datums import Datum
from patrol.checklists.fields import ServiceField
from patrol.checklists.problems import FindingInvalid

MAX_BODY_BYTES = 128 * 1024
MAX_PHOTOS = 6
MAX_RESULTS = 500
_MAX_ERRORS = 20
_MAX_SHOWN = 160

Code = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]{0,39}$")]
Version = Annotated[int, Field(ge=1, le=1_000_000)]
PhotoHash = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Photos = Annotated[list[PhotoHash], Field(max_length=MAX_PHOTOS)]


class FindingPosition(Body):
    """Where it was found, in degrees of the declared datum; filed as CGCS2000."""

    model_config = ConfigDict(frozen=True)

    lon: float = Field(ge=73.0, le=135.1)
    lat: float = Field(ge=3.8, le=53.6)
    accuracy_m: float | None = Field(None, ge=0, le=100_000)
    datum: Datum = Datum.CGCS2000


class FindingIn(Body):
    """The result of one item on a patrol. Photos are named here and sent by themselves, before or after."""

    model_config = ConfigDict(frozen=True)

    patrol_id: uuid.UUID
    checklist: Code
    version: Version
    item: Code
    aspect: Code | None = None
    result: Literal["ok", "handled", "report"]
    note: Annotated[str, StringConstraints(max_length=1000, strip_whitespace=True)] = ""
    at: AwareDatetime
    position: FindingPosition | None = None
    before_photos: Photos = Field(default_factory=list)
    after_photos: Photos = Field(default_factory=list)


class ItemResult(Body):
    """An item that was in order."""

    model_config = ConfigDict(frozen=True)

    item: Code
    result: Literal["ok"] = "ok"
    at: AwareDatetime


class ResultsIn(Body):
    """Items of one checklist that were in order; whatever was not is a finding of its own."""

    model_config = ConfigDict(frozen=True)

    version: Version
    results: list[ItemResult] = Field(min_length=1, max_length=MAX_RESULTS)


class ThemesIn(Body):
    """What the patrol is made for, as said at a moment; the latest holds, in any order of arrival."""

    model_config = ConfigDict(frozen=True)

    themes: list[ServiceField] = Field(max_length=len(ServiceField))
    at: AwareDatetime


BodyT = TypeVar("BodyT", FindingIn, ResultsIn, ThemesIn)


def parse(kind: type[BodyT], body: bytes) -> BodyT:
    """What a request body says. Raises: FindingInvalid, naming every wrong field it can."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[:_MAX_ERRORS]
        raise FindingInvalid(errors=[_field_error(one) for one in found]) from None


def content_hash(finding: FindingIn) -> bytes:
    """Equal for equal contents, however their JSON was written and in whatever zone the time was given."""
    contents = finding.model_dump(mode="json")
    contents["at"] = finding.at.astimezone(UTC).isoformat(timespec="microseconds")
    for name in ("before_photos", "after_photos"):
        contents[name] = sorted(set(contents[name]))
    canonical = json.dumps(contents, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()


def _field_error(item: Any) -> FieldError:
    where = "".join(f"/{part}" for part in item["loc"]) + str(item.get("ctx", {}).get("at", ""))
    return FieldError(_shown(where), item["type"].replace("_", "-"), _shown(item["msg"]))


def _shown(text: str) -> str:
    """The text as it can be kept, when it comes from a body that cannot."""
    return text.encode("utf-8", "replace").decode().replace("\0", "�")[:_MAX_SHOWN]
