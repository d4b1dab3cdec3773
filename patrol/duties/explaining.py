"""Sentences that say what a figure of a duty is made of, for the worker and for the desk."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.periods import PeriodKind
from patrol.duties.rules import Excused, Forecast, Status

PERIOD_WORDS: Mapping[PeriodKind, tuple[str, str]] = {
    PeriodKind.WEEK: ("本周", "this week"),
    PeriodKind.MONTH: ("本月", "this month"),
    PeriodKind.QUARTER: ("本季度", "this quarter"),
    PeriodKind.HALF: ("本半年", "this half-year"),
    PeriodKind.YEAR: ("本年", "this year"),
}

_STATUS: Mapping[Status, tuple[str, str]] = {
    Status.MET: ("已完成", "done"),
    Status.ON_TRACK: ("进度正常", "on track"),
    Status.AT_RISK: ("有完不成的风险", "at risk"),
    Status.WILL_MISS: ("按剩余工作日将完不成", "will be missed on the working days that are left"),
    Status.MISSED: ("未完成", "missed"),
    Status.EXEMPT: ("扣除后不要求", "nothing would be asked for"),
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """The same in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Share:
    """A number of households with what they are asked for and what was done."""

    subjects: int
    met: int
    required: int
    credited: int


def tell_one(kind: PeriodKind, unit: tuple[str, str], figures: tuple[int, int], words: Forecast) -> Sentence:
    """What one subject is asked for: "本周应完成 2 次巡查，已计入 1，还差 1：有完不成的风险"."""
    (zh, en), (required, done) = PERIOD_WORDS[kind], figures
    status_zh, status_en = _STATUS[words.status]
    left_zh = f"，还差 {words.left}" if words.left else ""
    left_en = f", {words.left} to go" if words.left else ""
    rest_zh, rest_en = _rest(words)
    return Sentence(
        f"{zh}应完成 {required} {unit[0]}，已计入 {done}{left_zh}：{status_zh}{rest_zh}。",
        f"{required} {unit[1]} are asked for {en}; {done} counted{left_en}: {status_en}{rest_en}.",
    )


def tell_many(
    kind: PeriodKind, standing: Share, arrived: Share, counts: tuple[int, int], words: Forecast
) -> Sentence:
    """The denominator of a grid's households, then what is left; `counts` are all and those left out."""
    (period_zh, period_en), (total, left_out) = PERIOD_WORDS[kind], counts
    zh = [f"{total} 户中{period_zh}应访 {standing.subjects} 户"]
    en = [f"of {total} households {standing.subjects} are to be visited {period_en}"]
    if arrived.subjects:
        zh.append(f"{arrived.subjects} 户本期新增（另计，已访 {arrived.met} 户）")
        en.append(f"{arrived.subjects} came during the period (apart; {arrived.met} done)")
    if left_out:
        zh.append(f"{left_out} 户不计（空户等）")
        en.append(f"{left_out} are not counted (vacant or of another kind)")
    zh.append(f"已完成 {standing.met} 户，计入 {standing.credited}/{standing.required} 次")
    en.append(f"{standing.met} done, {standing.credited} of {standing.required} visits counted")
    status_zh, status_en = _STATUS[words.status]
    pace_zh, pace_en = _pace(words)
    rest_zh, rest_en = _rest(words)
    return Sentence(
        f"{'，'.join(zh)}；{pace_zh}{status_zh}{rest_zh}。",
        f"{'; '.join(en)}. {pace_en}{status_en}{rest_en}.",
    )


def tell_excused(excused: Excused, required: int) -> Sentence:
    """What would be asked for without these days, and that it does not replace what is."""
    if excused.required == required:
        return Sentence("无可扣除的天数。", "No days that would change the figure.")
    zh, en = [], []
    if excused.holidays:
        zh.append(f"法定长假 {excused.holidays} 天")
        en.append(f"{excused.holidays} days of a long legal holiday")
    if excused.not_assigned:
        zh.append(f"非责任期 {excused.not_assigned} 天")
        en.append(f"{excused.not_assigned} days without the grid")
    return Sentence(
        f"扣除{'、'.join(zh)}后为 {excused.required} 次（标准未规定减免，仅供对照）。",
        f"Less {' and '.join(en)} it would be {excused.required}"
        " (the standard grants no exemption; for comparison).",
    )


def _rest(words: Forecast) -> tuple[str, str]:
    if words.status is not Status.WILL_MISS:
        return "", ""
    if words.still_possible:
        return "，用休息日仍可补上", ", but could still be made up on rest days"
    return "，本期已无法补上", " and can no longer be made up"


def _pace(words: Forecast) -> tuple[str, str]:
    """How many a working day are still needed, and how many can be done."""
    if not words.left:
        return "", ""
    if words.per_day_needed is None or words.per_day_possible is None:
        return f"还差 {words.left} 次：", f"{words.left} to go: "
    needed = f"{words.per_day_needed:.1f}"
    return (
        f"还差 {words.left} 次，每个工作日需 {needed} 次（可完成约 {words.per_day_possible:.0f} 次）：",
        f"{words.left} to go, {needed} a working day (about {words.per_day_possible:.0f} can be done): ",
    )
