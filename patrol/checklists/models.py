"""Checklists in their versions, themes of patrols, and findings."""

import uuid
from datetime import date, datetime
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Integer, Text, UniqueConstraint, func
from sqlalchemy import text as sql_text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.models import Base
from geo.models import CGCS2000


class Checklist(Base):
    """One version of a checklist; never changed, because findings and phones name it by code and version.

    Of several versions of a code the one for the longest path holds, then the one for the grid's kind, then
    the newest. A version without items ends the checklist there.
    """

    __tablename__ = "checklists"
    __table_args__ = (UniqueConstraint("code", "version"), CheckConstraint("version >= 1", name="version"))

    checklist_id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    code: Mapped[str]
    version: Mapped[int]  # counted per code, over all paths and kinds
    path: Mapped[str]  # prefix of Grid.path; "" is the default for all
    kind: Mapped[str]  # GridVersion.kind; "" is any kind
    valid_from: Mapped[date]
    field: Mapped[str]  # one of the service fields of chapter 7: patrol/checklists/fields.py
    zh: Mapped[str]
    en: Mapped[str]
    clause: Mapped[str]  # where it comes from, or "" for a local one
    aspects: Mapped[list[dict[str, Any]]]  # what may be wrong with an item: code, zh, en
    items: Mapped[list[dict[str, Any]]]  # code, zh, en, clause ("" = local), hint
    content_hash: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str]  # label of the actor


class PatrolThemes(Base):
    """What a patrol was made for (11.2.2), as last said by the phone's clock."""

    __tablename__ = "patrol_themes"

    patrol_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patrols.patrol_id"), primary_key=True)
    themes: Mapped[list[str]] = mapped_column(ARRAY(Text))  # sorted codes of service fields
    at: Mapped[datetime]  # device time
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class Finding(Base):
    """The result of one item on a patrol; never changed. Its photos are in `photo_uses`, kind "finding".

    `report` waits for the hazard that is made of it; `handed_to` names that then.
    """

    __tablename__ = "findings"
    __table_args__ = (
        CheckConstraint("result IN ('ok', 'handled', 'report')", name="result"),
        CheckConstraint("handed_to IS NULL OR result = 'report'", name="handed_to"),
        Index(None, "patrol_id"),
        Index(None, "person_id", "at"),
        Index(None, "at", "finding_id"),  # keyset pages
        Index(
            "ix_findings_open",
            "received_at",
            postgresql_where=sql_text("result = 'report' AND handed_to IS NULL"),
        ),
    )

    finding_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # made by the client
    patrol_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patrols.patrol_id"))
    person_id: Mapped[uuid.UUID]  # of the patrol
    checklist_id: Mapped[int] = mapped_column(ForeignKey("checklists.checklist_id"), index=True)
    item: Mapped[str]
    aspect: Mapped[str | None]
    result: Mapped[str]
    note: Mapped[str]
    at: Mapped[datetime]  # device time
    geom: Mapped[WKBElement | None] = mapped_column(Geometry("POINT", srid=CGCS2000, spatial_index=False))
    datum: Mapped[str | None]  # as declared
    accuracy_m: Mapped[float | None]
    handed_to: Mapped[uuid.UUID | None]
    body_hash: Mapped[bytes]
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
