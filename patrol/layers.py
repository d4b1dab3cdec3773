"""What the grid tiles say of patrols: the weekly roll-up, joined by key."""

from sqlalchemy import Date, and_, bindparam, case, func

from geo.models import Grid
from geo.tiles.grids import GRID_LAYER
from patrol.models import GridWeek
from patrol.weeks.counting import GridStatus

WEEK = "week"  # the parameter each request must give: the Monday

_due, _met = func.coalesce(GridWeek.pairs_due, 0), func.coalesce(GridWeek.pairs_met, 0)
_counted = func.coalesce(GridWeek.patrols_counted, 0)
_needed = func.coalesce(GridWeek.patrols_needed, 0)

# The same decision as patrol/weeks/counting.py::grid_status; a test compares the two.
_status = case(
    (_due == 0, GridStatus.UNASSIGNED.value),
    (_met >= _due, GridStatus.MET.value),
    (_counted > 0, GridStatus.PARTIAL.value),
    else_=GridStatus.NONE.value,
)

COMPLIANCE_LAYER = GRID_LAYER.with_columns(
    {
        "status": "met, partial, none or unassigned: how the people of the grid and below stand in the week",
        "due": "people responsible in the week, each with each own grid",
        "met": "those of them with the required patrols",
        "counted": "patrols that count, at most the required number of each",
        "needed": "patrols required",
    },
    (
        _status.label("status"),
        _due.label("due"),
        _met.label("met"),
        _counted.label("counted"),
        _needed.label("needed"),
    ),
    joins=(
        (
            GridWeek.__table__,
            and_(GridWeek.grid_id == Grid.grid_id, GridWeek.week == bindparam(WEEK, type_=Date)),
        ),
    ),
    parameters=frozenset({WEEK}),
)
