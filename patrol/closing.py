"""When a week closes to what comes late. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

from core.clock import Week

# Phones that were without a network may still deliver; then the week is closed (design 5: Wednesday 24:00).
GRACE = timedelta(days=3)


class WeekState(StrEnum):
    """Running, still open for late uploads, or closed for good."""

    RUNNING = "running"
    GRACE = "grace"
    CLOSED = "closed"


def week_state(week: Week, moment: datetime) -> WeekState:
    """Whether the week runs, may still receive late uploads, or stands as it is."""
    if moment < week.ends_at:
        return WeekState.RUNNING
    return WeekState.GRACE if moment < closes_at(week) else WeekState.CLOSED


def closes_at(week: Week) -> datetime:
    """First moment at which nothing delivered late changes the week: Thursday 00:00 after it."""
    return week.ends_at + GRACE
