"""The one place of authorisation: which part of the tree an actor may see, and what may be done there.

Every right is a role on a path prefix (docs/decisions/0002). Invisible is NotFound; visible but not allowed,
Forbidden.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlalchemy.sql.elements import SQLCoreOperations

from access.roles import ACTIONS, Action, Role
from core.errors import Forbidden, NotFound

# Below every path: "" is a prefix of all of them.
EVERYWHERE = ""
NOBODY = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class HeldRole:
    """An assignment that counts today: the person's own, or held for somebody who is away.

    `stands_in_for` names that person; the dates are then those of standing in.
    """

    assignment_id: uuid.UUID
    role: Role
    path: str
    grid_id: int | None
    valid_from: date
    valid_to: date | None
    stands_in_for: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, with the assignments that count today. `label` is how the audit trail names them."""

    person_id: uuid.UUID
    name: str
    username: str
    sign_in_id: uuid.UUID
    assignments: tuple[HeldRole, ...]
    label: str

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(held.role for held in self.assignments)

    @property
    def actions(self) -> frozenset[Action]:
        """Everything this actor may do somewhere."""
        return frozenset().union(*(ACTIONS[role] for role in self.roles))


def person_label(person_id: uuid.UUID) -> str:
    """How the audit trail names a person."""
    return f"person:{person_id}"


def system_actor(label: str) -> Actor:
    """An actor without a person, for the command line, seeds and jobs: an administrator of everything.

    `label` names it in the audit trail, like "cli:root".
    """
    everything = HeldRole(NOBODY, Role.ADMIN, EVERYWHERE, None, date.min, None)
    return Actor(NOBODY, label, label, NOBODY, (everything,), label)


@dataclass(frozen=True, slots=True)
class Scope:
    """A set of path prefixes, sorted, none inside another; make it by `scope_of` or `Scope.reduced`."""

    prefixes: tuple[str, ...]

    @classmethod
    def reduced(cls, prefixes: Iterable[str]) -> "Scope":
        """The smallest set of prefixes that covers the same paths."""
        kept: list[str] = []
        for prefix in sorted(set(prefixes)):  # a prefix sorts directly before everything inside it
            if not kept or not prefix.startswith(kept[-1]):
                kept.append(prefix)
        return cls(tuple(kept))

    @property
    def is_empty(self) -> bool:
        return not self.prefixes

    @property
    def key(self) -> tuple[str, ...]:
        """Equal exactly for scopes that show the same things; hashable, for caches."""
        return self.prefixes

    def covers(self, path: str) -> bool:
        """Whether everything at and below this path is inside."""
        return path.startswith(self.prefixes)

    def clause(self, column: SQLCoreOperations[Any]) -> ColumnElement[bool]:
        """Rows whose path column lies inside.

        A range in text_pattern_ops order instead of LIKE: nothing in a prefix can act as a wildcard, and the
        index also serves the generic plan of a prepared statement, which LIKE with a parameter loses.
        """
        return or_(false(), *(_inside(column, prefix) for prefix in self.prefixes))


def _inside(column: SQLCoreOperations[Any], prefix: str) -> ColumnElement[bool]:
    if prefix == EVERYWHERE:
        return true()
    end = prefix[:-1] + chr(ord(prefix[-1]) + 1)  # first text after all that begin with the prefix
    at_or_after = column.op("~>=~", is_comparison=True)
    before = column.op("~<~", is_comparison=True)
    return and_(at_or_after(prefix), before(end))


def scope_of(actor: Actor, action: Action) -> Scope:
    """Where this actor may do this; empty when nowhere."""
    return Scope.reduced(held.path for held in actor.assignments if action in ACTIONS[held.role])


def require(actor: Actor, action: Action, path: str, *, missing: type[NotFound] = NotFound) -> None:
    """Return when the actor may do this at this path.

    `missing` is what the caller raises for a path that does not exist: an invisible one must look the same.
    Raises: `missing` when the actor may not even see the path, Forbidden when only the action is missing.
    """
    if scope_of(actor, action).covers(path):
        return
    if not scope_of(actor, Action.READ_GRIDS).covers(path):
        raise missing
    raise Forbidden(f"您在此处没有该操作权限 / none of your roles here allows {action}", action=action.value)
