"""Visits after an erasure: that somebody called, when and with what outcome stays; what was written goes.

A visit speaks of a household, and nobody can tell which sentence is about whom. So all that was written at a
door while the erased person lived behind it goes, and what phones bring later of that time is filed without
its words. Visits made after the erasure keep theirs: whoever writes them knows.
"""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import TypeVar

from sqlalchemy import and_, delete, select, update
from sqlalchemy.orm import Session

from core import quarantine
from core.models import PhotoUse
from patrol.visits.models import Need, Visit, VisitVersion
from patrol.visits.wire import CorrectionIn, VisitIn
from registry.people.erasing import ERASED, household_days, is_of_one_erased

_PHOTOS_OF = "visit"  # kind of the uses of photos (access/photos.py)
_NO_WORDS = {"note": "", "answers": {}}
_NO_REASON = "—"  # a correction without a reason could not be filed later
SaidT = TypeVar("SaidT", VisitIn, CorrectionIn)


def forget_words(session: Session, resident_id: uuid.UUID) -> None:
    """What was written at the doors of an erased resident is gone: all versions, needs, photos, kept."""
    households, during = household_days(session, resident_id, Visit.household_id, Visit.at)
    visits = set(session.scalars(select(Visit.visit_id).where(during)))
    session.execute(update(Visit).where(Visit.visit_id.in_(visits)).values(**_NO_WORDS, photos=[]))
    older = VisitVersion.visit_id.in_(visits)
    session.execute(update(VisitVersion).where(older).values(**_NO_WORDS, reason=""))
    session.execute(update(Need).where(Need.visit_id.in_(visits)).values(detail=""))
    uses = and_(PhotoUse.kind == _PHOTOS_OF, PhotoUse.item_id.in_(visits))
    session.execute(delete(PhotoUse).where(uses))
    quarantine.empty(session, {resident_id, *households, *visits})


def lasting(session: Session, household_id: uuid.UUID, at: datetime, said: SaidT) -> tuple[SaidT, bool]:
    """What may be kept of what was said of a household then; the flag tells that its words may not."""
    if not is_of_one_erased(session, household_id, at):
        return said, False
    blank: Collection[str] = type(said).model_fields
    wordless = {**_NO_WORDS, "photos": [], "reason": ""}
    return said.model_copy(update={name: wordless[name] for name in wordless if name in blank}), True


def lasting_body(session: Session, household_id: uuid.UUID, at: datetime, said: SaidT, body: bytes) -> bytes:
    """The body as it may be kept aside: as it came, or without its words."""
    kept, is_wordless = lasting(session, household_id, at, said)
    if not is_wordless:
        return body
    if isinstance(kept, CorrectionIn):
        kept = kept.model_copy(update={"reason": _NO_REASON})
    return kept.model_dump_json().encode()


ERASED.append(forget_words)
