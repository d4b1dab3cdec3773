"""Distances over the ground between a few positions, on the ellipsoid of CGCS2000."""

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

Metres = NDArray[np.float64]

_ELLIPSOID = Geod(ellps="GRS80")


def metres_between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Geodesic metres between two positions in degrees, longitude first."""
    _, _, metres = _ELLIPSOID.inv(*one, *other)
    return float(metres)


def distance_table(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Metres:
    """Geodesic metres between every two of n positions in degrees: n × n, symmetric, zero on its diagonal."""
    first, second = np.triu_indices(len(lon), 1)
    _, _, metres = _ELLIPSOID.inv(lon[first], lat[first], lon[second], lat[second])
    table = np.zeros((len(lon), len(lon)))
    table[first, second] = metres
    return table + table.T
