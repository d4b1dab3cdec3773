"""Organisations, shops and facilities 组织、商铺、设施. Whoever runs one is kept as a resident, not here."""

import uuid
from datetime import date, datetime
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from core.models import Base
from geo.models import CGCS2000


class Organisation(Base):
    """An organisation, a shop or a facility, at a position of its own or in its building."""

    __tablename__ = "organisations"
    __table_args__ = (
        CheckConstraint("kind IN ('organisation', 'shop', 'facility')", name="kind"),
        CheckConstraint("geom IS NOT NULL OR building_id IS NOT NULL", name="position"),
        CheckConstraint(
            "licensed_to IS NULL OR licensed_from IS NULL OR licensed_to > licensed_from", name="licence"
        ),
        UniqueConstraint("street_code", "code"),
        Index("ix_organisations_geom", "geom", postgresql_using="gist"),
        Index(None, "street_code", "organisation_id"),  # keyset pages
        Index(None, "credit_code"),
    )

    organisation_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # made by the client
    street_code: Mapped[str] = mapped_column(ForeignKey("divisions.code"))
    code: Mapped[str | None]  # what the owner of the list calls it; a file's row finds it by this
    name: Mapped[str]
    kind: Mapped[str]  # 组织, 商铺, 设施
    category: Mapped[str]  # registry/organisations/categories.py
    credit_code: Mapped[str | None]  # 统一社会信用代码, GB 32100; of legal persons, on public record
    building_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("buildings.building_id"), index=True)
    floor: Mapped[str | None]
    room: Mapped[str | None]
    licensed_from: Mapped[date | None]
    licensed_to: Mapped[date | None]  # first day without it
    geom: Mapped[WKBElement | None] = mapped_column(Geometry("POINT", srid=CGCS2000, spatial_index=False))
    source_datum: Mapped[str]
    source: Mapped[str]
    manual_grid_id: Mapped[int | None] = mapped_column(ForeignKey("grids.grid_id"), index=True)
    attributes: Mapped[dict[str, Any]]
    retired_on: Mapped[date | None]
    revision: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_by: Mapped[str]
