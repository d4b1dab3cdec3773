"""Why a visit does not count and why a household is due: stable codes with sentences for the grid member."""

from dataclasses import dataclass

from patrol.coded import Coded, Sentences

_SENTENCES: Sentences = {
    # ---- why a visit does not count
    "visit-not-home": (
        "没有人在家，记为一次上门尝试，不计入走访次数。",
        "Nobody was at home: an attempt, which does not count as a visit.",
    ),
    "visit-refused": (
        "住户谢绝走访，记为一次上门尝试，不计入走访次数。",
        "The household declined: an attempt, which does not count as a visit.",
    ),
    "visit-moved-away": (
        "住户已搬走，不计入走访次数；请更新该户登记信息。",
        "The household has moved away, so the visit does not count; bring the register up to date.",
    ),
    "visit-by-phone": (
        "电话联系不计入本项走访要求，请上门。",
        "A phone call does not count for this duty; go to the door.",
    ),
    "visit-met": (
        "本项要求不计当面走访。",
        "Visits in person do not count for this duty.",
    ),
    "visit-withdrawn": (
        "本次走访已由本人更正为误录，不计入。",
        "The worker has withdrawn this visit as entered by mistake.",
    ),
    "visit-same-day": (
        "当天对该户已有一次计入的走访，一天只计一次。",
        "Another visit to this household counts for that day already; one counts per day.",
    ),
    # ---- why a household is on the list
    "due-special": (
        "特殊家庭本季度尚未走访（{done}/{required}），须在 {due_by} 前完成。",
        "A special household, visited {done} of {required} times this quarter; due by {due_by}.",
    ),
    "due-follow-up": (
        "上次走访约定 {follow_up_on} 回访。",
        "The last visit promised to come back on {follow_up_on}.",
    ),
    "due-never": (
        "自 {looked_back_to} 以来没有计入的走访，今年须走访 {required} 次。",
        "No visit that counts since {looked_back_to}; {required} are asked for this year.",
    ),
    "due-again": (
        "今年已走访 {done} 次，须走访 {required} 次；上次在 {last_on}。",
        "Visited {done} of {required} times this year, last on {last_on}.",
    ),
    "attempted": (
        "本期已上门 {attempts} 天未成（无人或谢绝），尚未完成。",
        "Tried on {attempts} days of this period without success; still not done.",
    ),
    "done": (
        "本期走访已完成。",
        "Done for this period.",
    ),
    # ---- when best to come
    "come-in-the-evening": (
        "白天多次无人，建议晚上（18:00–20:30）上门。",
        "Nobody was in by day; try between 18:00 and 20:30.",
    ),
    "come-at-the-weekend": (
        "工作日白天和晚上都无人，建议周末上门。",
        "Nobody was in on working days, by day or in the evening; try the weekend.",
    ),
    "come-by-day": (
        "晚上和周末都无人，建议工作日白天上门，或先电话联系。",
        "Nobody was in in the evening or at the weekend; try a working day, or call first.",
    ),
    "come-as-last-time": (
        "上次在 {hour} 时左右见到了人。",
        "Somebody was met around {hour} o'clock last time.",
    ),
    "call-first": (
        "上次谢绝走访，建议先电话预约。",
        "The household declined last time; call and agree on a time first.",
    ),
}

CODES = frozenset(_SENTENCES)


@dataclass(frozen=True, slots=True)
class VisitReason(Coded):
    """Why a visit counts or not, or why and when to come."""

    SENTENCES = _SENTENCES
