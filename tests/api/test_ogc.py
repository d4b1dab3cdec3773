"""OGC API - Features: documents, features, parameters, scopes, number of statements."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from api.ogc.documents import CONFORMS_TO
from core.clock import Week, today
from geo.reference_systems import CRS84
from patrol.models import GridWeek
from tests import make
from tests.api.test_grids import signed_area
from tests.api.test_scope import SEEN, actor_called, names_by_code

Client = Callable[[Actor], TestClient]

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
GRIDS = "/ogc/collections/grids/items"


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def operator(client: Client, session: Session, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.OPERATOR))


def page(reply: Any) -> dict[str, Any]:
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/geo+json"
    found: dict[str, Any] = reply.json()
    assert found["numberReturned"] == len(found["features"])
    return found


def names(reply: Any) -> list[str]:
    return [feature["properties"]["name"] for feature in page(reply)["features"]]


def links(document: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {one["rel"]: one for one in document["links"]}


def ring(feature: dict[str, Any]) -> list[list[float]]:
    """The outer ring of the first polygon."""
    found: list[list[float]] = feature["geometry"]["coordinates"][0][0]
    return found


class TestDocuments:
    def test_the_landing_page_leads_to_everything(self, operator: TestClient) -> None:
        for address in ("/ogc", "/ogc/"):
            document = operator.get(address).json()
            assert set(links(document)) >= {"self", "service-desc", "conformance", "data"}
            for one in document["links"]:
                reply = operator.get(one["href"])
                assert reply.status_code == 200
                assert reply.headers["content-type"] == one["type"]

    def test_conformance_is_what_is_kept(self, operator: TestClient) -> None:
        assert operator.get("/ogc/conformance").json() == {"conformsTo": list(CONFORMS_TO)}
        assert not any("html" in one or "gmlsf" in one for one in CONFORMS_TO)

    def test_each_collection_says_where_when_and_in_which_systems(self, operator: TestClient) -> None:
        document = operator.get("/ogc/collections").json()
        found = {one["id"]: one for one in document["collections"]}
        levels = [f"grids-level-{n}" for n in (1, 2, 3)] + [f"coverage-level-{n}" for n in (1, 2, 3)]
        assert set(found) == {"grids", "coverage", *levels}
        one = operator.get("/ogc/collections/grids-level-2").json()
        assert one == found["grids-level-2"]
        assert one["extent"]["spatial"]["bbox"] == [pytest.approx([118.90, 32.10, 118.94, 32.11])]
        assert one["extent"]["temporal"]["interval"] == [["2026-01-01T00:00:00+08:00", None]]
        assert one["crs"][0] == CRS84.uri
        assert one["storageCrs"] in one["crs"]
        assert one["itemType"] == "feature"
        for rel in ("items", "describedby"):
            reply = operator.get(links(one)[rel]["href"])
            assert reply.headers["content-type"] == links(one)[rel]["type"]

    def test_the_schema_names_every_property_with_its_type(self, operator: TestClient) -> None:
        schema = operator.get("/ogc/collections/coverage/schema").json()
        (feature, *_) = page(operator.get("/ogc/collections/coverage/items"))["features"]
        described = schema["properties"]["properties"]
        assert set(described["properties"]) == set(feature["properties"])
        kinds = {"string": str, "integer": int, "number": float | int}
        for name, value in feature["properties"].items():
            assert name not in described["required"] if value is None else True
            assert value is None or isinstance(value, kinds[described["properties"][name]["type"]])

    def test_the_description_is_openapi_3_0_and_names_the_filters(self, operator: TestClient) -> None:
        description = operator.get("/ogc/api").json()
        assert description["openapi"] == "3.0.3"
        (server,) = description["servers"]
        named = description["components"]["parameters"]
        for path, operations in description["paths"].items():
            given = operations["get"]["parameters"]
            used = [one.get("name") or one["$ref"].rpartition("/")[2] for one in given]
            assert len(used) == len(set(used))
            assert {one["$ref"].rpartition("/")[2] for one in given if "$ref" in one} <= set(named)
            code = make.grid_code(sequence="00")
            expected = 404 if re.search(r"-[23]/items/{code}", path) else 200  # the code of a level-1 grid
            assert operator.get(server["url"] + path.format(code=code)).status_code == expected, path
        items = description["paths"]["/collections/grids/items"]["get"]["parameters"]
        assert {"level", "parent", "code", "name", "kind"} <= {one.get("name") for one in items}
        ids = [one["get"]["operationId"] for one in description["paths"].values()]
        assert len(ids) == len(set(ids))

    def test_addresses_are_those_of_the_proxy_in_front(self, operator: TestClient) -> None:
        document = operator.get("/ogc", headers={"Host": "grids.example.cn"}).json()
        assert links(document)["data"]["href"] == "http://grids.example.cn/ogc/collections"


class TestItems:
    def test_a_feature_is_a_grid_with_its_code_as_id(
        self, operator: TestClient, tree: make.StreetTree
    ) -> None:
        reply = operator.get(GRIDS, params={"code": tree.a11.code})
        found = page(reply)
        assert (found["type"], found["numberMatched"], "crs" in found) == ("FeatureCollection", 1, False)
        assert found["timeStamp"].endswith("Z")
        assert reply.headers["content-crs"] == f"<{CRS84.uri}>"
        (feature,) = found["features"]
        assert feature["id"] == tree.a11.code
        assert feature["properties"] == {
            "code": tree.a11.code, "name": "A11", "level": 3, "parent": tree.a1.code, "kind": "residential",
            "households": None, "area_m2": None, "valid_from": "2026-01-01", "valid_to": None,
        }  # fmt: skip
        assert [118.905, 32.11] in ring(feature)

    def test_one_feature(self, operator: TestClient, tree: make.StreetTree) -> None:
        reply = operator.get(f"{GRIDS}/{tree.a11.code}", params={"crs": f"{EPSG}4490"})
        assert reply.status_code == 200
        assert reply.headers["content-type"] == "application/geo+json"
        assert reply.headers["content-crs"] == f"<{EPSG}4490>"
        assert (reply.json()["type"], reply.json()["id"]) == ("Feature", tree.a11.code)
        assert set(links(reply.json())) == {"self", "collection"}
        assert [32.11, 118.905] in ring(reply.json())

    def test_a_collection_of_a_level_holds_that_level(
        self, operator: TestClient, tree: make.StreetTree
    ) -> None:
        assert names(operator.get("/ogc/collections/grids-level-1/items")) == ["A", "B"]
        assert names(operator.get("/ogc/collections/grids-level-1/items", params={"level": "2"})) == []
        missing = operator.get(f"/ogc/collections/grids-level-1/items/{tree.a11.code}")
        assert (missing.status_code, missing.json()["code"]) == (404, "not-found")

    def test_floors_have_no_geometry(
        self, operator: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        make.grid(session, code=tree.a11.code + "-001", parent=tree.a11, kind="floor", name="floor")
        (feature,) = page(operator.get(GRIDS, params={"kind": "floor"}))["features"]
        assert feature["geometry"] is None

    @pytest.mark.parametrize(
        ("equal", "expected"),
        [
            ({"level": "2"}, ["A1", "A2", "B1"]),
            ({"name": "B11"}, ["B11"]),
            ({"kind": "village"}, []),
            ({"level": "3", "kind": "residential", "name": "A12"}, ["A12"]),
            ({"parent": make.grid_code(community="001", sequence="01")}, ["A11", "A12"]),
            ({"parent": "nonsense"}, []),
            ({"name": "A' OR 1=1 --"}, []),
        ],
    )
    def test_properties_narrow(
        self, operator: TestClient, equal: dict[str, str], expected: list[str]
    ) -> None:
        found = operator.get(GRIDS, params=equal)
        assert names(found) == expected
        assert page(found)["numberMatched"] == len(expected)

    def test_pages_neither_repeat_nor_skip_while_grids_change(
        self, operator: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        first = page(operator.get(GRIDS, params={"limit": "2", "level": "3", "bbox": "118.8,32,119,33"}))
        assert (first["numberMatched"], first["numberReturned"]) == (4, 2)
        tree.a11.retired_on = today()  # with pages by number the next one would now skip a grid
        session.flush()
        second = page(operator.get(links(first)["next"]["href"]))
        assert "next" not in links(second)
        assert "numberMatched" not in second, "it was counted once"
        seen = [feature["properties"]["name"] for one in (first, second) for feature in one["features"]]
        assert seen == ["A11", "A12", "A21", "B11"]

    def test_more_than_the_largest_page_is_no_error(self, operator: TestClient) -> None:
        assert len(names(operator.get(GRIDS, params={"limit": "1000000"}))) == 9

    @pytest.mark.usefixtures("tree")
    def test_the_right_hand_rule_and_no_more_digits_than_stored(
        self, operator: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        corners = "118.91 32.12, 118.91 32.13, 118.9212345678912 32.13, 118.91 32.12"
        shape = f"SRID=4490;MULTIPOLYGON((({corners})))"
        made = make.grid(session, code=make.grid_code(sequence="55"), parent=tree.a1, geom=shape)
        (feature,) = page(operator.get(GRIDS, params={"code": made.code}))["features"]
        assert signed_area(ring(feature)) > 0
        assert [118.921234568, 32.13] in ring(feature)


class TestCoverage:
    def test_figures_of_the_week_of_the_day(
        self, operator: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        week = Week.of_day(today())
        figures = {"pairs_due": 2, "pairs_met": 1, "patrols_needed": 4, "patrols_counted": 3}
        session.add(GridWeek(week=week.monday, grid_id=tree.a1.grid_id, **figures))
        session.flush()
        address = "/ogc/collections/coverage-level-2/items"
        now, before = (
            page(operator.get(address, params={"datetime": str(day)}))["features"][0]["properties"]
            for day in (today(), today() - timedelta(days=7))
        )
        expected = {"week": str(week), "status": "partial", "due": 2, "met": 1, "counted": 3, "needed": 4}
        assert expected.items() <= now.items()
        assert {"week": str(week.shifted(-1)), "status": "unassigned", "due": 0}.items() <= before.items()

    def test_it_is_not_there_for_those_who_may_not_read_results(
        self, client: Client, session: Session, tree: make.StreetTree
    ) -> None:
        unit = client(make.actor(session, role=Role.UNIT))
        listed = [one["id"] for one in unit.get("/ogc/collections").json()["collections"]]
        assert listed == ["grids", "grids-level-1", "grids-level-2", "grids-level-3"]
        assert not any("coverage" in path for path in unit.get("/ogc/api").json()["paths"])
        for below in ("", "/items", "/schema", f"/items/{tree.a1.code}"):
            reply = unit.get(f"/ogc/collections/coverage{below}")
            assert (reply.status_code, reply.json()["code"]) == (404, "no-such-collection")


class TestRefused:
    @pytest.mark.parametrize(
        "query",
        [
            "colour=red", "limit=0", "limit=-1", "limit=x", "limit=1&limit=2", "limit=", "limit=1e3",
            "bbox=1,2,3", "bbox=1,2,3,4,5", "bbox=a,b,c,d", "bbox=nan,1,2,3", "bbox=1,3,2,2", "bbox=",
            "bbox=1,2,3,400", "bbox=500,2,600,4", "bbox=2,1,1,5&bbox-crs=" + EPSG + "3857",
            "bbox=1,2,3,4&bbox-crs=EPSG:4326", "crs=EPSG:4326", "crs=", "crs=" + EPSG + "2437",
            "datetime=yesterday", "datetime=2026-13-01", "datetime=2026-03-01/2026-02-01", "datetime=",
            "datetime=2026-03-01T08:00:00", "datetime=1/2/3", "datetime=20260301",
            "datetime=0001-01-01T00:00:00%2B09:00",
            "level=6", "level=x", "level=", "f=html", "f=gml", "name=%00", "code=" + "9" * 201,
        ],
    )  # fmt: skip
    def test_whatever_is_unknown_or_invalid(self, operator: TestClient, query: str) -> None:
        reply = operator.get(f"{GRIDS}?{query}")
        assert (reply.status_code, reply.json()["code"]) == (400, "bad-query"), reply.text
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.json()["errors"][0]["pointer"].startswith("/query/")

    @pytest.mark.parametrize(
        "below",
        ["", "/api", "/conformance", "/collections", "/collections/grids", "/collections/grids/schema"],
    )
    def test_documents_take_no_parameter_but_f(self, operator: TestClient, below: str) -> None:
        address = f"/ogc{below}"
        assert operator.get(address, params={"f": "json"}).status_code == 200
        assert operator.get(address, params={"limit": "1"}).status_code == 400

    def test_what_is_not_there(self, operator: TestClient, tree: make.StreetTree) -> None:
        for path, code in (
            ("/ogc/collections/roads", "no-such-collection"),
            ("/ogc/collections/roads/items", "no-such-collection"),
            (f"{GRIDS}/nonsense", "not-found"),
            (f"{GRIDS}/{tree.c11.code}", "not-found"),
        ):
            reply = operator.get(path)
            assert (reply.status_code, reply.json()["code"]) == (404, code)


@pytest.mark.parametrize("who", SEEN)
@pytest.mark.parametrize("collection", ["grids", "coverage"])
def test_features_are_exactly_what_may_be_seen(
    client: Client, session: Session, tree: make.StreetTree, who: str, collection: str
) -> None:
    signed_in, known = client(actor_called(session, tree, who)), names_by_code(tree)
    address = f"/ogc/collections/{collection}/items"
    reply = signed_in.get(address)
    if collection == "coverage" and (who == "unit" or not SEEN[who]):
        assert reply.status_code == 404
        return
    assert " ".join(sorted(known[feature["id"]] for feature in page(reply)["features"])) == SEEN[who]
    assert page(reply)["numberMatched"] == len(SEEN[who].split())
    singly = {code for code in known if signed_in.get(f"{address}/{code}").status_code == 200}
    assert " ".join(sorted(known[code] for code in singly)) == SEEN[who]


def test_a_page_costs_the_same_statements_however_large(
    operator: TestClient, session: Session, tree: make.StreetTree
) -> None:
    statements: list[str] = []
    event.listen(session.get_bind().engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    counts = []
    for limit in ("1", "8", "9"):
        statements.clear()
        page(operator.get(GRIDS, params={"limit": limit}))
        counts.append(sum("grid_versions" in statement for statement in statements))
    assert counts == [2, 2, 1], "the features, and how many match where that is not clear already"
