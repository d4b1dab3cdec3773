"""Tiles, decoded: what is in them, in which order, and what is left out."""

import math
from datetime import date
from itertools import pairwise
from typing import Any

import mapbox_vector_tile
import pytest
from sqlalchemy import bindparam, literal, update
from sqlalchemy.orm import Session

from access.scope import Scope
from geo.models import GridVersion
from geo.tiles import grids as tiles
from geo.tiles.grids import GRID_LAYER, NoSuchTile, Tile, TileLayer, fingerprint, level_at, render_tile
from tests import make

DAY = date(2026, 6, 1)
ALL = Scope.reduced([""])


def tile_at(lon: float, lat: float, zoom: int) -> Tile:
    """The tile around a position."""
    side = 2**zoom
    row = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * side
    return Tile.at(zoom, int((lon + 180) / 360 * side), int(row))


def decoded(
    session: Session,
    tile: Tile,
    *,
    level: int,
    scope: Scope = ALL,
    day: date = DAY,
    layer: TileLayer = GRID_LAYER,
) -> list[dict[str, Any]]:
    """The features of a tile."""
    parameters = dict.fromkeys(layer.parameters, 5)
    body = render_tile(session, layer, tile, scope, level=level, day=day, parameters=parameters)
    features: list[dict[str, Any]] = mapbox_vector_tile.decode(body)["grids"]["features"] if body else []
    return features


def names(features: list[dict[str, Any]]) -> list[str]:
    return [feature["properties"]["name"] for feature in features]


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


MIDDLE = (118.905, 32.105)


def test_a_feature_is_a_grid_of_the_level_with_its_key(session: Session, tree: make.StreetTree) -> None:
    features = decoded(session, tile_at(*MIDDLE, 12), level=2)
    assert names(features)[:2] == ["A1", "A2"]
    assert features[0]["id"] == tree.a1.grid_id
    assert features[0]["properties"] == {"code": tree.a1.code, "name": "A1", "level": 2}
    assert features[0]["geometry"]["type"] == "Polygon"


def test_features_come_in_the_order_of_their_keys(session: Session, tree: make.StreetTree) -> None:
    ids = [feature["id"] for feature in decoded(session, tile_at(*MIDDLE, 11), level=3)]
    assert len(ids) > 3
    assert ids == sorted(ids)


def test_the_shape_lies_where_the_grid_does(session: Session, tree: make.StreetTree) -> None:
    """A11 is 0.005 degrees wide: at zoom 14 that is 0.005 / 360 * 2**14 of a tile."""
    tile = tile_at(118.9025, 32.105, 14)
    (feature,) = [one for one in decoded(session, tile, level=3) if one["properties"]["name"] == "A11"]
    xs = [x for ring in feature["geometry"]["coordinates"] for x, _ in ring]
    west = ((118.90 + 180) / 360 * 2**14 - tile.column) * 4096
    assert min(xs) == pytest.approx(max(west, -64), abs=1)
    width = 0.005 / 360 * 2**14 * 4096
    assert max(xs) - min(xs) == pytest.approx(min(width, 4096 + 64 - min(xs)), abs=1.5)


def test_rings_run_as_the_tile_format_wants(session: Session, tree: make.StreetTree) -> None:
    """Vector Tile 2.1, 4.3.3.3: with y downwards an outer ring has a positive area, an inner one not."""
    outer = "118.90 32.20, 118.91 32.20, 118.91 32.21, 118.90 32.21, 118.90 32.20"
    hole = "118.904 32.204, 118.906 32.204, 118.906 32.206, 118.904 32.206, 118.904 32.204"
    for number, rings in enumerate((f"({outer}), ({hole})", f"({reverse(outer)}), ({reverse(hole)})")):
        code = make.grid_code(sequence=f"8{number}")
        geom = f"SRID=4490;MULTIPOLYGON(({rings}))"
        make.grid(session, code=code, parent=tree.a1, name=f"ring {number}", geom=geom)
    tile = tile_at(118.905, 32.205, 14)
    body = render_tile(session, GRID_LAYER, tile, ALL, level=3, day=DAY, parameters={})
    layer = mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})["grids"]
    shapes = [
        one["geometry"]["coordinates"] for one in layer["features"] if "ring" in one["properties"]["name"]
    ]
    assert [[signed_area(ring) > 0 for ring in shape] for shape in shapes] == [[True, False], [True, False]]


def reverse(ring: str) -> str:
    return ", ".join(reversed(ring.split(", ")))


def signed_area(ring: list[list[float]]) -> float:
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(ring)) / 2


def test_what_lies_elsewhere_or_out_of_scope_is_left_out(session: Session, tree: make.StreetTree) -> None:
    assert decoded(session, tile_at(100.0, 30.0, 12), level=2) == []
    only_a1 = Scope.reduced([tree.a1.path])
    assert names(decoded(session, tile_at(*MIDDLE, 12), level=3, scope=only_a1)) == ["A11", "A12"]
    assert decoded(session, tile_at(*MIDDLE, 12), level=3, scope=Scope(())) == []


def test_grids_below_a_pixel_are_left_out(session: Session, tree: make.StreetTree) -> None:
    """At zoom 8 a pixel is 306 m of web mercator: a kiosk of 100 m vanishes, at zoom 12 it is drawn."""
    kiosk = make.box(118.96, 32.105, 118.961, 32.106)
    make.grid(session, code=make.grid_code(sequence="09"), parent=tree.c1, name="kiosk", geom=kiosk)
    assert names(decoded(session, tile_at(*MIDDLE, 8), level=3)) == ["A11", "A12", "A21", "B11", "C11"]
    assert "kiosk" in names(decoded(session, tile_at(118.9605, 32.1055, 12), level=3))


def test_of_too_many_the_largest_stay(
    session: Session, tree: make.StreetTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    for grid in tree.a11, tree.a12, tree.a21, tree.b11:
        area_m2 = 2.0 if grid is tree.a12 else 1.0
        session.execute(
            update(GridVersion).where(GridVersion.grid_id == grid.grid_id).values(area_m2=area_m2)
        )
    monkeypatch.setattr(tiles, "_MAX_FEATURES", 1)
    only_street = Scope.reduced([f"{make.STREET}/"])
    assert names(decoded(session, tile_at(*MIDDLE, 11), level=3, scope=only_street)) == ["A12"]


def test_only_what_holds_on_the_day(session: Session, tree: make.StreetTree) -> None:
    assert decoded(session, tile_at(*MIDDLE, 12), level=2, day=date(2025, 12, 31)) == []
    tree.a1.retired_on = DAY
    session.flush()
    assert "A1" not in names(decoded(session, tile_at(*MIDDLE, 12), level=2))


@pytest.mark.parametrize(("zoom", "level"), [(6, 1), (11, 1), (12, 2), (13, 2), (14, 3), (16, 3)])
def test_the_level_that_suits_the_zoom(zoom: int, level: int) -> None:
    assert level_at(zoom) == level


@pytest.mark.parametrize("address", [(5, 0, 0), (17, 0, 0), (10, 1024, 0), (10, 0, -1)])
def test_addresses_without_a_tile(address: tuple[int, int, int]) -> None:
    with pytest.raises(NoSuchTile):
        Tile.at(*address)


def test_a_layer_from_above_says_more_and_asks_for_parameters(
    session: Session, tree: make.StreetTree
) -> None:
    layer = GRID_LAYER.with_columns(
        {"mark": "a number"},
        ((literal(2) * bindparam("factor")).label("mark"),),
        joins=(),
        parameters=frozenset({"factor"}),
    )
    assert set(layer.fields) == {"code", "name", "level", "mark"}
    assert set(GRID_LAYER.fields) == {"code", "name", "level"}
    features = decoded(session, tile_at(*MIDDLE, 12), level=1, layer=layer)
    assert features[0]["properties"]["mark"] == 10


class TestFingerprint:
    def of(self, session: Session, *, scope: Scope = ALL, level: int | None = None) -> str:
        return fingerprint(session, GRID_LAYER, scope, level=level, day=DAY, parameters={})

    @pytest.mark.usefixtures("tree")
    def test_it_stays_while_nothing_changes(self, session: Session) -> None:
        assert self.of(session) == self.of(session)

    def test_it_changes_with_names_and_grids(self, session: Session, tree: make.StreetTree) -> None:
        before = self.of(session)
        session.execute(update(GridVersion).where(GridVersion.grid_id == tree.b11.grid_id).values(name="new"))
        renamed = self.of(session)
        tree.c11.retired_on = DAY
        session.flush()
        assert len({before, renamed, self.of(session)}) == 3

    def test_changes_outside_the_scope_do_not_show(self, session: Session, tree: make.StreetTree) -> None:
        scope = Scope.reduced([tree.a1.path])
        before = self.of(session, scope=scope)
        tree.c11.retired_on = DAY
        session.flush()
        assert self.of(session, scope=scope) == before

    def test_of_nothing(self, session: Session) -> None:
        assert self.of(session, scope=Scope(()))
