"""Parts of the tree that rules are made for: everywhere, a street, or a grid with all below it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import EVERYWHERE, Actor, Scope, require, scope_of
from core.errors import FieldError, Forbidden, Invalid
from geo.models import Division, Grid
from patrol.rights import GridUnknown


def path_of(session: Session, actor: Actor, street_code: str | None, grid_code: str | None) -> str:
    """The part that is named, whose rules the actor keeps. Raises: GridUnknown, Forbidden, Invalid."""
    if grid_code is not None:
        path = session.scalar(select(Grid.path).where(Grid.code == grid_code))
        if path is None:
            raise GridUnknown
    elif street_code is not None:
        known = session.scalar(select(Division.code).where(Division.code == street_code))
        path = f"{known}/" if known else None
        if path is None or not scope_of(actor, Action.READ_GRIDS).covers(path):
            detail = "没有这个街道 / there is no such street"
            raise Invalid(errors=[FieldError("/street_code", "unknown-street", detail)])
    else:
        path = EVERYWHERE
    require_managed(actor, path)
    return path


def require_managed(actor: Actor, path: str) -> None:
    """Raises: Forbidden, GridUnknown, unless the actor keeps the rules of this part."""
    if path == EVERYWHERE and not scope_of(actor, Action.MANAGE_POLICIES).covers(path):
        raise Forbidden("通用规则由系统管理员管理 / the rule for all is kept by administrators")
    require(actor, Action.MANAGE_POLICIES, path, missing=GridUnknown)


def parts_seen(actor: Actor) -> Scope:
    """Where the actor may see grids."""
    return scope_of(actor, Action.READ_GRIDS)


def meets(path: str, parts: Scope) -> bool:
    """Whether one of the parts lies in the path or around it."""
    return any(path.startswith(part) or part.startswith(path) for part in parts.prefixes)
