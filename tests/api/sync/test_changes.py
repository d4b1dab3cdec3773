"""What phones are sent: all of theirs, only what changed, and word of what is gone."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from access.models import Assignment
from access.roles import Role
from access.scope import Actor
from api.sync import sending
from api.sync.feeds import FEEDS
from core.clock import now, today
from core.sync.marks import KEPT, forget_unused
from core.sync.models import SyncState
from core.sync.states import Held, compose, packed, unpacked
from registry.people.models import Household, TagKind
from tests import make, make_people
from tests.api.sync.phone import Phone
from tests.make_visits import visit

ClientOf = Callable[[Actor], TestClient]


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def member(session: Session, tree: make.StreetTree) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=tree.a11)


@pytest.fixture
def phone(client: ClientOf, member: Actor) -> Phone:
    return Phone(client(member))


def household(session: Session, code: str, **columns: Any) -> Household:
    return make_people.household(session, code=code, **columns)


def test_first_everything_then_nothing(
    session: Session, phone: Phone, tree: make.StreetTree, member: Actor
) -> None:
    gate = make.checkpoint(session, name="北门")
    home = household(session, "H1")
    make_people.resident(session, household=home, name="张小红")

    first = phone.pull()

    assert (first["reset"], first["more"], first["day"]) == (True, False, today().isoformat())
    me = phone.store["me"][str(member.person_id)]
    assert [one["grid_code"] for one in me["assignments"]] == [tree.a11.code]
    assert phone.ids("checkpoints") == {str(gate.checkpoint_id)}
    assert phone.ids("policies") == phone.ids("visit_rules") == {tree.a11.code}
    pack = phone.store["grids"]["pack"]
    assert tree.a11.code in {grid["properties"]["code"] for grid in pack["features"]}
    told = phone.store["households"][str(home.household_id)]
    assert (told["names"], told["residents"], told["room"]) == (["张**"], 1, "101")
    assert phone.store["due"][str(home.household_id)]["state"] == "due"
    assert phone.ids("checklists")
    assert phone.ids("contacts"), "at least the member's own place"

    again = phone.pull()
    assert (again["reset"], again["changed"], again["removed"]) == (False, {}, {})
    assert again["cursor"] == first["cursor"], "nothing new, the state is the same"


def test_only_what_changed_and_what_is_gone(session: Session, phone: Phone) -> None:
    gate, pond = make.checkpoint(session, name="北门"), make.checkpoint(session, name="池塘")
    one, two = household(session, "H1"), household(session, "H2")
    phone.pull()

    gate.name = "新北门"
    gate.revision += 1
    pond.retired_on = today()
    one.room = "202"
    one.revision += 1
    two.retired_on = today()
    three = household(session, "H3")
    session.flush()
    page = phone.pull()

    assert page["removed"] == {
        "checkpoints": [str(pond.checkpoint_id)],
        "households": [str(two.household_id)],
        "due": [str(two.household_id)],
    }
    changed = {feed: [item["id"] for item in items] for feed, items in page["changed"].items()}
    assert changed["checkpoints"] == [str(gate.checkpoint_id)]
    assert set(changed["households"]) == {str(one.household_id), str(three.household_id)}
    assert changed["due"] == [str(three.household_id)]
    assert phone.store["checkpoints"][str(gate.checkpoint_id)]["name"] == "新北门"


def test_whoever_moves_in_or_is_renamed_changes_the_household(session: Session, phone: Phone) -> None:
    home = household(session, "H1")
    phone.pull()
    someone = make_people.resident(session, household=home, name="张小红")
    assert list(phone.pull()["changed"]) == ["households"]
    someone.name, someone.revision = "李四", 2
    session.flush()
    phone.pull()
    assert phone.store["households"][str(home.household_id)]["names"] == ["李*"]
    someone.left_on = today()
    session.flush()
    phone.pull()
    assert phone.store["households"][str(home.household_id)]["residents"] == 0


def test_two_visits_that_are_alike_do_not_hide_each_other(
    session: Session, phone: Phone, tree: make.StreetTree, member: Actor
) -> None:
    home = household(session, "H1")
    phone.pull()
    colleague = make.actor(session, role=Role.MEMBER, grid=tree.a11, username="colleague")
    at = now() - timedelta(hours=1)
    for visitor in (member, colleague):
        visit_id = make.fixed_uuid(f"visit of {visitor.username}")
        visit(session, household=home, person_id=visitor.person_id, at=at, visit_id=visit_id)
    assert "due" in phone.pull()["changed"]
    assert phone.store["due"][str(home.household_id)]["done_full"] == 1


def test_what_leaves_the_scope_is_taken_back(
    session: Session, phone: Phone, tree: make.StreetTree, member: Actor
) -> None:
    here = household(session, "H1")
    there = household(session, "H2", lon=118.907)
    phone.pull()
    assert phone.ids("households") == {str(here.household_id)}

    session.execute(
        update(Assignment).where(Assignment.person_id == member.person_id).values(valid_to=today())
    )
    make.assignment(session, person_id=member.person_id, role=Role.MEMBER, grid=tree.a12, valid_from=today())
    phone.pull()

    assert phone.ids("households") == phone.ids("due") == {str(there.household_id)}
    assert phone.ids("policies") == {tree.a12.code}


def test_tokens_and_short_codes_stay_here(session: Session, phone: Phone) -> None:
    gate = make.checkpoint(session, name="北门")
    said = json.dumps(phone.pull())
    assert gate.short_code not in said
    assert "token" not in json.dumps(phone.store["checkpoints"])


def test_restricted_tags_and_full_names_stay_here(session: Session, phone: Phone) -> None:
    home = household(session, "H1")
    make_people.resident(session, household=home, name="欧阳小红")
    make_people.tag(session, household=home, code="disabled")
    restricted = session.scalars(select(TagKind.code).where(TagKind.is_restricted)).first()
    assert restricted is not None
    make_people.tag(session, household=home, code=restricted)
    said = json.dumps(phone.pull(), ensure_ascii=False)
    assert "欧阳小红" not in said
    assert phone.store["households"][str(home.household_id)]["tags"] == ["disabled"]
    assert restricted not in phone.ids("tags")


def test_a_lost_reply_loses_nothing(session: Session, phone: Phone) -> None:
    phone.pull()
    household(session, "H1")
    lost = phone.pull(is_kept=False)
    household(session, "H2")
    session.flush()
    phone.pull()
    assert len(phone.ids("households")) == 2
    # The phone goes on from the reply that it has; one that comes late after all is still of use.
    late = Phone(phone.http, cursor=lost["cursor"], store={"households": {}, "due": {}})
    assert late.pull()["reset"] is False


@pytest.mark.parametrize("cursor", ["nonsense", "0" * 32, "", "' OR 1=1 --"])
def test_a_cursor_that_nobody_knows_begins_anew(phone: Phone, cursor: str) -> None:
    phone.pull()
    phone.cursor = cursor
    assert phone.pull()["reset"] is True


def test_a_cursor_is_good_for_its_owner_and_device_alone(
    session: Session, client: ClientOf, phone: Phone, tree: make.StreetTree
) -> None:
    phone.pull()
    other = make.actor(session, role=Role.MEMBER, grid=tree.a12, username="other")
    thief = Phone(client(other), cursor=phone.cursor)
    assert thief.pull()["reset"] is True
    elsewhere = Phone(phone.http, device_id=make.fixed_uuid("another phone"), cursor=phone.cursor)
    assert elsewhere.pull()["reset"] is True


def test_pages_are_bounded_and_end_complete(
    session: Session, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        household(session, f"H{number}", room=str(number))
    monkeypatch.setattr(sending, "compose", lambda *a, **named: compose(*a, **{**named, "most_bytes": 3000}))
    pages = phone.pull_all()
    assert len(pages) > 4
    assert [page["reset"] for page in pages] == [True] + [False] * (len(pages) - 1)
    small = [page for page in pages if "grids" not in page["changed"] and "checklists" not in page["changed"]]
    assert max(len(json.dumps(page["changed"], ensure_ascii=False).encode()) for page in small) < 9000
    assert len(phone.ids("households")) == 60
    assert phone.pull()["changed"] == {}


def test_an_interrupted_first_sync_goes_on_where_it_stopped(
    session: Session, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        household(session, f"H{number}")
    monkeypatch.setattr(sending, "compose", lambda *a, **named: compose(*a, **{**named, "most_bytes": 3000}))
    for _ in range(3):
        phone.pull()
    household(session, "late")
    phone.pull(is_kept=False)
    phone.pull_all()
    assert len(phone.ids("households")) == 31


def test_states_are_few_and_forgotten_in_the_end(session: Session, phone: Phone) -> None:
    phone.pull()
    for number in range(KEPT + 3):
        household(session, f"H{number}")
        phone.pull()
    assert session.scalars(select(func.count()).select_from(SyncState)).one() <= KEPT + 1
    session.execute(update(SyncState).values(used_at=SyncState.used_at - timedelta(days=61)))
    forget_unused(session, 60)
    session.flush()
    assert phone.pull()["reset"] is True


def test_compressed_for_whoever_takes_that(phone: Phone) -> None:
    raw = phone.http.get("/v1/sync", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in raw.headers
    small = phone.http.get("/v1/sync", headers={"Accept-Encoding": "gzip"})
    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) < len(raw.content) / 2
    refused = phone.http.get("/v1/sync", headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers
    assert small.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.LEADER, Role.UNIT, Role.ADMIN, Role.AUDITOR])
def test_whoever_sits_at_a_desk_carries_no_households(
    session: Session, client: ClientOf, tree: make.StreetTree, role: Role
) -> None:
    household(session, "H1")
    make.checkpoint(session)
    desk = Phone(client(make.actor(session, role=role)))
    desk.pull_all()
    assert desk.ids("households") == desk.ids("checkpoints") == desk.ids("due") == set()
    assert len(desk.ids("me")) == 1


def test_a_head_carries_what_lies_below(session: Session, client: ClientOf, tree: make.StreetTree) -> None:
    homes = {str(household(session, f"H{lon}", lon=lon).household_id) for lon in (118.902, 118.907)}
    head = Phone(client(make.actor(session, role=Role.HEAD, grid=tree.a1)))
    head.pull_all()
    assert head.ids("households") == homes


def test_hostile_questions(phone: Phone) -> None:
    assert phone.http.get("/v1/sync", params={"device": "x"}).status_code == 422
    assert phone.http.get("/v1/sync", params={"since": "x" * 65}).status_code == 422
    assert phone.http.get("/v1/sync", params={"since": "\0"}).status_code in {200, 422}


def test_every_feed_reads_in_one_snapshot_without_writing(
    app: FastAPI, session: Session, member: Actor
) -> None:
    for feed in FEEDS:
        found = compose(session, member, [feed], {}, day=today())
        assert set(found.held) == {feed.name}


def test_states_survive_being_stored() -> None:
    held: Held = {"b": {"2": b"12345678", "1": b"abcdefgh"}, "a": {}}
    assert unpacked(packed(held)) == {"b": {"1": b"abcdefgh", "2": b"12345678"}}
    assert packed(held) == packed({"b": {"1": b"abcdefgh", "2": b"12345678"}})
