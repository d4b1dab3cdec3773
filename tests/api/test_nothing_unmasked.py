"""No address that only reads shows a full name or number of a resident: every one is asked and searched."""

import io
import uuid
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access.roles import Role
from core.clock import Week, now, today
from tests import make, make_people
from tests.api.register import HOUSEHOLD, RESIDENT, ClientOf, household_body, resident_body, some_id
from tests.make_visits import visit_body

NAME, NUMBER, PHONE = "欧阳测试", make_people.id_number(sequence="468"), "13812345678"
VISIT = some_id(7)
_MAY_LACK = {"font-missing", "not-ready"}  # of the machine and of a test without a worker
_FORMS = ("csv", "xlsx", "pdf")
_NAMED = {
    "household_id": HOUSEHOLD,
    "resident_id": RESIDENT,
    "visit_id": VISIT,
    "street": make.STREET,
    "level": "3",
    "week": str(Week.of_day(today())),
    "lon": "118.902",
    "lat": "32.105",
    "z": "14",
    "x": "13600",
    "y": "6642",
    "collection_id": "grids-3",
    "text": "302",
    "q": "302",
    "on": today().isoformat(),
    "day": today().isoformat(),
    "from": today().isoformat(),
    "to": today().isoformat(),
}


def addresses(app: FastAPI, grid_code: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Every address that is read, with what it cannot do without."""
    named = {**_NAMED, "grid": grid_code, "code": grid_code, "root": grid_code}
    for path, operations in app.openapi()["paths"].items():
        asked: list[dict[str, Any]] = operations.get("get", {}).get("parameters", [])
        if "get" not in operations or "live" in path:
            continue
        here = {one["name"]: named.get(one["name"]) for one in asked if one["in"] == "path"}
        query = {
            one["name"]: named[one["name"]]
            for one in asked
            if one["in"] == "query" and one["name"] in named and (one["required"] or one["name"] == "street")
        }
        if None in here.values():
            continue
        address = path.format(**here)
        yield address, query
        if any(one["name"] == "format" for one in asked):
            yield from ((address, {**query, "format": form}) for form in _FORMS)


def readable(body: bytes) -> str:
    """The text of a reply, of a workbook that of its parts."""
    if not body.startswith(b"PK"):
        return body.decode("utf-8", "replace") + body.decode("gbk", "replace")
    with zipfile.ZipFile(io.BytesIO(body)) as parts:
        return "".join(parts.read(name).decode("utf-8", "replace") for name in parts.namelist())


@pytest.mark.parametrize("role", [Role.MEMBER, Role.OPERATOR])
def test_every_reading_address(app: FastAPI, client: ClientOf, session: Session, role: Role) -> None:
    tree = make.street_tree(session)
    walker = client(make.actor(session, role=Role.MEMBER, grid=tree.a11, username="walker"))
    person = resident_body(name=NAME, id_number=NUMBER, phone=PHONE)
    visit = visit_body(uuid.UUID(HOUSEHOLD), now(), note="在家")
    made = [
        walker.put(f"/v1/households/{HOUSEHOLD}", json=household_body()),
        walker.put(f"/v1/residents/{RESIDENT}", json=person),
        walker.put(f"/v1/visits/{VISIT}", json=visit),
    ]
    assert [reply.status_code for reply in made] == [201] * 3
    own = tree.a11 if role is Role.MEMBER else None
    reader: TestClient = client(make.actor(session, role=role, username="reader", grid=own))
    shown = 0
    for address, query in addresses(app, tree.a11.code):
        reply = reader.get(address, params=query)
        assert reply.status_code < 500 or reply.json()["code"] in _MAY_LACK, (address, reply.text)
        text = readable(reply.content)
        assert not [one for one in (NAME, NUMBER, PHONE) if one in text], (address, query)
        shown += reply.status_code == 200 and "欧**" in text.replace("欧阳**", "欧**")
    assert shown >= 3, "masked, the person is found in several of them"
