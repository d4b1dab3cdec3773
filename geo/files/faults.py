"""How a file that cannot be read says so: one error, a reason that stays the same, and what to point at."""

from typing import Any

from core.errors import FieldError
from geo.files.geojson import UnreadableFile


def unreadable(reason: str, zh: str, en: str, *, pointer: str = "/file", **extra: Any) -> UnreadableFile:
    """The error in both languages; `extra` becomes members of the reply."""
    detail = f"{zh} / {en}"
    return UnreadableFile(detail, errors=[FieldError(pointer, reason, detail)], **extra)
