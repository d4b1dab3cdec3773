"""Households and their tags over HTTP: kept, retired, narrowed to the scope; what changed of them."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Role
from core.clock import now, today
from core.models import AuditEntry
from core.spreadsheets import read_rows
from registry.people.models import Household, RegistryChange
from tests import make, make_people
from tests.api.register import (
    HOUSEHOLD,
    IN_A11,
    IN_A12,
    IN_B11,
    NOWHERE,
    OTHER_HOUSEHOLD,
    RESIDENT,
    ClientOf,
    household_body,
    member,
    resident_body,
    some_id,
)

ADDRESS = f"/v1/households/{HOUSEHOLD}"


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def walker(client: ClientOf, session: Session, tree: make.StreetTree) -> TestClient:
    """The member of A11."""
    return client(member(session, tree))


def test_a_household_is_made_once_however_often_it_is_sent(
    client: ClientOf, session: Session, tree: make.StreetTree
) -> None:
    signed_in = client(member(session, tree))
    body = household_body(floor="3", confirmed_at=now().isoformat())
    first, again = (signed_in.put(ADDRESS, json=body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert first.json() == again.json()
    shown = first.json()["household"]
    assert shown["grid"]["code"] == tree.a11.code
    assert (shown["room"], shown["floor"], shown["position"], shown["revision"]) == ("302", "3", IN_A11, 1)
    assert (shown["special"], shown["tags"], shown["residents"]) == (False, [], 0)
    assert first.headers["ETag"] == '"1"'
    assert signed_in.get(ADDRESS).json() == first.json()
    assert [change.event for change in session.scalars(select(RegistryChange))] == ["created"]


def test_a_change_needs_the_state_it_was_made_from(
    client: ClientOf, session: Session, tree: make.StreetTree
) -> None:
    signed_in = client(member(session, tree))
    signed_in.put(ADDRESS, json=household_body())
    changed = household_body(room="303")
    assert signed_in.put(ADDRESS, json=changed).status_code == 428
    assert signed_in.put(ADDRESS, json=changed, headers={"If-Match": '"7"'}).status_code == 412
    done = signed_in.put(ADDRESS, json=changed, headers={"If-Match": '"1"'})
    assert (done.status_code, done.json()["household"]["revision"]) == (200, 2)
    # The phone never saw that reply and says it again; and even its first one, which is long outdated.
    assert signed_in.put(ADDRESS, json=changed, headers={"If-Match": '"1"'}).json() == done.json()
    assert signed_in.put(ADDRESS, json=household_body()).json() == done.json()
    # Putting it back on purpose is not a repetition.
    back = signed_in.put(ADDRESS, json=household_body(), headers={"If-Match": '"2"'})
    assert back.json()["household"]["room"] == "302"


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"position": None}, "/", "position-missing"),
        ({"position": [32.105, 118.902]}, "/position", "outside-china"),
        ({"position": NOWHERE, "street": "999999999"}, "/street", "unknown-division"),
        ({"building": HOUSEHOLD}, "/building", "building-unknown"),
        ({"address": HOUSEHOLD}, "/address", "address-unknown"),
        ({"grid": "nonsense"}, "/grid", "grid-unknown"),
        ({"confirmed_at": (now() + timedelta(days=1)).isoformat()}, "/confirmed_at", "impossible-time"),
        ({"confirmed_at": "1999-01-01T00:00:00Z"}, "/confirmed_at", "impossible-time"),
        ({"kind": "haunted"}, "/kind", "literal-error"),
        ({"note": "a loud one"}, "/note", "extra-forbidden"),
        ({"attributes": {"note": "no free text"}}, "/attributes", "extra-forbidden"),
        ({"room": "3\x00"}, "/room", "unstorable"),
        ({"room": "3" * 21}, "/room", "string-too-long"),
    ],
)
def test_what_cannot_be_is_refused_by_field(
    walker: TestClient, session: Session, changes: dict[str, Any], pointer: str, code: str
) -> None:
    reply = walker.put(ADDRESS, json=household_body(**changes))
    assert reply.status_code == 422
    assert (pointer, code) in [(error["pointer"], error["code"]) for error in reply.json()["errors"]]
    assert session.get(Household, uuid.UUID(HOUSEHOLD)) is None


def test_it_lies_where_its_address_or_building_lies(
    client: ClientOf, session: Session, tree: make.StreetTree
) -> None:
    house = make.building(session, lon=118.902)
    door = make.address(session, building_id=house.building_id, geom=None)
    signed_in = client(member(session, tree))
    for number, given in enumerate(({"building": str(house.building_id)}, {"address": str(door.address_id)})):
        body = household_body(position=None, code=None, **given)
        reply = signed_in.put(f"/v1/households/{some_id(number)}", json=body)
        assert reply.status_code == 201, reply.text
        shown = reply.json()["household"]
        assert (shown["grid"]["code"], shown["building_name"]) == (tree.a11.code, "1幢")
        assert shown["address_text"] == (door.text if "address" in given else None)


def test_a_code_is_given_once_in_a_street(client: ClientOf, session: Session, tree: make.StreetTree) -> None:
    signed_in = client(member(session, tree))
    signed_in.put(ADDRESS, json=household_body())
    reply = signed_in.put(f"/v1/households/{OTHER_HOUSEHOLD}", json=household_body())
    assert (reply.status_code, reply.json()["code"]) == (409, "household-code-taken")


def test_nobody_writes_outside_their_grids(client: ClientOf, session: Session, tree: make.StreetTree) -> None:
    signed_in = client(member(session, tree))
    assert signed_in.put(ADDRESS, json=household_body(position=IN_B11)).status_code == 404
    assert session.get(Household, uuid.UUID(HOUSEHOLD)) is None
    head = client(make.actor(session, role=Role.HEAD, grid=tree.a))
    assert head.put(ADDRESS, json=household_body(position=IN_A12)).status_code == 201
    for reply in (
        signed_in.get(ADDRESS),
        signed_in.put(ADDRESS, json=household_body(position=IN_A12)),
        signed_in.put(ADDRESS, json=household_body(), headers={"If-Match": '"1"'}),
        signed_in.put(f"{ADDRESS}/tags", json={"tags": []}),
        signed_in.post(f"{ADDRESS}/retirement", json={"reason": "mistake"}),
        signed_in.put(f"/v1/residents/{RESIDENT}", json=resident_body()),
    ):
        assert (reply.status_code, reply.json()["code"]) == (404, "not-found")


def test_a_household_is_not_pushed_out_of_ones_own_grids(
    client: ClientOf, session: Session, tree: make.StreetTree
) -> None:
    signed_in = client(member(session, tree))
    signed_in.put(ADDRESS, json=household_body())
    moved = signed_in.put(ADDRESS, json=household_body(position=IN_A12), headers={"If-Match": '"1"'})
    assert moved.status_code == 404
    assert signed_in.get(ADDRESS).json()["household"]["position"] == IN_A11


def test_once_the_ground_is_somebody_elses_so_is_the_household(
    client: ClientOf, session: Session, tree: make.StreetTree
) -> None:
    signed_in = client(member(session, tree))
    signed_in.put(ADDRESS, json=household_body())
    operator = client(make.actor(session, role=Role.OPERATOR))
    by_hand = household_body(grid=tree.a12.code)
    assert operator.put(ADDRESS, json=by_hand, headers={"If-Match": '"1"'}).status_code == 200
    assert signed_in.get(ADDRESS).status_code == 404
    assert signed_in.get("/v1/households").json()["items"] == []
    # Even the phone's own first words about it are not answered any more.
    assert signed_in.put(ADDRESS, json=household_body()).status_code == 404


def test_retired_it_stays_readable_and_is_not_changed(
    client: ClientOf, session: Session, tree: make.StreetTree
) -> None:
    signed_in = client(member(session, tree))
    signed_in.put(ADDRESS, json=household_body())
    tomorrow = (today() + timedelta(days=1)).isoformat()
    refused = signed_in.post(f"{ADDRESS}/retirement", json={"reason": "moved_away", "on": tomorrow})
    assert refused.json()["errors"][0]["code"] == "day-in-future"
    for _ in range(2):
        reply = signed_in.post(f"{ADDRESS}/retirement", json={"reason": "moved_away"})
        assert (reply.status_code, reply.json()["household"]["retired_on"]) == (200, today().isoformat())
    assert signed_in.get("/v1/households").json()["items"] == []
    assert len(signed_in.get("/v1/households?retired=true").json()["items"]) == 1
    changed = signed_in.put(ADDRESS, json=household_body(room="9"), headers={"If-Match": '"2"'})
    assert (changed.status_code, changed.json()["code"]) == (409, "household-retired")
    resident = signed_in.put(f"/v1/residents/{RESIDENT}", json=resident_body())
    assert (resident.status_code, resident.json()["code"]) == (409, "household-retired")


# ------------------------------------------------------------------------------------------------- lists


def test_lists_are_narrowed_and_paged(client: ClientOf, session: Session, tree: make.StreetTree) -> None:
    house = make.building(session, name="7幢", lon=118.907)
    inside = make_people.household(session, code="own")
    make_people.household(session, code="housed", geom=None, building_id=house.building_id, room="405")
    make_people.household(session, code="far", lon=118.93)
    make_people.tag(session, household=inside)
    head = client(make.actor(session, role=Role.HEAD, grid=tree.a))

    def codes(query: str = "") -> set[str]:
        return {item["code"] for item in head.get(f"/v1/households?{query}").json()["items"]}

    assert codes() == {"own", "housed"}
    assert codes(f"grid={tree.a12.code}") == {"housed"}
    assert codes("text=7幢") == codes("text=405") == {"housed"}
    assert codes("special=true") == codes("tag=disabled") == {"own"}
    assert codes("special=false") == {"housed"}
    assert codes(f"building={house.building_id}") == {"housed"}
    assert codes("bbox=118.90,32.10,118.905,32.11") == {"own"}
    assert head.get(f"/v1/households?grid={tree.b.code}").status_code == 404
    assert head.get("/v1/households?tag=nonsense").json()["errors"][0]["code"] == "unknown-tag"
    assert head.get("/v1/households?after=nonsense").status_code == 422
    first = head.get("/v1/households?limit=1").json()
    second = head.get(f"/v1/households?limit=1&after={first['next']}").json()
    assert {item["code"] for page in (first, second) for item in page["items"]} == {"own", "housed"}
    assert second["next"] is None


@pytest.mark.parametrize("role", [Role.LEADER, Role.UNIT, Role.AUDITOR, Role.ADMIN])
def test_households_are_nothing_for_those_who_do_not_look_after_them(
    client: ClientOf, session: Session, tree: make.StreetTree, role: Role
) -> None:
    make_people.household(session, household_id=uuid.UUID(HOUSEHOLD))
    signed_in = client(make.actor(session, role=role))
    for path in ("/v1/households", f"/v1/households/changes?street={make.STREET}", "/v1/tags"):
        assert (signed_in.get(path).status_code, signed_in.get(path).json()["code"]) == (403, "forbidden")
    assert signed_in.get(ADDRESS).status_code == 404
    assert signed_in.put(ADDRESS, json=household_body()).status_code == 403
    assert signed_in.put(f"{ADDRESS}/tags", json={"tags": []}).status_code == 403
    assert signed_in.post(f"{ADDRESS}/retirement", json={"reason": "mistake"}).status_code == 403


# -------------------------------------------------------------------------------------------------- tags


def test_tags_are_set_from_the_list(client: ClientOf, session: Session, tree: make.StreetTree) -> None:
    signed_in = client(member(session, tree))
    signed_in.put(ADDRESS, json=household_body())
    signed_in.put(f"/v1/residents/{RESIDENT}", json=resident_body())
    wanted = {"tags": [{"tag": "disabled", "resident": RESIDENT}, {"tag": "subsistence"}]}
    assert signed_in.put(f"{ADDRESS}/tags", json=wanted).status_code == 428
    done = signed_in.put(f"{ADDRESS}/tags", json=wanted, headers={"If-Match": '"1"'})
    assert done.status_code == 200, done.text
    shown = done.json()["household"]
    assert shown["special"]
    assert {tag["zh"]: tag["resident"] for tag in shown["tags"]} == {"残疾人": RESIDENT, "低保户": None}
    assert signed_in.put(f"{ADDRESS}/tags", json=wanted).json() == done.json(), "the same again"
    fewer = signed_in.put(f"{ADDRESS}/tags", json={"tags": []}, headers={"If-Match": '"2"'})
    assert (fewer.json()["household"]["tags"], fewer.json()["household"]["special"]) == ([], False)


@pytest.mark.parametrize(
    ("tags", "pointer", "code"),
    [
        ([{"tag": "麻烦"}], "/tags/0/tag", "unknown-tag"),
        ([{"tag": "elder"}, {"tag": "elder"}], "/tags/1", "tag-twice"),
        ([{"tag": "elder", "resident": OTHER_HOUSEHOLD}], "/tags/0/resident", "resident-unknown"),
        ([{"tag": "elder", "valid_from": "1066-10-14"}], "/tags/0/valid_from", "greater-than-equal"),
        ([{"tag": "elder", "valid_from": "1950-10-14"}], "/tags/0/valid_from", "impossible-day"),
        ([{"tag": "elder", "valid_from": "2026-02-30"}], "/tags/0/valid_from", "date-from-datetime-parsing"),
        ([{"tag": "elder", "valid_to": "2026-01-01"}], "/tags/0/valid_to", "ends-before-beginning"),
        ([{"tag": "elder", "note": "shouts"}], "/tags/0/note", "extra-forbidden"),
        ([{"tag": "elder"}] * 51, "/tags", "too-long"),
    ],
)
def test_wrong_tags_are_refused_by_place(
    walker: TestClient, tags: list[Any], pointer: str, code: str
) -> None:
    walker.put(ADDRESS, json=household_body())
    reply = walker.put(f"{ADDRESS}/tags", json={"tags": tags}, headers={"If-Match": '"1"'})
    assert reply.status_code == 422
    assert (pointer, code) in [(error["pointer"], error["code"]) for error in reply.json()["errors"]]


def test_the_list_says_what_counts_and_where_it_stands(
    client: ClientOf, session: Session, tree: make.StreetTree
) -> None:
    found = client(member(session, tree)).get("/v1/tags").json()["items"]
    by_code = {kind["code"]: kind for kind in found}
    assert by_code["disabled"]["special"]
    assert not by_code["elder"]["special"]
    assert {code for code, kind in by_code.items() if kind["restricted"]} == {
        "social_support",
        "mental_illness",
    }
    assert all(kind["clause"] for kind in found)


# ----------------------------------------------------------------------------------------------- changes


def test_the_centre_reads_what_changed_and_not_of_whom(
    client: ClientOf, session: Session, tree: make.StreetTree
) -> None:
    signed_in = client(member(session, tree))
    number, phone = make_people.id_number(), "13800138000"
    signed_in.put(ADDRESS, json=household_body())
    signed_in.put(f"/v1/residents/{RESIDENT}", json=resident_body(id_number=number, phone=phone))
    tags = {"tags": [{"tag": "mental_illness"}, {"tag": "elder"}]}
    signed_in.put(f"{ADDRESS}/tags", json=tags, headers={"If-Match": '"1"'})
    signed_in.put(ADDRESS, json=household_body(room="303"), headers={"If-Match": '"2"'})
    operator = client(make.actor(session, role=Role.OPERATOR))
    feed = operator.get(f"/v1/households/changes?street={make.STREET}").json()
    assert [(one["kind"], one["event"]) for one in feed["items"]] == [
        ("household", "created"),
        ("resident", "created"),
        ("tags", "changed"),
        ("household", "changed"),
    ]
    assert {"field": "room", "before": "302", "after": "303"} in feed["items"][3]["fields"]
    assert {one["after"] for one in feed["items"][2]["fields"]} == {"restricted", "elder"}
    told = {one["field"]: one["after"] for one in feed["items"][1]["fields"]}
    assert (told["name"], told["phone"], told["born_on"]) == ("张**", "138****8000", None)
    assert told["id_number"] == f"{number[:4]}**********{number[-4:]}"
    assert not feed["more"]
    behind = operator.get(f"/v1/households/changes?street={make.STREET}&since={feed['items'][1]['number']}")
    assert [one["kind"] for one in behind.json()["items"]] == ["tags", "household"]
    assert behind.json()["last"] == feed["last"]
    short = operator.get(f"/v1/households/changes?street={make.STREET}&limit=1").json()
    assert (short["more"], short["last"]) == (True, feed["items"][0]["number"])
    file = operator.get(f"/v1/households/changes.csv?street={make.STREET}")
    assert len(read_rows(file.content, "changes.csv").rows) == 4
    elsewhere = client(make.actor(session, role=Role.OPERATOR, area=f"{make.OTHER_STREET}/", username="far"))
    assert elsewhere.get(f"/v1/households/changes?street={make.STREET}").json()["items"] == []
    for text in (operator.get(f"/v1/households/changes?street={make.STREET}").text, file.text):
        assert "张小红" not in text
        assert number not in text
        assert phone not in text


def test_the_changes_of_one_household_are_asked_for(
    client: ClientOf, session: Session, tree: make.StreetTree
) -> None:
    signed_in = client(member(session, tree))
    signed_in.put(ADDRESS, json=household_body())
    signed_in.put(f"/v1/households/{OTHER_HOUSEHOLD}", json=household_body(code="H2", room="402"))
    far = make.actor(session, role=Role.OPERATOR, area=f"{make.OTHER_STREET}/", username="far")
    found = {
        (who, asked): [
            change["household"]
            for change in http.get(f"/v1/households/changes?street={make.STREET}{asked}").json()["items"]
        ]
        for who, http in (("here", client(make.actor(session, role=Role.OPERATOR))), ("far", client(far)))
        for asked in ("", f"&household={HOUSEHOLD}", f"&household={uuid.uuid4()}")
    }
    assert [len(changes) for changes in found.values()] == [2, 1, 0, 0, 0, 0]
    assert found["here", f"&household={HOUSEHOLD}"] == [HOUSEHOLD]


def test_each_change_leaves_an_audit_line(client: ClientOf, session: Session, tree: make.StreetTree) -> None:
    signed_in = client(member(session, tree))
    signed_in.put(ADDRESS, json=household_body())
    signed_in.put(f"{ADDRESS}/tags", json={"tags": [{"tag": "elder"}]}, headers={"If-Match": '"1"'})
    signed_in.post(f"{ADDRESS}/retirement", json={"reason": "moved_away"})
    lines = session.scalars(select(AuditEntry).where(AuditEntry.subject == f"household:{HOUSEHOLD}"))
    assert [line.action for line in lines] == ["household.created", "tags.changed", "household.retired"]
