"""The ground in a pocket: whose grids, who else stands there, what counts, where the checkpoints are.

Feeds of places are those of the grids that the asker stands in, not of a street or a city: whoever runs those
sits at a desk.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Date, Select, bindparam, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from access.contacts import contacts_of
from access.queries import places_of
from access.roles import ACTIONS, LABELS, Action
from access.scope import Actor, Scope, scope_of
from api.sync.prepared import Prepared
from core.sync.feeds import DIGEST_BYTES, AnyFeed, Feed, Item, LargeFeed, digest_of
from geo.locating.located_index import DEEPEST_PLANE_LEVEL
from geo.models import Grid, GridVersion
from geo.pack import PackContent, PackTooLarge, pack_content, pack_document
from geo.queries import standing_on, version_on
from patrol.judging.evidence import stored_policies
from patrol.policies import policy_for
from registry.models import Checkpoint
from registry.placing import OF_CHECKPOINTS, Home, with_grids

_DIGITS = 6  # of coordinates: a decimetre


def own_grids(actor: Actor, action: Action) -> Scope:
    """Where the actor may do this as somebody in a grid's team."""
    return Scope.reduced(
        held.path for held in actor.assignments if held.grid_id is not None and action in ACTIONS[held.role]
    )


@dataclass(frozen=True, slots=True)
class TopGrid:
    """A grid at the top of what somebody stands in."""

    code: str
    path: str
    kind: str


def top_grids(session: Session, scope: Scope, day: date) -> Sequence[TopGrid]:
    """The grids at the top of this scope that stand on the day; the snapshot is read once."""
    memo = f"grids at the top of {scope.prefixes} on {day}"
    if memo not in session.info:
        named = select(Grid.code, Grid.path, GridVersion.kind).join(
            GridVersion, GridVersion.grid_id == Grid.grid_id
        )
        at_top = named.where(Grid.path.in_(scope.prefixes), version_on(day), standing_on(day))
        session.info[memo] = [TopGrid(*row) for row in session.execute(at_top.order_by(Grid.code))]
    found: Sequence[TopGrid] = session.info[memo]
    return found


# ------------------------------------------------------------------------------------------ the person


def _me(session: Session, actor: Actor, day: date) -> Iterator[Item]:
    places = places_of(session, actor.assignments, day)
    held = [
        {
            "role": one.role,
            "role_zh": LABELS[one.role].zh,
            "grid_code": places[one.assignment_id].grid_code,
            "grid_name": places[one.assignment_id].grid_name,
            "street_code": places[one.assignment_id].street_code,
            "street_name": places[one.assignment_id].street_name,
            "valid_from": one.valid_from,
            "valid_to": one.valid_to,
            "stands_in_for": one.stands_in_for,
        }
        for one in actor.assignments
    ]
    yield Item.of(
        actor.person_id,
        {
            "name": actor.name,
            "username": actor.username,
            "assignments": held,
            "actions": sorted(actor.actions),
        },
    )


def _contacts(session: Session, actor: Actor, day: date) -> Iterator[Item]:
    for one in contacts_of(session, actor, day):
        members = {
            "grid_code": one.grid_code,
            "grid_name": one.grid_name,
            "level": one.level,
            "name": one.name,
            "role_zh": one.role.zh,
            "role_en": one.role.en,
            "position_zh": one.position and one.position.zh,
            "position_en": one.position and one.position.en,
            "substitute": one.substitute,
        }
        yield Item.of(one.assignment_id, members)


# ------------------------------------------------------------------------------------------ the ground


def _pack(session: Session, actor: Actor, day: date) -> PackContent | None:
    ends = [held.valid_to for held in actor.assignments if held.valid_to is not None]
    scope = scope_of(actor, Action.READ_GRIDS)
    try:
        content = pack_content(session, scope, street_code=None, day=day, known_end=min(ends, default=None))
    except PackTooLarge:
        return None  # a whole city does not fit into a pocket: GET /v1/grids/pack?street= has its parts
    return content if content.grids else None


def _pack_digests(session: Session, actor: Actor, day: date) -> Mapping[str, bytes]:
    """Of all versions, past and planned, that meet the boxes of the own grids: more than the pack shows, but
    quickly said. Now and then a phone gets the pack once more than it needs.
    """
    seen = [held.path for held in actor.assignments if Action.READ_GRIDS in ACTIONS[held.role]]
    grounds = sorted({ground for path in seen if (ground := _ground_of(path)) is not None})
    if not all(map(_ground_of, seen)):  # whoever sees a whole street, and more, has no box
        content = _pack(session, actor, day)
        return {} if content is None else {"pack": bytes.fromhex(content.etag.strip('"'))[:DIGEST_BYTES]}
    if not grounds:
        return {}
    said = session.execute(_AROUND, {"grounds": grounds, "day": day}).scalar()
    held = sorted(f"{one.path} {one.valid_to}" for one in actor.assignments)
    return {} if said is None else {"pack": digest_of(f"{said} {held}".encode())}


def _ground_of(path: str) -> int | None:
    """The grid on the ground that a path ends in or lies on."""
    ids = path.split("/")[1 : DEEPEST_PLANE_LEVEL + 1]
    return int([one for one in ids if one][-1]) if any(ids) else None


def _around() -> Select[Any]:
    day, mine = bindparam("day", type_=Date), aliased(GridVersion)
    dates = (GridVersion.valid_from, GridVersion.valid_to, Grid.retired_on)
    said = tuple_(GridVersion.version_id, *dates, *(one <= day for one in dates))
    return (
        select(func.sum(func.hash_record_extended(said, 0)))
        .select_from(mine)
        .join(GridVersion, GridVersion.geom.op("&&", is_comparison=True)(mine.geom))
        .join(Grid, Grid.grid_id == GridVersion.grid_id)
        .where(
            mine.grid_id.in_(bindparam("grounds", expanding=True)),
            mine.valid_from <= day,
            or_(mine.valid_to.is_(None), mine.valid_to > day),
        )
    )


_AROUND = _around()


def _pack_bodies(session: Session, actor: Actor, day: date, _: Collection[str]) -> Mapping[str, bytes]:
    content = _pack(session, actor, day)
    if content is None:
        return {}
    # Without the day it was asked for: the same pack says the same tomorrow.
    document = {"id": "pack", **pack_document(session, content)}
    del document["generated_on"]
    return {"pack": json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()}


def _policies(session: Session, actor: Actor, day: date) -> Iterator[Item]:
    rows = stored_policies(session)
    for grid in top_grids(session, own_grids(actor, Action.RECORD_PATROL), day):
        row = policy_for(rows, path=grid.path, kind=grid.kind, day=day)
        members = {"policy_version": row.policy_id, "kind": grid.kind, "thresholds": row.policy.thresholds()}
        yield Item.of(grid.code, members)


def _checkpoints(session: Session, actor: Actor, day: date) -> Iterator[Item]:
    for grid in top_grids(session, own_grids(actor, Action.READ_PLACES), day):
        for row in _CHECKPOINTS.rows(session, grid.path, day):
            members = {
                "name": row.name,
                "kind": row.kind,
                "lon": round(row.lon, _DIGITS),
                "lat": round(row.lat, _DIGITS),
                "radius_m": row.radius_m,
                "building_id": row.building_id,
                "building": row.home,
                "floor": row.floor,
                "entrance": row.entrance,
                "grid_code": row.grid_code,
            }
            yield Item.of(row.checkpoint_id, members)


def _standing_checkpoints(scope: Scope, day: date) -> Select[Any]:
    """Never the short code: typed in, it would prove a visit that nobody made."""
    columns: list[Any] = [
        Checkpoint.checkpoint_id,
        Checkpoint.name,
        Checkpoint.kind,
        Checkpoint.radius_m,
        Checkpoint.building_id,
        Checkpoint.floor,
        Checkpoint.entrance,
        func.ST_X(OF_CHECKPOINTS.point).label("lon"),
        func.ST_Y(OF_CHECKPOINTS.point).label("lat"),
        (func.coalesce(Home.compound, "") + Home.name).label("home"),
    ]
    statement: Select[Any] = select(*columns).outerjoin(Home, Home.building_id == Checkpoint.building_id)
    standing = statement.where(Checkpoint.retired_on.is_(None)).order_by(Checkpoint.checkpoint_id)
    return with_grids(standing, OF_CHECKPOINTS, scope, day)


_CHECKPOINTS = Prepared(_standing_checkpoints)


GROUND: tuple[AnyFeed[Actor], ...] = (
    Feed("me", _me),
    Feed("contacts", _contacts),
    LargeFeed("grids", _pack_digests, _pack_bodies),
    Feed("policies", _policies),
    Feed("checkpoints", _checkpoints),
)
