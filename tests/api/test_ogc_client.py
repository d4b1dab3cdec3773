"""GDAL's own client for OGC API - Features against a real server: it reads what the database holds."""

import base64
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyogrio
import pytest
import shapely
from pyproj import Transformer
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from access.models import SignIn
from access.roles import Role
from benchmarks.serving import uvicorn
from geo.models import Grid, GridVersion
from tests import make

pytestmark = pytest.mark.own_database

Layer = tuple[list[shapely.Geometry], dict[str, Any]]
AUTHENTICATION = ("GDAL_HTTP_USERPWD", "GDAL_HTTP_AUTH", "GDAL_HTTP_BEARER")


@dataclass(frozen=True)
class Served:
    """A running server: its address for GDAL, the names and shapes it holds by level, and a token."""

    source: str
    shapes: dict[int, dict[str, shapely.Geometry]]
    token: str
    session: Session


@pytest.fixture(scope="module")
def served(clone_database: Callable[[], str]) -> Iterator[Served]:
    url = clone_database()
    engine = create_engine(url)
    with Session(engine) as session:
        with session.begin():
            tree = make.street_tree(session)
            make.grid(session, code=tree.a11.code + "-001", parent=tree.a11, kind="floor", name="一楼")
            actor = make.actor(session, role=Role.OPERATOR)
            token = make.access_token(session, sign_in_id=actor.sign_in_id)
            make.actor(session, role=Role.LEADER)
        rows = session.execute(
            select(Grid.level, GridVersion.name, func.ST_AsBinary(GridVersion.geom))
            .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
            .where(Grid.street_code == make.STREET, GridVersion.geom.is_not(None))
        ).all()
        shapes: dict[int, dict[str, shapely.Geometry]] = {1: {}, 2: {}, 3: {}}
        for level, name, shape in rows:
            shapes[level][name] = shapely.from_wkb(bytes(shape))
        session.commit()
        with uvicorn("api.server:build", {"XUNGE_DATABASE_URL": url}) as (address, _):
            yield Served(f"OAPIF:{address}/ogc", shapes, token, session)
    engine.dispose()


@pytest.fixture(autouse=True)
def password() -> Iterator[None]:
    """What QGIS and GDAL are told: the account and its password."""
    pyogrio.set_gdal_config_options({"GDAL_HTTP_USERPWD": f"operator:{make.PASSWORD}"})
    yield
    pyogrio.set_gdal_config_options(dict.fromkeys(AUTHENTICATION))


def read(served: Served, layer: str, **options: Any) -> Layer:
    """Shapes and columns by name of a layer."""
    meta, _, shapes, columns = pyogrio.raw.read(served.source, layer=layer, **options)
    named = dict(zip(meta["fields"], columns, strict=True))
    return list(shapely.from_wkb(shapes)), {**named, "crs": meta["crs"]}


def test_each_collection_is_a_layer_with_its_types(served: Served) -> None:
    layers = {name for name, _ in pyogrio.list_layers(served.source)}
    assert {"grids", "grids-level-1", "grids-level-3", "coverage-level-2"} <= layers
    described = pyogrio.read_info(served.source, layer="coverage-level-3")
    types = dict(zip(described["fields"], described["ogr_types"], strict=True))
    assert types["households"] == "OFTInteger", "though no grid has any: from the schema"
    assert (types["area_m2"], types["valid_to"], types["due"]) == ("OFTReal", "OFTDate", "OFTInteger")
    assert described["features"] == len(served.shapes[3])
    assert described["total_bounds"] == pytest.approx((118.90, 32.10, 118.94, 32.11))


@pytest.mark.parametrize("level", [1, 2, 3])
def test_every_page_arrives_and_is_what_is_stored(served: Served, level: int) -> None:
    shapes, columns = read(served, f"grids-level-{level}", PAGE_SIZE=1)
    assert columns["crs"] == "EPSG:4490", "the system of storage, so nothing was converted"
    found = dict(zip(columns["name"], shapes, strict=True))
    assert set(found) == set(served.shapes[level])
    for name, shape in found.items():
        assert shapely.equals_exact(shape, served.shapes[level][name], tolerance=1e-9, normalize=True)


def test_the_default_system_gives_the_same_positions(served: Served) -> None:
    shapes, columns = read(served, "grids-level-3", CRS="OGC:CRS84")
    assert "CRS84" in columns["crs"]
    stored = shapely.union_all(list(served.shapes[3].values()))
    assert shapely.union_all(shapes).symmetric_difference(stored).area < 1e-12


@pytest.mark.parametrize("epsg", [3857, 4490, 4548, 4549, 4550])
def test_other_systems_have_the_axes_where_gdal_expects_them(served: Served, epsg: int) -> None:
    shapes, columns = read(served, "grids-level-3", CRS=f"EPSG:{epsg}")
    assert columns["crs"] == f"EPSG:{epsg}"
    there = Transformer.from_crs(4326 if epsg == 3857 else 4490, epsg, always_xy=True)
    for name, shape in zip(columns["name"], shapes, strict=True):
        expected = shapely.transform(served.shapes[3][name], lambda xy: _moved(there, xy))
        assert shapely.hausdorff_distance(shape, expected) < 1e-3


def _moved(there: Transformer, positions: Any) -> Any:
    x, y = there.transform(positions[:, 0], positions[:, 1])
    positions[:, 0], positions[:, 1] = x, y
    return positions


@pytest.mark.parametrize("system", ["EPSG:4490", "EPSG:4549", "EPSG:3857", "OGC:CRS84"])
def test_a_box_finds_what_it_touches(served: Served, system: str) -> None:
    there = Transformer.from_crs("OGC:CRS84", system, always_xy=True)
    corners = *there.transform(118.906, 32.103), *there.transform(118.912, 32.107)
    _, columns = read(served, "grids-level-3", CRS=system, bbox=corners)
    inside = shapely.box(118.906, 32.103, 118.912, 32.107)
    expected = {name for name, shape in served.shapes[3].items() if shapely.intersects(shape, inside)}
    assert set(columns["name"]) == expected == {"A12", "A21"}


def test_a_filter_and_grids_without_shape(served: Served) -> None:
    shapes, columns = read(served, "grids", where="kind = 'floor'")
    assert list(columns["name"]) == ["一楼"]
    assert shapely.is_missing(shapes).all()


def test_fifty_requests_with_a_password_are_one_sign_in(served: Served) -> None:
    for _ in range(3):
        read(served, "grids-level-3", PAGE_SIZE=1)
    operator = make.fixed_uuid("person 某operator")
    of_operator = SignIn.client == "gis", SignIn.person_id == operator
    assert served.session.scalar(select(func.count()).select_from(SignIn).where(*of_operator)) == 1
    served.session.commit()


def test_requests_at_once_are_one_sign_in_too(served: Served) -> None:
    """QGIS asks for several layers at the same moment when a project opens."""
    address = served.source.removeprefix("OAPIF:") + "/collections/grids-level-1/items"
    basic = base64.b64encode(f"leader:{make.PASSWORD}".encode()).decode()

    def ask(_: int) -> int:
        request = urllib.request.Request(address, headers={"Authorization": f"Basic {basic}"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            status: int = reply.status
            return status

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(ask, range(12))) == [200] * 12
    leader = make.fixed_uuid("person 某leader")
    of_leader = SignIn.client == "gis", SignIn.person_id == leader
    assert served.session.scalar(select(func.count()).select_from(SignIn).where(*of_leader)) == 1
    served.session.commit()


def test_a_token_does_as_well(served: Served) -> None:
    bearer = {"GDAL_HTTP_AUTH": "BEARER", "GDAL_HTTP_BEARER": served.token}
    pyogrio.set_gdal_config_options({"GDAL_HTTP_USERPWD": None, **bearer})
    _, columns = read(served, "grids-level-1")
    assert list(columns["name"]) == ["A", "B"]


def test_nobody_without_either(served: Served) -> None:
    pyogrio.set_gdal_config_options(dict.fromkeys(AUTHENTICATION))
    with pytest.raises(pyogrio.errors.DataSourceError, match="401"):
        pyogrio.list_layers(served.source)
