"""Buildings, addresses and checkpoints over HTTP."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core import audit
from core.models import AuditEntry
from core.spreadsheets import read_rows, write_csv
from registry.models import Address, Building
from tests import make

ClientOf = Callable[[Actor], TestClient]
ID = "01920000-0000-7000-8000-00000000000a"
OTHER_ID = "01920000-0000-7000-8000-00000000000b"
IN_A11, IN_A12, NOWHERE = [118.902, 32.105], [118.907, 32.105], [118.99, 32.105]


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def operator(client: ClientOf, session: Session, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.OPERATOR))


@pytest.fixture
def member(client: ClientOf, session: Session, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.MEMBER, grid=tree.a11))


@pytest.fixture
def elsewhere(client: ClientOf, session: Session, tree: make.StreetTree) -> TestClient:
    area = f"{make.OTHER_STREET}/"
    return client(make.actor(session, role=Role.OPERATOR, area=area, username="elsewhere"))


def put(client: TestClient, kind: str, body: dict[str, Any], *, tag: str | None = None, at: str = ID) -> Any:
    headers = {} if tag is None else {"If-Match": tag}
    return client.put(f"/v1/{kind}/{at}", json=body, headers=headers)


BUILDING = {"name": "3幢", "compound": "和园东区", "households": 44, "position": IN_A11}
BODIES: dict[str, dict[str, Any]] = {
    "buildings": BUILDING,
    "addresses": {"text": "文苑路12号3幢", "position": IN_A11},
    "checkpoints": {"name": "北门", "position": IN_A11},
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_place_is_made_repeated_changed_and_retired(
    operator: TestClient, session: Session, kind: str
) -> None:
    body = BODIES[kind]
    made = put(operator, kind, body)
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"'), made.text
    assert made.json()["grid"] == {
        "code": make.grid_code(sequence="03"), "name": "A11", "level": 3, "manual": False,
    }  # fmt: skip
    assert (made.json()["street"], made.json()["position"]) == (make.STREET, IN_A11)
    again = put(operator, kind, body)
    assert (again.status_code, again.json()) == (200, made.json())
    moved = {**body, "position": IN_A12}
    assert put(operator, kind, moved).json()["code"] == "if-match-required"
    changed = put(operator, kind, moved, tag='"1"')
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert changed.json()["grid"]["name"] == "A12"
    late = put(operator, kind, body, tag='"1"')
    assert (late.status_code, late.json()["code"]) == (412, "outdated")
    assert late.json()["changed_by"] == "某operator"
    assert len(operator.get(f"/v1/{kind}").json()["items"]) == 1
    for _ in range(2):
        retired = operator.post(f"/v1/{kind}/{ID}/retire")
        assert (retired.status_code, retired.json()["revision"]) == (200, 3)
    assert operator.get(f"/v1/{kind}").json()["items"] == []
    assert len(operator.get(f"/v1/{kind}?retired=true").json()["items"]) == 1
    assert operator.get(f"/v1/{kind}/{ID}").json()["retired_on"] is not None
    assert put(operator, kind, body, tag='"3"').json()["code"] == "place-retired"
    noun = {"addresses": "address"}.get(kind, kind.removesuffix("s"))
    actions = session.scalars(
        select(AuditEntry.action).where(AuditEntry.chain == make.STREET).order_by(AuditEntry.seq)
    ).all()
    assert actions == [f"{noun}.created", f"{noun}.changed", f"{noun}.retired"]
    assert audit.verify(session) == []


@pytest.mark.parametrize("kind", BODIES)
def test_only_keepers_write_and_only_in_their_street(
    operator: TestClient, member: TestClient, elsewhere: TestClient, kind: str
) -> None:
    assert put(member, kind, BODIES[kind]).status_code == 403
    assert put(elsewhere, kind, BODIES[kind]).status_code == 404
    assert put(operator, kind, BODIES[kind]).status_code == 201
    changed = {**BODIES[kind], "source": "survey"}
    assert put(elsewhere, kind, changed, tag='"1"').status_code == 404
    for client, status in ((member, 403), (elsewhere, 404)):
        assert client.post(f"/v1/{kind}/{ID}/retire").status_code == status
    assert operator.post(f"/v1/{kind}/{OTHER_ID}/retire").status_code == 404
    assert elsewhere.get(f"/v1/{kind}/{ID}").status_code == 404
    assert elsewhere.get(f"/v1/{kind}").json()["items"] == []
    assert member.get(f"/v1/{kind}/{ID}").status_code == 200
    assert len(member.get(f"/v1/{kind}").json()["items"]) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "3幢"}, "/body"),
        ({**BUILDING, "position": [32.1, 118.9]}, "/position"),
        ({**BUILDING, "position": NOWHERE}, "/street"),
        ({**BUILDING, "position": ["a", 1]}, "/position/0"),
        ({**BUILDING, "kind": "castle"}, "/kind"),
        ({**BUILDING, "households": -1}, "/households"),
        ({**BUILDING, "street": "320113999"}, "/street"),
        ({**BUILDING, "grid": make.grid_code(community="599")}, "/grid"),
        ({**BUILDING, "grid": make.grid_code(street_code=make.OTHER_STREET)}, "/grid"),
        ({**BUILDING, "footprint": {"type": "Point", "coordinates": [1, 2]}}, "/footprint"),
        ({**BUILDING, "footprint": {"type": "Polygon", "coordinates": [[[1, 2]]]}}, "/footprint"),
        ({**BUILDING, "datum": "WGS-84"}, "/datum"),
        ({**BUILDING, "colour": "red"}, "/colour"),
        ({"text": "文苑路12号", "building": OTHER_ID, "street": make.STREET}, "/building"),
        ({"name": "北门", "kind": "outdoor", "building": OTHER_ID}, "/body"),
    ],
)
def test_what_cannot_be_is_refused_with_the_field(
    operator: TestClient, body: dict[str, Any], pointer: str
) -> None:
    kind = "addresses" if "text" in body else "checkpoints" if body.get("kind") == "outdoor" else "buildings"
    reply = put(operator, kind, body)
    assert reply.status_code == 422, reply.text
    pointers = [error["pointer"] for error in reply.json()["errors"]]
    assert pointers[0] == ("/" if pointer == "/body" else pointer), reply.text


def test_codes_and_addresses_are_given_once(operator: TestClient) -> None:
    assert put(operator, "buildings", {**BUILDING, "code": "B1"}).status_code == 201
    taken = put(operator, "buildings", {**BUILDING, "code": "B1"}, at=OTHER_ID)
    assert (taken.status_code, taken.json()["code"]) == (409, "place-code-taken")
    assert put(operator, "addresses", {"text": "文苑路12号", "position": IN_A11}).status_code == 201
    taken = put(operator, "addresses", {"text": "文苑路十二号", "position": IN_A11}, at=OTHER_ID)
    assert (taken.status_code, taken.json()["code"]) == (409, "address-taken")


def test_a_footprint_in_another_datum_gives_the_position(operator: TestClient) -> None:
    ring = [[118.9069, 32.1029], [118.9071, 32.1029], [118.9071, 32.1031], [118.9069, 32.1031]]
    outline = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    made = put(operator, "buildings", {"name": "1幢", "footprint": outline, "datum": "GCJ02"})
    assert made.status_code == 201, made.text
    assert made.json()["source_datum"] == "GCJ02"
    assert made.json()["grid"]["name"] == "A11"  # read as CGCS2000 it would be A12
    assert made.json()["footprint"]["type"] == "MultiPolygon"
    assert (
        put(operator, "buildings", {"name": "1幢", "footprint": outline, "datum": "GCJ02"}).status_code == 200
    )


def test_indoors_a_checkpoint_lies_where_its_building_lies(operator: TestClient) -> None:
    put(operator, "buildings", {**BUILDING, "position": IN_A12})
    body = {"name": "楼道", "kind": "vertical", "building": ID, "floor": "6", "entrance": "2"}
    made = put(operator, "checkpoints", body, at=OTHER_ID)
    assert made.status_code == 201, made.text
    assert (made.json()["building_name"], made.json()["grid"]["name"]) == ("和园东区3幢", "A12")
    found = operator.get(f"/v1/checkpoints?building={ID}").json()["items"]
    assert [one["id"] for one in found] == [OTHER_ID]


def test_lists_are_narrowed_and_paged(operator: TestClient, session: Session, tree: make.StreetTree) -> None:
    for name, lon in (("a", 118.902), ("b", 118.907), ("c", 118.93), ("d", 118.99)):
        make.building(session, name=name, lon=lon, compound="和园" if name == "a" else None)

    def names(query: str) -> set[str]:
        reply = operator.get(f"/v1/buildings?{query}")
        assert reply.status_code == 200, reply.text
        return {item["name"] for item in reply.json()["items"]}

    assert names("") == set("abcd")
    assert names(f"street={make.STREET}") == set("abcd")
    assert names(f"grid={tree.a.code}") == set("ab")
    assert names(f"grid={tree.a12.code}") == {"b"}
    assert names("bbox=118.906,32.1,118.95,32.2") == set("bc")
    assert names("text=和园") == {"a"}
    pages: list[int] = []
    after: str | None = ""
    while after is not None:
        page = operator.get(f"/v1/buildings?limit=3{after}").json()
        pages.append(len(page["items"]))
        after = f"&after={page['next']}" if page["next"] else None
    assert pages == [3, 1]
    assert operator.get("/v1/buildings?after=nonsense").json()["errors"][0]["code"] == "bad-cursor"
    assert operator.get(f"/v1/buildings?grid={tree.c.code}").status_code == 404


# ------------------------------------------------------------------------------------------------ geocode


@pytest.mark.parametrize(
    ("asked", "match", "texts"),
    [
        ("仙林街道文苑路１２号三栋", "exact", ["文苑路12号3幢"]),
        ("文苑路12号3幢2单元401", "building", ["文苑路12号3幢"]),
        ("文苑路12号9幢", "number", ["文苑路12号", "文苑路12号3幢"]),
        ("文苑路12", "number", ["文苑路12号", "文苑路12号3幢"]),
        ("文苑路77号", "road", ["文苑路12号", "文苑路120号", "文苑路12号3幢"]),
        ("东区3幢", "contained", ["和园东区3幢"]),
        ("100%_", None, []),
        ("学海路", None, []),
    ],
)
def test_addresses_are_found_by_the_closest_agreement(
    operator: TestClient, session: Session, asked: str, match: str | None, texts: list[str]
) -> None:
    for text in ("文苑路12号", "文苑路12号3幢", "文苑路120号", "和园东区3幢"):
        make.address(session, text=text)
    found = operator.get("/v1/geocode", params={"text": asked}).json()
    assert [one["text"] for one in found["candidates"]] == texts
    assert {one["match"] for one in found["candidates"]} == ({match} if match else set())


def test_addresses_out_of_scope_are_not_found(elsewhere: TestClient, session: Session) -> None:
    make.address(session)
    assert elsewhere.get("/v1/geocode?text=文苑路1号").json()["candidates"] == []
    assert elsewhere.get("/v1/geocode?text=").status_code == 422
    assert elsewhere.get("/v1/geocode?text=a&street=1").status_code == 422


# ------------------------------------------------------------------------------------------------- import


def send(client: TestClient, kind: str, body: bytes, name: str, **query: Any) -> Any:
    params = {"kind": kind, "datum": "EPSG:4490", **query}
    return client.post("/v1/places/import", params=params, files={"file": (name, body)})


HEADERS = ["楼栋编码", "楼栋名称", "小区", "类型", "户数", "经度", "纬度", "备注"]
ROWS: list[list[Any]] = [
    ["B1", "1幢", "和园东区", "住宅", 20, *IN_A11, "旧"],
    ["B2", "2幢", "和园东区", "商住", 30, *IN_A12, None],
    [None, "3幢", "和园东区", None, None, *IN_A12, None],
]


def table(*rows: list[Any], headers: list[str] = HEADERS) -> bytes:
    return write_csv(headers, rows)


def test_a_table_is_imported_and_again_changes_nothing(operator: TestClient, session: Session) -> None:
    dry = send(operator, "buildings", table(*ROWS), "楼栋.csv", dry_run=True).json()
    assert (dry["created"], dry["imported"], dry["rejected"]) == (3, False, [])
    assert session.scalar(select(func.count()).select_from(Building)) == 0
    report = send(operator, "buildings", table(*ROWS), "楼栋.csv").json()
    assert (report["total"], report["created"], report["imported"]) == (3, 3, True), report
    first = operator.get("/v1/buildings?text=B1").json()["items"][0]
    assert (first["kind"], first["households"], first["attributes"]) == ("residential", 20, {"备注": "旧"})
    again = send(operator, "buildings", table(*ROWS), "楼栋.csv").json()
    assert (again["unchanged"], again["changed"], again["created"]) == (3, 0, 0)
    blank: list[Any] = ["B1", "1幢", None, None, 25, *IN_A11, None]
    changed = send(operator, "buildings", table(blank), "楼栋.csv").json()
    assert (changed["changed"], changed["imported"]) == (1, True)
    first = operator.get("/v1/buildings?text=B1").json()["items"][0]
    assert (first["households"], first["compound"], first["attributes"]) == (25, "和园东区", {"备注": "旧"})


def test_bad_rows_keep_everything_out(operator: TestClient, session: Session) -> None:
    make.building(session, name="老楼", code="OLD", retired_on=make.SINCE)
    bad: list[tuple[list[Any], str, str]] = [
        (["B4", None, None, "住宅", 1, *IN_A11, None], "/name", "missing"),
        (["B5", "5幢", None, "城堡", 1, *IN_A11, None], "/kind", "not-a-choice"),
        (["B6", "6幢", None, None, "许多", *IN_A11, None], "/households", "not-a-number"),
        (["B7", "7幢", None, None, 1, None, None, None], "/position", "position-missing"),
        (["B8", "8幢", None, None, 1, 32.1, 118.9, None], "/position", "outside-china"),
        (["B9", "9幢", None, None, 1, *NOWHERE, None], "/street", "street-missing"),
        (["B1", "1幢", None, None, 1, *IN_A11, None], "", "row-repeated"),
        (["B10", "10幢", None, None, 999_999, *IN_A11, None], "/households", "out-of-range"),
        (["B11", "11幢", None, None, 1, 118.96, 32.105, None], "/street", "not-found"),
        (["OLD", "老楼", None, None, 1, *IN_A11, None], "/code", "place-retired"),
        (["B12", "楼" * 101, None, None, 1, *IN_A11, None], "/name", "too-long"),
    ]
    report = send(operator, "buildings", table(*ROWS, *(row for row, _, _ in bad)), "楼栋.csv").json()
    assert report["imported"] is False
    assert [(one["row"], one["field"], one["reason"]) for one in report["rejected"]] == [
        (number, field, reason) for number, (_, field, reason) in enumerate(bad, 5)
    ]
    assert all(" / " in one["detail"] for one in report["rejected"])
    assert (report["total"], report["created"]) == (14, 3)
    assert session.scalar(select(func.count()).where(Building.code == "B1")) == 0


def test_addresses_name_their_building_and_unplaced_ones_are_counted(
    operator: TestClient, session: Session
) -> None:
    make.building(session, code="B1", lon=118.907)
    headers = ["地址", "楼栋编码", "经度", "纬度", "街道代码"]
    rows: list[list[Any]] = [
        ["文苑路12号1幢", "B1", None, None, None],
        ["文苑路99号", None, *NOWHERE, make.STREET],
    ]
    report = send(operator, "addresses", table(*rows, headers=headers), "地址.csv").json()
    assert (report["imported"], report["created"], report["unplaced"]) == (True, 2, 1), report
    address = operator.get("/v1/addresses?text=12号1幢").json()["items"][0]
    assert (address["building_name"], address["grid"]["name"]) == ("1幢", "A12")
    unknown = send(
        operator, "addresses", table(["学海路1号", "B9", None, None, None], headers=headers), "a.csv"
    )
    assert unknown.json()["rejected"][0]["reason"] == "building-unknown"
    assert session.scalar(select(func.count()).select_from(Address)) == 2


def test_geojson_brings_points_and_outlines(operator: TestClient) -> None:
    ring = [[118.902, 32.104], [118.903, 32.104], [118.903, 32.105], [118.902, 32.105], [118.902, 32.104]]
    features = [
        {
            "type": "Feature",
            "properties": {"name": "1幢"},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        },
        {
            "type": "Feature",
            "properties": {"name": "2幢"},
            "geometry": {"type": "Point", "coordinates": IN_A12},
        },
        {"type": "Feature", "properties": {"name": "3幢"}, "geometry": None},
    ]
    body = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    report = send(operator, "buildings", body, "楼.geojson").json()
    assert [(one["row"], one["reason"]) for one in report["rejected"]] == [(3, "position-missing")]
    body = json.dumps({"type": "FeatureCollection", "features": features[:2]}).encode()
    assert send(operator, "buildings", body, "楼.geojson").json()["created"] == 2
    grids = {one["name"]: one["grid"]["name"] for one in operator.get("/v1/buildings").json()["items"]}
    assert grids == {"1幢": "A11", "2幢": "A12"}
    assert send(operator, "buildings", body, "楼.geojson").json()["unchanged"] == 2


@pytest.mark.parametrize(
    ("body", "name", "query", "code"),
    [
        (b"", "a.geojson", {}, "unreadable-places"),
        (b"[]", "a.geojson", {}, "unreadable-places"),
        (b"PK\x03\x04", "a.xlsx", {}, "unreadable-table"),
        ("名字,数\n甲,1\n".encode(), "a.csv", {}, "unreadable-places"),
        (table(*ROWS), "a.csv", {"datum": "WGS-84"}, "unknown-datum"),
        (table(*ROWS), "a.csv", {"kind": "castles"}, "invalid"),
        (table(*ROWS), "a.csv", {"street": "12"}, "invalid"),
    ],
)
def test_files_that_cannot_be_read(
    operator: TestClient, body: bytes, name: str, query: dict[str, str], code: str
) -> None:
    reply = send(operator, query.pop("kind", "buildings"), body, name, **query)
    assert (reply.status_code, reply.json()["code"]) == (422, code)


@pytest.mark.parametrize("kind", BODIES)
def test_the_template_can_be_imported(operator: TestClient, member: TestClient, kind: str) -> None:
    reply = operator.get(f"/v1/places/template/{kind}.xlsx")
    assert reply.status_code == 200
    sheet = read_rows(io.BytesIO(reply.content).getvalue(), f"{kind}.xlsx")
    assert len(sheet.rows) == 1
    report = send(operator, kind, reply.content, f"{kind}.xlsx", street=make.STREET, dry_run=True).json()
    reasons = {one["reason"] for one in report["rejected"]}
    assert reasons <= {"building-unknown"}, report
    assert member.get(f"/v1/places/template/{kind}.xlsx").status_code == 403
    assert send(member, kind, reply.content, "a.xlsx").status_code == 403
