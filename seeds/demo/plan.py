"""Draws the demo street: an outline cut by roads into communities, areas and blocks, like a town that grew.

Cutting happens on a flat plan in metres (u east, v north) where every road is straight. One smooth bend of
the whole plan then gives the roads their curves. Each vertex is bent by itself, so edges that two blocks
share before the bend are shared to the last digit after it: the blocks form a coverage by construction.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Polygon

Metres = NDArray[np.float64]

# The middle of the real Xianlin, so that the demo lies where people expect it; the outline is invented.
CENTRE_LON, CENTRE_LAT = 118.9285, 32.1035
METRES_PER_LAT = 110_900.0
METRES_PER_LON = 111_320.0 * float(np.cos(np.radians(CENTRE_LAT)))

# Corners of the outline (u, v), clockwise from the north-west, and how ragged the side after each is: a main
# road is straight, a river bank wavers, the foot of a hill is rough.
_CORNERS = (
    (-1750.0, 1500.0, 0.10),
    (-620.0, 2180.0, 0.16),
    (900.0, 2120.0, 0.0),
    (2050.0, 1880.0, 0.09),
    (2560.0, 420.0, 0.0),
    (2330.0, -1080.0, 0.14),
    (1250.0, -2010.0, 0.16),
    (-150.0, -1960.0, 0.0),
    (-1900.0, -1720.0, 0.08),
    (-2420.0, -250.0, 0.0),
)
_RAGGED_STEP_M = 45.0
_SMOOTHNESS = 0.42  # each finer bend of a ragged side is this much smaller
_ROAD_STEP_M = 60.0  # a vertex at least this often, so that a bent road looks bent
_NODE_GRID_M = 0.01  # crossings are snapped to this
_ALIGN_M = 110.0  # a new road joins one that ends this near on the other side
_DEGREE_DIGITS = 7  # stored to the centimetre


@dataclass(frozen=True, slots=True)
class Weighted:
    """A part of the tree to be given ground: a leaf or a group of parts."""

    weight: float
    parts: tuple["Weighted", ...] = ()


def draw_blocks(tree: Sequence[Weighted], rng: np.random.Generator) -> list[Polygon]:
    """One flat polygon (u, v) per leaf of the tree, in its order; together they fill the outline exactly."""
    outline = _outline(rng)
    roads: list[LineString] = []
    lots = list(_divide(outline, tree, roads, rng))
    network = shapely.union_all([outline.exterior, *roads], grid_size=_NODE_GRID_M)
    edges = shapely.segmentize(shapely.get_parts(network), _ROAD_STEP_M)
    faces = shapely.get_parts(shapely.polygonize(edges))
    return _sorted_into(lots, faces)


def bend(uv: Metres) -> Metres:
    """Longitude and latitude of flat plan positions, unrounded: turned, curved, roads wavering a little."""
    u, v = uv[:, 0], uv[:, 1]
    w = (u + 1j * v) * np.exp(1j * np.radians(13.0))
    w = w + 4.2e-5 * (1 - 0.6j) * w**2  # conformal: crossings stay square while roads become arcs
    x = w.real + 150 * np.sin(w.imag / 900 + 0.4) + 16 * np.sin(w.imag / 170 + 1.1)
    y = w.imag + 120 * np.sin(w.real / 1050 - 0.7) + 13 * np.sin(w.real / 190 + 0.3)
    return np.column_stack((CENTRE_LON + x / METRES_PER_LON, CENTRE_LAT + y / METRES_PER_LAT))


def on_map(flat: Sequence[Polygon]) -> list[Polygon]:
    """The polygons as they are stored: bent, in degrees, to the centimetre."""
    bent = shapely.transform(np.array(flat, dtype=object), lambda uv: np.round(bend(uv), _DEGREE_DIGITS))
    return list(bent)


def _outline(rng: np.random.Generator) -> Polygon:
    ring: list[Metres] = []
    for (u, v, raggedness), (next_u, next_v, _) in zip(_CORNERS, _CORNERS[1:] + _CORNERS[:1], strict=True):
        ring.append(_side(np.array([u, v]), np.array([next_u, next_v]), raggedness, rng)[:-1])
    return Polygon(np.round(np.concatenate(ring), 1))


def _side(start: Metres, end: Metres, raggedness: float, rng: np.random.Generator) -> Metres:
    """A line from corner to corner, broken at its middle again and again (midpoint displacement)."""
    line = np.vstack((start, end))
    size = raggedness * float(np.hypot(*(end - start)))
    while size and np.hypot(*(line[1] - line[0])) > 2 * _RAGGED_STEP_M:
        steps = np.diff(line, axis=0)
        across = np.column_stack((-steps[:, 1], steps[:, 0])) / np.hypot(steps[:, 0], steps[:, 1])[:, None]
        middles = line[:-1] + steps / 2 + across * rng.uniform(-size, size, len(steps))[:, None]
        line = np.insert(line, np.arange(1, len(line)), middles, axis=0)
        size *= _SMOOTHNESS
    return line


def _divide(
    ground: Polygon, parts: Sequence[Weighted], roads: list[LineString], rng: np.random.Generator
) -> Iterator[Polygon]:
    """Cut the ground in two by weight until every leaf has its lot; the cuts are added to `roads`."""
    if len(parts) == 1:
        if parts[0].parts:
            yield from _divide(ground, parts[0].parts, roads, rng)
        else:
            yield ground
        return
    half = _balanced_split(parts)
    share = sum(part.weight for part in parts[:half]) / sum(part.weight for part in parts)
    first, second, road = _cut(ground, share, roads, rng)
    roads.append(road)
    yield from _divide(first, parts[:half], roads, rng)
    yield from _divide(second, parts[half:], roads, rng)


def _balanced_split(parts: Sequence[Weighted]) -> int:
    """How many parts go to the first side so that both sides weigh about the same."""
    sums = np.cumsum([part.weight for part in parts])
    return 1 + int(np.argmin(np.abs(sums[:-1] - sums[-1] / 2)))


def _cut(
    ground: Polygon, share: float, roads: Sequence[LineString], rng: np.random.Generator
) -> tuple[Polygon, Polygon, LineString]:
    """The ground in two by a straight road across its longer side: west and east, or north and south."""
    west, south, east, north = ground.bounds
    across_u = (east - west) * rng.uniform(0.9, 1.1) > north - south
    low, high = (west, east) if across_u else (south, north)
    wanted = share if across_u else 1 - share  # the first lot of a horizontal cut is the northern one
    at = _position(ground, wanted, (low, high), across_u=across_u)
    at = _aligned(at, roads, ground, across_u=across_u)
    if across_u:
        near = shapely.clip_by_rect(ground, west - 1, south - 1, at, north + 1)
        far = shapely.clip_by_rect(ground, at, south - 1, east + 1, north + 1)
        line = LineString([(at, south - 1), (at, north + 1)])
    else:
        near = shapely.clip_by_rect(ground, west - 1, at, east + 1, north + 1)
        far = shapely.clip_by_rect(ground, west - 1, south - 1, east + 1, at)
        line = LineString([(west - 1, at), (east + 1, at)])
    road = shapely.intersection(line, ground)
    # A lot in two pieces would be no block; the outline and the fixed seed leave none.
    assert isinstance(near, Polygon)
    assert isinstance(far, Polygon)
    assert isinstance(road, LineString)
    return near, far, road


def _position(ground: Polygon, share: float, ends: tuple[float, float], *, across_u: bool) -> float:
    """Where a straight cut leaves `share` of the area on the low side, to the decimetre."""
    west, south, east, north = ground.bounds
    low, high = ends
    while high - low > 0.1:
        at = (low + high) / 2
        box = (west, south, at, north) if across_u else (west, south, east, at)
        if shapely.clip_by_rect(ground, *box).area < share * ground.area:
            low = at
        else:
            high = at
    return round((low + high) / 2, 1)


def _aligned(at: float, roads: Sequence[LineString], ground: Polygon, *, across_u: bool) -> float:
    """The cut moved onto a road that ends at this ground, so that streets go on beyond a crossing."""
    axis = 0 if across_u else 1
    best, reach = at, min(_ALIGN_M, 0.12 * (ground.bounds[2 + axis] - ground.bounds[axis]))
    for road in roads:
        start, end = road.coords[0][axis], road.coords[-1][axis]
        if start == end and abs(start - at) < reach and road.distance(ground) < 1:
            best, reach = start, abs(start - at)
    return best


def _sorted_into(lots: Sequence[Polygon], faces: NDArray[np.object_]) -> list[Polygon]:
    """The faces of the road network in the order of the lots they are."""
    inner = shapely.point_on_surface(faces)
    face_of, lot_of = shapely.STRtree(lots).query(inner, predicate="within")
    assert len(face_of) == len(faces) == len(lots)
    blocks: list[Polygon] = faces[face_of[np.argsort(lot_of)]].tolist()
    return blocks
