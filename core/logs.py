"""One log format for everything a process says, ours and the libraries', with no personal data in it."""

import logging
import re
import sys
import traceback
from collections.abc import Mapping
from typing import Any

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError
from structlog.typing import EventDict, WrappedLogger

from core.errors import DomainError
from core.settings import LogSettings

HIDDEN = "[hidden]"
PERSONAL_KEYS = {
    *("access_token", "authorization", "body", "cookie", "password", "refresh_token", "token"),
    *("fixes", "id_number", "lat", "lon", "name", "phone", "username"),
}
# An 18-digit identity number; a mainland mobile number. Epoch seconds (10 digits) and grid codes are neither.
PERSONAL_PATTERN = re.compile(r"(?<![0-9A-Za-z])(?:\d{17}[0-9Xx]|(?:\+?86[- ]?)?1[3-9]\d{9})(?![0-9A-Za-z])")
# The text of these speaks of the program; that of others (ValueError, a driver's error) may quote data.
SPEAKING_ERRORS = (AttributeError, ImportError, NameError, OSError, RuntimeError, TypeError)
# They tell what our own lines tell better; procrastinate would tell the arguments of jobs.
QUIET_LIBRARIES = {
    "procrastinate": logging.CRITICAL,
    "psycopg.pool": logging.ERROR,
    "uvicorn": logging.WARNING,
    "alembic": logging.WARNING,
}


def configure(settings: LogSettings) -> None:
    """Every line of this process goes to stderr in one format, with request id and without personal data."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        describe_exception,
        hide_personal,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(settings)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.level.upper())
    for name, level in QUIET_LIBRARIES.items():
        logging.getLogger(name).setLevel(level)


def describe_error(error: BaseException) -> str:
    """What went wrong, in words that cannot carry anybody's data: kind, code, constraint."""
    if isinstance(error, DBAPIError) and isinstance(error.orig, psycopg.Error):
        error = error.orig
    words = [type(error).__name__]
    if isinstance(error, DomainError):
        words.append(error.code)
    elif isinstance(error, psycopg.Error):
        words += [part for part in (error.sqlstate, error.diag.constraint_name) if part]
    elif isinstance(error, SPEAKING_ERRORS):
        words.append(mask(str(error)))
    return " ".join(words)


def describe_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """`exc_info` becomes kind and place of each error in the chain, without their texts."""
    found = event.pop("exc_info", None)
    error = found if isinstance(found, BaseException) else sys.exc_info()[1] if found is True else None
    if isinstance(found, tuple):
        error = found[1]
    if error is not None:
        event.setdefault("error", describe_error(error))
        event["exception"] = _trace(error)
    return event


def hide_personal(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: HIDDEN if key in PERSONAL_KEYS else _hidden(value) for key, value in event.items()}


def mask(text: str) -> str:
    return PERSONAL_PATTERN.sub(HIDDEN, text)


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {key: HIDDEN if key in PERSONAL_KEYS else _hidden(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(item) for item in value]
    return value


def _trace(error: BaseException) -> str:
    """Innermost call last; the error that caused this one first."""
    lines = []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        lines += [_trace(cause), "caused"]
    frames = traceback.extract_tb(error.__traceback__)
    lines += [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return "\n".join([*lines, describe_error(error)])


def _renderer(settings: LogSettings) -> structlog.typing.Processor:
    if settings.style == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
