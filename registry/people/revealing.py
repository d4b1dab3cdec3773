"""Full names and numbers, on purpose: with a reason, counted, and each time in the trail."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, scope_of
from core import audit
from core.clock import now, today
from core.errors import FieldError, Invalid
from core.logs import mask
from core.secrecy import KeyRing
from core.settings import PrivacySettings
from registry.people.checking import ID_NUMBER, PHONE
from registry.people.models import PersonalLook, Resident
from registry.people.numbers import WrongNumber, read_id_number, read_phone
from registry.people.problems import ResidentErased, TooManyLooks
from registry.people.residents import aad_of
from registry.people.rights import is_inside, require_resident, require_somewhere

Revealed = Literal["name", "id_number", "phone", "born_on"]
Reason = Literal["visit", "verification", "service", "emergency", "correction", "other"]
MAX_FOUND = 20
_HOUR = timedelta(hours=1)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('looks:' || :person, 0))")


@dataclass(frozen=True, slots=True)
class Why:
    """Why somebody looks: a reason of the list, and words for it where it is `other`."""

    reason: Reason
    note: str = ""


def reveal(
    session: Session,
    actor: Actor,
    resident_id: uuid.UUID,
    fields: Sequence[Revealed],
    why: Why,
    *,
    keys: KeyRing,
    limits: PrivacySettings,
) -> dict[str, Any]:
    """The full values of these fields; that they were looked at is in the trail when this commits.

    Raises: Invalid, Forbidden, NotFound, ResidentErased, TooManyLooks.
    """
    require_words(why)
    resident, household = require_resident(session, actor, Action.REVEAL_PERSONAL, resident_id)
    if resident.erased_at is not None:
        raise ResidentErased
    count_look(session, actor, "reveal", limits.reveals_per_hour)
    values: dict[str, Any] = {name: _value(resident, name, keys) for name in fields}
    _record(session, actor, household.street_code, f"resident:{resident_id}", why, fields=sorted(values))
    return values


def search(
    session: Session,
    actor: Actor,
    number: str,
    kind: Literal["id_number", "phone"],
    why: Why,
    *,
    keys: KeyRing,
    limits: PrivacySettings,
) -> list[Resident]:
    """Residents of the actor's scope with exactly this number; the search is in the trail, the number is not.

    Raises: Invalid, Forbidden, TooManyLooks.
    """
    require_somewhere(actor, Action.REVEAL_PERSONAL)
    require_words(why)
    plain = _read(number, kind)
    count_look(session, actor, "search", limits.searches_per_hour)
    candidates = residents_with(session, plain, kind, keys)
    scope = scope_of(actor, Action.REVEAL_PERSONAL)
    found = [one for one in candidates if is_inside(session, scope, one.household_id)]
    streets = {one.street_code for one in found} or {""}
    for street_code in sorted(streets):
        ids = [str(one.resident_id) for one in found if one.street_code == street_code]
        _record(session, actor, street_code, f"search:{kind}", why, found=ids)
    return found


def residents_with(session: Session, number: str, kind: str, keys: KeyRing) -> Sequence[Resident]:
    """Everybody with this number in its one form, whoever may see them; who lives there now goes first."""
    index = Resident.id_number_index if kind == ID_NUMBER else Resident.phone_index
    found = session.scalars(
        select(Resident)
        .where(or_(*(index == one for one in keys.indexes(number, kind))), Resident.erased_at.is_(None))
        .order_by(Resident.left_on.desc().nulls_first(), Resident.resident_id)
        .limit(MAX_FOUND)
    ).all()
    fresh = keys if found else keys.refreshed()
    # A key may have been added, and the row sealed anew, since this ring was read.
    return found if fresh.labels == keys.labels else residents_with(session, number, kind, fresh)


# ----------------------------------------------------------------------------------------------- parts


def require_words(why: Why) -> None:
    """Return when the reason is one, or says in words what it is. Raises: Invalid."""
    if why.reason == "other" and not why.note.strip():
        told = "请说明原因 / say why"
        raise Invalid(errors=[FieldError("/note", "missing", told)])


def _read(number: str, kind: str) -> str:
    try:
        return read_id_number(number, today()).number if kind == ID_NUMBER else read_phone(number)
    except WrongNumber as wrong:
        raise Invalid(errors=[FieldError(f"/{kind}", wrong.reason.code, str(wrong.reason))]) from None


def _value(resident: Resident, name: Revealed, keys: KeyRing) -> Any:
    if name not in (ID_NUMBER, PHONE):
        return getattr(resident, name)
    sealed = getattr(resident, f"{name}_sealed")
    return None if sealed is None else keys.open(sealed, aad_of(resident.resident_id, name))


def count_look(session: Session, actor: Actor, kind: str, most: int) -> None:
    """One look more of this person; those of an hour, in all processes, are counted. Raises: TooManyLooks."""
    session.execute(_LOCK, {"person": str(actor.person_id)})
    mine = (PersonalLook.person_id == actor.person_id, PersonalLook.kind == kind)
    since = now() - _HOUR
    count, first = session.execute(
        select(func.count(), func.min(PersonalLook.at)).where(*mine, PersonalLook.at > since)
    ).one()
    if count >= most:
        wait_s = max(1, round((first + _HOUR - now()).total_seconds()))
        raise TooManyLooks(wait_s)
    session.add(PersonalLook(person_id=actor.person_id, kind=kind))
    session.flush()


def _record(
    session: Session, actor: Actor, street_code: str, subject: str, why: Why, **detail: list[str]
) -> None:
    action = "personal.searched" if subject.startswith("search:") else "personal.revealed"
    audit.record(
        session,
        chain=street_code,
        actor=actor.label,
        action=action,
        subject=subject,
        detail={**words_of(why), **detail},
    )


def words_of(why: Why) -> dict[str, str]:
    """What the trail says of the reason; a number in its words is masked."""
    words = {"note": mask(why.note.strip())} if why.note.strip() else {}
    return {"reason": why.reason, **words}
