"""A phone as the sync sees it: a queue, a store, a cursor; and the city it is in."""

import gzip
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from fastapi.testclient import TestClient

from tests import make
from tests.patrol.deliveries import Round, body_of

DEVICE = make.fixed_uuid("device")


@dataclass
class Phone:
    """What a careful app does: it stores before it keeps the cursor."""

    http: TestClient
    device_id: uuid.UUID = DEVICE
    cursor: str | None = None
    epoch: str | None = None
    store: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    sent: list[dict[str, Any]] = field(default_factory=list)

    def pull(self, *, is_kept: bool = True) -> dict[str, Any]:
        """One round; a reply that is not kept is one that got lost."""
        asked = {"device": str(self.device_id)} | ({"since": self.cursor} if self.cursor else {})
        reply = self.http.get("/v1/sync", params=asked)
        assert reply.status_code == 200, reply.text
        page: dict[str, Any] = reply.json()
        if is_kept:
            self._keep(page)
        return page

    def pull_all(self) -> list[dict[str, Any]]:
        pages = [self.pull()]
        while pages[-1]["more"]:
            pages.append(self.pull())
        return pages

    def push(self, *items: dict[str, Any], **members: Any) -> dict[str, Any]:
        body = {"device_id": str(self.device_id), "items": list(items), **members}
        reply = self.http.post("/v1/sync", content=json.dumps(body))
        assert reply.status_code == 200, reply.text
        self.sent += items
        told: dict[str, Any] = reply.json()
        return told

    def ids(self, feed: str) -> set[str]:
        return set(self.store.get(feed, {}))

    def _keep(self, page: dict[str, Any]) -> None:
        if page["reset"]:
            self.store = {}
        for feed, ids in page["removed"].items():
            for item_id in ids:
                del self.store[feed][item_id]
        for feed, items in page["changed"].items():
            self.store.setdefault(feed, {}).update({item["id"]: item for item in items})
        self.cursor, self.epoch = page["cursor"], page["epoch"]


def outcomes(receipt: dict[str, Any]) -> list[str]:
    return [item["outcome"] for item in receipt["items"]]


def patrol_item(walk: Round) -> dict[str, Any]:
    started_at = walk.start.started_at.isoformat()
    return _item("patrol", walk.patrol_id, {"grid_code": walk.grid_code, "started_at": started_at})


def segment_item(walk: Round, fixes: Any, name: str = "0", seq: int = 0) -> dict[str, Any]:
    body = json.loads(body_of(fixes, seq=seq))
    return {**_item("segment", walk.key(name).segment_id, body), "parent": str(walk.patrol_id)}


def finish_item(walk: Round) -> dict[str, Any]:
    return _item("finish", walk.patrol_id, {"finished_at": walk.finish.finished_at.isoformat()})


def items_of(walk: Round) -> list[dict[str, Any]]:
    return [patrol_item(walk), segment_item(walk, walk.fixes), finish_item(walk)]


def _item(kind: str, item_id: uuid.UUID, body: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "id": str(item_id), "body": body}


def unzipped_size(raw: bytes) -> int:
    return len(gzip.decompress(raw))
