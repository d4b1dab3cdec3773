"""How much ground a set of shapes covers; square metres on the ellipsoid."""

from collections.abc import Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry

from geo.fitting.topology import geodesic_area_m2


@dataclass(frozen=True, slots=True)
class Covered:
    """Ground, and how much of it lies under something."""

    total_m2: float
    covered_m2: float

    @property
    def share(self) -> float | None:
        return min(1.0, self.covered_m2 / self.total_m2) if self.total_m2 else None


def united(wkb: Sequence[bytes]) -> BaseGeometry:
    """The ground of stored shapes together; overlaps count once."""
    shape: BaseGeometry = shapely.union_all(shapely.from_wkb(list(wkb)))
    return shape


def covered(ground: BaseGeometry, below: BaseGeometry) -> Covered:
    """How much of the ground lies in what is below it."""
    return Covered(geodesic_area_m2(ground), geodesic_area_m2(shapely.intersection(ground, below)))
