"""Errors as `application/problem+json` (RFC 9457); only this module knows a domain error's status."""

import uuid
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg.errors import (
    DeadlockDetected,
    LockNotAvailable,
    QueryCanceled,
    SerializationFailure,
    UniqueViolation,
)
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from api.addresses import allowed_methods
from api.field_texts import told
from core.errors import (
    BadQuery,
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    Outdated,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    Unguarded,
)
from core.problem_texts import titled

MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "urn:xunge:problem:"
RETRY_AFTER_S = "2"
CHALLENGE = 'Bearer realm="xunge"'  # unless an address takes more and says so in request.state
STATUS: dict[type[DomainError], int] = {
    Invalid: 422,
    BadQuery: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Outdated: 412,
    Unguarded: 428,
    Unavailable: 503,
    TooLarge: 413,
    TooMany: 429,
}
HTTP_CODES = {404: "no-such-address", 405: "method-not-allowed"}
_WRONG_METHOD = 405
_BAD_REQUEST = 400  # only the framework answers so, to bodies that it cannot parse at all
# The last: another's transaction took longer than a request may wait (XUNGE_DATABASE__LOCK_TIMEOUT_MS).
_AT_ONCE = (DeadlockDetected, SerializationFailure, LockNotAvailable)
log = structlog.get_logger(__name__)


class DatabaseDown(Unavailable):
    """The database does not answer; what you sent was not stored. Send it again."""

    code = "database-down"


class TookTooLong(Unavailable):
    """Finding this took longer than a request may; ask for less: a smaller area, fewer days, a page."""

    code = "took-too-long"


class Unstorable(Invalid):
    """This holds a character or a number that cannot be stored."""

    code = "unstorable"


class WrittenAtOnce(Unavailable):
    """Somebody else wrote the same at this moment; what you sent was not stored. Send it again."""

    code = "written-at-once"


PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "status", "title", "code", "instance"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "code": {"type": "string"},
        "instance": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {name: {"type": "string"} for name in ("pointer", "code", "detail")},
            },
        },
    },
}


def problem_replies(*kinds: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses=`: each status with the codes that may come with it."""
    declared: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        line = f"`{kind.code}`: {(kind.__doc__ or kind.code).strip().splitlines()[0]}"
        entry = declared.setdefault(
            status_of(kind), {"description": "", "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}}}
        )
        entry["description"] = f"{entry['description']}\n\n{line}".strip()
    return declared


def status_of(kind: type[DomainError]) -> int:
    return next(STATUS[base] for base in kind.__mro__ if base in STATUS)


def _headers_of(request: Request, error: DomainError) -> dict[str, str]:
    if isinstance(error, TooMany):
        return {"Retry-After": str(error.retry_after_s)}
    if isinstance(error, Unavailable):
        return {"Retry-After": RETRY_AFTER_S}
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": getattr(request.state, "challenge", CHALLENGE)}
    return {}


def problem_response(request: Request, error: DomainError) -> Response:
    """The reply for a domain error; a use-case that must commit returns its error instead of raising it."""
    return _reply(request, status_of(type(error)), error.members(), _headers_of(request, error))


def _reply(request: Request, status: int, members: dict[str, Any], headers: dict[str, str]) -> Response:
    request_id = getattr(request.state, "request_id", None) or uuid.uuid4()
    body = {
        **members,
        "type": TYPE_BASE + members["code"],
        "status": status,
        "instance": f"urn:uuid:{request_id}",
    }
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)


def _on_domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)
    return problem_response(request, error)


def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = [
        {"pointer": _pointer(item), "code": item["type"].replace("_", "-"), "detail": told(item)}
        for item in error.errors()
    ]
    return _reply(request, 422, {**Invalid().members(), "errors": fields}, {})


def _pointer(item: dict[str, Any]) -> str:
    """Where the fault is; validators that look at a whole body say it in their context."""
    named = "/" + "/".join(str(part) for part in item["loc"] if part != "body")
    whole = named.rstrip("/") + str(item.get("ctx", {}).get("at", "")) or "/"
    return whole.encode("utf-8", "replace").decode()  # a name may hold half a surrogate pair


def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == _BAD_REQUEST:
        return problem_response(request, Invalid(str(error.detail)))
    code = HTTP_CODES.get(error.status_code, "http-error")
    headers = dict(error.headers or {})
    if error.status_code == _WRONG_METHOD:
        headers["Allow"] = ", ".join(allowed_methods(request)) or headers.get("Allow", "")
    return _reply(request, error.status_code, {"code": code, "title": titled(code, error.detail)}, headers)


def _on_database_error(request: Request, error: Exception) -> Response:
    if isinstance(getattr(error, "orig", None), _AT_ONCE):
        return _written_at_once(request, error)
    if isinstance(getattr(error, "orig", None), QueryCanceled):
        log.warning("took_too_long", route=request.url.path)
        return problem_response(request, TookTooLong())
    log.warning("database_down", error=type(error).__name__)
    return problem_response(request, DatabaseDown())


def _on_data_error(request: Request, error: Exception) -> Response:
    """Bodies are checked where they come in (core/storable.py); this is for what addresses hold."""
    log.warning("unstorable", error=type(error).__name__)
    return problem_response(request, Unstorable())


def _on_integrity_error(request: Request, error: Exception) -> Response:
    """Two requests made the same row: the one that came second finds it when it asks again."""
    assert isinstance(error, IntegrityError)
    if not isinstance(error.orig, UniqueViolation):
        return _on_unknown_error(request, error)
    return _written_at_once(request, error)


def _written_at_once(request: Request, error: Exception) -> Response:
    log.warning("written_at_once", error=type(error).__name__)
    return problem_response(request, WrittenAtOnce())


def _on_unknown_error(request: Request, error: Exception) -> Response:
    log.error("internal_error", exc_info=error)
    title = titled("internal", "Something went wrong on our side.")
    return _reply(request, 500, {"code": "internal", "title": title}, {})


def install(app: FastAPI) -> None:
    app.add_exception_handler(DomainError, _on_domain_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    for down in (OperationalError, PoolTimeout):
        app.add_exception_handler(down, _on_database_error)
    app.add_exception_handler(DataError, _on_data_error)
    app.add_exception_handler(IntegrityError, _on_integrity_error)
    app.add_exception_handler(Exception, _on_unknown_error)
