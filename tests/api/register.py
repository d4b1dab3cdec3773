"""A street with households, and how tests of the register talk to it."""

import uuid
from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from tests import make

ClientOf = Callable[[Actor], TestClient]

HOUSEHOLD = "01920000-0000-7000-8000-0000000000a1"
OTHER_HOUSEHOLD = "01920000-0000-7000-8000-0000000000a2"
RESIDENT = "01920000-0000-7000-8000-0000000000b1"
OTHER_RESIDENT = "01920000-0000-7000-8000-0000000000b2"
IN_A11, IN_A12, IN_B11, NOWHERE = (
    [118.902, 32.105],
    [118.907, 32.105],
    [118.93, 32.105],
    [118.99, 32.105],
)


def household_body(**changes: Any) -> dict[str, Any]:
    return {"position": IN_A11, "kind": "registered", "room": "302", "code": "H1", **changes}


def resident_body(**changes: Any) -> dict[str, Any]:
    return {"household": HOUSEHOLD, "name": "张小红", "relation": "head", **changes}


def member(session: Session, tree: make.StreetTree, username: str = "member") -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=tree.a11, username=username)


def some_id(number: int) -> str:
    return str(uuid.UUID(int=0x01920000_0000_7000_8000_000000001000 + number))
