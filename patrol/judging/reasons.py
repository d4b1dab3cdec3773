"""Every reason a patrol can be given, as a stable code with a sentence in Chinese and in English.

Written for the grid member who reads it on the phone: what was measured, what is asked for, what may have
gone wrong. Figures are filled in when read, so stored verdicts keep only codes and numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patrol.coded import Coded, Sentences

_SENTENCES: Sentences = {
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
    "coverage-ratio-waived": (
        "走到了网格的 {measured}（要求 {required}）；到访的点位已经够数，两项有一项达到即可。",
        (
            "{measured} of the grid was walked ({required} are asked for); the checkpoints visited are"
            " enough,"
            " and one of the two is all that is asked for."
        ),
    ),
    "checkpoints-met": (
        "到访了 {measured} 个点位，达到至少 {required} 个的要求。",
        "{measured} checkpoints visited; at least {required} are asked for.",
    ),
    "checkpoints-short": (
        "只到访了 {measured} 个点位，要求至少 {required} 个；走遍网格更多的地方也可以，两项有一项达到即可。",
        (
            "Only {measured} checkpoints visited; at least {required} are asked for. Walking more of the grid"
            " will do as well: one of the two is enough."
        ),
    ),
    "checkpoints-waived": (
        "到访了 {measured} 个点位（要求 {required} 个）；走到的范围已经足够，两项有一项达到即可。",
        (
            "{measured} checkpoints visited ({required} are asked for); enough of the grid was walked,"
            " and one"
            " of the two is all that is asked for."
        ),
    ),
    # ---- things to know
    "indoor-minutes": (
        "楼内两次打卡之间没有定位的 {measured} 分钟已计入（每段最多 {required} 分钟）。",
        (
            "{measured} minutes without positions between two plates of a building are counted (at most"
            " {required} each time)."
        ),
    ),
    "gap-killed": (
        "有 {measured} 分钟程序被手机关闭，没有记录；这段时间算“情况不明”，不算没有巡查，也不计入时长。",
        (
            "For {measured} minutes the phone had ended the app; that time is unknown, which is not the same"
            " as not patrolled, and adds nothing."
        ),
    ),
    "gap-permission-lost": (
        "有 {measured} 分钟定位权限被关闭，没有记录；这段时间算“情况不明”，不算没有巡查，也不计入时长。",
        (
            "For {measured} minutes the app was not allowed to see the position; that time is unknown,"
            " which is"
            " not the same as not patrolled, and adds nothing."
        ),
    ),
    "gap-battery": (
        "有 {measured} 分钟手机没电或省电，没有记录；这段时间算“情况不明”，不算没有巡查，也不计入时长。",
        (
            "For {measured} minutes the phone was out of power or saving it; that time is unknown,"
            " which is not"
            " the same as not patrolled, and adds nothing."
        ),
    ),
    "gap-no-fix": (
        "有 {measured} 分钟手机收不到定位，没有记录；这段时间算“情况不明”，不算没有巡查，也不计入时长。",
        (
            "For {measured} minutes the phone found no position; that time is unknown, which is not the same"
            " as not patrolled, and adds nothing."
        ),
    ),
    "gap-paused": (
        "有 {measured} 分钟暂停了记录；这段时间算“情况不明”，不计入时长。",
        "For {measured} minutes recording was paused; that time is unknown and adds nothing.",
    ),
    "clock-corrected": (
        "手机时间差了 {measured} 分钟，已按服务器时间更正。",
        "The phone's clock was {measured} minutes wrong; the times have been put right.",
    ),
    # ---- check-ins that prove nothing
    "check-in-outside-patrol": (
        "打卡时间不在本次巡查之内，打卡已保留，但不计入。",
        "The check-in is not within the time of the patrol; it is kept and proves nothing.",
    ),
    "checkpoint-elsewhere": (
        "该点位当天不在本网格（或已撤除），打卡已保留，但不计入。",
        "The checkpoint was not one of this grid on that day; the check-in is kept and proves nothing.",
    ),
    "plate-replaced": (
        "这块点位牌在打卡之前已经更换作废，打卡已保留，但不计入；请报告旧牌仍挂在现场。",
        (
            "This plate had been replaced before the check-in, which is kept and proves nothing;"
            " report that the"
            " old plate still hangs there."
        ),
    ),
    "plate-needed": (
        "室内和楼道点位要扫码、碰 NFC 或输入短码，只凭定位不能证明到访。",
        (
            "An indoor checkpoint is proved by its plate: scan it or type its short code; a position"
            " is not enough."
        ),
    ),
    "dwell-too-short": (
        "轨迹没有在该点位范围内停留足够的时间；请走近一些，或者扫码打卡。",
        "The track did not stay near the checkpoint long enough; go closer, or scan its plate.",
    ),
    # ---- doubts that a person looks at
    "shared-track": (
        (
            "轨迹与另一次同时进行的巡查有 {measured} 的路程走在一起（最多 {required}），"
            "需要人工复核。结伴巡查请说明。"
        ),
        (
            "For {measured} of the way the track runs together with another patrol of the same time (at most"
            " {required}); a person will look. If two of you walked together, say so."
        ),
    ),
    "copied-track": (
        "轨迹与更早的一次巡查步步相同，占路程的 {measured}（最多 {required}），需要人工复核。",
        (
            "For {measured} of the way the track repeats an earlier patrol step by step (at most {required});"
            " a person will look."
        ),
    ),
    "shared-device": (
        (
            "当天有 {measured} 个人的巡查来自这部手机（最多 {required} 人），需要人工复核。"
            "手机坏了借用的，请说明。"
        ),
        (
            "Patrols of {measured} people came from this phone on that day (at most {required}); a"
            " person will"
            " look. If a phone was lent, say so."
        ),
    ),
    "impossible-speed": (
        "有 {measured} 的定位点移动得比步行和骑车都快（最多 {required}），需要人工复核。",
        (
            "{measured} of the positions move faster than anybody walks or cycles (at most"
            " {required}); a person"
            " will look."
        ),
    ),
    "check-in-far": (
        "扫码打卡时手机离点位有 {measured} 米（最多 {required} 米），需要人工复核。",
        (
            "The phone was {measured} metres from a plate when it was scanned (at most {required}); a"
            " person will look."
        ),
    ),
    "clock-skew": (
        (
            "手机时间差了 {measured} 分钟（最多 {required} 分钟），"
            "已按服务器时间更正，需要人工复核。请打开自动校时。"
        ),
        (
            "The phone's clock was {measured} minutes wrong (at most {required}); the times have been"
            " put right,"
            " and a person will look. Let the phone set its time by itself."
        ),
    ),
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
class Reason(Coded):
    """Why a check of a patrol is as it is."""

    SENTENCES = _SENTENCES


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
