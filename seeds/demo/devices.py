"""Phones of the demo workers: one each, and one that was lent for a day."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from access.models import Device, DeviceUse
from seeds.demo.copying import copy_rows
from seeds.demo.outings import Manner, Outing
from seeds.demo.workers import Worker

_MODELS = (("android", "HUAWEI nova 11"), ("android", "Redmi Note 13"), ("ios", "iPhone 13"))
_APP_VERSION = "0.4.0"
# By how much the clock of the phone was wrong: what the server added to its times.
_CLOCK_OFFSETS_S: Mapping[Manner, int] = {Manner.CLOCK_OFF: 174, Manner.CLOCK_WRONG: 552}


def device_of(worker: Worker) -> uuid.UUID:
    """The id of a worker's own phone."""
    return uuid.uuid5(worker.person_id, "phone")


def clock_offset_s(outing: Outing) -> int:
    """What the server added to the times that the phone told on this outing."""
    return _CLOCK_OFFSETS_S.get(outing.manner, 0)


def store_devices(session: Session, outings: Sequence[Outing]) -> None:
    """Every phone that was out is known, with everybody who worked with it."""
    times: dict[Worker, dict[Worker, list[datetime]]] = {}
    for outing in outings:
        owner = outing.phone_of or outing.duty.worker
        times.setdefault(owner, {}).setdefault(outing.duty.worker, []).append(outing.starts_at)
    devices, uses = [], []
    for number, (owner, of_phone) in enumerate(times.items()):
        platform, model = _MODELS[number % len(_MODELS)]
        seen = sorted(at for starts in of_phone.values() for at in starts)
        known: dict[str, Any] = {"device_id": device_of(owner), "platform": platform, "model": model}
        told = {"app_version": _APP_VERSION, "registered_at": seen[0], "seen_at": seen[-1]}
        devices.append({**known, **told})
        uses += [
            {
                "device_id": device_of(owner),
                "person_id": worker.person_id,
                "first_at": min(starts),
                "last_at": max(starts),
            }
            for worker, starts in of_phone.items()
        ]
    copy_rows(session, Device, devices)
    copy_rows(session, DeviceUse, uses)
