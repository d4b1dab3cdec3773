"""One tree of errors; only api/problems.py knows HTTP statuses.

DomainError
├── Invalid          the input is wrong; `errors` names field and reason          422
│   ├── BadQuery     parameters that a published standard wants refused            400
│   └── TooLarge     more bytes than this address accepts                          413
├── Unauthenticated  nobody known is asking                                        401
├── Forbidden        known, visible, but not allowed                               403
├── NotFound         absent, or outside what the actor may see                     404
├── Conflict         contradicts what is already stored                            409
│   ├── Outdated     somebody changed it since it was read (If-Match)              412
│   └── Unguarded    the change does not say what it was read as (If-Match)        428
└── Unavailable      a part we depend on is down; the same request may work later  503
    └── TooMany      asked too often; wait `retry_after_s`                         429

A concrete error subclasses one kind and gives a stable `code`; its docstring is its title in English, and
core/problem_texts.py has the Chinese one.
Codes are never reused; docs/problems.md lists them all and a test compares.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from core.problem_texts import titled


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field: JSON pointer, stable code, sentence."""

    pointer: str
    code: str
    detail: str


class DomainError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"

    def __init__(self, detail: str | None = None, *, errors: Sequence[FieldError] = (), **extra: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(errors)
        self.extra = extra

    @property
    def title(self) -> str:
        """In Chinese and English, like every detail for people."""
        return titled(self.code, (type(self).__doc__ or self.code).strip().splitlines()[0])

    def members(self) -> dict[str, Any]:
        """The problem+json members that do not depend on HTTP."""
        body: dict[str, Any] = {"code": self.code, "title": self.title, **self.extra}
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = [asdict(error) for error in self.errors]
        return body


class Invalid(DomainError):
    """The request is not valid."""

    code = "invalid"


class Unauthenticated(DomainError):
    """Sign in first."""

    code = "unauthenticated"


class Forbidden(DomainError):
    """You are not allowed to do this."""

    code = "forbidden"


class NotFound(DomainError):
    """There is no such thing, or you may not see it."""

    code = "not-found"


class Conflict(DomainError):
    """This contradicts what is already stored."""

    code = "conflict"


class Outdated(Conflict):
    """This was changed since you read it; read it again and repeat your change."""

    code = "outdated"


class Unguarded(Conflict):
    """Say with If-Match which state your change is meant for."""

    code = "if-match-required"


class Unavailable(DomainError):
    """A part of the service is down; try again later."""

    code = "unavailable"


class BadQuery(Invalid):
    """This address cannot be asked like that."""

    code = "bad-query"


class TooLarge(Invalid):
    """This is larger than the service accepts."""

    code = "too-large"


class TooMany(Unavailable):
    """Too many requests; wait a little."""

    code = "too-many-requests"

    def __init__(self, detail: str | None = None, *, retry_after_s: int, **extra: Any) -> None:
        super().__init__(detail, retry_after_s=retry_after_s, **extra)
        self.retry_after_s = retry_after_s
