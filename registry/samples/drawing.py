"""Samples are drawn, and their households checked again by somebody who did not collect them."""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import Row, Text, cast, exists, func, insert, select
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, require, scope_of
from core import audit
from core.clock import now, today
from core.errors import FieldError, Invalid, NotFound
from registry.people.models import RegistryChange
from registry.people.rights import is_inside, not_allowed
from registry.samples.models import Sample, SampledHousehold
from registry.samples.problems import NothingToDraw, OwnCollection, SampleConflict
from registry.samples.quality import Area, homes_of, months_before

MAX_SIZE = 2000
MAX_SEED = 2**53 - 1  # every program that reads JSON keeps it
WrongField = Literal[
    "address", "room", "kind", "residents_missing", "residents_left", "name", "relation", "id_number",
    "phone", "sex", "born_on", "residence", "tags", "joined_on",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draw:
    """What is to be drawn."""

    sample_id: uuid.UUID
    area: Area
    size: int
    seed: int | None
    months: int  # within which a household of the frame was confirmed


def draw_sample(session: Session, actor: Actor, draw: Draw) -> Sample:
    """A sample of the area's collected households stands; the same seed and frame draw the same again.

    The same id again gives the sample that stands.
    Raises: Forbidden, NotFound, NothingToDraw, SampleConflict.
    """
    require(actor, Action.MANAGE_POLICIES, draw.area.path)
    stored = session.get(Sample, draw.sample_id)
    if stored is not None:
        if (stored.path, stored.size) != (draw.area.path, draw.size):
            raise SampleConflict
        return stored
    day = today()
    since = months_before(day, draw.months)
    seed = secrets.randbelow(MAX_SEED) if draw.seed is None else draw.seed
    count, drawn = _drawn(session, draw.area, since, draw.size, seed)
    sample = Sample(
        sample_id=draw.sample_id,
        street_code=draw.area.street_code,
        path=draw.area.path,
        grid_code=draw.area.grid_code,
        day=day,
        confirmed_since=since,
        seed=seed,
        size=draw.size,
        frame_count=count,
        drawn_by=actor.person_id,
    )
    session.add(sample)
    session.flush()
    rows = [
        {**one._asdict(), "sample_id": sample.sample_id, "place": place, "wrong_fields": []}
        for place, one in enumerate(drawn, 1)
    ]
    session.execute(insert(SampledHousehold), rows)
    _record(session, actor, sample, "sample.drawn", seed=seed, size=len(rows), frame=count)
    return sample


def _drawn(
    session: Session, area: Area, since: date, size: int, seed: int
) -> tuple[int, Sequence[Row[Any, Any]]]:
    """How many households the frame has, and the first of them in the order of the seed."""
    frame = homes_of(area, today()).subquery()
    collected = select(frame.c.household_id, frame.c.revision).where(frame.c.collected_on >= since)
    count = session.scalars(select(func.count()).select_from(collected.subquery())).one()
    if not count:
        raise NothingToDraw
    key = func.sha256(func.convert_to(func.concat(str(seed), ":", cast(frame.c.household_id, Text)), "UTF8"))
    return count, session.execute(collected.order_by(key).limit(size)).all()


def check_household(
    session: Session,
    actor: Actor,
    sample: Sample,
    household_id: uuid.UUID,
    *,
    is_correct: bool,
    wrong_fields: Sequence[str],
) -> None:
    """What was found at the door is noted. The same again changes nothing; another finding replaces it.

    Raises: Invalid, Forbidden, NotFound, OwnCollection.
    """
    if is_correct == bool(wrong_fields):
        told = "不正确时请列出错误的字段，正确时留空 / name the wrong fields, and none when all is right"
        raise Invalid(told, errors=[FieldError("/wrong_fields", "wrong-fields", told)])
    row = session.get(SampledHousehold, (sample.sample_id, household_id), with_for_update=True)
    if row is None:
        raise NotFound
    _require_checker(session, actor, household_id)
    fields = [{"field": name} for name in sorted(set(wrong_fields))]
    if (row.is_correct, row.wrong_fields, row.checked_by) == (is_correct, fields, actor.person_id):
        return
    row.is_correct, row.wrong_fields = is_correct, fields
    row.checked_by, row.checked_at = actor.person_id, now()
    session.flush()
    _record(
        session, actor, sample, "sample.checked", household=str(household_id), correct=is_correct,
        fields=sorted(set(wrong_fields)),
    )  # fmt: skip


def _require_checker(session: Session, actor: Actor, household_id: uuid.UUID) -> None:
    """Whoever reads the household and never wrote it. Raises: Forbidden, NotFound, OwnCollection."""
    if Action.READ_HOUSEHOLDS not in actor.actions:
        raise not_allowed(Action.READ_HOUSEHOLDS)
    if not is_inside(session, scope_of(actor, Action.READ_HOUSEHOLDS), household_id):
        raise NotFound
    wrote = exists().where(RegistryChange.household_id == household_id, RegistryChange.actor == actor.label)
    if session.scalar(select(wrote)):
        raise OwnCollection


def _record(session: Session, actor: Actor, sample: Sample, action: str, **detail: object) -> None:
    audit.record(
        session,
        chain=sample.street_code,
        actor=actor.label,
        action=action,
        subject=f"sample:{sample.sample_id}",
        detail=detail,
    )
