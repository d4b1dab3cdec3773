"""What the health addresses answer."""

from typing import Literal

from pydantic import BaseModel


class AliveOut(BaseModel):
    status: Literal["alive"]


class CheckOut(BaseModel):
    name: str
    ok: bool
    detail: str


class ReadyOut(BaseModel):
    status: Literal["ready"]
    checks: list[CheckOut]
