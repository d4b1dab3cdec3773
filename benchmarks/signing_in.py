"""People with tokens, made without the cost of a password."""

import uuid
from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from access import tokens
from access.accounts import Post, assign, create_person_with_account
from access.passwords import PasswordHash
from access.roles import Role
from access.scope import EVERYWHERE, system_actor
from benchmarks.city import CityGrid, code_of
from core.clock import now
from core.settings import load_settings
from patrol.models import Patrol

ACTOR = system_actor("benchmark")
NO_PASSWORD = PasswordHash("*")


def _signed_in(session: Session, post: Post) -> tuple[str, uuid.UUID]:
    username = f"bench-{uuid.uuid4().hex[:8]}"
    person_id = create_person_with_account(
        session, ACTOR, name="测试", username=username, password_hash=NO_PASSWORD
    )
    assign(session, ACTOR, person_id, post)
    _, pair = tokens.start(session, person_id, "benchmark", load_settings().access)
    return pair.access_token, person_id


def token_of_operator(engine: Engine) -> str:
    """An access token that sees the whole city."""
    with Session(engine) as session, session.begin():
        return _signed_in(session, Post(Role.ADMIN, area=EVERYWHERE))[0]


def token_of_member(engine: Engine, grid: CityGrid) -> tuple[str, uuid.UUID]:
    """An access token of a member of the grid, and an open patrol of theirs."""
    patrol_id = uuid.uuid4()
    with Session(engine) as session, session.begin():
        token, person_id = _signed_in(session, Post(Role.MEMBER, grid_code=code_of(grid.grid_id)))
        started_at = now() - timedelta(hours=1)
        session.add(
            Patrol(
                patrol_id=patrol_id,
                person_id=person_id,
                grid_id=grid.grid_id,
                source="app",
                started_at=started_at,
            )
        )
    return token, patrol_id
