"""Buildings, addresses and checkpoints of the demo street: invented, and marked so.

Houses stand in rows on the flat plan and are bent with it. Those of a grid have its households, to the last
one. A few stand outside every grid, as after a hasty survey: the coverage report shall find something.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Point, Polygon
from sqlalchemy.orm import Session

from geo.datums import Datum
from geo.models import CGCS2000
from registry.address_text import normalised
from registry.models import Address, Building, Checkpoint
from registry.plates import short_code
from seeds.demo.copying import copy_rows
from seeds.demo.crew import MEMBER_GRID
from seeds.demo.places import CAMPUS, COMMERCIAL, FLOOR, RESIDENTIAL, STREET_CODE, VILLAGE
from seeds.demo.plan import bend
from seeds.demo.storing import StoredGrid
from seeds.demo.street import DemoGrid

_SPACE = uuid.UUID("0192f0c1-7a3e-5b52-9f0e-6d2a9c4b1e07")
_DIGITS = 7  # stored to the centimetre
_EDGE_M = 16.0  # no house nearer to the middle of a road


@dataclass(frozen=True, slots=True)
class _Style:
    """How a kind of grid is built over."""

    per_house: float  # households
    floors: tuple[int, int]
    size_m: tuple[float, float]
    others: tuple[str, ...]  # kinds of the houses where nobody lives


_STYLES = {
    RESIDENTIAL: _Style(24, (5, 11), (38, 12), ("commercial", "public")),
    COMMERCIAL: _Style(34, (9, 24), (26, 18), ("commercial", "commercial", "office", "office", "public")),
    CAMPUS: _Style(30, (4, 7), (44, 14), ("school", "school", "school", "school", "public")),
    VILLAGE: _Style(6, (2, 3), (22, 10), ("public",)),
}
_ORPHANS = 7
_BEYOND_M = 70.0  # how far outside the outline they stand


@dataclass(frozen=True, slots=True, eq=False)
class House:
    """A building of the demo on the flat plan."""

    grid: DemoGrid | None
    name: str
    compound: str | None
    kind: str
    households: int
    floors: int
    at: tuple[float, float]  # u, v in metres
    size_m: tuple[float, float]

    @property
    def called(self) -> str:
        return f"{self.compound or ''}{self.name}"


def build_houses(grids: Sequence[DemoGrid], rng: np.random.Generator) -> list[House]:
    """Every building of the street, grid by grid; those of an area are numbered on."""
    numbers: dict[str, int] = {}
    houses: list[House] = []
    blocks = [grid for grid in grids if grid.level == 3 and grid.shape]
    for grid in blocks:
        houses += _houses_of(grid, numbers, rng)
    return houses + list(_orphans([grid.shape.flat for grid in blocks if grid.shape], rng))


def _houses_of(grid: DemoGrid, numbers: dict[str, int], rng: np.random.Generator) -> Iterator[House]:
    assert grid.shape
    style, road = _STYLES[grid.kind], grid.name[:-3]  # 文苑路 of 文苑路一网格
    lived_in = max(1, round((grid.households or 0) / style.per_house))
    kinds = ["mixed" if grid.kind == COMMERCIAL else "residential"] * lived_in + list(style.others)
    shares = _shared_out(grid.households or 0, lived_in, rng) + [0] * len(style.others)
    spots = _spots(grid.shape.flat, len(kinds), style.size_m)
    for kind, households, at in zip(kinds, shares, spots, strict=True):
        number = numbers[road] = numbers.get(road, 0) + 1
        name, compound = _called(road, number)
        floors = int(rng.integers(style.floors[0], style.floors[1] + 1)) if households else 3
        yield House(grid, name, compound, kind, households, floors, at, style.size_m)


def _called(road: str, number: int) -> tuple[str, str | None]:
    """文苑路12号 stands at a road, 和园东区3幢 in a compound."""
    return (f"{road}{number}号", None) if road[-1] in "路街" else (f"{number}幢", road)


def _shared_out(total: int, parts: int, rng: np.random.Generator) -> list[int]:
    """Whole numbers, each near the mean, that add up to the total."""
    weights = rng.uniform(0.8, 1.2, parts)
    ends = np.rint(np.cumsum(weights) / weights.sum() * total).astype(int)
    return [int(part) for part in np.diff(ends, prepend=0)]


def _spots(ground: Polygon, count: int, size_m: tuple[float, float]) -> list[tuple[float, float]]:
    """Middles of so many houses in rows, inside the ground and off its roads, as far apart as they can be."""
    inner = shapely.buffer(ground, -_EDGE_M - size_m[1] / 2)
    inner = ground if inner.is_empty else inner
    west, south, east, north = inner.bounds
    gap_v = float(np.sqrt(inner.area / count / 1.6))
    while True:
        us, vs = np.arange(west, east, gap_v * 1.6), np.arange(north, south, -gap_v)
        rows = np.stack(np.meshgrid(us + gap_v * 0.8, vs - gap_v / 2), axis=-1).reshape(-1, 2)
        rows = rows[shapely.contains_xy(inner, rows[:, 0], rows[:, 1])]
        if len(rows) >= count:
            chosen = rows[np.linspace(0, len(rows) - 1, count).round().astype(int)]
            return [(float(u), float(v)) for u, v in chosen]
        gap_v *= 0.93


def _orphans(blocks: Sequence[Polygon], rng: np.random.Generator) -> Iterator[House]:
    rim = shapely.buffer(shapely.coverage_union_all(blocks), _BEYOND_M).exterior
    for number, share in enumerate(sorted(rng.uniform(0, 1, _ORPHANS)), 1):
        point = rim.interpolate(share, normalized=True)
        households = int(rng.integers(1, 9))
        at = (point.x, point.y)
        yield House(None, f"待核楼栋{number}", None, "residential", households, 2, at, (16, 9))


# ------------------------------------------------------------------------------------------------ rows


def store_places(
    session: Session,
    houses: Sequence[House],
    stored: Mapping[DemoGrid, StoredGrid],
    at: datetime,
    rng: np.random.Generator,
) -> int:
    """Buildings, addresses and checkpoints are in the database; answers how many places there are."""
    middles = bend(np.array([house.at for house in houses]))
    points, outlines = _ewkb(_points(middles)), _ewkb(_outlines(houses))
    shared = shared_columns(at)
    ids = [building_id(number) for number in range(len(houses))]
    buildings = [
        {**shared, **_building_row(house), "building_id": ids[n], "code": f"XL-{n + 1:05}",
         "geom": points[n], "footprint": outlines[n]}
        for n, house in enumerate(houses)
    ]  # fmt: skip
    addresses = [
        {**shared, **_address_row(house), "address_id": uuid.uuid5(ids[n], "address"), "building_id": ids[n]}
        for n, house in enumerate(houses)
        if house.grid
    ]
    checkpoints = list(_checkpoint_rows(houses, ids, stored, shared, rng=rng))
    for table, rows in ((Building, buildings), (Address, addresses), (Checkpoint, checkpoints)):
        copy_rows(session, table, rows)
    return len(buildings) + len(addresses) + len(checkpoints)


def building_id(number: int) -> uuid.UUID:
    """The id of the house of this number."""
    return uuid.uuid5(_SPACE, f"building {number}")


def shared_columns(at: datetime) -> dict[str, Any]:
    """What every made-up thing of the registry has alike."""
    return {
        "street_code": STREET_CODE,
        "source_datum": Datum.CGCS2000.value,
        "source": "synthetic",
        "attributes": {"synthetic": True},
        "revision": 1,
        "created_at": at,
        "changed_at": at,
        "changed_by": "演示数据",
    }


def _building_row(house: House) -> dict[str, Any]:
    is_office = house.kind in {"office", "school", "public"}
    is_shop = house.kind in {"commercial", "mixed"}
    return {
        "name": house.name,
        "compound": house.compound,
        "kind": house.kind,
        "floors": house.floors,
        "entrances": max(1, round(house.households / (2 * house.floors))) if house.households else 1,
        "households": house.households,
        "organisations": house.floors * (2 if house.kind == "office" else 1) if is_office else 0,
        "shops": 6 if house.kind == "mixed" else 12 if is_shop else 0,
    }


def _address_row(house: House) -> dict[str, Any]:
    return {"text": f"仙林街道{house.called}", "normalised": normalised(house.called)}


def _checkpoint_rows(
    houses: Sequence[House],
    ids: Sequence[uuid.UUID],
    stored: Mapping[DemoGrid, StoredGrid],
    shared: Mapping[str, Any],
    *,
    rng: np.random.Generator,
) -> Iterator[dict[str, Any]]:
    """Outdoors in every third grid, in staircases of the tallest houses, and on the floors of the mall."""
    nowhere = {"building_id": None, "floor": None, "entrance": None, "geom": None, "manual_grid_id": None}

    def row(name: str, kind: str, **columns: Any) -> dict[str, Any]:
        checkpoint_id = uuid.uuid5(_SPACE, f"checkpoint {name}")
        plate = {"short_code": short_code(checkpoint_id.bytes[:5]), "generation": 1, "radius_m": 30.0}
        own = {"checkpoint_id": checkpoint_id, "code": None, "name": name, "kind": kind}
        return {**shared, **nowhere, **plate, **own, **columns}

    blocks = [grid for grid in stored if grid.level == 3 and grid.shape]
    shown = next(number for number, grid in enumerate(blocks) if grid.name == MEMBER_GRID)
    for grid in blocks[shown % 3 :: 3]:
        assert grid.shape
        inner = shapely.point_on_surface(grid.shape.flat)
        at = np.array([[inner.x, inner.y]]) + rng.uniform(-8, 8, (1, 2))
        (geom,) = _ewkb(_points(bend(at)))
        yield row(f"{grid.name[:-2]}巡查点", "outdoor", geom=geom)
    lived_in = [number for number, house in enumerate(houses) if house.grid and house.households]
    tallest = sorted(lived_in, key=lambda one: (-houses[one].floors, one))[:12]
    for number in [*tallest, *_houses_in(MEMBER_GRID, houses)[:2]]:
        name = f"{houses[number].called}楼道"
        floor = str(houses[number].floors)
        yield row(name, "vertical", building_id=ids[number], floor=floor, entrance="1")
    below = _houses_in(MEMBER_GRID, houses)[0]  # a second plate in one staircase: time between two counts
    name = f"{houses[below].called}门厅"
    yield row(name, "vertical", building_id=ids[below], floor="1", entrance="1")
    for floor_grid in (grid for grid in stored if grid.kind == FLOOR):
        assert floor_grid.parent
        around = next(n for n, house in enumerate(houses) if house.grid is floor_grid.parent)
        where = {"building_id": ids[around], "floor": str(floor_grid.attributes["floor"])}
        name = f"{floor_grid.name}服务台"
        yield row(name, "indoor", manual_grid_id=stored[floor_grid].grid_id, **where)


def _houses_in(grid_name: str, houses: Sequence[House]) -> list[int]:
    return [number for number, house in enumerate(houses) if house.grid and house.grid.name == grid_name]


def _outlines(houses: Sequence[House]) -> NDArray[np.object_]:
    """The houses' rectangles, bent like the roads they stand along."""
    middles = np.array([house.at for house in houses])
    halves = np.array([house.size_m for house in houses]) / 2
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)])
    flat = middles[:, None, :] + halves[:, None, :] * corners[None, :, :]
    rings = _rounded(bend(flat.reshape(-1, 2))).reshape(len(houses), len(corners), 2)
    outlines = [MultiPolygon([Polygon(ring)]) for ring in rings]
    return np.array(outlines, dtype=np.object_)


def _points(degrees: NDArray[np.float64]) -> NDArray[np.object_]:
    return np.array([Point(at) for at in _rounded(degrees)], dtype=np.object_)


def _rounded(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.round(degrees, _DIGITS)


def _ewkb(shapes: NDArray[np.object_]) -> list[str]:
    """As PostGIS reads geometry from text."""
    return list(shapely.to_wkb(shapely.set_srid(shapes, CGCS2000), hex=True, include_srid=True))
