"""The declarative base and the tables that belong to no single domain."""

import uuid
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    false,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# Constraint names are part of the contract: a violation becomes a domain error by its name.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar = {
        str: Text,
        bytes: LargeBinary,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
    }


class AuditEntry(Base):
    """One line of the append-only trail; each chain is hash-linked in `seq` order (core/audit.py)."""

    __tablename__ = "audit_entries"
    __table_args__ = (UniqueConstraint("chain", "seq"), Index(None, "subject"))

    entry_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    chain: Mapped[str]  # street code, or "" for what concerns the whole deployment
    seq: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    actor: Mapped[str]  # "person:<uuid>", "cli:<user>", "worker", "seed"
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]]
    previous_hash: Mapped[bytes]
    entry_hash: Mapped[bytes]


class DeadJob(Base):
    """A job that used up its attempts: taken out of the queue, kept for a person to look at."""

    __tablename__ = "dead_jobs"

    job_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    task_name: Mapped[str]
    args: Mapped[dict[str, Any]]
    lock: Mapped[str | None]
    queueing_lock: Mapped[str | None]
    attempts: Mapped[int]
    reason: Mapped[str]
    died_at: Mapped[datetime]


class WorkerHeartbeat(Base):
    """The last sign of life of each worker process; /readyz looks at the newest."""

    __tablename__ = "worker_heartbeats"

    worker_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime]


class QuarantinedItem(Base):
    """Something an authenticated person sent that could not be filed: kept with the reason, never dropped."""

    __tablename__ = "quarantined_items"
    __table_args__ = (
        # The same rejected body sent again is the same item.
        UniqueConstraint("person_id", "item_id", "body_hash", "reason"),
        Index(None, "subject_id"),
        Index(None, "person_id", "received_at"),
    )

    quarantine_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]  # "patrol-segment", later "visit", "hazard"
    item_id: Mapped[uuid.UUID]  # the id the client gave the thing
    subject_id: Mapped[uuid.UUID | None]  # what it belongs to, e.g. the patrol
    person_id: Mapped[uuid.UUID]
    reason: Mapped[str]  # the problem code
    problem: Mapped[dict[str, Any]]
    body: Mapped[bytes]
    is_sealed: Mapped[bool] = mapped_column(server_default=false())  # the body: core/secrecy.py
    body_hash: Mapped[bytes]
    received_at: Mapped[datetime]
    refiled_at: Mapped[datetime | None]


class CalendarDay(Base):
    """What kind of day the State Council, or an administrator, made of a date (core/work_calendar.py)."""

    __tablename__ = "calendar_days"
    __table_args__ = (CheckConstraint("kind IN ('workday', 'rest', 'holiday')", name="kind"),)

    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]  # of the holiday, or of the one that a working weekend makes up for; "" for plain days
    source: Mapped[str]  # "chinesecalendar", or the label of the person who set it
    is_provisional: Mapped[bool]  # expected, not published yet
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Photo(Base):
    """A photo that has arrived whole, named by the SHA-256 of its bytes (core/photos.py).

    What its EXIF says of time and place is evidence as the camera claims it; served copies carry none of it.
    """

    __tablename__ = "photos"
    __table_args__ = (Index(None, "received_at"),)

    photo_hash: Mapped[bytes] = mapped_column(primary_key=True)
    size_bytes: Mapped[int]
    media_type: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    taken_at: Mapped[datetime | None]
    lon: Mapped[float | None]  # WGS 84, by the EXIF standard; its numbers are those of CGCS2000
    lat: Mapped[float | None]
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class PhotoSender(Base):
    """Who has sent the bytes of a photo, and so held it: knowing its name alone opens nothing."""

    __tablename__ = "photo_senders"

    photo_hash: Mapped[bytes] = mapped_column(
        ForeignKey("photos.photo_hash", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class PhotoUse(Base):
    """A photo that something names, mostly before the photo itself has come; so no reference to `photos`."""

    __tablename__ = "photo_uses"
    __table_args__ = (Index(None, "kind", "item_id"), Index(None, "person_id"))

    photo_hash: Mapped[bytes] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)  # "finding", "visit", "appeal", ...: access/photos.py
    item_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    slot: Mapped[str] = mapped_column(primary_key=True)  # "before", "after"; "" where there is one kind only
    person_id: Mapped[uuid.UUID]  # who named it
    path: Mapped[str]  # of the grid that the thing belonged to on its day: decides who else may look
    named_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
