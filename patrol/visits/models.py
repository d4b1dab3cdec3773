"""Visits with every version of a corrected one, the forms they are filled in by, and the needs they find."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy import text as sql_text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.models import Base


class VisitForm(Base):
    """One version of a form 走访表; it never changes, a better one is another version."""

    __tablename__ = "visit_forms"
    __table_args__ = (
        UniqueConstraint("code", "version"),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint(
            "theme IN ('employment', 'hardship', 'needs', 'safety', 'routine')",
            name="theme",
        ),
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="dates"),
    )

    form_id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    code: Mapped[str]  # "hardship"
    version: Mapped[int]
    theme: Mapped[str]
    zh: Mapped[str]
    en: Mapped[str]
    clause: Mapped[str]  # "DB32/T 2763-2015 7.1.2.1"
    # JSON Schema 2020-12 of the answers (patrol/visits/forms.py). Not jsonb, which sorts names: phones show
    # the fields in the order in which they were written.
    definition: Mapped[dict[str, Any]] = mapped_column(JSON)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]  # first day on which it is no longer offered; it stays readable
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_by: Mapped[str]


class Visit(Base):
    """One call at a household's door or by phone, as it stands after all corrections that have arrived.

    Whether it counts is derived (patrol/visits/counting.py), and so is the grid: the household lies in it on
    the day of the visit.
    """

    __tablename__ = "visits"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('met', 'not_home', 'refused', 'moved_away', 'by_phone', 'withdrawn')",
            name="outcome",
        ),
        CheckConstraint(
            "theme IN ('employment', 'hardship', 'needs', 'safety', 'routine')",
            name="theme",
        ),
        CheckConstraint("(lon IS NULL) = (lat IS NULL)", name="position"),
        # What a due list reads of a visit, so that it need not touch the rows.
        Index(None, "household_id", "at", postgresql_include=["outcome", "follow_up_on"]),
        Index(None, "person_id", "at"),
        Index(None, "at", "visit_id"),
        Index(None, "patrol_id", postgresql_where=sql_text("patrol_id IS NOT NULL")),
    )

    visit_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # made by the phone
    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("households.household_id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.person_id"))
    at: Mapped[datetime]  # device time
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    outcome: Mapped[str]  # "withdrawn" only by a correction: entered by mistake
    theme: Mapped[str]
    form_id: Mapped[int | None] = mapped_column(ForeignKey("visit_forms.form_id"))
    answers: Mapped[dict[str, Any]]
    note: Mapped[str]
    patrol_id: Mapped[uuid.UUID | None]  # as the phone says; that patrol may arrive later
    follow_up_on: Mapped[date | None]  # what the answers promise (7.1.2.1: plan)
    lon: Mapped[float | None]  # of the phone, CGCS2000
    lat: Mapped[float | None]
    accuracy_m: Mapped[float | None]
    source_datum: Mapped[str | None]
    proof: Mapped[dict[str, Any] | None]  # which plate was scanned, as the phone says
    photos: Mapped[list[str]] = mapped_column(ARRAY(Text))  # SHA-256, hexadecimal; they may arrive later
    body_hash: Mapped[bytes]  # of what was first delivered
    revision: Mapped[int] = mapped_column(SmallInteger, server_default="1")


class VisitVersion(Base):
    """What a corrected visit said: first, and after each correction. Uncorrected visits have no row here."""

    __tablename__ = "visit_versions"
    __table_args__ = (Index(None, "visit_id", "made_at"),)

    version_id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True
    )  # the visit's for the first, else the phone's
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visits.visit_id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.person_id"))
    made_at: Mapped[datetime]  # device time; the latest holds, in whatever order they arrive
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    reason: Mapped[str]
    outcome: Mapped[str]
    theme: Mapped[str]
    form_id: Mapped[int | None] = mapped_column(ForeignKey("visit_forms.form_id"))
    answers: Mapped[dict[str, Any]]
    note: Mapped[str]
    body_hash: Mapped[bytes]


class Need(Base):
    """Something a household needs, found on a visit: open until a case takes it over."""

    __tablename__ = "needs"
    __table_args__ = (
        CheckConstraint("urgency IN ('normal', 'soon', 'urgent')", name="urgency"),
        CheckConstraint("status IN ('open', 'handed', 'withdrawn')", name="status"),
        CheckConstraint("(status = 'handed') = (handed_to IS NOT NULL)", name="handed_to"),
        Index(None, "visit_id"),
        Index(None, "status", "found_at", "need_id"),
    )

    need_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # made of the visit and what is needed
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visits.visit_id"))
    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("households.household_id"), index=True)
    found_at: Mapped[datetime]  # device time of the visit
    kind: Mapped[str]  # patrol/visits/needs.py
    detail: Mapped[str]
    urgency: Mapped[str]
    status: Mapped[str]
    handed_to: Mapped[uuid.UUID | None]  # the case that took it over
