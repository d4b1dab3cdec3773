"""The grids of a part of the tree as they stand on a day, complete enough to be imported again."""

from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session, aliased

from core.errors import FieldError, Invalid
from geo.models import Grid, GridVersion
from geo.queries import PathScope, standing_on, version_on

MAX_GRIDS = 300_000  # as many as an import takes


@dataclass(frozen=True, slots=True)
class ExportedGrid:
    """A grid in a file; `wkb` in CGCS2000, None for floors and counters."""

    code: str
    name: str
    level: int
    parent: str | None
    kind: str
    households: int | None
    attributes: dict[str, Any]
    wkb: bytes | None


def _exported(row: Row[Any]) -> ExportedGrid:
    own = {field.name: getattr(row, field.name) for field in fields(ExportedGrid)}
    return ExportedGrid(**{**own, "wkb": None if row.wkb is None else bytes(row.wkb)})


class TooManyGrids(Invalid):
    """These are too many grids for one file; name a level or a street."""

    code = "too-many-grids"


def exported_grids(
    session: Session, scope: PathScope, day: date, *, level: int | None = None, street: str | None = None
) -> list[ExportedGrid]:
    """Grids of the scope on that day, parents before their children. Raises: TooManyGrids."""
    parent = aliased(Grid)
    statement = (
        select(
            Grid.code,
            GridVersion.name,
            Grid.level,
            parent.code.label("parent"),
            GridVersion.kind,
            GridVersion.households,
            GridVersion.attributes,
            func.ST_AsBinary(GridVersion.geom).label("wkb"),
        )
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .outerjoin(parent, parent.grid_id == Grid.parent_id)
        .where(scope.clause(Grid.path), version_on(day), standing_on(day))
        .order_by(Grid.level, Grid.code)
        .limit(MAX_GRIDS + 1)
    )
    if level is not None:
        statement = statement.where(Grid.level == level)
    if street is not None:
        statement = statement.where(Grid.street_code == street)
    grids = [_exported(row) for row in session.execute(statement)]
    if len(grids) > MAX_GRIDS:
        errors = [FieldError("/query/street", "too-many-grids", f"> {MAX_GRIDS}")]
        raise TooManyGrids(errors=errors)
    return grids
