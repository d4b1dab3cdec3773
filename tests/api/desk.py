"""A division plan as a page works on it, over HTTP."""

import uuid
from typing import Any

from fastapi.testclient import TestClient

from core.clock import Week, today
from tests import make

MONDAY = Week.of_day(today()).shifted(2).monday


class Desk:
    """A plan as a page works on it: every call sends the revision it last saw."""

    def __init__(self, client: TestClient, *, street: str = make.STREET, title: str = "秋季调整") -> None:
        self.client = client
        self.address = f"/v1/plans/{uuid.uuid4()}"
        facts = {"street_code": street, "title": title, "valid_from": MONDAY.isoformat()}
        reply = client.put(self.address, json=facts)
        assert reply.status_code == 201, reply.text
        self.tag = reply.headers["etag"]

    def post(self, tool: str, body: Any = None, *, by: TestClient | None = None, **options: Any) -> Any:
        headers = {"If-Match": self.tag}
        reply = (by or self.client).post(f"{self.address}/{tool}", json=body, headers=headers, **options)
        self.tag = reply.headers.get("etag", self.tag)
        return reply

    def done(self, tool: str, body: Any = None, **options: Any) -> Any:
        reply = self.post(tool, body, **options)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def read(self, part: str = "") -> Any:
        return self.client.get(self.address + part).json()

    def approved(self, leader: TestClient) -> Any:
        self.done("submission")
        return self.done("approval", {"accept_warnings": True}, by=leader)
