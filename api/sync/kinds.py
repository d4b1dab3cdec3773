"""What phones may put into a batch: each kind is filed by the use-case that its own address calls.

The order is that of filing: what others belong to goes first, so that a batch which says everything at once
keeps nothing waiting. A new kind is a row of KINDS.
"""

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from pydantic import BaseModel, ValidationError
from sqlalchemy import Select, false, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from access.scope import Actor, person_label
from api.field_texts import told
from api.schemas.appeals import AppealIn
from api.schemas.patrol_evidence import CheckInIn, GapIn
from api.schemas.patrols import FinishIn, StartIn
from core.errors import DomainError, FieldError, Invalid
from core.secrecy import key_ring
from core.settings import Settings
from patrol.appeals.asking import put_appeal
from patrol.appeals.models import Appeal
from patrol.checklists.models import Finding, PatrolThemes
from patrol.checklists.recording import record_finding, record_results, set_themes
from patrol.models import Patrol, Segment
from patrol.presence.models import CheckIn, PatrolGap
from patrol.presence.plates import Plates
from patrol.presence.recording import record_check_in, record_gap
from patrol.recording.filing import ItemKey
from patrol.recording.tracks import (
    Filed,
    Finish,
    SegmentKey,
    Start,
    finish_patrol,
    record_segment,
    start_patrol,
)
from patrol.visits.correcting import correct_visit
from patrol.visits.models import Visit, VisitVersion
from patrol.visits.recording import record_visit
from registry.people.drafts import HouseholdDraft, ResidentDraft
from registry.people.keeping import put_household
from registry.people.models import RegistryChange
from registry.people.residents import put_resident

Outcome = Filed | DomainError
Stored = Select[uuid.UUID]
BodyT = TypeVar("BodyT", bound=BaseModel)
_MAX_ERRORS = 20
_LONGEST_CODE = 60


class ItemInvalid(Invalid):
    """This item cannot be read; it is kept for a person to look at."""

    code = "item-invalid"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends a batch, by which device and when by its clock, and what is needed to read plates."""

    actor: Actor
    settings: Settings
    plates: Plates
    device_id: uuid.UUID | None = None
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Filing:
    """One item on its way into the database; `parent_id` is what it belongs to, if the phone says so."""

    session: Session
    sender: Sender
    item_id: uuid.UUID
    parent_id: uuid.UUID | None
    revision: int | None  # the one that a change was made from
    body: bytes

    @property
    def actor(self) -> Actor:
        return self.sender.actor

    @property
    def limits(self) -> Any:
        return self.sender.settings.patrol

    def read(self, form: type[BodyT]) -> BodyT:
        """The body. Raises: ItemInvalid, naming the fields."""
        try:
            return form.model_validate_json(self.body)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)[:_MAX_ERRORS]
            raise ItemInvalid(errors=[_field_error(one) for one in found]) from None

    def dated_body(self) -> bytes:
        """The body with the batch's moment of sending before its own members, which win if they name one."""
        if self.sender.sent_at is None or not self.body.startswith(b"{") or self.body[1:].strip() == b"}":
            return self.body
        return b'{"sent_at":' + msgspec.json.encode(self.sender.sent_at) + b"," + self.body[1:]

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


Column = InstrumentedAttribute[Any]


def of_person(key: Column, person_id: Column) -> Callable[[uuid.UUID, Collection[uuid.UUID]], Stored]:
    """Rows of a table that names its author."""
    return lambda who, ids: select(key).where(key.in_(ids), person_id == who)


def of_patrol(key: Column, patrol_id: Column) -> Callable[[uuid.UUID, Collection[uuid.UUID]], Stored]:
    """Rows that belong to a patrol: they are of whoever walked it."""
    return lambda who, ids: (
        select(key).join(Patrol, Patrol.patrol_id == patrol_id).where(key.in_(ids), Patrol.person_id == who)
    )


def registered(key: Column) -> Callable[[uuid.UUID, Collection[uuid.UUID]], Stored]:
    """Rows of the register that somebody made or changed: others do not learn of them."""
    return lambda who, ids: select(key).where(key.in_(ids), RegistryChange.actor == person_label(who))


# ------------------------------------------------------------------------------------------------ patrols


def _start(item: Filing) -> Outcome:
    said, sender = item.read(StartIn), item.sender
    sent_at, device_id = said.sent_at or sender.sent_at, said.device_id or sender.device_id
    start = Start(said.grid_code, said.started_at, sent_at, device_id)
    return start_patrol(item.session, item.actor, item.item_id, start, item.limits)


def _segment(item: Filing) -> Outcome:
    key = SegmentKey(item.parent(), item.item_id)
    return record_segment(item.session, item.actor, key, item.dated_body(), item.limits)


def _check_in(item: Filing) -> Outcome:
    said = item.read(CheckInIn)
    if sum(one is not None for one in (said.checkpoint_id, said.token, said.short_code)) != 1:
        told = "checkpoint_id、token、short_code 三选一 / give one of checkpoint_id, token and short_code"
        raise ItemInvalid(errors=[FieldError("/token", "one-of-three", told)])
    claim = replace(said.claim(), sent_at=said.sent_at or item.sender.sent_at)
    key = ItemKey(item.parent(), item.item_id)
    return record_check_in(item.session, item.actor, key, claim, item.limits, plates=item.sender.plates)


def _gap(item: Filing) -> Outcome:
    said = item.read(GapIn)
    claim = replace(said.claim(), sent_at=said.sent_at or item.sender.sent_at)
    return record_gap(item.session, item.actor, ItemKey(item.parent(), item.item_id), claim, item.limits)


def _themes(item: Filing) -> Outcome:
    patrol_id = item.parent_id or item.item_id
    return set_themes(item.session, item.actor, patrol_id, item.body, item.limits)


def _results(item: Filing) -> Outcome:
    """The checklist, which stands in the address of the single route, stands in the body here."""
    try:
        said = msgspec.json.decode(item.body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        raise ItemInvalid(errors=[FieldError("", "wrong-type", "an object is needed")]) from None
    code = said.pop("checklist", None)
    if not isinstance(code, str) or not 0 < len(code) <= _LONGEST_CODE:
        raise ItemInvalid(errors=[FieldError("/checklist", "missing", "code of the checklist")])
    body = msgspec.json.encode(said)
    return record_results(item.session, item.actor, item.parent(), code, body, limits=item.limits)


def _finding(item: Filing) -> Outcome:
    return record_finding(item.session, item.actor, item.item_id, item.body, item.limits)


def _finish(item: Filing) -> Outcome:
    said = item.read(FinishIn)
    finish = Finish(said.finished_at, said.sent_at or item.sender.sent_at)
    patrol_id = item.parent_id or item.item_id
    return finish_patrol(item.session, item.actor, patrol_id, finish, item.limits)


def _appeal(item: Filing) -> Outcome:
    claim = item.read(AppealIn).claim()
    return put_appeal(item.session, item.actor, item.item_id, claim, item.limits)


def _finished(who: uuid.UUID, ids: Collection[uuid.UUID]) -> Stored:
    own = select(Patrol.patrol_id).where(Patrol.patrol_id.in_(ids), Patrol.person_id == who)
    return own.where(Patrol.finished_at.is_not(None))


def _unknown(_: uuid.UUID, ids: Collection[uuid.UUID]) -> Stored:
    """Nobody can tell by the id: the phone sends it again, and it is a duplicate."""
    return select(Patrol.patrol_id).where(Patrol.patrol_id.in_(ids), false())


# ------------------------------------------------------------------------------------------------- doors


def _visit(item: Filing) -> Outcome:
    return record_visit(item.session, item.actor, item.item_id, item.body, item.limits)


def _correction(item: Filing) -> Outcome:
    return correct_visit(item.session, item.actor, item.parent(), item.body, item.limits)


def _household(item: Filing) -> Outcome:
    kept = put_household(
        item.session,
        item.actor,
        item.item_id,
        item.read(HouseholdDraft),
        keys=key_ring(item.sender.settings),
        revision=item.revision,
    )
    return Filed(is_repeated=not kept.is_new and item.revision is None)


def _resident(item: Filing) -> Outcome:
    kept = put_resident(
        item.session,
        item.actor,
        item.item_id,
        item.read(ResidentDraft),
        keys=key_ring(item.sender.settings),
        revision=item.revision,
    )
    return Filed(is_repeated=not kept.is_new and item.revision is None)


KINDS: tuple[Kind, ...] = (
    Kind("household", _household, registered(RegistryChange.household_id)),
    Kind("resident", _resident, registered(RegistryChange.resident_id)),
    Kind("patrol", _start, of_person(Patrol.patrol_id, Patrol.person_id)),
    Kind("themes", _themes, of_patrol(PatrolThemes.patrol_id, PatrolThemes.patrol_id)),
    Kind("segment", _segment, of_patrol(Segment.segment_id, Segment.patrol_id)),
    Kind("check_in", _check_in, of_patrol(CheckIn.check_in_id, CheckIn.patrol_id)),
    Kind("gap", _gap, of_patrol(PatrolGap.gap_id, PatrolGap.patrol_id)),
    Kind("results", _results, _unknown),
    Kind("finding", _finding, of_person(Finding.finding_id, Finding.person_id)),
    Kind("visit", _visit, of_person(Visit.visit_id, Visit.person_id)),
    Kind("visit_correction", _correction, of_person(VisitVersion.version_id, VisitVersion.person_id)),
    Kind("finish", _finish, _finished),
    Kind("appeal", _appeal, of_person(Appeal.appeal_id, Appeal.person_id)),
)
BY_NAME = {kind.name: kind for kind in KINDS}


def _field_error(item: Any) -> FieldError:
    where = "".join(f"/{part}" for part in item["loc"]) + str(item.get("ctx", {}).get("at", ""))
    return FieldError(where, item["type"].replace("_", "-"), told(item))
