"""The doors in a pocket: households of the asker's own grids, names masked, and what is due there.

Hundreds of households are hashed by the database and told only where something changed: `_hashes` names all
that can change in a body of `_household_bodies` and `_due_bodies`.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    Text,
    cast,
    func,
    literal,
    null,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, Scope
from api.sync.ground import own_grids, top_grids
from api.sync.prepared import Prepared
from core.keys import among
from core.sync.feeds import DIGEST_BYTES, AnyFeed, Feed, Item, LargeFeed, digest_of
from patrol.visits.advice import RANKS, State
from patrol.visits.asked import Asked, asked_of_households
from patrol.visits.doors import Part, doors_of, plates_of
from patrol.visits.due import listing_of
from patrol.visits.form_desk import forms_on
from patrol.visits.models import Visit
from registry.people.models import Household, HouseholdTag, Resident, TagKind
from registry.people.placing import Door, House
from registry.people.queries import standing
from registry.people.tagging import kinds_on
from registry.people.tags import kind_holds_on, special_on, tag_stands_on

_MODULUS = 2**63 - 1  # the largest bigint
_DIGITS = 6  # of coordinates: a decimetre
_MOST = 20_000  # doors of one grid: a level-1 grid has a tenth
_EVERY_STATE = frozenset(State)


# -------------------------------------------------------------------------------------- what changed


def _hashes(scope: Scope, day: date) -> Select[Any]:
    """Each household with a number for all that its body says, and one for all that its place on the list
    follows from but the rules. Who lives there is said by the revision of their rows: no name goes into it.

    One stream of pieces, and not joins of grouped ones: the planner takes the doors of a grid for one row,
    and would group anew for each of them.
    """
    said_of = (Household.revision, Household.kind, Door.text, House.compound, House.name)
    also = [column.label(f"said_{place}") for place, column in enumerate(said_of)]
    doors = doors_of(Part(scope, scope, "", ""), day, standing(day), also=also)
    revision, kind, *house = (doors.c[one.name] for one in also)
    lon, lat = func.ST_X(doors.c.point), func.ST_Y(doors.c.point)
    itself = select(
        doors.c.household_id,
        _hash(doors.c.is_special, revision, *house, lon, lat).label("said"),
        _hash(doors.c.is_special, kind).label("listed"),
        doors.c.door,
    )
    pieces = union_all(itself, *_pieces_of(doors, day)).subquery()
    # A sum: two visits that are alike in all of this would cancel each other by xor.
    said, listed = (
        cast(func.mod(func.sum(column), _MODULUS), BigInteger) for column in (pieces.c.said, pieces.c.listed)
    )
    key = pieces.c.household_id
    columns: list[Any] = [cast(key, Text).label("item_id"), said.label("said"), listed.label("listed")]
    return select(*columns).group_by(key).order_by(func.max(pieces.c.door), key)


def _pieces_of(doors: CTE, day: date) -> Iterable[Any]:
    """Who lives behind the doors, the tags, and the visits."""
    nothing, nowhere = literal(0, BigInteger), cast(null(), Text)
    living = (
        select(Resident.household_id, _hash(Resident.resident_id, Resident.revision), nothing, nowhere)
        .join(doors, doors.c.household_id == Resident.household_id)
        .where(Resident.left_on.is_(None), Resident.erased_at.is_(None))
    )
    tags = (
        select(
            HouseholdTag.household_id,
            _hash(HouseholdTag.household_tag_id, HouseholdTag.tag),
            nothing,
            nowhere,
        )
        .join(doors, doors.c.household_id == HouseholdTag.household_id)
        .where(*_shown_tags(day))
    )
    # Nothing but what an index of visits holds: their rows lie scattered.
    made = (Visit.household_id, Visit.outcome, Visit.at, Visit.follow_up_on, Visit.follow_up_on <= day)
    visits = select(Visit.household_id, nothing, _hash(*made), nowhere).join(
        doors, doors.c.household_id == Visit.household_id
    )
    return living, tags, visits


def _hash(*parts: Any) -> ColumnElement[int]:
    return func.hash_record_extended(tuple_(*parts), 0)


def _shown_tags(day: date) -> tuple[ColumnElement[bool], ...]:
    """Tags that stand, but for those of 7.5.5: a phone may get lost."""
    kind = select(TagKind.code).where(
        TagKind.code == HouseholdTag.tag, ~TagKind.is_restricted, kind_holds_on(day)
    )
    return tag_stands_on(day), kind.exists()


_HASHES = Prepared(_hashes)


def _digest(said: int) -> bytes:
    return said.to_bytes(DIGEST_BYTES, signed=True)


def _hashed(session: Session, actor: Actor, day: date) -> dict[str, dict[str, bytes]]:
    """The digests of both feeds; the snapshot is read once."""
    memo = f"doors of {actor.person_id} on {day}"
    if memo in session.info:
        found: dict[str, dict[str, bytes]] = session.info[memo]
        return found
    found = {"households": {}, "due": {}}
    for grid in top_grids(session, own_grids(actor, Action.READ_HOUSEHOLDS), day):
        asked = asked_of_households(session, grid.path, grid.kind, day)
        rules = int.from_bytes(digest_of(f"{asked} {day.year}".encode()), signed=True)
        households, due = found["households"], found["due"]
        rows: Iterable[Any] = _HASHES.rows(session, grid.path, day)
        for item_id, said, listed in rows:
            households[item_id], due[item_id] = _digest(said), _digest(listed ^ rules)
    session.info[memo] = found
    return found


# ---------------------------------------------------------------------------------------- households


def _household_digests(session: Session, actor: Actor, day: date) -> Mapping[str, bytes]:
    return _hashed(session, actor, day)["households"]


def _household_bodies(session: Session, _: Actor, day: date, wanted: Collection[str]) -> Mapping[str, bytes]:
    ids = [uuid.UUID(one) for one in wanted]
    plates, tags = plates_of(session, ids), _tags_of(session, ids, day)
    rows = session.execute(
        select(
            Household.household_id, Household.kind, Household.revision, special_on(day).label("is_special")
        ).where(among(Household.household_id, ids))
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
        .where(among(HouseholdTag.household_id, ids), *_shown_tags(day))
        .distinct()
        .order_by(HouseholdTag.tag)
    )
    found: dict[uuid.UUID, list[str]] = {}
    for household_id, tag in rows:
        found.setdefault(household_id, []).append(tag)
    return found


# ---------------------------------------------------------------------------------------- what is due


def _due_digests(session: Session, actor: Actor, day: date) -> Mapping[str, bytes]:
    return _hashed(session, actor, day)["due"]


def _due_bodies(session: Session, actor: Actor, day: date, wanted: Collection[str]) -> Mapping[str, bytes]:
    """How each household stands; no counts of days, which would change every item every night.

    One that is not visited, an empty flat, has no place on the list.
    """
    listed = _listed(session, actor, day)
    nowhere = {"state": None}
    return {one: Item.of(one, listed.get(one, nowhere)).body for one in wanted}


def _listed(session: Session, actor: Actor, day: date) -> dict[str, dict[str, Any]]:
    memo = f"due of {actor.person_id} on {day}"
    if memo not in session.info:
        session.info[memo] = {
            str(row.household_id): {
                "state": RANKS[row.rank].value,
                "last_on": row.last_on,
                "done_special": row.done_special,
                "done_full": row.done_full,
                "attempt_days": row.attempt_days,
                "follow_up_on": row.follow_up_on,
            }
            for grid in top_grids(session, own_grids(actor, Action.READ_HOUSEHOLDS), day)
            for row in listing_of(session, actor, grid.code, day, limit=_MOST, states=_EVERY_STATE).rows
        }
    found: dict[str, dict[str, Any]] = session.info[memo]
    return found


def _rules(session: Session, actor: Actor, day: date) -> Iterator[Item]:
    for grid in top_grids(session, own_grids(actor, Action.READ_HOUSEHOLDS), day):
        asked = asked_of_households(session, grid.path, grid.kind, day)
        yield Item.of(grid.code, {"special": _asked(asked.special), "full": _asked(asked.full)})


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
    LargeFeed("due", _due_digests, _due_bodies),
    Feed("tags", _tags),
    Feed("forms", _forms),
    LargeFeed("households", _household_digests, _household_bodies),
)
