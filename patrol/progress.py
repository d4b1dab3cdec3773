"""What a patrol still needs to count, as it stands now: the rules of the judge, and nothing is stored."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from access.scope import Actor
from core.clock import LOCAL_ZONE, Week, local_date
from geo.models import Grid
from patrol.judging.evidence import closing_of
from patrol.judging.judge import look_at
from patrol.judging.reasons import Reason, figure
from patrol.judging.verdicts import Check, Kind, Status
from patrol.models import Patrol
from patrol.policies import Policy
from patrol.presence.rules import StandingCheckpoint, Useless, Visit
from patrol.queries import readable_patrol
from patrol.weeks.counting import Counted, JudgedPatrol, count_week
from patrol.weeks.standing import Pair, grids_in_week, pairs_in_week
from patrol.weeks.substitutes import stand_ins_between

_DAYS_ZH = "一二三四五六日"
_DAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Sentence:
    """The same in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class WeekNeed:
    """Whether the week still needs a patrol; `would_count` if it met all that is asked for."""

    week: str
    counted: int  # the others that count
    required: int
    would_count: bool
    reason: Reason | None
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Progress:
    """A patrol as it stands now."""

    patrol_id: uuid.UUID
    would_be: Status
    summary: Sentence
    checks: tuple[tuple[Check, float], ...]  # with what is missing
    doubts: tuple[Check, ...]
    notes: tuple[Check, ...]
    minutes_recorded: float
    checkpoints_total: int
    visits: tuple[Visit, ...]
    useless: tuple[Useless, ...]
    left: tuple[StandingCheckpoint, ...]
    last_fix_at: datetime | None
    week: WeekNeed


def progress_of(session: Session, actor: Actor, patrol_id: uuid.UUID) -> Progress:
    """What is still missing, of a patrol that the actor may read. Raises: NotFound."""
    patrol = readable_patrol(session, actor, patrol_id)
    seen = look_at(session, patrol)
    verdict, presence = seen.verdict, seen.verdict.presence
    checks, doubts, notes = (
        tuple(one for one in verdict.results if one.kind == kind)
        for kind in (Kind.CHECK, Kind.DOUBT, Kind.NOTE)
    )
    visited = {visit.checkpoint_id for visit in presence.visits}
    standing = seen.recorded.evidence.checkpoints
    fixes = seen.recorded.fixes
    return Progress(
        patrol_id=patrol_id,
        would_be=verdict.status,
        summary=_summary(checks, doubts),
        checks=tuple((check, missing(check)) for check in checks),
        doubts=doubts,
        notes=notes,
        minutes_recorded=int(verdict.observed_s / 6) / 10,
        checkpoints_total=presence.total or len(standing),
        visits=presence.visits,
        useless=presence.useless,
        left=tuple(sorted((one for one in standing if one.checkpoint_id not in visited), key=_shown_order)),
        last_fix_at=datetime.fromtimestamp(int(fixes.at_ms.max()) / 1000, UTC) if len(fixes) else None,
        week=_week_need(session, patrol),
    )


def missing(check: Check) -> float:
    """What a check still needs, in its own unit."""
    return 0.0 if check.passed else round(check.required - check.measured, 3)


def _shown_order(one: StandingCheckpoint) -> tuple[str, str, str, str]:
    return (one.building or "", one.entrance or "", one.floor or "", one.name)


# ------------------------------------------------------------------------------------------- sentences

_WANTED = {
    "minutes_in_grid": ("在本网格内再巡查 {0} 分钟", "{0} more minutes inside the grid"),
    "in_grid_ratio": ("多在本网格内走，少在网格外停留", "more of the time inside the grid"),
    "metres": ("再步行 {0} 米", "{0} more metres on foot"),
    "coverage_ratio": ("再走到网格的 {0}", "{0} more of the grid"),
    "checkpoints": ("再到访 {0} 个点位", "{0} more checkpoints"),
}
_ALTERNATIVES = ("coverage_ratio", "checkpoints")


def _summary(checks: Sequence[Check], doubts: Sequence[Check]) -> Sentence:
    short = [check for check in checks if not check.passed]
    if short:
        either = [_wanted(check) for check in short if check.check in _ALTERNATIVES]
        each = [_wanted(check) for check in short if check.check not in _ALTERNATIVES]
        zh = [*(one.zh for one in each), *_joined((one.zh for one in either), "，或者")]
        en = [*(one.en for one in each), *_joined((one.en for one in either), " or ")]
        return Sentence(f"还差：{'；'.join(zh)}。", f"Still needed: {'; '.join(en)}.")
    if doubts:
        return Sentence(
            "各项都已达到要求，但有需要人工复核的地方，请看下面的说明。",
            "Everything asked for is met, but a person will have to look; see below.",
        )
    return Sentence(
        "各项都已达到要求，可以结束巡查。", "Everything asked for is met; the patrol can be finished."
    )


def _wanted(check: Check) -> Sentence:
    zh, en = _WANTED[check.check]
    amount = figure(missing(check), check.unit)
    return Sentence(zh.format(amount), en.format(amount))


def _joined(parts: Iterable[str], by: str) -> list[str]:
    joined = by.join(parts)
    return [joined] if joined else []


# ------------------------------------------------------------------------------------------------ week


def _week_need(session: Session, patrol: Patrol) -> WeekNeed:
    week = Week.of(patrol.started_at)
    pair = _pair_of(session, patrol, week)
    if pair is None:
        reason = Reason("not-assigned")
        return WeekNeed(str(week), 0, 0, False, reason, reason.zh, reason.en)
    others = [
        JudgedPatrol(one.patrol_id, one.started_at, one.status, one.is_late)
        for one in pair.patrols
        if one.patrol_id != patrol.patrol_id
    ]
    own = JudgedPatrol(patrol.patrol_id, patrol.started_at, Status.VALID, closing_of(patrol) is None)
    answers = {answer.patrol_id: answer for answer in count_week([*others, own], pair.policy)}
    started_at = {one.patrol_id: one.started_at for one in others}
    starts = [started_at[key] for key, one in answers.items() if one.counted and key != own.patrol_id]
    answer, counted, required = answers[own.patrol_id], len(starts), pair.policy.required_per_week
    told = _told(own, answer, starts, pair.policy)
    return WeekNeed(str(week), counted, required, answer.counted, answer.reason, told.zh, told.en)


def _pair_of(session: Session, patrol: Patrol, week: Week) -> Pair | None:
    """The pair that the patrol is made for: the walker's own, or that of somebody who is away."""
    grids = grids_in_week(session, Grid.grid_id == patrol.grid_id, week)
    pairs = {pair.person_id: pair for pair in pairs_in_week(session, grids, week)}
    if patrol.person_id in pairs or not pairs:
        return pairs.get(patrol.person_id)
    stand_ins = stand_ins_between(session, pairs, week.monday, week.sunday)
    away = [pairs[one.absent_id] for one in stand_ins if one.substitute_id == patrol.person_id]
    return min(away, key=lambda pair: (pair.counted, pair.person_id), default=None)


def _told(own: JudgedPatrol, answer: Counted, starts: Sequence[datetime], policy: Policy) -> Sentence:
    counted, required = len(starts), policy.required_per_week
    if answer.reason is None and counted >= required:
        return Sentence(
            f"本周要求的 {required} 次已经够了；这次达标也会计入，但不是必须的。",
            f"The {required} patrols of the week are made; this one counts too, but is not needed.",
        )
    if answer.reason is None:
        return Sentence(
            f"本周要求 {required} 次，其他已计入 {counted} 次；这次达标后计入。",
            f"{required} a week are asked for, {counted} others count; this one counts once all is met.",
        )
    more_zh, more_en = ("本周次数已够。", "The week is complete.")
    if counted < required:
        more_zh = f"本周还差 {required - counted} 次。"
        more_en = f"{required - counted} more this week."
    why = _why(own, answer.reason, starts, policy)
    return Sentence(f"{why.zh}{more_zh}", f"{why.en} {more_en}")


def _why(own: JudgedPatrol, reason: Reason, starts: Sequence[datetime], policy: Policy) -> Sentence:
    day = local_date(own.started_at)
    name_zh, name_en = f"周{_DAYS_ZH[day.weekday()]}", _DAYS_EN[day.weekday()]
    if reason.code == "same-day":
        return Sentence(
            f"您{name_zh}已有一次计入，这次不再计入，请改天再走。",
            f"One patrol of {name_en} counts already, this one does not; walk on another day.",
        )
    before = [start for start in starts if start <= own.started_at]
    if reason.code == "gap-too-short" and before:
        again = (max(before) + timedelta(hours=policy.min_gap_hours)).astimezone(LOCAL_ZONE)
        then_zh, then_en = f"周{_DAYS_ZH[again.weekday()]}", _DAYS_EN[again.weekday()]
        return Sentence(
            f"离上一次计入太近，这次不再计入；{then_zh} {again:%H:%M} 以后开始的才计入。",
            f"Too soon after the last that counts; one that begins after {then_en} {again:%H:%M} will count.",
        )
    return Sentence(reason.zh, reason.en)
