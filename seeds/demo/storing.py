"""Street, crew and recordings as rows."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from geoalchemy2.shape import from_shape
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.models import Absence, Account, Assignment, Person
from access.passwords import PasswordHash
from core.clock import LOCAL_ZONE
from geo.cells import packed, polyfill
from geo.datums import Datum
from geo.fitting.topology import flat, geodesic_area_m2
from geo.models import CGCS2000, Grid, GridVersion
from patrol.models import Patrol, Segment
from seeds.base import ACTOR
from seeds.demo.copying import copy_rows
from seeds.demo.devices import clock_offset_s, device_of
from seeds.demo.places import STREET_CODE
from seeds.demo.recordings import Recording, SentSegment
from seeds.demo.street import DemoGrid
from seeds.demo.workers import Crew, Duty, Leave


@dataclass(frozen=True, slots=True)
class StoredGrid:
    """Where a grid of the demo is found in the database."""

    grid_id: int
    version_id: int
    path: str


def store_grids(session: Session, grids: Sequence[DemoGrid], valid_from: date) -> dict[DemoGrid, StoredGrid]:
    """The grids are in the database, valid from that day."""
    stored: dict[DemoGrid, StoredGrid] = {}
    # A path holds the grid's own id, so ids are taken first.
    grid_ids = _next_numbers(session, "grids", "grid_id", len(grids))
    version_ids = _next_numbers(session, "grid_versions", "version_id", len(grids))
    for grid, grid_id, version_id in zip(grids, grid_ids, version_ids, strict=True):
        above = stored[grid.parent].path if grid.parent else f"{STREET_CODE}/"
        stored[grid] = StoredGrid(grid_id, version_id, f"{above}{grid_id}/")
    created_at = datetime.combine(valid_from, time(9), LOCAL_ZONE)
    copy_rows(session, Grid, [_grid_row(grid, stored, created_at) for grid in grids])
    versions = [_version_row(grid, stored[grid], created_at) for grid in grids]
    copy_rows(session, GridVersion, versions)
    return stored


def _next_numbers(session: Session, table: str, column: str, count: int) -> Sequence[int]:
    number = func.nextval(func.pg_get_serial_sequence(table, column))
    return session.scalars(select(number).select_from(func.generate_series(1, count))).all()


def _grid_row(grid: DemoGrid, stored: Mapping[DemoGrid, StoredGrid], created_at: datetime) -> dict[str, Any]:
    return {
        "grid_id": stored[grid].grid_id,
        "code": str(grid.code),
        "level": grid.level,
        "parent_id": stored[grid.parent].grid_id if grid.parent else None,
        "street_code": grid.code.street_code,
        "community_code": grid.code.community_code,
        "path": stored[grid].path,
        "created_at": created_at,
    }


def _version_row(grid: DemoGrid, stored: StoredGrid, created_at: datetime) -> dict[str, Any]:
    shape = grid.shape.mapped if grid.shape else None
    return {
        "version_id": stored.version_id,
        "grid_id": stored.grid_id,
        "version": 1,
        "name": grid.name,
        "kind": grid.kind,
        "households": grid.households,
        "geom": from_shape(flat(shape), srid=CGCS2000) if shape else None,
        "area_m2": geodesic_area_m2(shape) if shape else None,
        "cells": packed(polyfill(shape)) if shape else None,
        "source_datum": Datum.CGCS2000.value,
        "attributes": grid.attributes,
        "valid_from": created_at.date(),
        "created_at": created_at,
    }


def store_crew(
    session: Session, crew: Crew, stored: Mapping[DemoGrid, StoredGrid], password_hash: PasswordHash
) -> None:
    """Everybody is in the database; the demo accounts share one password."""
    first_day = {duty.worker: duty.valid_from for duty in reversed(crew.duties)}
    first_day |= dict.fromkeys(crew.clerks, min(first_day.values()))
    people = [
        {
            "person_id": worker.person_id,
            "name": worker.name,
            "affiliation": crew.affiliations[worker].value,
            "street_code": STREET_CODE,
            "created_at": datetime.combine(day, time(9), LOCAL_ZONE),
        }
        for worker, day in first_day.items()
    ]
    accounts = [
        {"person_id": worker.person_id, "username": username, "password_hash": password_hash}
        for username, worker in crew.accounts.items()
    ]
    copy_rows(session, Person, people)
    copy_rows(session, Account, accounts)
    copy_rows(session, Assignment, list(_assignment_rows(crew.duties, stored)))
    copy_rows(session, Absence, [_absence_row(leave) for leave in crew.leaves])


def _assignment_rows(
    duties: Sequence[Duty], stored: Mapping[DemoGrid, StoredGrid]
) -> Iterator[dict[str, Any]]:
    for duty in duties:
        path = stored[duty.grid].path if duty.grid else duty.path
        label = f"{duty.worker.person_id} {duty.role} {path} {duty.valid_from}"
        yield {
            "assignment_id": uuid.uuid5(duty.worker.person_id, label),
            "person_id": duty.worker.person_id,
            "role": duty.role.value,
            "path": path,
            "grid_id": stored[duty.grid].grid_id if duty.grid else None,
            "position": duty.position.value if duty.position else None,
            "valid_from": duty.valid_from,
            "valid_to": duty.valid_to,
        }


def _absence_row(leave: Leave) -> dict[str, Any]:
    absent = leave.duty.worker.person_id
    return {
        "absence_id": uuid.uuid5(absent, f"absence {leave.valid_from}"),
        "person_id": absent,
        "substitute_id": leave.substitute.person_id,
        "valid_from": leave.valid_from,
        "valid_to": leave.valid_to,
        "reason": leave.reason.value,
        "note": "",
        "created_by": ACTOR,
        "created_at": datetime.combine(leave.valid_from, time(7), LOCAL_ZONE),
    }


def store_recordings(
    session: Session, recordings: Sequence[Recording], stored: Mapping[DemoGrid, StoredGrid]
) -> None:
    """The patrols and their segments are in the database, as if phones had sent them."""
    patrols = [_patrol_row(recording, stored) for recording in recordings]
    segments = [_segment_row(recording, sent) for recording in recordings for sent in recording.segments]
    copy_rows(session, Patrol, patrols)
    copy_rows(session, Segment, segments)


def _patrol_row(recording: Recording, stored: Mapping[DemoGrid, StoredGrid]) -> dict[str, Any]:
    return {
        "patrol_id": recording.patrol_id,
        "person_id": recording.outing.duty.worker.person_id,
        "grid_id": stored[recording.outing.grid].grid_id,
        "source": "app",
        "device_id": device_of(recording.outing.phone_of or recording.outing.duty.worker),
        "start_clock_offset_s": clock_offset_s(recording.outing),
        "finish_clock_offset_s": clock_offset_s(recording.outing),
        "started_at": recording.outing.starts_at,
        "start_received_at": recording.start_received_at,
        "finished_at": recording.finished_at,
        "finish_received_at": recording.finish_received_at,
    }


def _segment_row(recording: Recording, sent: SentSegment) -> dict[str, Any]:
    return {
        "segment_id": sent.segment_id,
        "patrol_id": recording.patrol_id,
        "seq": sent.upload.seq,
        "datum": sent.upload.datum,
        "clock_offset_s": clock_offset_s(recording.outing),
        "body_hash": sent.upload.body_hash,
        "received_at": sent.received_at,
        "fix_count": sent.upload.fix_count,
        "fixes": sent.upload.blob,
    }
