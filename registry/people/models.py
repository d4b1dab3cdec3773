"""Households, residents, tags. ID and phone numbers are sealed (core/secrecy.py), names are masked.

Like every place (docs/decisions/0010) a household lies in the grid that covers its position on the day; its
position is its own, else that of its address, else that of its building.
"""

import uuid
from datetime import date, datetime
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    UniqueConstraint,
    func,
)
from sqlalchemy import text as sql_text
from sqlalchemy.orm import Mapped, mapped_column

from core.models import Base
from geo.models import CGCS2000


class Household(Base):
    """A household 户 at one door: what visits and duties are counted by."""

    __tablename__ = "households"
    __table_args__ = (
        CheckConstraint("kind IN ('registered', 'floating', 'collective', 'vacant')", name="kind"),
        CheckConstraint(
            "geom IS NOT NULL OR address_id IS NOT NULL OR building_id IS NOT NULL", name="position"
        ),
        UniqueConstraint("street_code", "code"),
        Index("ix_households_geom", "geom", postgresql_using="gist"),
        Index(None, "street_code", "household_id"),  # keyset pages
    )

    household_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # made by the client
    street_code: Mapped[str] = mapped_column(ForeignKey("divisions.code"))
    code: Mapped[str | None]  # what the owner of the list calls it; a file's row finds its household by it
    address_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("addresses.address_id"), index=True)
    building_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("buildings.building_id"), index=True)
    entrance: Mapped[str | None]  # 单元
    floor: Mapped[str | None]
    room: Mapped[str | None]  # 室
    kind: Mapped[str]  # 户籍, 流动, 集体, 空户
    geom: Mapped[WKBElement | None] = mapped_column(Geometry("POINT", srid=CGCS2000, spatial_index=False))
    source_datum: Mapped[str]
    source: Mapped[str]
    manual_grid_id: Mapped[int | None] = mapped_column(ForeignKey("grids.grid_id"), index=True)
    attributes: Mapped[dict[str, Any]]
    collected_at: Mapped[datetime | None]  # when somebody last filled or confirmed the data at the door
    retired_on: Mapped[date | None]  # moved away or pulled down; first day without it
    revision: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_by: Mapped[str]


class Resident(Base):
    """A person who lives in a household. Erased ones keep their row and lose everything that names them."""

    __tablename__ = "residents"
    __table_args__ = (
        CheckConstraint("sex IS NULL OR sex IN ('male', 'female')", name="sex"),
        CheckConstraint("residence IN ('registered', 'floating', 'other')", name="residence"),
        CheckConstraint("left_on IS NULL OR joined_on IS NULL OR left_on >= joined_on", name="dates"),
        Index(None, "household_id"),
        Index(None, "street_code", "resident_id"),
        # One person stands once in a street; whoever moved out may come back elsewhere.
        Index(
            "uq_residents_id_number",
            "street_code",
            "id_number_index",
            unique=True,
            postgresql_where=sql_text("left_on IS NULL AND erased_at IS NULL"),
        ),
        Index(None, "phone_index"),
    )

    resident_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # made by the client
    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("households.household_id"))
    street_code: Mapped[str] = mapped_column(ForeignKey("divisions.code"))  # of the household
    name: Mapped[str]  # shown as 张**
    relation: Mapped[str | None]  # to the head of the household, GB/T 4761
    sex: Mapped[str | None]
    born_on: Mapped[date | None]
    residence: Mapped[str]  # 户籍, 流动, 其他
    id_number_sealed: Mapped[bytes | None]
    id_number_index: Mapped[bytes | None]  # HMAC for equality (core/secrecy.py)
    phone_sealed: Mapped[bytes | None]
    phone_index: Mapped[bytes | None]
    joined_on: Mapped[date | None]
    left_on: Mapped[date | None]  # first day on which the person no longer lives there
    attributes: Mapped[dict[str, Any]]
    erased_at: Mapped[datetime | None]
    revision: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_by: Mapped[str]


class TagKind(Base):
    """One row of the list of tags 标签, valid for some days; never free text on persons."""

    __tablename__ = "tag_kinds"
    __table_args__ = (UniqueConstraint("code", "valid_from"),)

    tag_kind_id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    code: Mapped[str]  # "disabled"
    zh: Mapped[str]  # 残疾人
    en: Mapped[str]
    is_special: Mapped[bool]  # makes its household a special one: visited each quarter (annex A 16)
    is_restricted: Mapped[bool]  # 7.5.5: only for those who need to know
    clause: Mapped[str]  # "7.1.3.1; annex A note a"
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


class HouseholdTag(Base):
    """A tag on a household for some days, because of one of its residents or of all of it."""

    __tablename__ = "household_tags"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="dates"),
        Index(None, "household_id"),
    )

    household_tag_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("households.household_id"))
    resident_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("residents.resident_id"))
    tag: Mapped[str]  # TagKind.code
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]  # first day without it
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_by: Mapped[str]


class Residency(Base):
    """A stay of a resident in a household; written when somebody moves in, on or out."""

    __tablename__ = "residencies"
    __table_args__ = (Index(None, "resident_id"), Index(None, "household_id"))

    residency_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    resident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("residents.resident_id"))
    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("households.household_id"))
    valid_from: Mapped[date | None]  # as far as it is known
    valid_to: Mapped[date | None]  # first day without them


class RegistryChange(Base):
    """One change of a household, of those who live there or of its tags, for the command centre (9.3.3.2).

    `fields` says what changed; values that name a person are masked, others of persons left out. Writers of a
    street take turns, so within a street ids are given in the order of the commits: no reader misses one.
    """

    __tablename__ = "registry_changes"
    __table_args__ = (
        Index(None, "street_code", "change_id"),
        Index(None, "household_id"),
        Index(None, "resident_id"),
    )

    change_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    street_code: Mapped[str]
    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("households.household_id"))
    resident_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("residents.resident_id"))
    kind: Mapped[str]  # "household", "resident", "tags"
    event: Mapped[str]  # "created", "changed", "retired", "moved", "departed", "erased"
    fields: Mapped[list[dict[str, Any]]]  # [{"field", "before", "after"}]
    content_mark: Mapped[bytes | None]  # keyed hash of what was sent: the same sent again is known by it
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    actor: Mapped[str]  # as in the audit trail
    changed_by: Mapped[str]


class PersonalLook(Base):
    """That somebody looked at full numbers or searched by one: for counting; the trail says the rest."""

    __tablename__ = "personal_looks"
    __table_args__ = (Index(None, "person_id", "kind", "at"),)

    look_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    person_id: Mapped[uuid.UUID]
    kind: Mapped[str]  # "reveal", "search"
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
