"""What the phones of the demo sent beside positions: check-ins at plates, and why nothing was recorded."""

import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from geo.area import distances_m
from geo.datums import Datum
from patrol.presence.models import CheckIn, PatrolGap
from patrol.presence.rules import BY_POSITION, OUTDOOR, StandingCheckpoint
from registry.models import Checkpoint, RetiredPlate
from registry.plates import PlateProof, short_code
from seeds.demo.copying import copy_rows
from seeds.demo.crew import MEMBER_GRID
from seeds.demo.devices import clock_offset_s
from seeds.demo.outings import Manner
from seeds.demo.recordings import Recording
from seeds.demo.stories import PLATED_GRID
from seeds.demo.street import DemoGrid

_GAPS: Mapping[Manner, str] = {
    Manner.KILLED: "killed",
    Manner.NO_PERMISSION: "permission_lost",
    Manner.FLAT: "battery",
    Manner.NO_FIX: "no_fix",
    Manner.PAUSED: "paused",
}
_PASSING_M = 80.0  # whoever comes so near a staircase goes in and scans its plate
_ON_THE_WAY = timedelta(seconds=4)
_CLAIMING = frozenset({Manner.CORNER, Manner.FROZEN})  # "I was there", says the worker; the track does not
_PASSING = frozenset({Manner.SOUND, Manner.JUMPY, Manner.LENT})

PlatesOf = Callable[[DemoGrid], Sequence[StandingCheckpoint]]


@dataclass(frozen=True, slots=True)
class _Scan:
    """A plate shown, or a place claimed by position."""

    plate: StandingCheckpoint
    at: datetime
    proof: str = PlateProof.TOKEN.value
    is_there: bool = True  # the phone says that it is at the plate
    generation: int = 1


def replace_plate(session: Session, plates: Sequence[StandingCheckpoint], retired_at: datetime) -> uuid.UUID:
    """The last staircase plate of these was torn off and replaced then; the id of its checkpoint."""
    plate = max((one for one in plates if one.kind != OUTDOOR), key=lambda one: one.name)
    key = plate.checkpoint_id
    old = session.scalars(select(Checkpoint.short_code).where(Checkpoint.checkpoint_id == key)).one()
    session.add(RetiredPlate(checkpoint_id=key, generation=1, short_code=old, retired_at=retired_at))
    new = {"generation": 2, "short_code": short_code(key.bytes[5:10])}
    session.execute(update(Checkpoint).where(Checkpoint.checkpoint_id == key).values(new))
    return key


def store_evidence(
    session: Session, recordings: Sequence[Recording], plates_of: PlatesOf, replaced_id: uuid.UUID
) -> None:
    """Check-ins and reported gaps of the recordings are in the database."""
    scans, gaps = [], []
    elsewhere = next(one.outing.grid for one in recordings if one.outing.grid.name == PLATED_GRID)
    for recording in recordings:
        own, manner = plates_of(recording.outing.grid), recording.outing.manner
        found = list(_scans(recording, own, replaced_id))
        if manner is Manner.PLATES:
            found += _useless(recording, own, plates_of(elsewhere)[0], replaced_id)
        scans += [_scan_row(recording, number, one) for number, one in enumerate(found)]
        if manner in _GAPS:
            gaps.append(_gap_row(recording, _GAPS[manner]))
    copy_rows(session, CheckIn, scans)
    copy_rows(session, PatrolGap, gaps)


def _scans(
    recording: Recording, plates: Sequence[StandingCheckpoint], replaced_id: uuid.UUID
) -> Iterator[_Scan]:
    """What was shown on the way."""
    manner = recording.outing.manner
    inside = [one for one in plates if one.kind != OUTDOOR]
    if manner is Manner.STAIRS:
        begin, end = _silence(recording)
        stairs = [one for one in inside if sum(one.building_id == two.building_id for two in inside) > 1]
        for plate, at in zip(stairs, (begin, end), strict=False):
            yield _Scan(plate, at)
    elif manner is Manner.BY_PLATES:
        begin, _ = _silence(recording)
        for number, plate in enumerate(plates):
            yield _Scan(plate, begin + timedelta(seconds=15 * number), PlateProof.SHORT_CODE.value)
    elif manner is Manner.FAR_PLATE:
        for plate in plates[:1]:
            yield _Scan(plate, recording.outing.starts_at + timedelta(minutes=10), is_there=False)
    elif manner in _CLAIMING and recording.outing.grid.name == MEMBER_GRID:
        yield from _claims(recording, [one for one in plates if one.kind == OUTDOOR])
    elif manner in _PASSING:
        yield from _passed(recording, inside, replaced_id)


def _claims(recording: Recording, plates: Sequence[StandingCheckpoint]) -> Iterator[_Scan]:
    for plate in plates:
        at = recording.outing.starts_at + timedelta(minutes=12)
        yield _Scan(plate, at, BY_POSITION, is_there=False)


def _useless(
    recording: Recording,
    plates: Sequence[StandingCheckpoint],
    of_another_grid: StandingCheckpoint,
    replaced_id: uuid.UUID,
) -> Iterator[_Scan]:
    """Every kind of check-in that proves nothing."""
    starts_at, ends_at = recording.outing.starts_at, recording.outing.ends_at
    inside = [one for one in plates if one.kind != OUTDOOR]
    good = next(one for one in inside if one.checkpoint_id != replaced_id)
    replaced = next(one for one in inside if one.checkpoint_id == replaced_id)
    yield _Scan(replaced, starts_at + timedelta(minutes=6), is_there=False)
    yield _Scan(good, starts_at + timedelta(minutes=9), BY_POSITION, is_there=False)
    yield _Scan(of_another_grid, starts_at + timedelta(minutes=14), is_there=False)
    yield _Scan(good, ends_at + timedelta(minutes=9))
    yield from _claims(recording, [one for one in plates if one.kind == OUTDOOR])


def _passed(
    recording: Recording, plates: Sequence[StandingCheckpoint], replaced_id: uuid.UUID
) -> Iterator[_Scan]:
    """Plates that the way leads past are scanned where it comes nearest."""
    fixes = recording.fixes
    for plate in plates:
        place = (np.full(len(fixes), plate.lon), np.full(len(fixes), plate.lat))
        distance = distances_m(fixes.lon, fixes.lat, *place)
        nearest = int(distance.argmin())
        if distance[nearest] <= _PASSING_M:
            generation = 2 if plate.checkpoint_id == replaced_id else 1
            yield _Scan(plate, _moment(int(fixes.at_ms[nearest])), is_there=False, generation=generation)


def _silence(recording: Recording) -> tuple[datetime, datetime]:
    """From shortly after the last position before the longest silence until shortly before the next."""
    at_ms = recording.fixes.at_ms
    last = int(np.diff(at_ms).argmax())
    a_moment = timedelta(seconds=3)
    return _moment(int(at_ms[last])) + a_moment, _moment(int(at_ms[last + 1])) - a_moment


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _scan_row(recording: Recording, number: int, scan: _Scan) -> dict[str, Any]:
    check_in_id = uuid.uuid5(recording.patrol_id, f"check-in {number}")
    is_shown = scan.proof != BY_POSITION
    return {
        "check_in_id": check_in_id,
        "patrol_id": recording.patrol_id,
        "checkpoint_id": scan.plate.checkpoint_id,
        "proof": scan.proof,
        "generation": scan.generation if is_shown else None,
        "at": scan.at,
        "clock_offset_s": clock_offset_s(recording.outing),
        "lon": scan.plate.lon if scan.is_there else None,
        "lat": scan.plate.lat if scan.is_there else None,
        "accuracy_m": 20.0 if scan.is_there else None,
        "datum": Datum.CGCS2000.value if scan.is_there else None,
        "body_hash": hashlib.sha256(check_in_id.bytes).digest(),
        "received_at": max(scan.at, recording.start_received_at) + _ON_THE_WAY,
    }


def _gap_row(recording: Recording, reason: str) -> dict[str, Any]:
    gap_id = uuid.uuid5(recording.patrol_id, f"gap {reason}")
    from_at, to_at = _silence(recording)
    return {
        "gap_id": gap_id,
        "patrol_id": recording.patrol_id,
        "from_at": from_at,
        "to_at": to_at,
        "reason": reason,
        "clock_offset_s": clock_offset_s(recording.outing),
        "body_hash": hashlib.sha256(gap_id.bytes).digest(),
        "received_at": to_at + _ON_THE_WAY,
    }
