"""An hour of walking at 5 s, from stored blobs to a verdict, beside shapely's buffer of the path ∩ grid."""

import numpy as np
import shapely

from benchmarks.table import Line, seconds
from geo.area import GridArea
from patrol.fixes import Fixes, decode, encode, in_batches
from patrol.judging.cleaning import clean
from patrol.judging.verdicts import Verdict, judge
from patrol.policies import Policy

FIXES = 720
STEP_S = 5
BATCH = 60
START_MS = 1_790_000_000_000
LON, LAT = 118.92, 32.10
SIGHT_M = 25.0
PROMISE_S = 0.002


def grid() -> shapely.Polygon:
    """An irregular grid of about 14 ha."""
    rng = np.random.default_rng(5)
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    radius = 215 * rng.uniform(0.85, 1.15, len(angle))
    return shapely.Polygon(np.column_stack(degrees(radius * np.cos(angle), radius * np.sin(angle))))


def degrees(x_m: np.ndarray, y_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return LON + x_m / (111_320 * np.cos(np.radians(LAT))), LAT + y_m / 110_900


def walk(seed: int = 11) -> Fixes:
    """Up and down the lanes of the grid at 1.2 m/s, with the noise of a telephone."""
    rng = np.random.default_rng(seed)
    walked = np.arange(FIXES) * 1.2 * STEP_S
    lane, along = np.divmod(walked, 330.0)
    x = np.where(lane % 2 == 0, along, 330.0 - along) - 165.0
    y = lane * 25.0 - 160.0
    lon, lat = degrees(x + rng.normal(0, 4, FIXES), y + rng.normal(0, 4, FIXES))
    at_ms = START_MS + np.arange(FIXES) * STEP_S * 1000
    accuracy, absent = rng.uniform(4, 18, FIXES).round(1), np.full(FIXES, np.nan)
    return Fixes(at_ms, lon, lat, accuracy, absent, absent, absent, np.zeros(FIXES, np.bool_))


def by_buffer(grid: shapely.Polygon, fixes: Fixes) -> float:
    """Share of the grid within sight of the path: what the obvious implementation computes."""
    x = (fixes.lon - LON) * 111_320 * np.cos(np.radians(LAT))
    y = (fixes.lat - LAT) * 110_900
    metres = shapely.transform(
        grid, lambda c: (c - (LON, LAT)) * (111_320 * np.cos(np.radians(LAT)), 110_900)
    )
    seen = shapely.intersection(shapely.buffer(shapely.linestrings(x, y), SIGHT_M), metres)
    return float(shapely.area(seen) / shapely.area(metres))


def run() -> list[Line]:
    polygon, fixes, policy = grid(), walk(), Policy()
    area = GridArea(shapely.to_wkb(polygon), tolerance_m=policy.boundary_tolerance_m)
    blobs = [encode(batch) for batch in in_batches(fixes, BATCH)]
    finished_ms = START_MS + FIXES * STEP_S * 1000

    def verdict() -> Verdict:
        track = clean(decode(blobs), policy, started_ms=START_MS, finished_ms=finished_ms)
        return judge(track, area, policy)

    us = seconds(verdict, runs=50, warm_up=5)
    peer = seconds(lambda: by_buffer(polygon, fixes), runs=5)
    return [
        Line(
            f"judge one hour at {STEP_S} s ({FIXES} fixes, {verdict().status})",
            f"{us * 1000:.2f} ms",
            f"shapely buffer ∩ grid {peer * 1000:.1f} ms",
            peer / us,
            "≤ 2 ms",
            us <= PROMISE_S,
        ),
        Line("bytes of a blob per fix (60 a segment)", f"{np.mean([len(b) for b in blobs]) / BATCH:.1f}", ""),
    ]
