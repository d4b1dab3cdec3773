"""Areas and lengths against pyproj, shapely and h3 themselves."""

import numpy as np
import pytest
import shapely
from pyproj import Geod

from geo.area import GridArea, distances_m, path_wkb, plane_m, segment_lengths_m
from geo.cells import cells_of, polyfill

GEOD = Geod(ellps="GRS80")


@pytest.mark.parametrize(("length_m", "error"), [(10.0, 1e-8), (1_000.0, 1e-8), (10_000.0, 1e-6)])
def test_lengths_agree_with_the_geodesic(length_m: float, error: float) -> None:
    random = np.random.default_rng(1)
    lon, lat, azimuth = random.uniform(75, 130, 500), random.uniform(18, 53, 500), random.uniform(0, 360, 500)
    other_lon, other_lat, _ = GEOD.fwd(lon, lat, azimuth, np.full(500, length_m))

    measured = distances_m(lon, lat, other_lon, other_lat)

    assert np.abs(measured / length_m - 1).max() < error


def test_segment_lengths_are_one_fewer_than_positions() -> None:
    lon, lat = np.array([118.9, 118.901, 118.901]), np.array([32.1, 32.1, 32.1])

    assert segment_lengths_m(lon, lat) == pytest.approx([94.39, 0.0], abs=0.01)


def test_plane_is_good_for_speeds_though_one_position_is_far_off() -> None:
    lon = np.append(np.linspace(118.9, 118.92, 50), 116.3)
    lat = np.append(np.linspace(32.08, 32.12, 50), 39.9)
    x, y = plane_m(lon, lat)

    flat, true = np.hypot(np.diff(x), np.diff(y))[:-1], segment_lengths_m(lon, lat)[:-1]

    assert np.abs(flat / true - 1).max() < 1e-3


def test_contains_with_and_without_tolerance() -> None:
    square = shapely.to_wkb(shapely.box(118.90, 32.10, 118.91, 32.11))
    lon = np.array([118.905, 118.90 - 10 / 94_390, 118.90 - 20 / 94_390])
    lat = np.full(3, 32.105)

    assert GridArea(square).contains(lon, lat).tolist() == [True, False, False]
    assert GridArea(square, tolerance_m=15).contains(lon, lat).tolist() == [True, True, False]


def test_tolerance_is_metres_all_round() -> None:
    reach = GridArea(shapely.to_wkb(shapely.box(118.90, 32.10, 118.93, 32.13)), tolerance_m=15)
    for lon, lat, azimuth in ((118.915, 32.13, 0), (118.93, 32.115, 90), (118.915, 32.10, 180)):
        near, far = (GEOD.fwd(lon, lat, azimuth, metres)[:2] for metres in (14.9, 15.1))
        inside = reach.contains(np.array([near[0], far[0]]), np.array([near[1], far[1]]))
        assert inside.tolist() == [True, False]


@pytest.mark.parametrize(("lon", "lat"), [(118.9, 32.1), (116.3, 40.0), (87.6, 43.8), (110.3, 20.0)])
@pytest.mark.parametrize("size", [0.0003, 0.003, 0.02, 0.05])
def test_cell_numbers_are_exactly_those_of_h3(lon: float, lat: float, size: float) -> None:
    corners = [(-size, -size), (size, -0.8 * size), (0.7 * size, size), (0, 0.2 * size), (-size, 0.9 * size)]
    polygon = shapely.Polygon([(lon + x, lat + y) for x, y in corners])
    area = GridArea(shapely.to_wkb(polygon))
    random = np.random.default_rng(2)
    lons, lats = (random.uniform(middle - 1.5 * size, middle + 1.5 * size, 2000) for middle in (lon, lat))

    numbers = area.cell_numbers(lons, lats)

    cells = cells_of(lons, lats)
    own = np.isin(cells, area.cells)
    assert np.array_equal(area.cells, polyfill(polygon))
    assert np.array_equal(numbers >= 0, own)
    assert np.array_equal(area.cells[numbers[own]], cells[own])


def test_path_is_one_line_per_stretch_without_needless_vertices() -> None:
    lon, lat = np.linspace(118.9, 118.91, 100), np.full(100, 32.1)
    stretches = [(lon[:50], lat[:50]), (lon[60:], lat[60:]), (lon[55:56], lat[55:56])]

    path = shapely.from_wkb(path_wkb(stretches, simplify_m=2.0, srid=4490))

    assert isinstance(path, shapely.MultiLineString)
    assert [len(line.coords) for line in path.geoms] == [2, 2]
    assert path.geoms[0].coords[0] == (118.9, 32.1)


@pytest.mark.parametrize("metres", [0.0, 1.0])
def test_path_of_someone_who_stood_still_is_none(metres: float) -> None:
    lon = np.full(10, 118.9)
    assert path_wkb([(lon, lon - 86.8)], simplify_m=metres, srid=4490) is None
    assert path_wkb([], simplify_m=metres, srid=4490) is None
