"""Every reason a patrol can be given, as a stable code with a sentence in Chinese and in English.

Written for the grid member who reads it on the phone: what was measured, what is asked for, what may have
gone wrong. Figures are filled in when read, so stored verdicts keep only codes and numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SENTENCES: dict[str, tuple[str, str]] = {
    # ---- checks of one patrol
    "minutes-in-grid-met": (
        "在本网格内巡查 {measured} 分钟，达到至少 {required} 分钟的要求。",
        "{measured} minutes inside the grid; at least {required} are asked for.",
    ),
    "minutes-in-grid-short": (
        "在本网格内只有 {measured} 分钟，要求至少 {required} 分钟。手机没有定位的时间无法计入。",
        (
            "Only {measured} minutes inside the grid; at least {required} are asked for."
            " Time without positions from the phone cannot be counted."
        ),
    ),
    "in-grid-ratio-met": (
        "巡查时间的 {measured} 在本网格内，达到至少 {required} 的要求。",
        "{measured} of the time was spent inside the grid; at least {required} is asked for.",
    ),
    "in-grid-ratio-short": (
        "巡查时间只有 {measured} 在本网格内，要求至少 {required}。",
        "Only {measured} of the time was spent inside the grid; at least {required} is asked for.",
    ),
    "coverage-ratio-met": (
        "走到了网格的 {measured}，达到至少 {required} 的要求。",
        "{measured} of the grid was walked; at least {required} is asked for.",
    ),
    "coverage-ratio-short": (
        "只走到了网格的 {measured}，要求至少 {required}。请走到还没有去过的地方。",
        (
            "Only {measured} of the grid was walked; at least {required} is asked for."
            " Go to the parts not visited yet."
        ),
    ),
    "metres-met": (
        "步行 {measured} 米，达到至少 {required} 米的要求。",
        "{measured} metres walked; at least {required} are asked for.",
    ),
    "metres-short": (
        "只步行了 {measured} 米，要求至少 {required} 米。",
        "Only {measured} metres walked; at least {required} are asked for.",
    ),
    # ---- doubts that a person looks at
    "mock-positions": (
        "手机报告有 {measured} 个模拟位置，需要人工复核。使用外接定位设备时也会这样，请说明。",
        (
            "The phone reported {measured} simulated positions; a person will look at them."
            " An external receiver causes this too: say so."
        ),
    ),
    "two-trails": (
        "同时有两条轨迹（第二条 {measured} 个点），需要人工复核。可能改过手机时间，或用了两部手机。",
        (
            "Two trails at the same time ({measured} positions in the second); a person will look at them."
            " The phone's clock may have been moved, or two phones recorded."
        ),
    ),
    "replayed-track": (
        "轨迹与更早的一次巡查完全相同（{measured} 个点），需要人工复核。",
        "The track is the same as that of an earlier patrol, all {measured} positions; a person will look.",
    ),
    "frozen-position": (
        "巡查时间的 {measured} 里位置一动不动（最多 {required}），真实定位总会飘动，需人工复核。",
        (
            "The position did not move at all for {measured} of the time (at most {required}); a receiver"
            " always drifts a little, so a person will look."
        ),
    ),
    "constant-accuracy": (
        "{measured} 个点的定位精度完全相同（最多 {required} 个），需要人工复核。",
        "{measured} positions state exactly the same accuracy (at most {required}); a person will look.",
    ),
    # ---- why a patrol does not count in its week
    "not-valid": (
        "本次巡查未达到要求，不计入本周次数。",
        "The patrol did not meet the requirements, so it does not count.",
    ),
    "pending-review": (
        "本次巡查等待人工复核，通过后才计入本周次数。",
        "The patrol waits for a person's review; it counts once accepted.",
    ),
    "too-late": (
        "上传时本周已经截止（次周周三 24:00），不计入本周次数。",
        "It was delivered after the week had been closed (Wednesday 24:00), so it does not count.",
    ),
    "not-assigned": (
        "本周您不是该网格的负责人员，本次巡查不计入。",
        "You were not responsible for this grid that week, so the patrol does not count.",
    ),
    "gap-too-short": (
        "距上一次计入的巡查开始只有 {measured} 小时，要求至少 {required} 小时。",
        "It began {measured} hours after the last one that counts; at least {required} are asked for.",
    ),
    "same-day": (
        "当天已有一次计入的巡查，本周的巡查要求分在 {required} 天。",
        "Another patrol of that day counts already; the week's patrols must fall on {required} days.",
    ),
}

CODES = frozenset(_SENTENCES)


@dataclass(frozen=True, slots=True)
class Reason:
    """A code with the figures its sentences need."""

    code: str
    figures: Mapping[str, str] = field(default_factory=dict)

    @property
    def zh(self) -> str:
        return _SENTENCES[self.code][0].format(**self.figures)

    @property
    def en(self) -> str:
        return _SENTENCES[self.code][1].format(**self.figures)

    def members(self) -> dict[str, str]:
        return {"code": self.code, "zh": self.zh, "en": self.en}


def of_check(result: Mapping[str, Any]) -> Reason:
    """The reason of one stored check result, its figures written in its unit."""
    unit = result["unit"]
    figures = {name: figure(result[name], unit) for name in ("measured", "required")}
    return Reason(result["code"], figures)


def figure(value: float, unit: str) -> str:
    """A number as people write it in its unit: 79.9%, 18.4, 640."""
    if unit == "ratio":
        return f"{_plain(round(value * 100, 1))}%"
    return _plain(round(value, 1))


def _plain(value: float) -> str:
    return f"{value:g}" if abs(value) < 100_000 else f"{value:.0f}"
