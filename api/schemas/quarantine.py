"""Kept items on the wire."""

import uuid
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from api.schemas.patrols import PersonOut
from patrol.queries import KeptItem


class KeptItemOut(BaseModel):
    """Something that could not be filed, with the problem as it was answered."""

    id: uuid.UUID
    kind: str
    item_id: uuid.UUID
    subject_id: uuid.UUID | None
    person: PersonOut
    reason: str
    problem: dict[str, Any]
    body_bytes: int
    received_at: datetime
    refiled_at: datetime | None

    @classmethod
    def of(cls, item: KeptItem) -> "KeptItemOut":
        return cls(
            id=item.quarantine_id,
            kind=item.kind,
            item_id=item.item_id,
            subject_id=item.subject_id,
            person=PersonOut(id=item.person_id, name=item.person_name),
            reason=item.reason,
            problem=item.problem,
            body_bytes=item.body_bytes,
            received_at=item.received_at,
            refiled_at=item.refiled_at,
        )


class KeptPage(BaseModel):
    """Newest first."""

    items: list[KeptItemOut]
    next: str | None


class RefiledOut(BaseModel):
    """The item is filed; `repeated` when it was before this request."""

    repeated: bool
