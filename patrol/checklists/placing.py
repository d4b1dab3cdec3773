"""The grid a finding lies in: the deepest one around its position on its day, else that of its patrol.

Derived at read like that of a place (docs/decisions/0010). A position in another street, or none, leaves the
finding where its patrol was made.
"""

import uuid
from typing import Any

from sqlalchemy import ColumnElement, Date, Integer, cast, func, null, select, true
from sqlalchemy.orm import Session, aliased

from core.clock import LOCAL_ZONE
from geo.models import Grid
from patrol.checklists.models import Finding
from patrol.models import Patrol
from registry.placing import Whereabouts, grid_at

WalkedGrid = aliased(Grid, name="walked")  # of the patrol: join it before using what is below

DAY: ColumnElement[Any] = cast(func.timezone(LOCAL_ZONE.key, Finding.at), Date)
OF_FINDINGS = Whereabouts(WalkedGrid.street_code, (Finding.geom,), (cast(null(), Integer),))


def grid_path_at(session: Session, finding_id: uuid.UUID) -> str | None:
    """The path of the grid around the finding's position; None without one."""
    placed = grid_at(OF_FINDINGS, DAY)
    return session.scalar(
        select(placed.c.path)
        .select_from(Finding)
        .join(Patrol, Patrol.patrol_id == Finding.patrol_id)
        .join(WalkedGrid, WalkedGrid.grid_id == Patrol.grid_id)
        .join(placed, true())
        .where(Finding.finding_id == finding_id)
    )
