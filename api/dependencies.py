"""What a route may ask for: a session inside the request's one transaction, and who is asking.

`scope="function"` makes the commit happen before the response is written, so that a failing commit is still a
proper problem.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy.orm import Session

from access.scope import Actor
from access.tokens import actor_of
from core.database import reading
from core.errors import Unauthenticated
from core.settings import Settings

bearer = OAuth2PasswordBearer(tokenUrl="/v1/auth/token", auto_error=False)


def settings_of(request: Request) -> Settings:
    settings = request.app.state.settings
    assert isinstance(settings, Settings)
    return settings


def write_session(request: Request) -> Iterator[Session]:
    with request.app.state.sessions.begin() as session:  # commit on return, rollback on raise
        yield session


def read_session(request: Request) -> Iterator[Session]:
    timeout_ms = settings_of(request).database.statement_timeout_ms
    with reading(request.app.state.sessions, timeout_ms=timeout_ms) as session:
        yield session


AppSettings = Annotated[Settings, Depends(settings_of)]
WriteSession = Annotated[Session, Depends(write_session, scope="function")]
ReadSession = Annotated[Session, Depends(read_session, scope="function")]
BearerToken = Annotated[str | None, Depends(bearer)]


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated request: who asks, and the session to answer in."""

    session: Session
    actor: Actor


def _call(session: Session, token: str | None) -> Call:
    if token is None:
        raise Unauthenticated
    return Call(session, actor_of(session, token))


def read_call(session: ReadSession, token: BearerToken) -> Call:
    return _call(session, token)


def write_call(session: WriteSession, token: BearerToken) -> Call:
    return _call(session, token)


Reading = Annotated[Call, Depends(read_call, scope="function")]
Writing = Annotated[Call, Depends(write_call, scope="function")]
