"""A boundary moves by an approved plan: from its day on the due visits are another's, on phones too."""

from collections.abc import Callable

import time_machine
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from access.models import AccessToken
from access.roles import Role
from access.scope import Actor
from core.clock import now
from tests import make, make_people
from tests.api.desk import MONDAY, Desk
from tests.api.sync.phone import Phone
from tests.geo.plans.conftest import sound_tree
from tests.make_visits import local

CARRIED = ("households", "due")


def carried(phone: Phone) -> list[set[str]]:
    phone.pull_all()
    return [phone.ids(feed) for feed in CARRIED]


def test_phones_heal_at_their_next_sync(session: Session, client: Callable[[Actor], TestClient]) -> None:
    tree = sound_tree(session)
    home = str(make_people.household(session, lon=118.9045).household_id)
    old = make.actor(session, role=Role.MEMBER, grid=tree.a11, username="old")
    new = make.actor(session, role=Role.MEMBER, grid=tree.a12, username="new")
    phones = [Phone(client(old)), Phone(client(new))]
    assert [carried(phone) for phone in phones] == [[{home}, {home}], [set(), set()]]

    desk = Desk(client(make.actor(session, role=Role.OPERATOR, area="320113", username="officer")))
    ring = [[118.90, make.SOUTH], [118.904, make.SOUTH], [118.904, make.NORTH], [118.90, make.NORTH]]
    shape = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    desk.done("boundary", {"grid": tree.a11.code, "geometry": shape})
    desk.approved(client(make.actor(session, role=Role.LEADER, area="320113", username="leader")))

    session.execute(update(AccessToken).values(expires_at=local(MONDAY, 12)))
    session.commit()
    assert now() < local(MONDAY)
    assert [carried(phone) for phone in phones] == [[{home}, {home}], [set(), set()]], "not before its day"
    with time_machine.travel(local(MONDAY, 8), tick=False):
        assert [carried(phone) for phone in phones] == [[set(), set()], [{home}, {home}]]
        due = phones[1].http.get("/v1/visits/due", params={"grid": tree.a12.code}).json()["items"]
        assert [line["household"]["household_id"] for line in due] == [home]
