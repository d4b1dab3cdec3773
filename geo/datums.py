"""Between the datums that positions arrive in and CGCS2000, the datum of everything stored.

WGS 84 and CGCS2000 differ by centimetres and PROJ has only a "ballpark" no-op between them, so their numbers
are taken over unchanged. GCJ-02 (Amap, Tencent) and BD-09 (Baidu) shift positions by 117-679 m
and about 1.2 km; their inverse has no closed form and is iterated. Order is always lon, lat.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import CRSError

from core.errors import FieldError, Invalid

Degrees = NDArray[np.float64]
Pair = tuple[Degrees, Degrees]

# Outside this box map makers publish unshifted positions.
_CHINA_LON = (72.004, 137.8347)
_CHINA_LAT = (0.8293, 55.8271)
_KRASSOVSKY_A = 6378245.0
_KRASSOVSKY_E2 = 0.00669342162296594323
_BAIDU_PI = np.pi * 3000.0 / 180.0

_INVERSE_TOLERANCE_DEG = 1e-9  # 0.1 mm
_INVERSE_ROUNDS = 30  # each round gains two to three digits; 6 suffice inside China

_SAME_ELLIPSOID_DATUMS = ("China 2000", "World Geodetic System 1984")

# A file is suspected when another datum puts clearly more of it where it belongs.
_SUSPECT_GAIN = 0.1
_SUSPECT_SHARE = 0.8


class UnknownDatum(Invalid):
    """This datum is not known, or cannot be converted without parameters that are not public."""

    code = "unknown-datum"


class Datum(StrEnum):
    """The datums that can be named anywhere; imports also take projected systems."""

    CGCS2000 = "EPSG:4490"
    WGS84 = "EPSG:4326"
    GCJ02 = "GCJ02"
    BD09 = "BD09"


@dataclass(frozen=True, slots=True)
class DatumSuspicion:
    """Read as `datum`, the positions lie where they should; as declared, they do not."""

    declared: str
    datum: Datum
    share_declared: float
    share_datum: float
    offset_m: float

    def __str__(self) -> str:
        return (
            f"整个文件偏移约 {self.offset_m:.0f} 米，疑为 {self.datum} 坐标而声明为 {self.declared}"
            f" / the whole file lies about {self.offset_m:.0f} m off: it looks like {self.datum} declared as"
            f" {self.declared} (inside: {self.share_declared:.0%} as declared, {self.share_datum:.0%} as"
            f" {self.datum})"
        )


def to_cgcs2000(x: ArrayLike, y: ArrayLike, datum: str) -> Pair:
    """CGCS2000 lon and lat of positions in `datum`; x is longitude or easting, y latitude or northing.

    Raises: UnknownDatum.
    """
    inward, _ = _converters(datum)
    return inward(*_pair(x, y))


def from_cgcs2000(lon: ArrayLike, lat: ArrayLike, datum: str) -> Pair:
    """Positions in `datum` of CGCS2000 lon and lat. Raises: UnknownDatum."""
    _, outward = _converters(datum)
    return outward(*_pair(lon, lat))


def suspect_datum(
    x: ArrayLike, y: ArrayLike, declared: str, inside: Callable[[Degrees, Degrees], NDArray[np.bool_]]
) -> DatumSuspicion | None:
    """A datum that fits the positions clearly better than the declared one, if there is one.

    `inside` says for each CGCS2000 position whether it lies where it belongs, e.g. in its parent grid.
    """
    as_declared = to_cgcs2000(x, y, declared)
    share_declared = float(np.mean(inside(*as_declared)))
    if declared not in set(Datum) or share_declared > 1 - _SUSPECT_GAIN:
        return None
    trials = {datum: to_cgcs2000(x, y, datum) for datum in (Datum.CGCS2000, Datum.GCJ02, Datum.BD09)}
    shares = {datum: float(np.mean(inside(*trial))) for datum, trial in trials.items()}
    best = max(shares, key=lambda datum: shares[datum])
    if shares[best] < max(_SUSPECT_SHARE, share_declared + _SUSPECT_GAIN):
        return None
    _, _, offsets = Geod(ellps="GRS80").inv(*as_declared, *trials[best])
    return DatumSuspicion(declared, best, share_declared, shares[best], float(np.median(offsets)))


# --------------------------------------------------------------------------------------- conversions

_Converter = Callable[[Degrees, Degrees], Pair]


def _pair(x: ArrayLike, y: ArrayLike) -> Pair:
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)


def _same(lon: Degrees, lat: Degrees) -> Pair:
    return lon, lat


@lru_cache(maxsize=64)
def _converters(datum: str) -> tuple[_Converter, _Converter]:
    """To CGCS2000 and back."""
    if datum in (Datum.CGCS2000, Datum.WGS84):
        return _same, _same
    if datum == Datum.GCJ02:
        return lambda x, y: _inverse(_to_gcj02, x, y), _to_gcj02
    if datum == Datum.BD09:
        return lambda x, y: _inverse(_to_bd09, x, y), _to_bd09
    return _projected(datum)


def same_datum(one: str, other: str) -> bool:
    """Whether both name the same coordinate system; WGS 84 and CGCS2000 have the same numbers."""
    if one == other or {one, other} == {Datum.CGCS2000, Datum.WGS84}:
        return True
    try:
        systems = [_system(datum) for datum in (one, other)]
    except UnknownDatum:
        return False
    return bool(systems[0].equals(systems[1], ignore_axis_order=True)) or _parameters(
        systems[0]
    ) == _parameters(systems[1])


def _parameters(system: CRS) -> tuple[Any, ...]:
    """What a projection computes with, whatever it and its parameters are called."""
    operation, ellipsoid = system.coordinate_operation, system.ellipsoid
    assert operation is not None
    assert ellipsoid is not None
    numbers = sorted(
        (one.name.casefold(), round(float(one.value), 9)) for one in operation.params if one.value
    )
    return (ellipsoid.semi_major_metre, operation.method_name, *numbers)


def _projected(datum: str) -> tuple[_Converter, _Converter]:
    crs = _system(datum)
    base = crs.geodetic_crs
    # always_xy: EPSG:4547 declares northing first and EPSG:4490 latitude first, files hold x, y.
    forward = Transformer.from_crs(crs, base, always_xy=True)
    backward = Transformer.from_crs(base, crs, always_xy=True)
    return forward.transform, backward.transform


def _system(datum: str) -> CRS:
    """A projected system on the ellipsoid of CGCS2000. Raises: UnknownDatum."""
    if _PROJ_STRING.match(datum):
        return _city_system(datum)
    match = re.fullmatch(r"EPSG:(\d{4,6})", datum)
    if match is None:
        raise _unknown(
            datum,
            "expected EPSG:4490, EPSG:4326, GCJ02, BD09, an EPSG code or +proj=tmerc … of a projected system",
        )
    try:
        crs = CRS.from_epsg(int(match[1]))
    except CRSError:
        raise _unknown(datum, "there is no such EPSG code") from None
    if not crs.is_projected or crs.geodetic_crs is None:
        raise _unknown(datum, "it is not a projected coordinate system")
    base = crs.geodetic_crs
    if not base.datum or not base.datum.name.startswith(_SAME_ELLIPSOID_DATUMS):
        # Beijing 1954 and Xian 1980 need local, unpublished shift parameters; without them 30-100 m are lost.
        raise _unknown(datum, f"it is based on {base.name}: convert the file to CGCS2000 first")
    return crs


# Of a PROJ string only plain numbers are taken: nothing that could name a file or an address.
_PROJ_NUMBERS = frozenset({"lat_0", "lon_0", "k", "k_0", "x_0", "y_0", "zone"})
_PROJ_WORDS = {
    "proj": {"tmerc", "etmerc", "utm"},
    "ellps": {"GRS80"},
    "units": {"m"},
    "type": {"crs"},
    "no_defs": {""},
    "south": {""},
    "towgs84": {"0,0,0", "0,0,0,0,0,0,0"},
}
_PROJ_STRING = re.compile(r"\s*\+?proj=")  # a plus sign in an address arrives as a space
_PROJ_NUMBER = re.compile(r"[+-]?\d{1,9}(?:\.\d{1,15})?")


def _city_system(datum: str) -> CRS:
    """A city's own transverse Mercator, around a meridian of its choice. Raises: UnknownDatum."""
    said: dict[str, str] = {}
    for part in datum.split():
        key, _, value = part.removeprefix("+").partition("=")
        sound = value in _PROJ_WORDS.get(key, ()) or (
            key in _PROJ_NUMBERS and _PROJ_NUMBER.fullmatch(value) is not None
        )
        if not sound or key in said:
            raise _unknown(datum, f"{part[:30]!r} is not accepted in a PROJ string")
        said[key] = value
    if "proj" not in said or "ellps" not in said:
        raise _unknown(datum, "a PROJ string needs +proj=tmerc and +ellps=GRS80")
    try:
        return CRS.from_proj4(
            " ".join(f"+{key}={value}" if value else f"+{key}" for key, value in said.items())
        )
    except CRSError:
        raise _unknown(datum, "PROJ does not understand it") from None


def _unknown(datum: str, reason: str) -> UnknownDatum:
    detail = f"坐标系 {datum!r} 无法使用 / datum {datum[:40]!r}: {reason}"
    return UnknownDatum(detail, errors=[FieldError("/datum", "unknown-datum", detail)])


def _to_gcj02(lon: Degrees, lat: Degrees) -> Pair:
    """The published GCJ-02 shift: harmonics around 105°E 35°N, scaled by the Krassovsky 1940 ellipsoid."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    shared = 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (shared + _waves(y, (20.0, 1.0), (40.0, 3.0), (160.0, 12.0), (320.0, 30.0))) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (shared + _waves(x, (20.0, 1.0), (40.0, 3.0), (150.0, 12.0), (300.0, 30.0))) * 2.0 / 3.0
    latitude = np.radians(lat)
    w2 = 1.0 - _KRASSOVSKY_E2 * np.sin(latitude) ** 2
    north /= np.radians(_KRASSOVSKY_A * (1.0 - _KRASSOVSKY_E2) / (w2 * np.sqrt(w2)))
    east /= np.radians(_KRASSOVSKY_A / np.sqrt(w2) * np.cos(latitude))
    shifted = _in_china(lon, lat)
    return lon + np.where(shifted, east, 0.0), lat + np.where(shifted, north, 0.0)


def _waves(value: Degrees, *terms: tuple[float, float]) -> Degrees:
    total = np.zeros_like(value)
    for amplitude, period in terms:
        total += amplitude * np.sin(np.pi * value / period)
    return total


def _to_bd09(lon: Degrees, lat: Degrees) -> Pair:
    """GCJ-02, then Baidu's own rotation and offset."""
    x, y = _to_gcj02(lon, lat)
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * _BAIDU_PI)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * _BAIDU_PI)
    shifted = _in_china(lon, lat)
    return (
        np.where(shifted, radius * np.cos(angle) + 0.0065, lon),
        np.where(shifted, radius * np.sin(angle) + 0.006, lat),
    )


def _in_china(lon: Degrees, lat: Degrees) -> NDArray[np.bool_]:
    in_lon = (lon >= _CHINA_LON[0]) & (lon <= _CHINA_LON[1])
    in_lat = (lat >= _CHINA_LAT[0]) & (lat <= _CHINA_LAT[1])
    return np.asarray(in_lon & in_lat)


def _inverse(shift: _Converter, x: Degrees, y: Degrees) -> Pair:
    """The position that `shift` moves to x, y: start there and take off what the shift overshoots."""
    lon, lat = x, y
    for _ in range(_INVERSE_ROUNDS):
        shifted_lon, shifted_lat = shift(lon, lat)
        off_lon, off_lat = shifted_lon - x, shifted_lat - y
        lon, lat = lon - off_lon, lat - off_lat
        if not np.any(np.abs([off_lon, off_lat]) > _INVERSE_TOLERANCE_DEG):
            break
    return lon, lat
