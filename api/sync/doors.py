"""The doors in a pocket: households of the asker's own grids, names masked, and what is due there.

Hundreds of households are hashed by the database and told only where something changed: `_said` names all
that can change in a body of `_household_bodies`.
"""

import uuid
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, String, cast, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor
from api.sync.ground import grid_codes, own_grids
from core.sync.feeds import DIGEST_BYTES, AnyFeed, Feed, Item, LargeFeed
from patrol.visits.advice import RANKS, State
from patrol.visits.asked import Asked, asked_of_households
from patrol.visits.doors import Part, doors_of, part_of_tree, plates_of
from patrol.visits.due import listing_of
from patrol.visits.form_desk import forms_on
from registry.people.models import Household, HouseholdTag, Resident, TagKind
from registry.people.placing import OF_HOUSEHOLDS, Door, House, at_their_doors
from registry.people.queries import standing
from registry.people.tagging import kinds_on
from registry.people.tags import kind_holds_on, special_on, tag_stands_on

_DIGITS = 6  # of coordinates: a decimetre
_MOST = 20_000  # doors of one grid: a level-1 grid has a tenth
_EVERY_STATE = frozenset(State)


# ---------------------------------------------------------------------------------------- households


def _household_digests(session: Session, actor: Actor, day: date) -> Mapping[str, bytes]:
    scope = own_grids(actor, Action.READ_HOUSEHOLDS)
    if scope.is_empty:
        return {}
    doors = doors_of(Part(scope, scope, "", ""), day, standing(day))
    columns: list[Any] = [Household.household_id, func.hashtextextended(_said(day), 0)]
    statement = at_their_doors(select(*columns)).join(doors, doors.c.household_id == Household.household_id)
    rows = session.execute(statement.order_by(doors.c.door, Household.household_id))
    return {str(key): value.to_bytes(DIGEST_BYTES, "big", signed=True) for key, value in rows}


def _said(day: date) -> ColumnElement[str]:
    """Who lives there is said by the revision of their rows, so that no name goes into the hash."""
    living = (
        select(func.string_agg(_revised(), _by(Resident.resident_id)))
        .where(
            Resident.household_id == Household.household_id,
            Resident.left_on.is_(None),
            Resident.erased_at.is_(None),
        )
        .scalar_subquery()
    )
    tags = (
        select(func.string_agg(HouseholdTag.tag, _by(HouseholdTag.tag)))
        .where(HouseholdTag.household_id == Household.household_id, *_shown_tags(day))
        .scalar_subquery()
    )
    point = OF_HOUSEHOLDS.point
    parts = (Household.revision, special_on(day), Door.text, House.compound, House.name, living, tags)
    texts = (func.coalesce(cast(part, String), "") for part in (*parts, func.ST_X(point), func.ST_Y(point)))
    return func.concat_ws("\n", *texts)


def _revised() -> ColumnElement[str]:
    return func.concat(Resident.resident_id, "/", Resident.revision)


def _by(column: Any) -> Any:
    return aggregate_order_by(literal(","), column)


def _shown_tags(day: date) -> tuple[ColumnElement[bool], ...]:
    """Tags that stand, but for those of 7.5.5: a phone may get lost."""
    kind = select(TagKind.code).where(
        TagKind.code == HouseholdTag.tag, ~TagKind.is_restricted, kind_holds_on(day)
    )
    return tag_stands_on(day), kind.exists()


def _household_bodies(session: Session, _: Actor, day: date, wanted: Collection[str]) -> Mapping[str, bytes]:
    ids = [uuid.UUID(one) for one in wanted]
    plates, tags = plates_of(session, ids), _tags_of(session, ids, day)
    rows = session.execute(
        select(
            Household.household_id, Household.kind, Household.revision, special_on(day).label("is_special")
        ).where(Household.household_id.in_(ids))
    )
    bodies = {}
    for row in rows:
        plate = plates[row.household_id]
        members = {
            "address": plate.address,
            "building_id": plate.building_id,
            "building": plate.building,
            "entrance": plate.entrance,
            "floor": plate.floor,
            "room": plate.room,
            "lon": round(plate.lon, _DIGITS),
            "lat": round(plate.lat, _DIGITS),
            "kind": row.kind,
            "names": plate.names,
            "residents": plate.residents,
            "special": row.is_special,
            "tags": tags.get(row.household_id, []),
            "revision": row.revision,
        }
        bodies[str(row.household_id)] = Item.of(row.household_id, members).body
    return bodies


def _tags_of(session: Session, ids: Collection[uuid.UUID], day: date) -> dict[uuid.UUID, list[str]]:
    rows = session.execute(
        select(HouseholdTag.household_id, HouseholdTag.tag)
        .where(HouseholdTag.household_id.in_(ids), *_shown_tags(day))
        .distinct()
        .order_by(HouseholdTag.tag)
    )
    found: dict[uuid.UUID, list[str]] = {}
    for household_id, tag in rows:
        found.setdefault(household_id, []).append(tag)
    return found


# ---------------------------------------------------------------------------------------- what is due


def _due(session: Session, actor: Actor, day: date) -> Iterator[Item]:
    """How each household stands; no counts of days, which would change every item every night."""
    for code in grid_codes(session, own_grids(actor, Action.READ_HOUSEHOLDS), day):
        for row in listing_of(session, actor, code, day, limit=_MOST, states=_EVERY_STATE).rows:
            members = {
                "state": RANKS[row.rank].value,
                "last_on": row.last_on,
                "done_special": row.done_special,
                "done_full": row.done_full,
                "attempt_days": row.attempt_days,
                "follow_up_on": row.follow_up_on,
            }
            yield Item.of(row.household_id, members)


def _rules(session: Session, actor: Actor, day: date) -> Iterator[Item]:
    for code in grid_codes(session, own_grids(actor, Action.READ_HOUSEHOLDS), day):
        part = part_of_tree(session, actor, code, day)
        asked = asked_of_households(session, part.path, part.kind, day)
        yield Item.of(code, {"special": _asked(asked.special), "full": _asked(asked.full)})


def _asked(asked: Asked | None) -> dict[str, Any] | None:
    if asked is None:
        return None
    return {
        "count": asked.count,
        "period": str(asked.period),
        "first": asked.period.first,
        "last": asked.period.last,
        "min_gap_days": asked.min_gap_days,
    }


def _forms(session: Session, actor: Actor, day: date) -> Iterator[Item]:
    if own_grids(actor, Action.RECORD_VISIT).is_empty:
        return
    for form in forms_on(session, day):
        members = {
            "code": form.code,
            "version": form.version,
            "theme": form.theme,
            "zh": form.zh,
            "en": form.en,
            "definition": form.definition,
        }
        yield Item.of(f"{form.code}/{form.version}", members)


def _tags(session: Session, actor: Actor, day: date) -> Iterator[Item]:
    if own_grids(actor, Action.READ_HOUSEHOLDS).is_empty:
        return
    for kind in kinds_on(session, day).values():
        if not kind.is_restricted:
            yield Item.of(kind.code, {"zh": kind.zh, "en": kind.en, "special": kind.is_special})


DOORS: tuple[AnyFeed[Actor], ...] = (
    Feed("visit_rules", _rules),
    Feed("due", _due),
    Feed("tags", _tags),
    Feed("forms", _forms),
    LargeFeed("households", _household_digests, _household_bodies),
)
