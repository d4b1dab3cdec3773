"""How grids fit together, on the wire."""

from datetime import date
from typing import Any

from pydantic import BaseModel

from geo.fitting.faults import fault_collection
from geo.fitting.queries import TopologyReport
from geo.fitting.topology import FaultKind

SHOWN = 2_000  # faults in one reply; `totals` counts all


class TopologyOut(BaseModel):
    """Misfits among grids on a day.

    `faults` is GeoJSON, the largest 2,000 in descending order, with properties kind, source (what a sliver
    is a thin case of), area_m2, width_m, at (a position inside), grids and parent ({code, name}). `checked`
    counts grids, `families` parents with children, `complete_share` the part of these filled exactly once.
    """

    on: date
    totals: dict[FaultKind, int]
    checked: int
    families: int
    complete_share: float | None
    faults: dict[str, Any]
    truncated: bool

    @classmethod
    def of(cls, report: TopologyReport, on: date) -> "TopologyOut":
        check, grids = report.check, report.grids

        def label(grid_id: int) -> dict[str, Any]:
            return {"code": grids[grid_id].code, "name": grids[grid_id].name}

        largest = sorted(check.faults, key=lambda found: -found.fault.area_m2)[:SHOWN]
        return cls(
            on=on,
            totals=check.totals,
            checked=check.grids,
            families=check.families,
            complete_share=check.complete_share,
            faults=fault_collection(largest, label),
            truncated=len(check.faults) > SHOWN,
        )
