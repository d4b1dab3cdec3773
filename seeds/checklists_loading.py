"""The checklists of DB32/T 2763-2015 chapter 7, as their first versions; items without a clause are ours."""

import json
from datetime import date
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from patrol.checklists.keeping import ChecklistDraft, first_version
from patrol.checklists.models import Checklist

FOLDER = Path(__file__).parent / "checklists"
# Earlier than any patrol: the standard that names the items is of that year.
_VALID_FROM = date(2015, 1, 1)


def load_checklists(session: Session, *, created_by: str) -> None:
    """Every shipped checklist has a first version; what was made of it since stays."""
    known = set(session.scalars(select(Checklist.code)))
    for path in sorted(FOLDER.glob("*.json")):
        shipped = json.loads(path.read_text(encoding="utf-8"))
        code = shipped.pop("code")
        if code not in known:
            draft = ChecklistDraft.model_validate({**shipped, "valid_from": _VALID_FROM})
            session.add(first_version(code, draft, created_by=created_by))
    session.flush()
