"""Who may do what, role by role: the table is the contract. And nothing of another street is told anywhere.

A new address that reads something fails here until it is known what to fill into it.
"""

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import now, today
from geo.models import Grid
from tests import make, make_people, make_visits, pictures
from tests.api.desk import Desk

ClientOf = Callable[[Actor], TestClient]
ROLES = tuple(Role)
SECRET = "外街"  # in every name of the other street
PHOTO = pictures.picture(colour="beige")


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@dataclass(frozen=True)
class Things:
    """What a worker made in a grid: ids by the name they have in addresses."""

    walker: Actor
    ids: dict[str, str]


def things_of(client: ClientOf, session: Session, grid: Grid, name: str) -> Things:
    """A patrol with a finding, its photo, an appeal, a device and something that could not be filed."""
    walker = make.actor(session, role=Role.MEMBER, grid=grid, username=name)
    phone = client(walker)
    kinds = ("patrol", "segment", "finding", "appeal", "device", "check_in", "gap", "kept")
    ids = {f"{kind}_id": str(make.fixed_uuid(f"{name} {kind}")) for kind in kinds}
    ids |= {"sha256": pictures.name_of(PHOTO), "person_id": str(walker.person_id), "grid": grid.code}
    begun = {"grid_code": grid.code, "started_at": (now() - timedelta(hours=1)).isoformat()}
    assert phone.put(f"/v1/patrols/{ids['patrol_id']}", json=begun).status_code == 201
    found = {
        "patrol_id": ids["patrol_id"],
        "checklist": "city_management",
        "version": 1,
        "item": "parking",
        "result": "report",
        "at": (now() - timedelta(minutes=30)).isoformat(),
        "note": SECRET,
        "before_photos": [ids["sha256"]],
    }
    assert phone.put(f"/v1/findings/{ids['finding_id']}", json=found).status_code == 201
    headers = {"Content-Type": "image/jpeg"}
    assert phone.put(f"/v1/photos/{ids['sha256']}", content=PHOTO, headers=headers).is_success
    asked = {"id": ids["appeal_id"], "note": SECRET, "photos": [ids["sha256"]]}
    assert phone.post(f"/v1/patrols/{ids['patrol_id']}/appeals", json=asked).status_code == 201
    device = {"platform": "android", "model": SECRET, "pending_items": 3}
    assert phone.put(f"/v1/devices/{ids['device_id']}", json=device).status_code == 201
    kept = phone.put(f"/v1/patrols/{ids['patrol_id']}/segments/{ids['segment_id']}", content=b"{}").json()
    return Things(walker, {**ids, "quarantine_id": kept["kept_aside"]})


def actor_of(session: Session, tree: make.StreetTree, role: Role) -> Actor:
    """Somebody of that role who works where A11 lies."""
    match role:
        case Role.MEMBER | Role.TEAM:
            return make.actor(session, role=role, grid=tree.a11)
        case Role.HEAD:
            return make.actor(session, role=role, grid=tree.a1)
    return make.actor(session, role=role, area=f"{make.STREET}/")


# ------------------------------------------------------------------------------------------ in the own street

AT = (now() - timedelta(minutes=20)).isoformat()
CODES = ("member", "head", "team", "operator", "leader", "unit", "admin", "auditor")
# What others than the walker may do with the walker's things, in the order of CODES. What only its owner may
# do is 404 for all others: nobody learns of it by trying.
CONTRACT: dict[str, tuple[str, dict[str, Any] | None]] = {
    "GET /v1/patrols/{patrol_id}": ("200 200 404 200 200 404 200 200", None),
    "GET /v1/patrols/{patrol_id}/progress": ("200 200 404 200 200 404 200 200", None),
    "GET /v1/patrols/{patrol_id}/checklists": ("200 200 404 200 200 404 200 200", None),
    "GET /v1/patrols/{patrol_id}/track": ("403 200 404 403 200 404 403 403", None),
    "GET /v1/patrols/{patrol_id}/decisions": ("200 200 404 200 200 404 200 200", None),
    "GET /v1/findings/{finding_id}": ("200 200 404 200 200 404 200 200", None),
    "GET /v1/photos/{sha256}": ("200 200 404 200 200 404 200 200", None),
    "GET /v1/appeals/{appeal_id}": ("404 200 404 404 200 404 404 404", None),
    "GET /v1/diary?person={person_id}": ("200 200 404 200 200 404 200 200", None),
    "GET /v1/diary/export?format=xlsx&person={person_id}": ("200 200 404 200 200 404 200 200", None),
    "GET /v1/findings?grid={grid}": ("200 200 403 200 200 403 200 200", None),
    "GET /v1/compliance?grid={grid}": ("200 200 403 200 200 403 200 200", None),
    "GET /v1/patrol-policies/effective?grid={grid}": ("200 200 200 200 200 200 200 200", None),
    "GET /v1/checklists?grid={grid}": ("200 200 200 200 200 200 200 200", None),
    "PUT /v1/patrols/{patrol_id}": (
        "409 409 409 409 409 409 409 409",
        {"grid_code": "{grid}", "started_at": AT},
    ),
    "PUT /v1/patrols/{new}": ("201 201 403 403 403 403 403 403", {"grid_code": "{grid}", "started_at": AT}),
    "PUT /v1/patrols/{patrol_id}/segments/{new}": (
        "404 404 404 404 404 404 404 404",
        {
            "seq": 0,
            "datum": "EPSG:4326",
            "fixes": [{"at": AT, "lon": 118.902, "lat": 32.105, "accuracy_m": 5}],
        },
    ),
    "PUT /v1/patrols/{patrol_id}/gaps/{new}": (
        "404 404 404 404 404 404 404 404",
        {"from_at": AT, "to_at": AT, "reason": "battery"},
    ),
    "POST /v1/patrols/{patrol_id}/finish": ("404 404 404 404 404 404 404 404", {"finished_at": AT}),
    "PUT /v1/patrols/{patrol_id}/themes": (
        "404 404 404 404 404 404 404 404",
        {"themes": ["safety"], "at": AT},
    ),
    "POST /v1/patrols/{patrol_id}/appeals": ("404 404 404 404 404 404 404 404", {"id": "{new}", "note": "x"}),
    "POST /v1/patrols/{patrol_id}/review": (
        "403 409 404 403 409 404 403 403",
        {"decision": "accepted", "note": "x"},
    ),
    "POST /v1/appeals/{appeal_id}/withdraw": ("404 404 404 404 404 404 404 404", None),
    "POST /v1/quarantine/{quarantine_id}/refile": ("404 404 404 404 404 404 404 404", None),
    "POST /v1/devices/{device_id}/tracker-token": ("404 404 404 404 404 404 404 404", None),
    "DELETE /v1/devices/{device_id}/tracker-token": ("404 404 404 404 404 404 404 404", None),
    "PUT /v1/patrol-policies": (
        "403 403 403 201 403 403 201 403",
        {"grid_code": "{grid}", "valid_from": str(today() + timedelta(days=30)), "thresholds": {}},
    ),
    "POST /v1/appeals/{appeal_id}/decision": (
        "404 200 404 404 200 404 404 404",
        {"decision": "accepted", "note": "x"},
    ),
}


def filled(what: Any, ids: dict[str, str]) -> Any:
    if isinstance(what, dict):
        return {name: filled(value, ids) for name, value in what.items()}
    return re.sub(r"{(\w+)}", lambda found: ids[found[1]], what) if isinstance(what, str) else what


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_may_do_with_the_things_of_others(
    client: ClientOf, session: Session, tree: make.StreetTree, role: Role
) -> None:
    things = things_of(client, session, tree.a11, "walker")
    other = client(actor_of(session, tree, role))
    done = {}
    for call, (_, body) in CONTRACT.items():
        ids = {**things.ids, "new": str(uuid.uuid4())}
        method, address = filled(call, ids).split()
        reply = other.request(method, address, json=filled(body, ids))
        done[call] = reply.status_code
    place = CODES.index(role)
    assert done == {call: int(codes.split()[place]) for call, (codes, _) in CONTRACT.items()}


# --------------------------------------------------------------------------------------- of another street


def elsewhere(client: ClientOf, session: Session, tree: make.StreetTree) -> dict[str, str]:
    """Something of everything in the other street, by the names that addresses have for it."""
    ids = things_of(client, session, tree.c11, f"{SECRET}walker").ids
    at: dict[str, Any] = {"street_code": make.OTHER_STREET, "lon": 118.96, "lat": 32.105}
    home = make_people.household(session, code=f"{SECRET}H", **at)
    visited = make_visits.visit(
        session, household=home, person_id=uuid.UUID(ids["person_id"]), at=now() - timedelta(hours=1)
    )
    operator = client(
        make.actor(session, role=Role.OPERATOR, area=f"{make.OTHER_STREET}/", username=f"{SECRET}desk")
    )
    plan = Desk(operator, street=make.OTHER_STREET, title=SECRET)
    return {
        **ids,
        **ASKED,
        "code": tree.c11.code,
        "building_id": str(make.building(session, name=f"{SECRET}1幢", **at).building_id),
        "address_id": str(make.address(session, text=f"{SECRET}路1号", **at).address_id),
        "checkpoint_id": str(make.checkpoint(session, name=f"{SECRET}门", **at).checkpoint_id),
        "household_id": str(home.household_id),
        "resident_id": str(make_people.resident(session, household=home, name=SECRET).resident_id),
        "visit_id": str(visited.visit_id),
        "plan_id": plan.address.rpartition("/")[2],
        "grid": tree.c11.code,
    }


# What else stands in addresses and queries.
ASKED = dict.fromkeys(("organisation_id", "sample_id", "duty_id"), str(make.fixed_uuid("nothing"))) | {
    "policy_id": "2147483000",
    "name": "grids",
    "layer": "grids",
    "kind": "buildings",
    "z": "12",
    "x": "3403",
    "y": "1660",
    "street": make.OTHER_STREET,
    "datum": "EPSG:4490",
    "lon": "118.96",
    "lat": "32.105",
    "format": "csv",
    "text": SECRET,
    "start": "118.96,32.105",
    "from": str(today()),
    "to": str(today()),
}
# What is asked for by its name in the address and exists in the other street.
THINGS = re.compile(
    "{(patrol|finding|appeal|plan|building|address|checkpoint|household|resident|visit)_id|{sha"
)
# Said of anything by its name alone: the words of a code, a form to fill in, what anybody may ask.
TELLING_NOTHING = {
    "/v1/grid-codes/{code}",
    "/v1/places/template/{kind}.xlsx",
    "/healthz",
    "/readyz",
    "/metrics",
}


def reads(app: FastAPI, ids: dict[str, str]) -> Iterator[tuple[str, str, dict[str, str]]]:
    for template, methods in app.openapi()["paths"].items():
        if "get" in methods and template not in TELLING_NOTHING and "/ingest/" not in template:
            parameters = methods["get"].get("parameters", [])
            asked = [one["name"] for one in parameters if one["in"] == "query"]
            needed = [one["name"] for one in parameters if one["in"] == "query" and one.get("required")]
            address = re.sub(r"{(\w+)}", lambda found: ids[found[1]], template)
            yield template, address, {name: ids[name] for name in needed}
            for name in {"grid", "street", "parent", "root", "person", "building", "household", "patrol"} & {
                *asked
            }:
                value = ids.get(name) or ids.get(f"{name}_id") or ids["grid"]
                yield template, address, {**{one: ids[one] for one in needed}, name: value}


def test_nothing_of_another_street_is_told(
    client: ClientOf, session: Session, app: FastAPI, tree: make.StreetTree
) -> None:
    """Not even to somebody who is everything in the own street."""
    ids = elsewhere(client, session, tree)
    actor = actor_of(session, tree, Role.ADMIN)
    for role in (Role.OPERATOR, Role.LEADER, Role.UNIT, Role.AUDITOR):
        make.assignment(session, person_id=actor.person_id, role=role, area=f"{make.STREET}/")
    for role, grid in ((Role.MEMBER, tree.a11), (Role.HEAD, tree.a), (Role.TEAM, tree.a)):
        make.assignment(session, person_id=actor.person_id, role=role, grid=grid)
    other = client(actor)
    hidden = [value for name, value in ids.items() if name.endswith("_id") and len(value) > 20]
    for template, address, query in reads(app, ids):
        reply = other.get(address, params=query)
        assert reply.status_code < 500, (template, reply.text)
        if THINGS.search(template):
            assert reply.status_code in {403, 404}, (template, reply.text)
        said = reply.text
        for word in query.values():  # a refusal may repeat what was asked
            said = said.replace(word, "")
        told = [word for word in (SECRET, tree.c11.code, tree.c1.code, *hidden) if word in said]
        assert told == [], (template, query, reply.text[:500])
