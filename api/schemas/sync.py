"""The sync on the wire."""

import uuid
from datetime import date, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from api.problems import TYPE_BASE, status_of
from api.sync.receiving import MAX_ITEMS, Answer, Receipt
from api.sync.sending import Named
from core.clock import now
from core.storable import Body

MAX_ASKED = 2000


class SyncItemIn(BaseModel):
    """One item, for the documentation only: batches are taken apart by api/sync/receiving.py."""

    kind: str = Field(
        examples=["patrol", "segment", "check_in", "gap", "visit", "finding", "finish", "appeal"]
    )
    id: uuid.UUID
    parent: uuid.UUID | None = Field(default=None, description="what it belongs to: the patrol of a segment")
    revision: int | None = Field(default=None, description="that a change of a household is made from")
    body: dict[str, Any] = Field(description="as the address of one such item takes it")


class SyncBatchIn(BaseModel):
    """What waited on a phone, for the documentation only."""

    device_id: uuid.UUID | None = None
    sent_at: AwareDatetime | None = Field(
        default=None, description="by the phone's clock, to measure its error"
    )
    items: list[SyncItemIn] = Field(max_length=MAX_ITEMS)


def batch_schema() -> dict[str, Any]:
    """The schema of a batch in one piece: references would point outside the document."""
    schema = SyncBatchIn.model_json_schema()
    schema["properties"]["items"]["items"] = schema.pop("$defs")["SyncItemIn"]
    return schema


class SyncAnswerOut(BaseModel):
    """What became of an item. Only `stored` and `duplicate` are done; `kept_aside` names the kept row.

    `refused` was not stored at all, because too much of this person waits already: send it again later.
    """

    kind: str
    id: uuid.UUID | None
    outcome: Literal["stored", "duplicate", "conflict", "quarantined", "refused"]
    problem: dict[str, Any] | None
    kept_aside: str | None

    @classmethod
    def of(cls, answer: Answer) -> "SyncAnswerOut":
        problem = answer.problem
        told = None
        if problem is not None:
            told = {
                "type": TYPE_BASE + problem.code,
                "status": status_of(type(problem)),
                **problem.members(),
            }
        return cls.model_validate(
            {
                "kind": answer.item.kind[:40],
                "id": answer.item.item_id,
                "outcome": answer.outcome,
                "problem": told,
                "kept_aside": told and told.get("kept_aside"),
            }
        )


class SyncReceiptOut(BaseModel):
    """One answer for each item, in their order; everything in it is on disk.

    `high_water` counts what came from this phone by kind. When the epoch changes or a count goes back, the
    server has forgotten something: ask /v1/sync/known and send what is missing again.
    """

    items: list[SyncAnswerOut]
    server_id: uuid.UUID
    epoch: str
    server_time: datetime
    clock_offset_s: float | None = Field(description="server minus phone; null without sent_at")
    high_water: dict[str, int]

    @classmethod
    def of(cls, receipt: Receipt, sent_at: datetime | None) -> "SyncReceiptOut":
        offset_s = None if sent_at is None else round((receipt.received_at - sent_at).total_seconds(), 1)
        return cls(
            items=[SyncAnswerOut.of(answer) for answer in receipt.answers],
            server_id=receipt.epoch.server_id,
            epoch=receipt.epoch.token,
            server_time=now(),
            clock_offset_s=offset_s,
            high_water=receipt.marks,
        )


class SyncPageOut(BaseModel):
    """What changed since the cursor; everything, when `reset`.

    Keep `cursor` once all of the reply is stored, and ask with it next time; while `more`, at once. `changed`
    has whole items by feed, each with its `id`; `removed` the ids of those that are gone, or no longer yours.
    """

    server_id: uuid.UUID
    epoch: str
    server_time: datetime
    day: date = Field(description="the local day for which this holds")
    cursor: str
    reset: bool = Field(description="forget everything received before this reply")
    more: bool
    changed: dict[str, list[dict[str, Any]]]
    removed: dict[str, list[str]]
    high_water: dict[str, int]


class KnownItemIn(Body):
    """One item that the phone once sent."""

    kind: str = Field(max_length=40)
    id: uuid.UUID

    def named(self) -> Named:
        return Named(self.kind, self.id)


class KnownIn(Body):
    """What the phone wants to know about."""

    items: list[KnownItemIn] = Field(max_length=MAX_ASKED)


class KnownItemOut(BaseModel):
    """Stored, kept aside, or missing: then send it again."""

    kind: str
    id: uuid.UUID
    state: Literal["stored", "kept", "missing"]


class KnownOut(BaseModel):
    """In the order asked."""

    items: list[KnownItemOut]

    @classmethod
    def of(cls, asked: KnownIn, states: list[str]) -> "KnownOut":
        pairs = zip(asked.items, states, strict=True)
        found = [{"kind": one.kind, "id": one.id, "state": state} for one, state in pairs]
        return cls.model_validate({"items": found})
