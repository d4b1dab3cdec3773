"""Boundaries that are no boundaries, and children that do not fill their parent."""

import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from geo.codes import Reason
from geo.fitting.topology import FaultKind, Tolerance, boundary_fault, check_siblings, flat, geodesic_area_m2

PARENT = shapely.box(118.9, 32.0, 118.904, 32.004)
WEST = shapely.box(118.9, 32.0, 118.902, 32.004)
EAST = shapely.box(118.902, 32.0, 118.904, 32.004)


def fault_of(geometry: BaseGeometry | None) -> Reason:
    fault = boundary_fault(geometry)
    assert fault is not None
    return fault


class TestBoundary:
    @pytest.mark.parametrize(
        ("geometry", "code"),
        [
            (None, "geometry-empty"),
            (shapely.Polygon(), "geometry-empty"),
            (shapely.Point(118.9, 32), "geometry-kind"),
            (shapely.LineString([(118.9, 32), (118.91, 32)]), "geometry-kind"),
            (shapely.box(32, 118, 32.1, 118.1), "axes-swapped"),
            (shapely.box(2.2, 48.8, 2.4, 48.9), "outside-china"),
            (shapely.box(500_000, 3_500_000, 500_100, 3_500_100), "outside-china"),
            (shapely.box(118, 32, 118.000001, 32.000001), "geometry-tiny"),
        ],
    )
    def test_what_is_no_boundary(self, geometry: BaseGeometry | None, code: str) -> None:
        assert fault_of(geometry).code == code

    def test_a_crossing_is_named_with_its_place(self) -> None:
        bow_tie = shapely.Polygon([(118.9, 32), (118.91, 32.01), (118.91, 32), (118.9, 32.01)])
        fault = fault_of(bow_tie)
        assert fault.code == "geometry-invalid"
        assert "[118.905 32.005]" in fault.zh
        assert "[118.905 32.005]" in fault.en

    def test_not_a_number(self) -> None:
        with np.errstate(invalid="ignore"):
            broken = shapely.from_wkt("POLYGON((118.9 32, 118.91 nan, 118.91 32.01, 118.9 32))")
        assert fault_of(broken).code == "coordinate-not-finite"

    @pytest.mark.parametrize(
        "geometry", [PARENT, shapely.MultiPolygon([WEST]), shapely.force_3d(PARENT, 12.0)]
    )
    def test_what_is_sound(self, geometry: BaseGeometry) -> None:
        assert boundary_fault(geometry) is None

    def test_flat_is_a_multipolygon_without_heights_turning_counter_clockwise(self) -> None:
        clockwise = shapely.Polygon([(118.9, 32, 5), (118.9, 32.1, 5), (119, 32.1, 5)])
        stored = flat(clockwise)
        assert stored.geom_type == "MultiPolygon"
        assert not stored.has_z
        assert shapely.is_ccw(stored.geoms[0].exterior)
        assert stored.equals(shapely.force_2d(clockwise))


def test_area_is_geodesic() -> None:
    """1 km² square of the 3-degree zone at its central meridian, where scale is 1."""
    corner_lon = 120.0 + 1000 / (111_319.490793 * np.cos(np.radians(32.0)) * 1.000943)
    square = shapely.box(120.0, 32.0, corner_lon, 32.009019)
    assert geodesic_area_m2(square) == pytest.approx(1_000_000, rel=1e-3)
    hole = shapely.box(118.9001, 32.0001, 118.9019, 32.0039)
    assert geodesic_area_m2(WEST.difference(hole)) == pytest.approx(
        geodesic_area_m2(WEST) - geodesic_area_m2(hole), rel=1e-9
    )


class TestSiblings:
    def test_children_that_fill_the_parent(self) -> None:
        assert check_siblings(PARENT, [WEST, EAST]) == []

    def test_the_same_with_extra_vertices_on_shared_edges(self) -> None:
        dense = shapely.segmentize(EAST, 0.0007)
        assert check_siblings(PARENT, [WEST, dense]) == []

    def test_an_overlap(self) -> None:
        wide = shapely.box(118.9, 32.0, 118.9021, 32.004)
        (fault,) = check_siblings(PARENT, [wide, EAST])
        assert fault.kind == FaultKind.OVERLAP
        assert fault.indices == (0, 1)
        assert fault.area_m2 == pytest.approx(geodesic_area_m2(wide.intersection(EAST)), rel=1e-6)

    def test_a_gap_names_its_neighbours(self) -> None:
        narrow = shapely.box(118.9, 32.0, 118.9019, 32.004)
        (fault,) = check_siblings(PARENT, [narrow, EAST])
        assert (fault.kind, fault.indices) == (FaultKind.GAP, (0, 1))

    def test_a_hole_in_the_middle_is_a_gap(self) -> None:
        hole = shapely.box(118.9005, 32.001, 118.9015, 32.003)
        (fault,) = check_siblings(PARENT, [WEST.difference(hole), EAST])
        assert fault.kind == FaultKind.GAP
        assert fault.area_m2 == pytest.approx(geodesic_area_m2(hole), rel=1e-6)

    def test_a_part_outside_the_parent(self) -> None:
        (fault,) = check_siblings(PARENT, [WEST, shapely.box(118.902, 32.0, 118.905, 32.004)])
        assert (fault.kind, fault.indices) == (FaultKind.OUTSIDE, (1,))

    def test_a_thin_misfit_is_a_sliver_and_says_of_what(self) -> None:
        near = shapely.box(118.9, 32.0, 118.901995, 32.004)  # 0.47 m short
        (fault,) = check_siblings(PARENT, [near, EAST])
        assert (fault.kind, fault.source) == (FaultKind.SLIVER, FaultKind.GAP)

    def test_digitising_noise_is_no_fault(self) -> None:
        close = shapely.box(118.9, 32.0, 118.9019999, 32.004)  # 1 cm short
        assert check_siblings(PARENT, [close, EAST]) == []
        strict = Tolerance(width_m=0.001, area_m2=0.0)
        assert [fault.kind for fault in check_siblings(PARENT, [close, EAST], strict)] == [FaultKind.SLIVER]

    def test_twins_overlap_wholly(self) -> None:
        faults = check_siblings(PARENT, [WEST, WEST, EAST])
        assert [(fault.kind, fault.indices) for fault in faults] == [(FaultKind.OVERLAP, (0, 1))]

    def test_without_a_parent_only_overlaps_are_looked_for(self) -> None:
        assert check_siblings(None, [WEST]) == []
        wide = shapely.box(118.9, 32.0, 118.9021, 32.004)
        assert [fault.kind for fault in check_siblings(None, [wide, EAST])] == [FaultKind.OVERLAP]

    def test_several_faults_at_once(self) -> None:
        children = [
            shapely.box(118.9, 32.0, 118.9021, 32.004),
            shapely.box(118.902, 32.0, 118.9035, 32.0045),
        ]
        kinds = [fault.kind for fault in check_siblings(PARENT, children)]
        assert kinds == [FaultKind.OVERLAP, FaultKind.OUTSIDE, FaultKind.GAP]
