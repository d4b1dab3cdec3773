"""Checklists, findings and themes over HTTP: late, twice, before their patrol, and by the wrong hands."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import now, today
from core.models import PhotoUse, QuarantinedItem
from patrol.checklists.models import Finding
from tests import make, pictures
from tests.pictures import name_of

ClientOf = Callable[[Actor], TestClient]
PATROL = "01920000-0000-7000-8000-000000000001"
FINDING = "01920000-0000-7000-8000-0000000000f1"
IN_A11 = {"lon": 118.902, "lat": 32.105, "accuracy_m": 8}
IN_A12 = {"lon": 118.907, "lat": 32.105}


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def member(session: Session, tree: make.StreetTree) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=tree.a11)


@pytest.fixture
def phone(client: ClientOf, member: Actor) -> TestClient:
    return client(member)


@pytest.fixture
def head(client: ClientOf, session: Session, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.HEAD, grid=tree.a1))


def begin(phone: TestClient, tree: make.StreetTree, patrol: str = PATROL) -> None:
    started_at = (now() - timedelta(hours=1)).isoformat()
    reply = phone.put(f"/v1/patrols/{patrol}", json={"grid_code": tree.a11.code, "started_at": started_at})
    assert reply.status_code == 201, reply.text


def finding(**changes: Any) -> dict[str, Any]:
    plain = {
        "patrol_id": PATROL,
        "checklist": "city_management",
        "version": 1,
        "item": "parking",
        "result": "report",
        "at": (now() - timedelta(minutes=30)).replace(microsecond=0).isoformat(),
    }
    return {**plain, **changes}


def put(phone: TestClient, body: dict[str, Any], finding_id: str = FINDING) -> Response:
    return phone.put(f"/v1/findings/{finding_id}", json=body)


def problem(reply: Response, status: int, code: str) -> dict[str, Any]:
    assert (reply.status_code, reply.json().get("code")) == (status, code), reply.text
    return dict(reply.json())


def count(session: Session, table: type[Any]) -> int:
    return session.scalars(select(func.count()).select_from(table)).one()


# ------------------------------------------------------------------------------------------------- findings


def test_a_finding_with_names_grid_and_state(phone: TestClient, tree: make.StreetTree) -> None:
    begin(phone, tree)
    body = finding(aspect="violation", note="占用消防通道", position=IN_A12)
    reply = put(phone, body)
    assert reply.status_code == 201, reply.text
    told = reply.json()
    assert told["checklist"] == {"code": "city_management", "zh": "城市管理检查单", "en": "City management"}
    assert (told["item"]["zh"], told["aspect"]["zh"]) == ("车辆停放", "违法违规")
    assert (told["result"], told["state"], told["note"]) == ("report", "open", "占用消防通道")
    assert (told["grid_code"], told["grid_name"]) == (tree.a12.code, "A12"), "where it lies, not where walked"
    assert told["position"] == [118.907, 32.105]
    assert (told["photos"], told["incomplete"]) == ([], None)
    assert phone.get(f"/v1/findings/{FINDING}").json() == told


def test_without_a_position_it_lies_in_the_grid_of_the_patrol(
    phone: TestClient, tree: make.StreetTree
) -> None:
    begin(phone, tree)
    assert put(phone, finding()).json()["grid_code"] == tree.a11.code
    other_street = finding(position={"lon": 118.96, "lat": 32.105})
    told = put(phone, other_street, FINDING.replace("f1", "f2")).json()
    assert told["grid_code"] == tree.a11.code


def test_a_position_in_another_datum_is_moved(phone: TestClient, tree: make.StreetTree) -> None:
    begin(phone, tree)
    told = put(phone, finding(position={**IN_A12, "datum": "GCJ02"})).json()
    lon, lat = told["position"]
    assert 0.003 < IN_A12["lon"] - lon < 0.007
    assert 0.0005 < abs(IN_A12["lat"] - lat) < 0.004
    assert told["grid_code"] == tree.a11.code


def test_what_was_put_right_needs_a_photo_of_it(phone: TestClient, tree: make.StreetTree) -> None:
    begin(phone, tree)
    before, after = pictures.picture(colour="red"), pictures.picture(colour="lime")
    names = {"before_photos": [name_of(before)], "after_photos": [name_of(after)]}
    told = put(phone, finding(result="handled", **names)).json()
    assert (told["photos_arrived"], told["incomplete"]["code"]) == (0, "after-photo-awaited")
    assert [(one["slot"], one["arrived"], one["thumb"]) for one in told["photos"]] == [
        ("after", False, None),
        ("before", False, None),
    ]
    assert set(phone.get("/v1/photos/missing").json()["items"]) == {name_of(before), name_of(after)}
    phone.put(f"/v1/photos/{name_of(after)}", content=after)
    told = phone.get(f"/v1/findings/{FINDING}").json()
    assert (told["photos_arrived"], told["incomplete"]["code"]) == (1, "photos-awaited")
    assert told["incomplete"]["zh"] == "照片 1/2，其余等待上传。"
    phone.put(f"/v1/photos/{name_of(before)}", content=before)
    told = phone.get(f"/v1/findings/{FINDING}").json()
    assert (told["photos_arrived"], told["incomplete"]) == (2, None)
    assert phone.get(told["photos"][0]["thumb"]).headers["content-type"] == "image/jpeg"


def test_put_right_without_naming_a_photo_stays_incomplete(phone: TestClient, tree: make.StreetTree) -> None:
    begin(phone, tree)
    told = put(phone, finding(result="handled")).json()
    assert (told["state"], told["incomplete"]["code"]) == ("done", "after-photo-missing")


def test_a_repeat_is_answered_as_the_first_time(
    phone: TestClient, session: Session, tree: make.StreetTree
) -> None:
    begin(phone, tree)
    names = [name_of(b"1"), name_of(b"2")]
    body = finding(before_photos=names)
    first = put(phone, body)
    elsewhere = (now() - timedelta(minutes=30)).replace(microsecond=0)
    same = {**body, "before_photos": names[::-1], "at": elsewhere.isoformat().replace("+00:00", "Z")}
    again = put(phone, same if same["at"][:19] == body["at"][:19] else body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert (count(session, Finding), count(session, PhotoUse)) == (1, 2)


def test_another_content_under_the_same_id_is_kept_aside(
    phone: TestClient, session: Session, tree: make.StreetTree
) -> None:
    begin(phone, tree)
    put(phone, finding())
    told = problem(put(phone, finding(note="other")), 409, "finding-conflict")
    kept = session.get_one(QuarantinedItem, uuid.UUID(told["kept_aside"]))
    assert json.loads(kept.body)["note"] == "other"
    assert phone.get(f"/v1/findings/{FINDING}").json()["note"] == ""


def test_what_comes_before_its_patrol_is_filed_with_it(
    phone: TestClient, session: Session, tree: make.StreetTree
) -> None:
    body, at = finding(after_photos=[name_of(b"1")], result="handled"), now().isoformat()
    problem(put(phone, body), 404, "patrol-unknown")
    results = {"version": 1, "results": [{"item": "fire", "at": at}]}
    problem(phone.put(f"/v1/patrols/{PATROL}/checklists/safety", json=results), 404, "patrol-unknown")
    themes = {"themes": ["safety"], "at": at}
    problem(phone.put(f"/v1/patrols/{PATROL}/themes", json=themes), 404, "patrol-unknown")
    assert count(session, Finding) == 0
    begin(phone, tree)
    assert phone.get(f"/v1/findings/{FINDING}").json()["result"] == "handled"
    progress = phone.get(f"/v1/patrols/{PATROL}/checklists").json()
    assert (progress["done"], [one["code"] for one in progress["themes"]]) == (2, ["safety"])
    assert put(phone, body).status_code == 200
    waiting = select(func.count()).select_from(QuarantinedItem).where(QuarantinedItem.refiled_at.is_(None))
    assert session.scalar(waiting) == 0


def test_a_finding_on_somebody_elses_patrol_is_kept(
    client: ClientOf, session: Session, phone: TestClient, tree: make.StreetTree
) -> None:
    begin(phone, tree)
    other = client(make.actor(session, role=Role.MEMBER, grid=tree.a11, username="other"))
    for reply in (
        put(other, finding()),
        other.put(f"/v1/patrols/{PATROL}/themes", json={"themes": [], "at": now().isoformat()}),
        other.put(
            f"/v1/patrols/{PATROL}/checklists/safety",
            json={"version": 1, "results": [{"item": "fire", "at": now().isoformat()}]},
        ),
    ):
        assert problem(reply, 404, "patrol-of-another")["kept_aside"]


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"checklist": "nonsense"}, "/version", "checklist-unknown"),
        ({"version": 99}, "/version", "checklist-unknown"),
        ({"item": "nonsense"}, "/item", "item-unknown"),
        ({"aspect": "nonsense"}, "/aspect", "aspect-unknown"),
        ({"result": "fine"}, "/result", "literal-error"),
        ({"at": "2010-01-01T00:00:00Z"}, "/at", "too-old"),
        ({"at": "2100-01-01T00:00:00Z"}, "/at", "in-the-future"),
        ({"at": "2026-01-01T00:00:00"}, "/at", "timezone-aware"),
        ({"position": {"lon": 32.1, "lat": 32.1}}, "/position/lon", "greater-than-equal"),
        ({"position": {**IN_A11, "datum": "WGS"}}, "/position/datum", "enum"),
        ({"after_photos": ["x"]}, "/after_photos/0", "string-pattern-mismatch"),
        ({"after_photos": [name_of(b"")] * 7}, "/after_photos", "too-long"),
        ({"note": "x" * 1001}, "/note", "string-too-long"),
        ({"surprise": 1}, "/surprise", "extra-forbidden"),
    ],
)
def test_what_cannot_be_filed_is_kept_and_explained(
    phone: TestClient,
    session: Session,
    tree: make.StreetTree,
    *,
    changes: dict[str, Any],
    pointer: str,
    code: str,
) -> None:
    begin(phone, tree)
    told = problem(put(phone, finding(**changes)), 422, "finding-invalid")
    assert [(one["pointer"], one["code"]) for one in told["errors"]] == [(pointer, code)]
    assert session.get_one(QuarantinedItem, uuid.UUID(told["kept_aside"])).body
    assert count(session, Finding) == 0


def test_bodies_that_are_nothing(phone: TestClient, tree: make.StreetTree) -> None:
    begin(phone, tree)
    for body in (b"", b"\xff", b"[]", b"{", b"[" * 100_000):
        reply = phone.put(f"/v1/findings/{FINDING}", content=body)
        problem(reply, 422, "finding-invalid")
    reply = phone.put(f"/v1/findings/{FINDING}", content=b" " * 200_000)
    problem(reply, 413, "too-large")


# ---------------------------------------------------------------------------------------------- of a patrol


def test_a_patrol_shows_how_far_its_checklists_are(phone: TestClient, tree: make.StreetTree) -> None:
    begin(phone, tree)
    at = (now() - timedelta(minutes=20)).isoformat()
    results = [{"item": item, "result": "ok", "at": at} for item in ("sanitation", "parking", "roads")]
    address = f"/v1/patrols/{PATROL}/checklists/city_management"
    first = phone.put(address, json={"version": 1, "results": results})
    again = phone.put(address, json={"version": 1, "results": results[:2]})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    put(phone, finding(at=now().isoformat(), item="parking"))  # later than the ok: it holds
    progress = phone.get(f"/v1/patrols/{PATROL}/checklists").json()
    assert (progress["done"], progress["total"]) == (3, 27)
    city = progress["checklists"][0]
    assert (city["done"], city["total"], city["is_theme"]) == (3, 10, False)
    shown = {one["code"]: one["finding"] and one["finding"]["result"] for one in city["items"]}
    assert {code: result for code, result in shown.items() if result} == {
        "sanitation": "ok",
        "parking": "report",
        "roads": "ok",
    }


@pytest.mark.parametrize(
    ("results", "pointer", "code"),
    [
        ([{"item": "nonsense", "at": "NOW"}], "/results/0/item", "item-unknown"),
        ([{"item": "roads", "at": "2010-01-01T00:00:00Z"}], "/results/0/at", "too-old"),
        ([{"item": "roads", "at": "NOW", "result": "handled"}], "/results/0/result", "literal-error"),
        ([], "/results", "too-short"),
    ],
)
def test_results_are_filed_all_or_none(
    phone: TestClient,
    session: Session,
    tree: make.StreetTree,
    *,
    results: list[dict[str, str]],
    pointer: str,
    code: str,
) -> None:
    begin(phone, tree)
    text = json.dumps({"version": 1, "results": results}).replace("NOW", now().isoformat())
    reply = phone.put(f"/v1/patrols/{PATROL}/checklists/city_management", content=text)
    told = problem(reply, 422, "finding-invalid")
    assert [(one["pointer"], one["code"]) for one in told["errors"]] == [(pointer, code)]
    assert count(session, Finding) == 0


def test_the_latest_themes_hold_in_any_order(phone: TestClient, tree: make.StreetTree) -> None:
    begin(phone, tree)
    address = f"/v1/patrols/{PATROL}/themes"
    early, late = ((now() - timedelta(minutes=ago)).isoformat() for ago in (20, 10))
    assert phone.put(address, json={"themes": ["safety", "safety"], "at": late}).status_code == 200
    told = phone.put(address, json={"themes": ["party_work"], "at": early}).json()
    assert [one["zh"] for one in told["themes"]] == ["公共安全"]
    assert [one["is_theme"] for one in told["checklists"]] == [False, True, False]
    conflict = phone.put(address, json={"themes": [], "at": late})
    assert problem(conflict, 409, "themes-conflict")["kept_aside"]
    unknown = phone.put(address, json={"themes": ["fun"], "at": late})
    problem(unknown, 422, "finding-invalid")


# ----------------------------------------------------------------------------------------------------- scope


@pytest.mark.parametrize(
    ("role", "where", "sees"),
    [
        (Role.HEAD, "a1", "12"),
        (Role.MEMBER, "a12", "2"),  # it lies in their grid
        (Role.MEMBER, "b11", ""),
        (Role.HEAD, "b1", ""),
        (Role.OPERATOR, None, "12"),
        (Role.LEADER, None, "12"),
        (Role.AUDITOR, None, "12"),
        (Role.UNIT, None, ""),
    ],
)
def test_who_sees_findings(
    client: ClientOf,
    session: Session,
    phone: TestClient,
    tree: make.StreetTree,
    *,
    role: Role,
    where: str | None,
    sees: str,
) -> None:
    begin(phone, tree)
    put(phone, finding(position=IN_A11, note="1"))
    put(phone, finding(position=IN_A12, note="2"), FINDING.replace("f1", "f2"))
    grid = getattr(tree, where) if where else None
    reader = client(make.actor(session, role=role, grid=grid, username="reader"))
    items = reader.get("/v1/findings").json()["items"]
    assert "".join(sorted(one["note"] for one in items)) == sees
    for number, finding_id in (("1", FINDING), ("2", FINDING.replace("f1", "f2"))):
        status = reader.get(f"/v1/findings/{finding_id}").status_code
        assert status == (200 if number in sees else 404)
    progress = reader.get(f"/v1/patrols/{PATROL}/checklists").status_code
    assert progress == (200 if "1" in sees else 404)


def test_findings_are_narrowed_and_paged(phone: TestClient, head: TestClient, tree: make.StreetTree) -> None:
    begin(phone, tree)
    ids = [FINDING.replace("f1", f"e{number}") for number in range(5)]
    for number, finding_id in enumerate(ids):
        at = (now() - timedelta(minutes=number)).isoformat()
        place = IN_A12 if number % 2 else IN_A11
        body = finding(at=at, position=place, result="report" if number < 2 else "ok")
        assert put(phone, body, finding_id).status_code == 201
    first = head.get("/v1/findings", params={"limit": 3}).json()
    rest = head.get("/v1/findings", params={"limit": 3, "after": first["next"]}).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == ids
    assert rest["next"] is None

    def found(**wanted: Any) -> list[str]:
        return [one["id"] for one in head.get("/v1/findings", params=wanted).json()["items"]]

    assert found(grid=tree.a12.code) == [ids[1], ids[3]]
    assert found(result="report") == ids[:2]
    assert found(result=["ok", "report"]) == ids
    assert found(patrol=PATROL) == ids
    assert found(patrol=str(uuid.uuid4())) == []
    day = str(today())
    assert set(found(**{"from": day, "to": day})) <= set(ids)
    assert found(to="2020-01-01") == []
    problem(head.get("/v1/findings", params={"grid": tree.b.code}), 404, "grid-unknown")
    problem(head.get("/v1/findings?from=2026-02-01&to=2026-01-01"), 422, "invalid")
    wrong = problem(head.get("/v1/findings?from=yesterday"), 422, "invalid")
    assert wrong["errors"][0]["pointer"] == "/query/from"


def test_a_unit_sees_the_grid_but_not_the_work(
    client: ClientOf, session: Session, tree: make.StreetTree
) -> None:
    unit = client(make.actor(session, role=Role.UNIT))
    problem(unit.get("/v1/findings", params={"grid": tree.a11.code}), 403, "forbidden")
