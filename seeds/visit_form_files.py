"""The forms that chapter 7 of the standard asks for; a deployment puts better versions beside them."""

import json
from datetime import date
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from patrol.visits.form_desk import FormDraft, new_form
from patrol.visits.models import VisitForm
from patrol.visits.wire import FormRef

_FOLDER = Path(__file__).parent / "visit_forms"


def load_visit_forms(session: Session, *, changed_by: str) -> None:
    """Every shipped version of a form is known; one that is already there says what it said.

    Databases that are older than revision 0018 have lost the order of the fields: it is put right.
    """
    known = {(form.code, form.version): form for form in session.scalars(select(VisitForm))}
    for path in sorted(_FOLDER.glob("*.json")):
        ref, draft = read_form(path)
        form = known.get((ref.code, ref.version))
        if form is None:
            session.add(new_form(ref, draft, changed_by=changed_by))
        elif form.definition == draft.definition and json.dumps(form.definition) != json.dumps(
            draft.definition
        ):
            form.definition = draft.definition
            flag_modified(form, "definition")  # equal, so the change would go unnoticed


def read_form(path: Path) -> tuple[FormRef, FormDraft]:
    """The form of a file, by what it is called and what it says."""
    told = json.loads(path.read_text(encoding="utf-8"))
    ref = FormRef(code=told["code"], version=told["version"])
    draft = FormDraft(
        theme=told["theme"],
        zh=told["zh"],
        en=told["en"],
        clause=told["clause"],
        definition=told["definition"],
        valid_from=date.fromisoformat(told["valid_from"]),
    )
    return ref, draft
