"""A flat metric around a place: degrees scaled to metres east and north.

Straight lines stay straight and shared vertices shared, which a map projection would not grant; lengths are
0.06 % off 5 km north or south of the middle.
"""

from collections.abc import Iterable
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

_ELLIPSOID = Geod(ellps="GRS80")  # the ellipsoid of CGCS2000
_STEP = 1e-3  # degrees

Shape = TypeVar("Shape", BaseGeometry, NDArray[np.object_])


class LocalPlane:
    """Metres from the middle of some shapes."""

    def __init__(self, shapes: Iterable[BaseGeometry]) -> None:
        west, south, east, north = shapely.total_bounds(list(shapes)).tolist()
        lon, lat = (west + east) / 2, (south + north) / 2
        _, _, east_m = _ELLIPSOID.inv(lon, lat, lon + _STEP, lat)
        _, _, north_m = _ELLIPSOID.inv(lon, lat, lon, lat + _STEP)
        self.origin = np.array([lon, lat])
        self.metres_per_degree = np.array([east_m, north_m]) / _STEP

    def to_metres(self, degrees: NDArray[np.float64]) -> NDArray[np.float64]:
        """Positions, one per row."""
        return np.asarray((degrees - self.origin) * self.metres_per_degree)

    def metres(self, shapes: Shape) -> Shape:
        return shapely.transform(shapes, self.to_metres)

    def degrees(self, shapes: Shape) -> Shape:
        return shapely.transform(shapes, lambda xy: xy / self.metres_per_degree + self.origin)
