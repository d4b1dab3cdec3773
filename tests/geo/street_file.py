"""A street as a grid file has it: one community, its halves, its quarters, and a mall with floors."""

import json
from datetime import date
from typing import Any

import numpy as np
import shapely

from geo.datums import from_cgcs2000
from geo.importing.grids import ImportReport

STREET = "320113007"
COMMUNITY = STREET + "001"
CODE = "990000" + COMMUNITY
DAY, LATER = date(2026, 9, 1), date(2026, 10, 1)
WEST, SOUTH = 118.90, 32.10
SIDE = 0.008  # of the level-1 grid; level 2 halves it, level 3 quarters that

Feature = dict[str, Any]


def feature(name: str, level: int, shape: shapely.Geometry | None, **properties: Any) -> Feature:
    ref = properties.pop("ref", None)
    made: Feature = {
        "type": "Feature",
        "properties": {"name": name, "level": level, **properties},
        "geometry": None if shape is None else json.loads(shapely.to_geojson(shape)),
    }
    return made if ref is None else {**made, "id": ref}


def box(x0: float, y0: float, x1: float, y1: float) -> shapely.Polygon:
    """A rectangle in parts of the community's side, (0, 0) in the south-west."""
    return shapely.box(WEST + SIDE * x0, SOUTH + SIDE * y0, WEST + SIDE * x1, SOUTH + SIDE * y1)


def street() -> list[Feature]:
    """One community, two halves, four quarters, a mall with two floors and a counter; children come first."""
    return [
        feature("东南", 3, box(0.5, 0, 1, 0.5), parent="east", ref="se"),
        feature("东北", 3, box(0.5, 0.5, 1, 1), parent="east", households=310),
        feature("西南", 3, box(0, 0, 0.5, 0.5), parent="west"),
        feature("西北", 3, box(0, 0.5, 0.5, 1), parent="west", kind="commercial", remark="mall", ref="mall"),
        feature("东片", 2, box(0.5, 0, 1, 1), parent="top", ref="east"),
        feature("西片", 2, box(0, 0, 0.5, 1), parent="top", ref="west"),
        feature("仙林新村", 1, box(0, 0, 1, 1), parent=COMMUNITY, ref="top"),
        feature("一层", 4, None, parent="mall", floor="F1", ref="F1"),
        feature("二层", 4, None, parent="mall", floor="F2"),
        feature("珠宝柜台", 5, None, parent="F1", booth="12"),
    ]


def in_datum(features: list[Feature], datum: str) -> list[Feature]:
    """The same places as a file in another datum has them."""

    def moved(xy: np.ndarray) -> np.ndarray:
        return np.column_stack(from_cgcs2000(xy[:, 0], xy[:, 1], datum))

    return [
        {
            **one,
            "geometry": one["geometry"]
            and json.loads(
                shapely.to_geojson(
                    shapely.transform(shapely.from_geojson(json.dumps(one["geometry"])), moved)
                )
            ),
        }
        for one in features
    ]


def reasons(report: ImportReport) -> list[tuple[int, str, str]]:
    return [(one.index, one.field, one.reason.code) for one in report.rejected]
