"""A district of crooked grids: neighbours share every vertex of their common edge."""

from functools import cache

import numpy as np
import shapely
from numpy.typing import NDArray

WEST, NORTH = 118.90, 32.15
CELL_DEG = 0.003  # about 280 m by 330 m
_BENDS = 4  # halvings of an edge: 15 vertices on it

Path = NDArray[np.float64]


class CurvyDistrict:
    """rows x columns of cells; `block` gives the outline of several."""

    def __init__(self, rows: int, columns: int, seed: int = 1) -> None:
        self.rows, self.columns = rows, columns
        self._rng = np.random.default_rng(seed)
        lon, lat = np.meshgrid(
            WEST + np.arange(columns + 1) * CELL_DEG, NORTH - np.arange(rows + 1) * CELL_DEG
        )
        shift = self._rng.uniform(-0.2, 0.2, (rows + 1, columns + 1, 2)) * CELL_DEG
        self._corners = np.stack([lon, lat], axis=-1) + shift
        self._along = cache(self._bent_along)
        self._down = cache(self._bent_down)

    def block(self, row: int, column: int, rows: int = 1, columns: int = 1) -> shapely.Polygon:
        top = [self._along(row, place) for place in range(column, column + columns)]
        right = [self._down(place, column + columns) for place in range(row, row + rows)]
        bottom = [self._along(row + rows, place)[::-1] for place in reversed(range(column, column + columns))]
        left = [self._down(place, column)[::-1] for place in reversed(range(row, row + rows))]
        return shapely.Polygon(np.concatenate([edge[:-1] for edge in (*top, *right, *bottom, *left)]))

    def cells(self) -> NDArray[np.object_]:
        places = [(row, column) for row in range(self.rows) for column in range(self.columns)]
        return np.array([self.block(*place) for place in places], dtype=object)

    def _bent_along(self, row: int, column: int) -> Path:
        return self._bent(self._corners[row, column], self._corners[row, column + 1])

    def _bent_down(self, row: int, column: int) -> Path:
        return self._bent(self._corners[row, column], self._corners[row + 1, column])

    def _bent(self, start: Path, end: Path) -> Path:
        """A way that turns aside at its middle, again and again by less: a road as surveyed, not a coast."""
        path = np.array([start, end])
        for bend in range(_BENDS):
            most = 0.08 / 2**bend
            chords = np.diff(path, axis=0)
            aside = np.column_stack((-chords[:, 1], chords[:, 0])) * self._rng.uniform(
                -most, most, (len(chords), 1)
            )
            middles = path[:-1] + chords / 2 + aside
            path = np.insert(path, np.arange(1, len(path)), middles, axis=0)
        return path
