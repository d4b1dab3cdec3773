"""Who may do what with a household: by the grid that it lies in today. Invisible is NotFound."""

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from access.roles import Action
from access.scope import Actor, Scope, scope_of
from core.clock import today
from core.errors import Forbidden, NotFound
from registry.people.models import Household, Resident
from registry.people.placing import OF_HOUSEHOLDS, at_their_doors
from registry.placing import with_grids


@dataclass(frozen=True, slots=True)
class Sight:
    """What an actor may see of households, for the queries."""

    scope: Scope
    restricted: Scope  # tags of 7.5.5 and full numbers: only for those who need to know

    @classmethod
    def of(cls, actor: Actor) -> "Sight":
        return cls(scope_of(actor, Action.READ_HOUSEHOLDS), scope_of(actor, Action.REVEAL_PERSONAL))


def require_household(
    session: Session, actor: Actor, action: Action, household_id: uuid.UUID, *, lock: bool = False
) -> Household:
    """The household, when the actor may do this with it; `lock` keeps others from changing it.

    Raises: NotFound for one the actor may not see, Forbidden when only the action is missing.
    """
    require_somewhere(actor, action)
    scope = scope_of(actor, action)
    found = _in_scope(session, scope, household_id, today())
    if found is None:
        if _in_scope(session, scope_of(actor, Action.READ_HOUSEHOLDS), household_id, today()) is not None:
            raise not_allowed(action)
        raise NotFound
    if lock:
        return session.get_one(Household, household_id, with_for_update=True, populate_existing=True)
    return found


def require_resident(
    session: Session, actor: Actor, action: Action, resident_id: uuid.UUID
) -> tuple[Resident, Household]:
    """The resident and the household they are kept in, locked, when the actor may do this with it.

    Raises: Forbidden, NotFound.
    """
    require_somewhere(actor, action)
    resident = session.get(Resident, resident_id, with_for_update=True, populate_existing=True)
    if resident is None:
        raise NotFound
    return resident, require_household(session, actor, action, resident.household_id)


def require_somewhere(actor: Actor, action: Action) -> None:
    """Return when the actor may do this anywhere. Raises: Forbidden."""
    if action not in actor.actions:
        raise not_allowed(action)


def not_allowed(action: Action) -> Forbidden:
    """The refusal that names the missing right."""
    return Forbidden(f"您没有该操作权限 / none of your roles here allows {action.value}", action=action.value)


def is_inside(session: Session, scope: Scope, household_id: uuid.UUID) -> bool:
    """Whether the household lies in the scope today."""
    return _in_scope(session, scope, household_id, today()) is not None


def _in_scope(session: Session, scope: Scope, household_id: uuid.UUID, day: date) -> Household | None:
    if scope.is_empty:
        return None
    statement = select(Household).options(defer(Household.geom)).where(Household.household_id == household_id)
    row = session.execute(with_grids(at_their_doors(statement), OF_HOUSEHOLDS, scope, day)).one_or_none()
    return None if row is None else row[0]
