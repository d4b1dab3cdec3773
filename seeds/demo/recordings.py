"""What the phones recorded of each outing: the walk, spoilt in the manner of the outing."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from geo.datums import Datum
from patrol.fixes import Fixes, join
from patrol.recording.wire import Upload, make_upload
from seeds.demo.outings import Manner, Outing
from seeds.demo.plan import METRES_PER_LAT, METRES_PER_LON
from seeds.demo.street import DemoGrid
from seeds.demo.walks import Lanes, Pace, lay_lanes, walk

_FIXES_PER_SEGMENT = 400
_CORNER = 4  # crossings that someone in a hurry gets to see
_RIDING_MPS = 13.0
_STEP_OFF_M = 1.2


@dataclass(frozen=True, slots=True)
class SentSegment:
    """One uploaded batch."""

    segment_id: uuid.UUID
    upload: Upload
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Recording:
    """One patrol as the server got it."""

    outing: Outing
    patrol_id: uuid.UUID
    fixes: Fixes
    segments: tuple[SentSegment, ...]
    start_received_at: datetime
    finished_at: datetime | None
    finish_received_at: datetime | None


class Recorder:
    """Walks outings through the grids of one street; each outing has a generator of its own."""

    def __init__(self, grids: Sequence[DemoGrid], seed: Sequence[int]) -> None:
        self._seed = list(seed)
        self._blocks = [grid for grid in grids if grid.level == 3]
        self._lanes: dict[DemoGrid, Lanes] = {}

    def record(self, outing: Outing) -> Recording:
        """The same outing always gives the same recording, whatever was recorded before."""
        rng = np.random.default_rng([*self._seed, outing.number])
        fixes = self._fixes(outing, rng)
        delay = timedelta(hours=outing.offline_hours)
        # Without a network everything arrives together, after the end.
        start_sent_at = outing.ends_at + delay if delay else outing.starts_at
        finished_at = None if outing.manner is Manner.UNDER_WAY else outing.ends_at
        return Recording(
            outing=outing,
            patrol_id=_uuid7(outing.starts_at, rng),
            fixes=fixes,
            segments=tuple(_segments(fixes, outing, rng)),
            start_received_at=start_sent_at + _soon(rng),
            finished_at=finished_at,
            finish_received_at=finished_at and finished_at + delay + _soon(rng),
        )

    def _fixes(self, outing: Outing, rng: np.random.Generator) -> Fixes:
        if outing.original is not None:
            return self._alike(outing, outing.original, rng)
        grid = outing.grid
        fixes = self._walk(self._place(grid, outing.manner), outing, rng)
        if outing.manner is Manner.TWO_TRAILS:
            second = self._walk(self._elsewhere(grid), outing, rng)
            both = join((fixes, replace(second, at_ms=second.at_ms + 1_700)))
            fixes = both.take(np.argsort(both.at_ms, kind="stable"))
        fixes = _SPOILT.get(outing.manner, _unspoilt)(fixes, rng)
        return fixes.take(fixes.at_ms <= outing.ends_at.timestamp() * 1000)

    def _alike(self, outing: Outing, original: Outing, rng: np.random.Generator) -> Fixes:
        """The positions of the original at another time, each a step off."""
        fixes = self._fixes(original, np.random.default_rng([*self._seed, original.number]))
        later = round((outing.starts_at - original.starts_at) / timedelta(milliseconds=1))
        off = rng.normal(0, _STEP_OFF_M, (2, len(fixes)))
        moved = fixes.moved(fixes.lon + off[0] / METRES_PER_LON, fixes.lat + off[1] / METRES_PER_LAT)
        return replace(moved, at_ms=moved.at_ms + later)

    def _walk(self, place: DemoGrid, outing: Outing, rng: np.random.Generator) -> Fixes:
        pace, phone = _PACES.get(outing.manner, Pace()), outing.duty.worker.phone
        lanes = self._lanes_of(place)
        return walk(lanes, phone, pace, rng, started_at=outing.starts_at, minutes=outing.minutes)

    def _lanes_of(self, grid: DemoGrid) -> Lanes:
        if grid not in self._lanes:
            assert grid.shape
            rng = np.random.default_rng([*self._seed, int(str(grid.code)[-8:])])
            self._lanes[grid] = lay_lanes(grid.shape.flat, rng)
        return self._lanes[grid]

    def _place(self, grid: DemoGrid, manner: Manner) -> DemoGrid:
        """Where the walk really goes."""
        if manner in (Manner.ELSEWHERE, Manner.FAR_PLATE):
            return self._elsewhere(grid)
        return _root(grid) if manner is Manner.RIDDEN else grid

    def _elsewhere(self, grid: DemoGrid) -> DemoGrid:
        """A level-3 grid of another community."""
        others = [block for block in self._blocks if _root(block) is not _root(grid)]
        return others[int(grid.code.sequence) % len(others)]


def _root(grid: DemoGrid) -> DemoGrid:
    return _root(grid.parent) if grid.parent else grid


def _segments(fixes: Fixes, outing: Outing, rng: np.random.Generator) -> Iterator[SentSegment]:
    for seq, start in enumerate(range(0, len(fixes), _FIXES_PER_SEGMENT)):
        batch = fixes.take(np.arange(start, min(start + _FIXES_PER_SEGMENT, len(fixes))))
        upload = make_upload(batch, seq=seq, datum=Datum.WGS84)
        complete_at = datetime.fromtimestamp(upload.last_at_ms / 1000, UTC)
        sent_at = outing.received_at if outing.offline_hours else complete_at
        yield SentSegment(_uuid7(complete_at, rng), upload, sent_at + _soon(rng))


def _soon(rng: np.random.Generator) -> timedelta:
    """The time a message takes through a mobile network."""
    return timedelta(milliseconds=int(rng.integers(300, 9_000)))


def _uuid7(moment: datetime, rng: np.random.Generator) -> uuid.UUID:
    """A UUIDv7 (RFC 9562) as a phone makes one, but from our generator."""
    luck = int.from_bytes(rng.bytes(10))
    milliseconds = int(moment.timestamp() * 1000)
    version_and_luck = 0x7000 | luck >> 64 & 0x0FFF
    variant_and_luck = 0b10 << 62 | luck & (1 << 62) - 1
    return uuid.UUID(int=milliseconds << 80 | version_and_luck << 64 | variant_and_luck)


# --------------------------------------------------------------------------------------------- manners

_PACES: Mapping[Manner, Pace] = {
    Manner.CORNER: Pace(corners=_CORNER),
    Manner.BY_PLATES: Pace(corners=_CORNER),
    Manner.RIDDEN: Pace(speed_mps=_RIDING_MPS, pauses=0),
}


def _unspoilt(fixes: Fixes, _: np.random.Generator) -> Fixes:
    return fixes


def _jumpy(fixes: Fixes, rng: np.random.Generator) -> Fixes:
    """A handful of positions 200-800 m off, as between glass fronts."""
    off = rng.choice(np.arange(2, len(fixes) - 2), size=min(6, len(fixes) // 20), replace=False)
    lon, lat = fixes.lon.copy(), fixes.lat.copy()
    away = rng.uniform(200, 800, len(off)) * rng.choice([-1, 1], len(off))
    lon[off] += away / METRES_PER_LON
    lat[off] += away[::-1] / METRES_PER_LAT
    return fixes.moved(lon, lat)


def _silent(fixes: Fixes, rng: np.random.Generator) -> Fixes:
    """The screen went dark early and the phone stopped telling until shortly before the end."""
    awake = np.arange(len(fixes)) / len(fixes)
    return fixes.take((awake < rng.uniform(0.15, 0.3)) | (awake > rng.uniform(0.88, 0.95)))


def _interrupted(fixes: Fixes, _: np.random.Generator) -> Fixes:
    """Nothing for some minutes in the middle."""
    part = np.arange(len(fixes)) / len(fixes)
    return fixes.take((part < 0.46) | (part > 0.57))


def _inaccurate(fixes: Fixes, rng: np.random.Generator) -> Fixes:
    """Indoors: most positions come from cell towers."""
    poor = rng.random(len(fixes)) < 0.985
    accuracy = np.where(poor, rng.uniform(60, 190, len(fixes)), fixes.accuracy_m)
    shift = np.where(poor, rng.normal(0, 45, (2, len(fixes))), 0.0)
    moved = fixes.moved(fixes.lon + shift[0] / METRES_PER_LON, fixes.lat + shift[1] / METRES_PER_LAT)
    return replace(moved, accuracy_m=accuracy)


def _mocked(fixes: Fixes, _: np.random.Generator) -> Fixes:
    return replace(fixes, mock=np.ones(len(fixes), np.bool_))


def _frozen(fixes: Fixes, _: np.random.Generator) -> Fixes:
    """One exact position for the whole time, as most fake-position apps give."""
    return fixes.moved(np.full(len(fixes), fixes.lon[0]), np.full(len(fixes), fixes.lat[0]))


def _constant(fixes: Fixes, _: np.random.Generator) -> Fixes:
    return replace(fixes, accuracy_m=np.full(len(fixes), 5.0))


_SPOILT: Mapping[Manner, Callable[[Fixes, np.random.Generator], Fixes]] = {
    Manner.JUMPY: _jumpy,
    Manner.SILENT: _silent,
    Manner.INACCURATE: _inaccurate,
    Manner.MOCKED: _mocked,
    Manner.FROZEN: _frozen,
    Manner.CONSTANT: _constant,
    Manner.KILLED: _interrupted,
    Manner.NO_PERMISSION: _interrupted,
    Manner.FLAT: _interrupted,
    Manner.NO_FIX: _interrupted,
    Manner.PAUSED: _interrupted,
    Manner.STAIRS: _interrupted,
    Manner.BY_PLATES: _interrupted,
}
