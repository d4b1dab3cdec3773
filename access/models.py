"""People, accounts, assignments and tokens."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from core.models import Base


class Person(Base):
    """Someone who works with the system."""

    __tablename__ = "people"

    person_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
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

    `path` is a prefix of Grid.path: a grid's own path for members and heads, "<street>/" for street staff,
    "" for the whole deployment. `grid_id` names the grid for members and heads.
    """

    __tablename__ = "assignments"
    __table_args__ = (
        CheckConstraint("(role IN ('member', 'head')) = (grid_id IS NOT NULL)", name="grid_roles"),
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
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


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
