"""What the patrols below the account `head2` were made for, and what their checklists found."""

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.datums import Datum
from geo.models import CGCS2000
from patrol.checklists.fields import ServiceField
from patrol.checklists.models import Checklist, Finding, PatrolThemes
from seeds.demo.copying import copy_rows
from seeds.demo.recordings import Recording
from seeds.demo.stories import members_below_head
from seeds.demo.workers import Crew

_THEMES = (
    [ServiceField.SAFETY],
    [ServiceField.CITY_MANAGEMENT, ServiceField.SAFETY],
    [ServiceField.LIVELIHOOD, ServiceField.PUBLIC_ORDER],
)
_CHECKLISTS = ("safety", "city_management", "public_order")
# What was not in order: checklist, place in it, what became of it.
_FOUND = (
    ("safety", 6, "handled", "楼道口堆放纸箱，已与住户一起搬走。"),
    ("safety", 5, "report", "车棚外飞线充电，业主不在场。"),
    ("city_management", 1, "handled", "清理一处小广告。"),
    ("safety", 3, "report", "消防通道被私家车占用。"),
)
_A_WHILE = timedelta(minutes=3)


def store_themes(session: Session, recordings: Sequence[Recording], crew: Crew) -> None:
    """Themes of all these patrols and findings of some are in the database."""
    below = {duty.worker for duty in members_below_head(crew)} | {crew.accounts["member"]}
    shown = [one for one in recordings if one.outing.duty.worker in below]
    lists = {
        one.code: one for one in session.scalars(select(Checklist).where(Checklist.code.in_(_CHECKLISTS)))
    }
    themes: list[dict[str, Any]] = []
    findings: list[dict[str, Any]] = []
    for number, recording in enumerate(shown):
        themes.append(_theme_row(recording, number))
        if recording.finished_at and number % 2 == 0:
            found = _FOUND[number // 2 % len(_FOUND)]
            findings += _findings(recording, lists[found[0]], found)
    copy_rows(session, PatrolThemes, themes)
    copy_rows(session, Finding, findings)


def _theme_row(recording: Recording, number: int) -> dict[str, Any]:
    return {
        "patrol_id": recording.patrol_id,
        "themes": sorted(one.value for one in _THEMES[number % len(_THEMES)]),
        "at": recording.outing.starts_at,
        "received_at": recording.start_received_at,
    }


def _findings(
    recording: Recording, checklist: Checklist, found: tuple[str, int, str, str]
) -> Iterator[dict[str, Any]]:
    """The whole list was gone through; one item was not in order."""
    _, place, result, note = found
    for number, item in enumerate(checklist.items):
        is_found = number == place
        finding_id = uuid.uuid5(recording.patrol_id, f"finding {checklist.code} {item['code']}")
        fix = len(recording.fixes) * (number + 1) // (len(checklist.items) + 1)
        lon, lat = (float(axis[fix]) for axis in (recording.fixes.lon, recording.fixes.lat))
        at = datetime.fromtimestamp(int(recording.fixes.at_ms[fix]) / 1000, UTC)
        yield {
            "finding_id": finding_id,
            "patrol_id": recording.patrol_id,
            "person_id": recording.outing.duty.worker.person_id,
            "checklist_id": checklist.checklist_id,
            "item": item["code"],
            "aspect": None,
            "result": result if is_found else "ok",
            "note": note if is_found else "",
            "at": at,
            "geom": f"SRID={CGCS2000};POINT({lon:.9f} {lat:.9f})" if is_found else None,
            "datum": Datum.CGCS2000.value if is_found else None,
            "accuracy_m": 8.0 if is_found else None,
            "body_hash": hashlib.sha256(finding_id.bytes).digest(),
            "received_at": max(at, recording.start_received_at) + _A_WHILE,
        }
