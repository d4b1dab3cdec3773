"""What phones may put into a batch: each kind is filed by the use-case that its own address calls.

The order is that of filing: what others belong to goes first, so that a batch which says everything at once
keeps nothing waiting. A new kind is a row of KINDS.
"""

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from access.scope import Actor
from api.schemas.appeals import AppealIn
from api.schemas.patrols import FinishIn, StartIn
from core.errors import DomainError, FieldError, Invalid
from core.settings import Settings
from patrol.appeals.asking import put_appeal
from patrol.appeals.models import Appeal
from patrol.models import Patrol, Segment
from patrol.tracks import Filed, Finish, SegmentKey, Start, finish_patrol, record_segment, start_patrol
from patrol.visits.models import Visit
from patrol.visits.recording import record_visit

Outcome = Filed | DomainError
Stored = Select[uuid.UUID]
BodyT = TypeVar("BodyT", bound=BaseModel)
_MAX_ERRORS = 20


class ItemInvalid(Invalid):
    """This item cannot be read; it is kept for a person to look at."""

    code = "item-invalid"


@dataclass(frozen=True, slots=True)
class Filing:
    """One item on its way into the database; `parent_id` is what it belongs to, if the phone says so."""

    session: Session
    actor: Actor
    settings: Settings
    item_id: uuid.UUID
    parent_id: uuid.UUID | None
    body: bytes

    def read(self, form: type[BodyT]) -> BodyT:
        """The body. Raises: ItemInvalid, naming the fields."""
        try:
            return form.model_validate_json(self.body)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)[:_MAX_ERRORS]
            raise ItemInvalid(errors=[_field_error(one) for one in found]) from None

    def parent(self) -> uuid.UUID:
        """Raises: ItemInvalid, when the item does not say what it belongs to."""
        if self.parent_id is None:
            told = "缺少所属记录的编号 / the id of what it belongs to is missing"
            raise ItemInvalid(errors=[FieldError("/parent", "missing", told)])
        return self.parent_id


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of item is filed, and how to find out whether it was."""

    name: str
    file: Callable[[Filing], Outcome]
    stored: Callable[[uuid.UUID, Collection[uuid.UUID]], Stored]  # of these ids, those of this person


def of_person(key: InstrumentedAttribute[uuid.UUID], person: InstrumentedAttribute[Any]) -> Any:
    """Whether rows of a table that names its author are stored."""
    return lambda person_id, ids: select(key).where(key.in_(ids), person == person_id)


def of_patrol(key: InstrumentedAttribute[uuid.UUID], patrol_id: InstrumentedAttribute[uuid.UUID]) -> Any:
    """Whether rows that belong to a patrol are stored: they are of whoever walked it."""
    return lambda person_id, ids: (
        select(key)
        .join(Patrol, Patrol.patrol_id == patrol_id)
        .where(key.in_(ids), Patrol.person_id == person_id)
    )


# ------------------------------------------------------------------------------------------------ filing


def _start(item: Filing) -> Outcome:
    said = item.read(StartIn)
    start = Start(said.grid_code, said.started_at)
    return start_patrol(item.session, item.actor, item.item_id, start, item.settings.patrol)


def _segment(item: Filing) -> Outcome:
    key = SegmentKey(item.parent(), item.item_id)
    return record_segment(item.session, item.actor, key, item.body, item.settings.patrol)


def _finish(item: Filing) -> Outcome:
    finish = Finish(item.read(FinishIn).finished_at)
    patrol_id = item.parent_id or item.item_id
    return finish_patrol(item.session, item.actor, patrol_id, finish, item.settings.patrol)


def _visit(item: Filing) -> Outcome:
    return record_visit(item.session, item.actor, item.item_id, item.body, item.settings.patrol)


def _appeal(item: Filing) -> Outcome:
    claim = item.read(AppealIn).claim()
    return put_appeal(item.session, item.actor, item.item_id, claim, item.settings.patrol)


def _finished(person_id: uuid.UUID, ids: Collection[uuid.UUID]) -> Stored:
    own = select(Patrol.patrol_id).where(Patrol.patrol_id.in_(ids), Patrol.person_id == person_id)
    return own.where(Patrol.finished_at.is_not(None))


KINDS: tuple[Kind, ...] = (
    Kind("patrol", _start, of_person(Patrol.patrol_id, Patrol.person_id)),
    Kind("segment", _segment, of_patrol(Segment.segment_id, Segment.patrol_id)),
    Kind("visit", _visit, of_person(Visit.visit_id, Visit.person_id)),
    Kind("finish", _finish, _finished),
    Kind("appeal", _appeal, of_person(Appeal.appeal_id, Appeal.person_id)),
)
BY_NAME = {kind.name: kind for kind in KINDS}


def _field_error(item: Any) -> FieldError:
    where = "".join(f"/{part}" for part in item["loc"]) + str(item.get("ctx", {}).get("at", ""))
    return FieldError(where, item["type"].replace("_", "-"), item["msg"])
