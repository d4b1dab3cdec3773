"""What a page needs to offer the thresholds of a policy: name, unit, words, default and bounds.

The list itself is the dataclass in patrol/policies.py; a unit is read from the end of a name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from core.errors import FieldError
from patrol.policies import Policy

# The end of a name -> unit, lowest and highest value; the first that fits.
_UNITS: tuple[tuple[str, str, float, float], ...] = (
    ("per_week", "patrols", 0, 21),
    ("distinct_days", "days", 1, 7),
    ("_ratio", "ratio", 0, 1),
    ("minutes_in_grid", "min", 0, 1440),
    ("_minutes", "min", 0, 1440),
    ("_hours", "h", 0, 168),
    ("_mps", "m/s", 0, 60),
    ("_s", "s", 0, 86_400),
    ("_metres", "m", 0, 100_000),
    ("_m", "m", 0, 100_000),
    ("_fixes", "fixes", 0, 100_000),
    ("per_device", "people", 0, 100),
)
_ANY = ("", 0.0, 1e6)
# With nothing here no position could be believed at all.
_AT_LEAST: Mapping[str, float] = {"max_speed_mps": 1, "max_gap_s": 10, "max_accuracy_m": 5}
_WORDS: Mapping[str, tuple[str, str]] = {
    "required_per_week": ("每周巡查次数", "patrols required in a week"),
    "min_minutes_in_grid": ("在本网格内的最少时间", "least time inside the grid"),
    "min_in_grid_ratio": ("在本网格内的最小时间比例", "least share of the time inside the grid"),
    "min_coverage_ratio": ("最小覆盖比例（蜂窝单元）", "least share of the grid's cells walked"),
    "min_checkpoint_ratio": ("最小到点比例（巡查点位）", "least share of the checkpoints visited"),
    "min_dwell_s": ("室外点位最少停留时间", "least stay at an outdoor checkpoint"),
    "max_indoor_minutes": (
        "两次楼内打卡之间最多计入的时间",
        "most time that two plates of one building prove",
    ),
    "min_metres": ("最少步行距离", "least distance walked"),
    "min_gap_hours": ("两次计入的巡查最小间隔", "least time between the starts of two that count"),
    "distinct_days": ("每周巡查至少分布的天数", "days on which the required patrols must fall"),
    "max_speed_mps": ("最大可信速度", "fastest speed that is believed"),
    "max_gap_s": ("轨迹中断的判定时间", "silence after which the track is broken"),
    "max_accuracy_m": ("可信定位精度上限", "largest accuracy radius that is believed"),
    "boundary_tolerance_m": ("网格边界容差", "tolerance at the grid's boundary"),
    "max_frozen_ratio": ("位置不动的最大时间比例", "largest share of the time at one frozen position"),
    "max_constant_accuracy_fixes": ("精度完全相同的最多点数", "most fixes with exactly the same accuracy"),
    "max_jump_ratio": ("跳点的最大比例", "largest share of jumps"),
    "max_alike_ratio": ("与他人轨迹相同的最大比例", "largest share of a track like somebody else's"),
    "max_people_per_device": ("一部手机每天最多使用人数", "most people with one phone on one day"),
    "max_clock_skew_s": ("手机时钟的最大误差", "largest error of the phone's clock"),
    "max_check_in_distance_m": ("打卡时与点位的最大距离", "largest distance from the plate when checking in"),
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """One threshold as a form shows it."""

    name: str
    unit: str
    zh: str
    en: str
    default: float
    least: float
    most: float
    is_whole: bool


def thresholds() -> list[Threshold]:
    """Every threshold of a policy, in the order of the dataclass."""
    return [_threshold(field.name, field.default) for field in fields(Policy)]


def threshold_errors(given: Mapping[str, Any]) -> Iterator[FieldError]:
    """What is wrong with thresholds as somebody gives them."""
    known = {one.name: one for one in thresholds()}
    for name, value in given.items():
        pointer = f"/thresholds/{name[:60]}"
        if name not in known:
            yield FieldError(pointer, "unknown-threshold", "没有这个参数 / there is no such threshold")
        elif (detail := _fault(known[name], value)) is not None:
            yield FieldError(pointer, "out-of-range", detail)
    days, required = given.get("distinct_days"), given.get("required_per_week")
    if isinstance(days, int) and isinstance(required, int) and days > max(required, 1):
        detail = "天数不能多于次数 / there cannot be more days than patrols"
        yield FieldError("/thresholds/distinct_days", "more-days-than-patrols", detail)


def _fault(known: Threshold, value: Any) -> str | None:
    told = f"{known.zh}：{known.least:g}–{known.most:g} {known.unit}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{told}，须为数字 / must be a number"
    if not known.least <= value <= known.most:
        return f"{told} / from {known.least:g} to {known.most:g}"
    if known.is_whole and value != int(value):
        return f"{told}，须为整数 / must be a whole number"
    return None


def _threshold(name: str, default: Any) -> Threshold:
    unit, least, most = next((row[1:] for row in _UNITS if name.endswith(row[0])), _ANY)
    zh, en = _WORDS.get(name, (name, name.replace("_", " ")))
    is_whole = isinstance(default, int)
    return Threshold(name, unit, zh, en, default, _AT_LEAST.get(name, least), most, is_whole)
