"""Object codes, the first group of a grid code, as an importable table (CJ/T 348-2010).

The values of the standard are not public: what the product ships are provisional local codes, marked so.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.errors import FieldError, Invalid
from geo.models import ObjectCode

HEADER = ("code", "name", "name_en", "standard", "is_local")
LOCAL_PREFIX = "99"
DEFAULT_OBJECT_CODE = "990000"  # general grid; provisional


class UnreadableObjectCodes(Invalid):
    """This is not a table of object codes."""

    code = "unreadable-object-codes"


@dataclass(frozen=True, slots=True)
class ObjectCodeRow:
    """One line of the table."""

    code: str
    name: str
    name_en: str
    standard: str
    is_local: bool


def read_object_codes(path: Path) -> list[ObjectCodeRow]:
    """The object codes of a CSV file. Raises: UnreadableObjectCodes; errors point at the line."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != HEADER:
            raise UnreadableObjectCodes(f"{path.name}: the first line must be {','.join(HEADER)}")
        lines = list(reader)
    faults = [
        FieldError(f"/{number}", "object-code-line", fault)
        for number, line in enumerate(lines, 2)
        if (fault := _fault(line))
    ]
    if faults:
        raise UnreadableObjectCodes("; ".join(fault.detail for fault in faults[:5]), errors=faults)
    return [
        ObjectCodeRow(
            line["code"], line["name"], line["name_en"], line["standard"], line["is_local"] == "true"
        )
        for line in lines
    ]


def _fault(line: dict[str, str | None]) -> str | None:
    code = line["code"] or ""
    if not re.fullmatch(r"[0-9]{6}", code):
        return f"{code!r}: an object code has six digits"
    if not line["name"] or line["is_local"] not in {"true", "false"}:
        return f"{code}: a name, and true or false for is_local, are needed"
    if code.startswith(LOCAL_PREFIX) != (line["is_local"] == "true"):
        return f"{code}: local codes start with {LOCAL_PREFIX}, and only they do"
    return None


def import_object_codes(session: Session, rows: Sequence[ObjectCodeRow]) -> None:
    """The table holds these codes with these names; codes that the rows do not list stay."""
    statement = insert(ObjectCode)
    changed = {name: statement.excluded[name] for name in HEADER if name != "code"}
    session.execute(
        statement.on_conflict_do_update(index_elements=[ObjectCode.code], set_=changed),
        [asdict(row) for row in rows],
    )
