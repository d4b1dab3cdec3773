"""Forms are put version by version, never changed; what was kept for want of one is filed when it comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import or_, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, scope_of
from core import audit
from core.errors import FieldError, Forbidden
from patrol.visits.forms import check_answers, check_form
from patrol.visits.models import VisitForm
from patrol.visits.problems import AnswersInvalid, VisitFormInvalid, VisitFormTaken, VisitFormUnknown
from patrol.visits.wire import Contents, FormRef

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('visit-form:' || :code, 0))")


@dataclass(frozen=True, slots=True)
class FormDraft:
    """What a version of a form is to be."""

    theme: str
    zh: str
    en: str
    clause: str
    definition: dict[str, Any]
    valid_from: date


@dataclass(frozen=True, slots=True)
class PutForm:
    """The version that stands now; `is_new` when this made it."""

    form: VisitForm
    is_new: bool


def put_form(session: Session, actor: Actor, ref: FormRef, draft: FormDraft) -> PutForm:
    """This version of the form exists and says what the draft says.

    Forms are the same for all streets: a phone on loan must not meet two versions of one name.
    Raises: Forbidden, VisitFormInvalid, VisitFormTaken.
    """
    if scope_of(actor, Action.MANAGE_POLICIES).is_empty:
        told = "您没有维护表单的权限 / none of your roles keeps forms"
        raise Forbidden(told, action=Action.MANAGE_POLICIES.value)
    errors = check_form(draft.definition)
    if errors:
        raise VisitFormInvalid(errors=errors)
    lock_form(session, ref)
    known = find_form(session, ref)
    if known is not None:
        if _said_by(known) != draft:
            raise VisitFormTaken
        return PutForm(known, is_new=False)
    form = new_form(ref, draft, changed_by=actor.name)
    session.add(form)
    session.flush()  # its key is needed by what waits for it
    audit.record(
        session,
        chain="",
        actor=actor.label,
        action="visit-form.created",
        subject=f"visit-form:{ref.code}",
        detail={"version": ref.version, "theme": draft.theme, "valid_from": draft.valid_from.isoformat()},
    )
    return PutForm(form, is_new=True)


def new_form(ref: FormRef, draft: FormDraft, *, changed_by: str) -> VisitForm:
    """A row for a version that was not there."""
    return VisitForm(
        code=ref.code,
        version=ref.version,
        theme=draft.theme,
        zh=draft.zh,
        en=draft.en,
        clause=draft.clause,
        definition=draft.definition,
        valid_from=draft.valid_from,
        valid_to=None,
        changed_by=changed_by,
    )


def find_form(session: Session, ref: FormRef) -> VisitForm | None:
    """This version of the form, offered today or not: phones fill in what they had when they left."""
    return session.scalar(
        select(VisitForm).where(VisitForm.code == ref.code, VisitForm.version == ref.version)
    )


def forms_on(session: Session, day: date) -> Sequence[VisitForm]:
    """The newest version of each form that is offered on the day, by code."""
    return session.scalars(
        select(VisitForm)
        .ext(distinct_on(VisitForm.code))
        .where(VisitForm.valid_from <= day, or_(VisitForm.valid_to.is_(None), VisitForm.valid_to > day))
        .order_by(VisitForm.code, VisitForm.valid_from.desc(), VisitForm.version.desc())
    ).all()


def lock_form(session: Session, ref: FormRef) -> None:
    """Whoever looks for this form and whoever puts it take turns, so that nothing waits for what is there."""
    session.execute(_LOCK, {"code": f"{ref.code}/{ref.version}"})


def form_of(session: Session, said: Contents) -> VisitForm | VisitFormUnknown | AnswersInvalid | None:
    """The form that the answers were given to, None without one; or else what is wrong with them."""
    if said.form is None:
        return None
    form = find_form(session, said.form)
    if form is None:
        # It may be arriving at this moment: from here on one waits for the other.
        lock_form(session, said.form)
        form = find_form(session, said.form)
    if form is None:
        return VisitFormUnknown(form=said.form.code, version=said.form.version)
    errors = check_answers(form.definition, said.answers)
    if form.theme != said.theme:
        told = f"表单的主题是 {form.theme} / the form's theme is {form.theme}"
        errors.insert(0, FieldError("/theme", "wrong-theme", told))
    return AnswersInvalid(errors=errors) if errors else form


def _said_by(form: VisitForm) -> FormDraft:
    return FormDraft(form.theme, form.zh, form.en, form.clause, form.definition, form.valid_from)
