"""Cells of resolution 11: whose centre is inside, at least one per grid."""

import h3
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.cells import cells_of, centres_of, outline_of, packed, parents_of, polyfill, unpacked

BLOCK = shapely.box(118.95, 32.05, 118.953, 32.0525)


def test_polyfill_takes_the_cells_whose_centre_is_inside() -> None:
    cells = polyfill(BLOCK)
    assert (np.diff(cells.astype(object)) > 0).all()
    assert shapely.contains_xy(BLOCK, *centres_of(cells)).all()
    around = {near for cell in cells.tolist() for near in h3.grid_disk(h3.int_to_str(cell), 1)}
    outside = np.array([h3.str_to_int(cell) for cell in around], dtype=np.uint64)
    outside = outside[~np.isin(outside, cells)]
    assert not shapely.contains_xy(BLOCK, *centres_of(outside)).any()


def test_siblings_share_no_cell_and_leave_none_out() -> None:
    left, right = (
        shapely.box(118.95, 32.05, 118.9513, 32.0525),
        shapely.box(118.9513, 32.05, 118.953, 32.0525),
    )
    both = np.concatenate((polyfill(left), polyfill(right)))
    assert np.array_equal(np.sort(both), polyfill(BLOCK))


def test_a_tiny_grid_has_one_cell() -> None:
    counter = shapely.box(118.95, 32.05, 118.95001, 32.05001)
    cells = polyfill(counter)
    assert cells.tolist() == cells_of([118.950005], [32.050005]).tolist()


def test_holes_and_several_parts() -> None:
    holed = BLOCK.difference(shapely.box(118.951, 32.051, 118.952, 32.052))
    assert set(polyfill(holed).tolist()) < set(polyfill(BLOCK).tolist())
    assert shapely.contains_xy(holed, *centres_of(polyfill(holed))).all()
    parts = shapely.MultiPolygon([BLOCK, shapely.box(118.96, 32.05, 118.963, 32.0525)])
    assert polyfill(parts).size == pytest.approx(2 * polyfill(BLOCK).size, abs=4)


def test_nothing_has_no_cells() -> None:
    assert polyfill(shapely.Polygon()).size == 0


def test_cells_of_answers_in_order_and_zero_for_no_position() -> None:
    cells = cells_of([118.95, np.nan, 118.96], [32.05, 32.05, np.inf])
    assert cells.tolist() == [h3.str_to_int(h3.latlng_to_cell(32.05, 118.95, 11)), 0, 0]
    assert cells_of([], []).dtype == np.uint64


def test_parents_are_the_coarser_cells_in_order() -> None:
    cells = polyfill(BLOCK)
    expected = [h3.str_to_int(h3.cell_to_parent(h3.int_to_str(cell), 9)) for cell in cells.tolist()]
    assert parents_of(cells[::-1], 9).tolist() == expected[::-1]
    assert parents_of(np.array([], dtype=np.uint64), 9).size == 0


def test_an_outline_surrounds_its_centre() -> None:
    cell = int(polyfill(BLOCK)[0])
    lon, lat = centres_of([cell])
    assert shapely.contains_xy(outline_of(cell), lon, lat).all()


@given(st.lists(st.integers(0, 2**63 - 1), max_size=50))
def test_packing_sorts_and_keeps_every_cell(numbers: list[int]) -> None:
    cells = np.array(numbers, dtype=np.uint64)
    assert unpacked(packed(cells)).tolist() == sorted(numbers)
    assert len(packed(cells)) == 8 * len(numbers)
