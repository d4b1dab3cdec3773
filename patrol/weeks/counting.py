"""Which patrols of a week count, and how a person, a grid and a week stand.

Clause 11.2.1 of DB32/T 2763-2015: at least two patrols a week in one's own grid. The gap between them and the
distinct days are local settings (patrol/policies.py).
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from core.clock import Week, local_date
from patrol.judging.reasons import Reason, figure
from patrol.judging.verdicts import COUNTING, Status
from patrol.policies import Policy


@dataclass(frozen=True, slots=True)
class JudgedPatrol:
    """What the weekly count needs to know of a patrol."""

    patrol_id: uuid.UUID
    started_at: datetime
    status: Status
    is_late: bool = False  # delivered after the week was closed


@dataclass(frozen=True, slots=True)
class Counted:
    """Whether a patrol counts in its week, and if not, why."""

    patrol_id: uuid.UUID
    counted: bool
    reason: Reason | None


class GridStatus(StrEnum):
    """How the people of a grid stand."""

    MET = "met"
    PARTIAL = "partial"
    NONE = "none"
    UNASSIGNED = "unassigned"


def count_week(patrols: Iterable[JudgedPatrol], policy: Policy) -> list[Counted]:
    """Each patrol of one person, grid and week in order of start, with whether it counts.

    Greedy from the earliest: with a minimum gap and one patrol a day no other choice counts more.
    """
    answers: list[Counted] = []
    starts: list[datetime] = []
    for patrol in sorted(patrols, key=lambda patrol: (patrol.started_at, patrol.patrol_id)):
        reason = _not_counted(patrol, starts, policy)
        if reason is None:
            starts.append(patrol.started_at)
        answers.append(Counted(patrol.patrol_id, reason is None, reason))
    return answers


def _not_counted(patrol: JudgedPatrol, starts: list[datetime], policy: Policy) -> Reason | None:
    """Why a patrol does not count after those that began at `starts`; None when it does."""
    if patrol.status not in COUNTING:
        return Reason("pending-review" if patrol.status == Status.PENDING_REVIEW else "not-valid")
    if patrol.is_late:
        return Reason("too-late")
    if not starts:
        return None
    gap_hours = (patrol.started_at - starts[-1]) / timedelta(hours=1)
    if gap_hours < policy.min_gap_hours:
        # Rounded down, so that 11.97 hours are not shown as 12 beside "at least 12".
        measured, required = figure(int(gap_hours * 10) / 10, "h"), figure(policy.min_gap_hours, "h")
        return Reason("gap-too-short", {"measured": measured, "required": required})
    if not _day_is_free(patrol.started_at, starts, policy):
        return Reason("same-day", {"required": str(policy.distinct_days)})
    return None


def _day_is_free(started_at: datetime, starts: list[datetime], policy: Policy) -> bool:
    """A second patrol on a day counts only while the required days can still be reached with the others."""
    days = {local_date(start) for start in starts}
    if local_date(started_at) not in days:
        return True
    repeats = len(starts) - len(days)
    return repeats < policy.required_per_week - policy.distinct_days


def is_met(counted: int, policy: Policy) -> bool:
    """Whether so many counted patrols are enough for a week."""
    return counted >= policy.required_per_week


def grid_status(*, pairs_due: int, pairs_met: int, patrols_counted: int) -> GridStatus:
    """Everybody met it, somebody counted something, nobody did, or nobody was due."""
    if not pairs_due:
        return GridStatus.UNASSIGNED
    if pairs_met >= pairs_due:
        return GridStatus.MET
    return GridStatus.PARTIAL if patrols_counted else GridStatus.NONE


def active_in_week(week: Week, valid_from: date, valid_to: date | None) -> bool:
    """Whether an assignment held on some day of the week; `valid_to` is the first day without it."""
    return valid_from <= week.sunday and (valid_to is None or valid_to > week.monday)
