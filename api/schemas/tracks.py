"""A patrol's track as GeoJSON (RFC 7946)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np

from geo.datums import from_cgcs2000
from patrol.sight import Break, Stop, Stretch, TrackView

_DIGITS = 7  # a centimetre
_CAUSES: dict[str, tuple[str, str]] = {
    "killed": ("手机系统关闭了应用", "the phone ended the app"),
    "permission_lost": ("定位权限被关闭", "the permission to locate was taken away"),
    "battery": ("手机没电", "the battery was empty"),
    "no_fix": ("没有定位信号", "there was no signal"),
    "paused": ("巡查人员暂停了记录", "the walker paused the recording"),
    "silence": ("没有收到定位，情况不明", "no positions came; nobody knows why"),
    "ride": ("速度过快，不计入步行", "too fast to be walked"),
}


def track_document(view: TrackView, datum: str) -> dict[str, Any]:
    """The track in a datum: walked stretches, breaks, check-ins; what is unknown says so."""
    return {
        "type": "FeatureCollection",
        "patrol_id": str(view.patrol_id),
        "datum": datum,
        "features": [
            *(_walked(stretch, datum) for stretch in view.stretches),
            *(_summary(stretch, datum) for stretch in view.summary),
            *(_break(one, datum) for one in view.breaks),
            *(_stop(one, datum) for one in view.stops),
        ],
    }


def _walked(stretch: Stretch, datum: str) -> dict[str, Any]:
    times = [_text(at) for at in stretch.at]
    told = {"kind": "walked", "from_at": times[0], "to_at": times[-1], "times": times}
    return _feature(_line(stretch, datum), told)


def _summary(stretch: Stretch, datum: str) -> dict[str, Any]:
    zh, en = "原始定位已按期限删除，只保留路线。", "The positions were deleted when due; the path is kept."
    return _feature(_line(stretch, datum), {"kind": "path", "zh": zh, "en": en})


def _break(one: Break, datum: str) -> dict[str, Any]:
    zh, en = _CAUSES[one.cause]
    is_known = one.cause == "ride"
    told = {
        "kind": "ride" if is_known else "gap",
        "cause": one.cause,
        "is_reported": one.cause not in ("silence", "ride"),
        "is_unknown": not is_known,
        "from_at": _text(one.from_at),
        "to_at": _text(one.to_at),
        "zh": zh,
        "en": en,
    }
    return _feature(_line(one.ends, datum) if one.ends else None, told)


def _stop(one: Stop, datum: str) -> dict[str, Any]:
    told = {
        "kind": "check_in",
        "checkpoint_id": str(one.checkpoint_id),
        "name": one.name,
        "proof": one.proof,
        "at": _text(one.at),
    }
    if one.lon is None or one.lat is None:
        return _feature(None, told)
    ((lon, lat),) = _positions([one.lon], [one.lat], datum)
    return _feature({"type": "Point", "coordinates": [lon, lat]}, told)


def _line(stretch: Stretch, datum: str) -> dict[str, Any]:
    positions = [[lon, lat] for lon, lat in _positions(stretch.lon, stretch.lat, datum)]
    return {"type": "LineString", "coordinates": positions}


def _positions(lon: Any, lat: Any, datum: str) -> Iterator[tuple[float, float]]:
    x, y = from_cgcs2000(lon, lat, datum)
    return zip(np.round(x, _DIGITS).tolist(), np.round(y, _DIGITS).tolist(), strict=True)


def _feature(geometry: dict[str, Any] | None, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
