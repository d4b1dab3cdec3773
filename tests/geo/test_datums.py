"""Published pairs of positions, and the inverse of the inverse.

GCJ-02 pairs: test vectors of eviltransform and coordtransform, two implementations of one published formula.
BD-09 pairs: coordtransform, gcoord, and the example reply in the manual of Alibaba Cloud's address service.
eviltransform's own BD-09 vectors are not used: they lie 11 m off, because it has pi where Baidu's formula has
3000 pi / 180; with pi in its place our result meets them within 2 m, the error of its one-step inverse.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from pyproj import Geod, Transformer

from geo.datums import (
    Datum,
    DatumSuspicion,
    UnknownDatum,
    from_cgcs2000,
    same_datum,
    suspect_datum,
    to_cgcs2000,
)

GEOD = Geod(ellps="GRS80")


def metres(a: tuple[ArrayLike, ArrayLike], b: tuple[ArrayLike, ArrayLike]) -> float:
    return float(GEOD.inv(a[0], a[1], b[0], b[1])[2])


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [
        ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),  # eviltransform: Shanghai
        ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),  # eviltransform: Shenzhen
        ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),  # eviltransform: Beijing
        ((116.404, 39.915), (116.41024449916938, 39.91640428150164)),  # coordtransform
        ((122.99395597, 44.99804071), (123.0, 45.0)),  # gcoord
    ],
)
def test_known_pairs_of_gcj02(wgs84: tuple[float, float], gcj02: tuple[float, float]) -> None:
    assert metres(from_cgcs2000(*wgs84, Datum.GCJ02), gcj02) < 0.1
    assert metres(to_cgcs2000(*gcj02, Datum.GCJ02), wgs84) < 0.1


@pytest.mark.parametrize(
    ("gcj02", "bd09"),
    [
        ((116.404, 39.915), (116.41036949371029, 39.92133699351021)),  # coordtransform
        ((123.0, 45.0), (123.00636499, 45.00636899)),  # gcoord
        ((120.026268, 30.279164), (120.032768, 30.285238)),  # Alibaba Cloud manual, six decimals
    ],
)
def test_known_pairs_of_bd09(gcj02: tuple[float, float], bd09: tuple[float, float]) -> None:
    wgs84 = to_cgcs2000(*gcj02, Datum.GCJ02)
    assert metres(from_cgcs2000(*wgs84, Datum.BD09), bd09) < 0.2
    assert metres(to_cgcs2000(*bd09, Datum.BD09), wgs84) < 0.2


def test_the_shift_in_xianlin_is_535_metres() -> None:
    assert metres((118.9, 32.1), from_cgcs2000(118.9, 32.1, "GCJ02")) == pytest.approx(535, abs=10)
    assert metres((118.9, 32.1), from_cgcs2000(118.9, 32.1, "BD09")) == pytest.approx(1171, abs=20)


@pytest.mark.parametrize("datum", [Datum.GCJ02, Datum.BD09])
@given(lon=st.floats(73.5, 135.0), lat=st.floats(3.5, 53.5))
def test_there_and_back_is_where_we_were(datum: Datum, lon: float, lat: float) -> None:
    back_lon, back_lat = to_cgcs2000(*from_cgcs2000(lon, lat, datum), datum)
    assert abs(back_lon - lon) < 1e-8
    assert abs(back_lat - lat) < 1e-8


@pytest.mark.parametrize("datum", [Datum.GCJ02, Datum.BD09])
def test_outside_china_nothing_is_shifted(datum: Datum) -> None:
    for place in [(-0.1276, 51.5072), (139.69, 35.69), (151.2, -33.87)]:
        assert from_cgcs2000(*place, datum) == pytest.approx(place, abs=0)
        assert to_cgcs2000(*place, datum) == pytest.approx(place, abs=0)


def test_whole_arrays_at_once_and_not_a_number_stays_so() -> None:
    lon, lat = to_cgcs2000([118.9, np.nan, 120.0], [32.1, 32.1, 30.0], "GCJ02")
    assert lon.shape == (3,)
    assert np.isnan(lon[1])
    assert metres((lon[0], lat[0]), (118.9, 32.1)) > 400


def test_wgs84_and_cgcs2000_are_taken_over_unchanged() -> None:
    for datum in ("EPSG:4326", "EPSG:4490"):
        lon, lat = to_cgcs2000(118.9, 32.1, datum)
        assert (float(lon), float(lat)) == (118.9, 32.1)


def test_a_projected_system_of_the_city_has_east_before_north() -> None:
    """EPSG:4549, CGCS2000 3-degree zone around 120 E: x is easting though EPSG lists northing first."""
    easting, northing = from_cgcs2000(118.93, 32.1, "EPSG:4549")
    assert easting == pytest.approx(398999.65, abs=0.01)
    assert northing == pytest.approx(3553442.40, abs=0.01)
    lon, lat = to_cgcs2000(easting, northing, "EPSG:4549")
    assert (lon, lat) == pytest.approx((118.93, 32.1), abs=1e-9)
    central_meridian, _ = Transformer.from_crs(4490, 4549, always_xy=True).transform(120.0, 32.0)
    assert central_meridian == pytest.approx(500_000)


@pytest.mark.parametrize(
    ("datum", "why"),
    [
        ("WGS84", "expected"),
        ("EPSG:4490;DROP", "expected"),
        ("EPSG:999999", "no such EPSG"),
        ("EPSG:4610", "not a projected"),  # Xian 1980, geographic
        ("EPSG:2437", "Beijing 1954"),  # needs unpublished local parameters
        ("EPSG:2334", "Xian 1980"),
        ("EPSG:4479", "not a projected"),  # geocentric
    ],
)
def test_what_cannot_be_converted_is_refused_with_the_reason(datum: str, why: str) -> None:
    with pytest.raises(UnknownDatum, match=why) as caught:
        to_cgcs2000(118.9, 32.1, datum)
    assert caught.value.errors[0].pointer == "/datum"


class TestCitySystems:
    """A city's own transverse Mercator, told as a PROJ string; nothing in it may open a file."""

    CITY = "+proj=tmerc +lat_0=0 +lon_0=118.83 +k=1 +x_0=50000 +y_0=-3000000 +ellps=GRS80 +units=m +no_defs"

    def test_there_and_back(self) -> None:
        x, y = from_cgcs2000(118.93, 32.1, self.CITY)
        assert x == pytest.approx(59_437, abs=5)  # 0.1 degrees east of the meridian
        assert y == pytest.approx(553_000, abs=1000)
        assert to_cgcs2000(x, y, self.CITY) == pytest.approx((118.93, 32.1), abs=1e-11)

    def test_it_is_the_same_as_the_epsg_code_with_its_parameters(self) -> None:
        zone = "+proj=tmerc +lat_0=0 +lon_0=120 +k=1 +x_0=500000 +y_0=0 +ellps=GRS80"
        assert from_cgcs2000(118.93, 32.1, zone) == pytest.approx(from_cgcs2000(118.93, 32.1, "EPSG:4549"))
        assert same_datum(zone, "EPSG:4549")
        assert same_datum("EPSG:4490", "EPSG:4326")
        assert not same_datum(self.CITY, "EPSG:4549")
        assert not same_datum("EPSG:4547", "EPSG:4549")
        assert not same_datum("GCJ02", "EPSG:4549")
        assert not same_datum("local system of somebody", "EPSG:4549")

    def test_plus_signs_that_an_address_turned_into_spaces(self) -> None:
        assert from_cgcs2000(118.93, 32.1, self.CITY.replace("+", " ")) == from_cgcs2000(
            118.93, 32.1, self.CITY
        )

    @pytest.mark.parametrize(
        "datum",
        [
            "+init=epsg:4549",
            "+proj=longlat +ellps=GRS80",
            "+proj=merc +ellps=GRS80",
            "+proj=tmerc +lon_0=120",  # which ellipsoid?
            "+proj=tmerc +lon_0=120 +ellps=krass",
            "+proj=tmerc +lon_0=120 +datum=NAD27",
            "+proj=tmerc +lon_0=120 +ellps=GRS80 +nadgrids=@file.gsb",
            "+proj=tmerc +lon_0=120 +ellps=GRS80 +towgs84=1,2,3",
            "+proj=tmerc +lon_0=120 +ellps=GRS80 +units=us-ft",
            "+proj=tmerc +lon_0=120 +lon_0=121 +ellps=GRS80",
            "+proj=tmerc +lon_0=1e400 +ellps=GRS80",
            "+proj=utm +zone=99 +ellps=GRS80",
            "+proj=pipeline +step +proj=tmerc",
        ],
    )
    def test_anything_else_is_refused(self, datum: str) -> None:
        with pytest.raises(UnknownDatum):
            to_cgcs2000(500_000, 3_500_000, datum)


class TestSuspicion:
    """Grids of 400 m, points all over them: declared wrongly, most points leave their grid."""

    rng = np.random.default_rng(3)
    lon = 118.93 + rng.uniform(0, 0.05, 400)
    lat = 32.09 + rng.uniform(0, 0.05, 400)

    def inside(self, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        return (np.abs(lon - self.lon) < 0.002) & (np.abs(lat - self.lat) < 0.0018)

    def suspicion(self, actual: str, declared: str) -> DatumSuspicion | None:
        return suspect_datum(*from_cgcs2000(self.lon, self.lat, actual), declared, self.inside)

    @pytest.mark.parametrize("datum", ["EPSG:4490", "EPSG:4326", "GCJ02", "BD09", "EPSG:4549"])
    def test_a_right_declaration_is_not_suspected(self, datum: str) -> None:
        assert self.suspicion(datum, datum) is None

    @pytest.mark.parametrize(
        ("actual", "declared"), [("GCJ02", "EPSG:4490"), ("EPSG:4490", "GCJ02"), ("BD09", "EPSG:4490")]
    )
    def test_a_wrong_declaration_is_seen_with_its_offset(self, actual: str, declared: str) -> None:
        found = self.suspicion(actual, declared)
        assert found is not None
        assert found.datum == actual
        assert found.share_datum == 1.0
        assert found.offset_m == pytest.approx(1170 if "BD09" in actual else 535, abs=25)
        assert actual in str(found)

    def test_positions_that_no_datum_explains_are_not_blamed_on_the_datum(self) -> None:
        lon, lat = self.lon + 0.3, self.lat
        assert suspect_datum(lon, lat, "EPSG:4490", self.inside) is None
