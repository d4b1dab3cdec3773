"""People, accounts, assignments, tokens and devices."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models import Base


class Person(Base):
    """Someone who works with the system or stands in a grid's team.

    `affiliation` and `street_code` say who employs the person: the share of staff in grids (clause 10.1)
    counts those of a street and its communities, also the ones without a grid. Null where nobody has said so.
    """

    __tablename__ = "people"
    __table_args__ = (
        CheckConstraint("affiliation IN ('street', 'community', 'department', 'other')", name="affiliation"),
        CheckConstraint(
            "affiliation NOT IN ('street', 'community') OR street_code IS NOT NULL", name="staff_of_a_street"
        ),
        Index(None, "street_code"),
    )

    person_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    affiliation: Mapped[str | None]  # access/positions.py
    street_code: Mapped[str | None] = mapped_column(ForeignKey("divisions.code"))
    left_on: Mapped[date | None]  # first day on which the person no longer works there
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Account(Base):
    """A person's login; lock-out counters live here so that every process sees them."""

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("username"),
        CheckConstraint("username = lower(username)", name="lower"),
    )

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.person_id"), primary_key=True)
    username: Mapped[str]
    password_hash: Mapped[str]
    failed_logins: Mapped[int] = mapped_column(Integer, server_default="0")
    locked_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]


class Assignment(Base):
    """A role of a person on a part of the tree, for some days.

    `path` is a prefix of Grid.path: a grid's own path for members, heads and others of its team, "<street>/"
    for street staff, "" for the whole deployment. `grid_id` names the grid of a team; `position` is what the
    person is in that team, as the rules on its composition ask (clauses 10.2.1 to 10.2.3).
    """

    __tablename__ = "assignments"
    __table_args__ = (
        CheckConstraint("(role IN ('member', 'head', 'team')) = (grid_id IS NOT NULL)", name="grid_roles"),
        CheckConstraint("position IS NULL OR grid_id IS NOT NULL", name="position_in_a_grid"),
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="dates"),
        Index(None, "person_id"),
        Index(None, "grid_id"),
        Index("ix_assignments_path", "path", postgresql_ops={"path": "text_pattern_ops"}),
    )

    assignment_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.person_id"))
    role: Mapped[str]  # access/roles.py
    path: Mapped[str]
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("grids.grid_id"))
    position: Mapped[str | None]  # access/positions.py
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


class Absence(Base):
    """Days on which a person is away and a substitute holds the person's grids (the AB post, S0 7.3 c).

    It holds from `valid_from` until before the earlier of `valid_to` and `cancelled_on`; days that had passed
    when it was cancelled stay. Nobody is a substitute while away, so substitution never goes over two steps.
    """

    __tablename__ = "absences"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="dates"),
        CheckConstraint("substitute_id <> person_id", name="somebody_else"),
        CheckConstraint("(cancelled_at IS NULL) = (cancelled_on IS NULL)", name="cancelled"),
        CheckConstraint("cancelled_on >= valid_from", name="cancelled_on"),
        Index(None, "person_id"),
        Index(None, "substitute_id"),
    )

    absence_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # made by the client
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.person_id"))
    substitute_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.person_id"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    reason: Mapped[str]  # access/absences.py; shown to the person and to those who manage the team
    note: Mapped[str]
    created_by: Mapped[str]  # label of the actor
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    cancelled_on: Mapped[date | None]  # first day on which it no longer holds
    cancelled_at: Mapped[datetime | None]


class SignIn(Base):
    """One login on one device: the family that all its rotated tokens belong to."""

    __tablename__ = "sign_ins"
    __table_args__ = (Index(None, "person_id"),)

    sign_in_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.person_id"))
    client: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]  # absolute end, whatever is refreshed
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None]


class AccessToken(Base):
    """A short-lived bearer token, stored hashed."""

    __tablename__ = "access_tokens"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    sign_in_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sign_ins.sign_in_id"), index=True)
    expires_at: Mapped[datetime]


class RefreshToken(Base):
    """A one-time token that buys the next pair.

    `sealed_reply` is the pair it bought, encrypted under a key made from this token and the caller's
    Idempotency-Key: only the caller who lost the reply can open it again, the database alone cannot.
    """

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    sign_in_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sign_ins.sign_in_id"), index=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    replay_key_hash: Mapped[bytes | None]
    sealed_reply: Mapped[bytes | None]


class Device(Base):
    """A phone, browser or tracker, under an id that the app on it made; what it says of itself is a claim."""

    __tablename__ = "devices"

    device_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    platform: Mapped[str]  # "android", "ios", "web", "tracker"
    model: Mapped[str]
    app_version: Mapped[str]
    registered_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DeviceUse(Base):
    """Who worked with a device, and when first and last: one phone under many accounts is worth a look."""

    __tablename__ = "device_uses"

    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("devices.device_id"), primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.person_id"), primary_key=True)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    pending_items: Mapped[int | None]  # what waited on the device when it last said so
    pending_at: Mapped[datetime | None]


class TrackerToken(Base):
    """What a native tracker shows instead of signing in: it delivers positions of one person, no more."""

    __tablename__ = "tracker_tokens"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index(None, "person_id"),
        # A device has one: a new one takes the place of the old.
        Index(
            "uq_tracker_tokens_device", "device_id", unique=True, postgresql_where=text("revoked_at IS NULL")
        ),
    )

    tracker_token_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("devices.device_id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.person_id"))
    token_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    battery_percent: Mapped[int | None]  # as the tracker last said
