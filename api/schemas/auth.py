"""Signing in and /v1/me on the wire."""

import uuid
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from access.roles import Action, Role


class SignInForm(BaseModel):
    """The OAuth2 password form; `client_id` "web" asks for the refresh token as a cookie."""

    grant_type: Literal["password"] = "password"
    username: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=256)
    client_id: str = Field(default="app", pattern=r"^[A-Za-z0-9._-]{1,64}$")


class RefreshIn(BaseModel):
    """The refresh token of a client that keeps it itself; a browser sends its cookie instead."""

    model_config = ConfigDict(extra="forbid")

    refresh_token: str | None = Field(default=None, min_length=1, max_length=256)


class TokenOut(BaseModel):
    """A pair of tokens; `refresh_token` is null when it went into the cookie."""

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int
    refresh_token: str | None


class AssignmentOut(BaseModel):
    """A role held today: in a grid, in a street, or in a wider area without a name.

    `stands_in_for` names who is away and whose grid this is.
    """

    role: Role
    grid_code: str | None
    grid_name: str | None
    street_code: str | None
    street_name: str | None
    valid_from: date
    valid_to: date | None
    stands_in_for: str | None


class MeOut(BaseModel):
    """Who is signed in, what they may do, and the box (west, south, east, north) around their grids."""

    person_id: uuid.UUID
    name: str
    username: str
    roles: list[Role]
    assignments: list[AssignmentOut]
    bbox: tuple[float, float, float, float] | None
    actions: list[Action]
