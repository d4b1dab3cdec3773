"""Duties and the reminders that came of them."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Integer, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from core.models import Base


class Duty(Base):
    """So many facts of a kind per period for each subject, in a part of the tree, for some days.

    A period is measured by the row that holds on its first day: what was asked for does not change midway.
    """

    __tablename__ = "duties"
    __table_args__ = (
        CheckConstraint("subject IN ('pair', 'household', 'grid', 'community')", name="subject"),
        CheckConstraint("period IN ('week', 'month', 'quarter', 'half', 'year')", name="period"),
        CheckConstraint("count > 0", name="count"),
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="dates"),
        UniqueConstraint("code", "path", "kind", "valid_from"),
    )

    duty_id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    code: Mapped[str]  # "patrols", "full-visits": the same for all rows of one duty
    zh: Mapped[str]
    en: Mapped[str]
    fact: Mapped[str]  # patrol/duties/facts.py: the kind of fact that is counted
    subject: Mapped[str]
    count: Mapped[
        int
    ]  # per subject and period; patrols take it from their policy, this is the clause's figure
    period: Mapped[str]  # core/periods.py
    path: Mapped[str]  # prefix of Grid.path; "" is the default for all; the longest prefix wins
    kind: Mapped[str]  # GridVersion.kind; "" is any kind
    options: Mapped[dict[str, Any]]  # patrol/duties/rules.py gives the fields and their units
    clause: Mapped[str]
    is_on: Mapped[bool]  # off where nothing of this kind is recorded yet
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]  # first day without it


class Reminder(Base):
    """A message for somebody who will miss a duty; a repeat of the job adds none."""

    __tablename__ = "reminders"
    __table_args__ = (Index(None, "person_id", "made_at"),)

    # Made of person, duty, period, step and street: the same message is there once.
    reminder_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.person_id"))
    duty: Mapped[str]  # Duty.code
    period: Mapped[str]  # "2026-W47"
    step: Mapped[str]  # "wednesday", "friday", "thirty-days", "ten-days"; "summary-" before it for heads
    subject: Mapped[str]  # "own" or "summary": about one's own grids, or about those below
    grids: Mapped[list[dict[str, Any]]]  # code, name, required, done of each grid that it is about
    zh: Mapped[str]
    en: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime | None]
