"""What the database can keep of what somebody sends, checked where it comes in: so the reply names the place.

PostgreSQL keeps no NUL character in texts and no lone half of a surrogate pair; its JSON knows no NaN and no
infinity. Nesting is bounded because every program that reads it afterwards has a limit of its own.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

MAX_DEPTH = 32
MAX_ATTRIBUTES_BYTES = 32 * 1024
_HALF_PAIR = re.compile("[\ud800-\udfff]")


def unstorable_at(data: Any) -> str | None:
    """The JSON pointer of something in the data that cannot be kept; None when all of it can."""
    waiting: list[tuple[str, Any, int]] = [("", data, 0)]
    while waiting:
        pointer, value, depth = waiting.pop()
        if depth > MAX_DEPTH or not _is_kept(value):
            return pointer
        for name, inner in _inside(value):
            if isinstance(name, str) and not _is_kept(name):
                return pointer
            if not isinstance(inner, int | None):
                waiting.append((f"{pointer}/{name}", inner, depth + 1))
    return None


def attributes_size(attributes: dict[str, Any]) -> int:
    """The bytes that they take as JSON."""
    return len(json.dumps(attributes, ensure_ascii=False, separators=(",", ":")).encode())


class Body(BaseModel):
    """A request body: what is not named is refused, and so is what could not be stored."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _can_be_stored(cls, data: Any) -> Any:
        at = unstorable_at(data)
        if at is not None:
            told = "含无法存储的字符或数值，或嵌套过深 / a character, number or depth that cannot be stored"
            raise PydanticCustomError("unstorable", told, {"at": at})
        return data


def _is_kept(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" not in value and (value.isascii() or _HALF_PAIR.search(value) is None)
    return not isinstance(value, float) or math.isfinite(value)


def _inside(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)


def _small(attributes: dict[str, Any]) -> dict[str, Any]:
    if attributes_size(attributes) > MAX_ATTRIBUTES_BYTES:
        told = "其他属性最多 {kib} KiB / at most {kib} KiB of attributes"
        raise PydanticCustomError("attributes-too-large", told, {"kib": MAX_ATTRIBUTES_BYTES // 1024})
    return attributes


Attributes = Annotated[dict[str, Any], AfterValidator(_small)]
