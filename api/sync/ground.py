"""The ground in a pocket: whose grids, who else stands there, what counts, where the checkpoints are.

Feeds of places are those of the grids that the asker stands in, not of a street or a city: whoever runs those
sits at a desk.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from access.contacts import contacts_of
from access.queries import places_of
from access.roles import ACTIONS, LABELS, Action
from access.scope import Actor, Scope, scope_of
from core.sync.feeds import AnyFeed, Feed, Item, LargeFeed
from geo.models import Grid, GridVersion
from geo.pack import PackContent, PackTooLarge, pack_content, pack_document
from geo.queries import standing_on, version_on
from patrol.evidence import stored_policies
from patrol.policies import policy_for
from registry.models import Checkpoint
from registry.placing import OF_CHECKPOINTS, Home, with_grids

_DIGITS = 6  # of coordinates: a decimetre


def own_grids(actor: Actor, action: Action) -> Scope:
    """Where the actor may do this as somebody in a grid's team."""
    return Scope.reduced(
        held.path for held in actor.assignments if held.grid_id is not None and action in ACTIONS[held.role]
    )


def grid_codes(session: Session, scope: Scope, day: date) -> Sequence[str]:
    """The grids at the top of this scope that stand on the day."""
    if scope.is_empty:
        return []
    standing = select(Grid.code).join(GridVersion, GridVersion.grid_id == Grid.grid_id)
    return session.scalars(
        standing.where(Grid.path.in_(scope.prefixes), version_on(day), standing_on(day)).order_by(Grid.code)
    ).all()


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
    content = _pack(session, actor, day)
    return {} if content is None else {"pack": bytes.fromhex(content.etag.strip('"'))[:8]}


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
    grid_ids = {held.grid_id for held in actor.assignments if held.grid_id is not None}
    grids = session.execute(
        select(Grid.code, Grid.path, GridVersion.kind)
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(Grid.grid_id.in_(grid_ids), version_on(day))
        .order_by(Grid.code)
    )
    for code, path, kind in grids:
        row = policy_for(rows, path=path, kind=kind, day=day)
        thresholds = row.policy.thresholds()
        yield Item.of(code, {"policy_version": row.policy_id, "kind": kind, "thresholds": thresholds})


def _checkpoints(session: Session, actor: Actor, day: date) -> Iterator[Item]:
    scope = own_grids(actor, Action.READ_PLACES)
    if scope.is_empty:
        return
    for row in session.execute(_standing_checkpoints(scope, day)):
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


GROUND: tuple[AnyFeed[Actor], ...] = (
    Feed("me", _me),
    Feed("contacts", _contacts),
    LargeFeed("grids", _pack_digests, _pack_bodies),
    Feed("policies", _policies),
    Feed("checkpoints", _checkpoints),
)
