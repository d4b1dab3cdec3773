"""What was drawn on a map, as shapes in CGCS2000: the same rules as for files, with the field named."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from shapely.geometry import LineString, MultiPolygon

from core.errors import FieldError, Invalid
from geo.datums import to_cgcs2000
from geo.files.geojson import read_drafts

_MOST_POSITIONS = 2_000  # by hand; boundaries of more come in files


class BadShape(Invalid):
    """This shape cannot be used."""

    code = "bad-shape"


def polygon_of(geometry: Mapping[str, Any], datum: str, pointer: str = "/geometry") -> MultiPolygon:
    """A boundary. Raises: BadShape, UnknownDatum."""
    feature = {"type": "Feature", "properties": {"name": "-", "level": 1}, "geometry": dict(geometry)}
    found = read_drafts([feature], datum)
    for rejection in found.rejections:
        where = pointer + rejection.field.removeprefix("/geometry")
        raise _bad(where, rejection.reason.code, str(rejection.reason))
    shape = found.drafts[0].shape
    assert shape is not None
    if shapely.get_num_coordinates(shape) > _MOST_POSITIONS:
        detail = f"边界至多 {_MOST_POSITIONS} 个点 / at most {_MOST_POSITIONS} positions in a drawn boundary"
        raise _bad(f"{pointer}/coordinates", "too-many-positions", detail)
    return shape


def line_of(geometry: Mapping[str, Any], datum: str, pointer: str = "/line") -> LineString:
    """A dividing line. Raises: BadShape, UnknownDatum."""
    if geometry.get("type") != "LineString":
        raise _bad(f"{pointer}/type", "geometry-kind", "应为 LineString / a LineString is needed")
    try:
        positions = np.array(geometry.get("coordinates"), dtype=np.float64)
    except (TypeError, ValueError):
        positions = np.empty(0)
    is_listed = positions.ndim == 2 and positions.shape[1] in {2, 3}
    if not is_listed or not 2 <= len(positions) <= _MOST_POSITIONS or not np.isfinite(positions).all():
        detail = f"坐标应为 2 至 {_MOST_POSITIONS} 个数字对 / 2 to {_MOST_POSITIONS} pairs of numbers"
        raise _bad(f"{pointer}/coordinates", "coordinates-malformed", detail)
    line = LineString(np.column_stack(to_cgcs2000(positions[:, 0], positions[:, 1], datum)))
    if not np.isfinite(shapely.get_coordinates(line)).all():
        raise _bad(f"{pointer}/coordinates", "coordinates-malformed", "坐标超出范围 / positions out of range")
    if not line.is_simple:  # n vertices may cross themselves n² times: nobody means that many parts
        raise _bad(f"{pointer}/coordinates", "line-crosses-itself", "分割线自相交 / the line crosses itself")
    return line


def _bad(pointer: str, code: str, detail: str) -> BadShape:
    return BadShape(detail, errors=[FieldError(pointer, code, detail)])
