"""The heatmap and the shares of coverage on the wire.

A heatmap is thousands of cells: its models describe the reply, and the bytes are written at once.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Literal

import msgspec
from pydantic import BaseModel

from geo.cells import names_of, rings_of
from geo.codes import Reason
from patrol.coverage.days import Days
from patrol.coverage.queries import Heatmap, State, states_of
from patrol.coverage.summary import GridShares, Share
from patrol.coverage.wording import DENOMINATORS, EVIDENCE, STATES

_SECONDS_DIGITS = 1


class ExplainedOut(BaseModel):
    """What a figure means."""

    code: str
    zh: str
    en: str

    @classmethod
    def of(cls, reason: Reason) -> "ExplainedOut":
        return cls(code=reason.code, zh=reason.zh, en=reason.en)


class HeatCellOut(BaseModel):
    """One H3 cell; `unconfirmed` patrols passed and are not evidence, `unknown` ones may have passed."""

    cell: str
    state: State
    visits: int
    dwell_s: float
    last_visit_on: date | None
    unconfirmed: int
    unknown: int


class HeatTotalsOut(BaseModel):
    """How many cells are in which state."""

    cells: int
    covered: int
    unknown: int
    not_covered: int


class HeatmapOut(BaseModel):
    """Every cell of the ground with what was walked there in the days asked for."""

    grid_code: str | None
    first_day: date
    last_day: date
    resolution: int
    totals: HeatTotalsOut
    cells: list[HeatCellOut]
    explained: list[ExplainedOut]


class HeatFeatureOut(BaseModel):
    """A cell as RFC 7946 feature; its id is the H3 index."""

    type: Literal["Feature"]
    id: str
    geometry: dict[str, Any]
    properties: HeatCellOut


class HeatFeaturesOut(BaseModel):
    """The same as GeoJSON, right-hand rule."""

    type: Literal["FeatureCollection"]
    features: list[HeatFeatureOut]


def heatmap_json(found: Heatmap) -> bytes:
    """The bytes of HeatmapOut."""
    cells = list(_cells(found))
    states = [cell["state"] for cell in cells]
    totals = {state.value: states.count(state.value) for state in State}
    return msgspec.json.encode(
        {
            "grid_code": found.area.grid_code,
            "first_day": found.days.first,
            "last_day": found.days.last,
            "resolution": found.resolution,
            "totals": {"cells": len(cells), **totals},
            "cells": cells,
            "explained": [ExplainedOut.of(reason).model_dump() for reason in (EVIDENCE, *STATES)],
        }
    )


def heatmap_geojson(found: Heatmap) -> bytes:
    """The bytes of HeatFeaturesOut."""
    features = [
        {
            "type": "Feature",
            "id": cell["cell"],
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "properties": cell,
        }
        for cell, ring in zip(_cells(found), rings_of(found.heat.cells), strict=True)
    ]
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def _cells(found: Heatmap) -> Iterator[dict[str, Any]]:
    heat, visited_on = found.heat, set(found.heat.last_day.tolist()) - {0}
    days = {day: date.fromordinal(day) for day in visited_on} if found.area.shows_days else {}
    columns = (
        names_of(heat.cells),
        states_of(heat),
        heat.visits.tolist(),
        heat.dwell_s.round(_SECONDS_DIGITS).tolist(),
        heat.last_day.tolist(),
        heat.unconfirmed.tolist(),
        heat.unknown.tolist(),
    )
    for cell, state, visits, dwell_s, last_day, unconfirmed, unknown in zip(*columns, strict=True):
        yield {
            "cell": cell,
            "state": state.value,
            "visits": visits,
            "dwell_s": dwell_s,
            "last_visit_on": days.get(last_day),
            "unconfirmed": unconfirmed,
            "unknown": unknown,
        }


class ShareOut(BaseModel):
    """So many of so many; the ratio is None where there is nothing to reach."""

    reached: int
    total: int
    ratio: float | None

    @classmethod
    def of(cls, share: Share) -> "ShareOut":
        ratio = round(share.reached / share.total, 4) if share.total else None
        return cls(reached=share.reached, total=share.total, ratio=ratio)


class GridSharesOut(BaseModel):
    """One grid; `denominators` of the reply says what each share is of."""

    code: str
    name: str
    level: int
    cells: ShareOut
    cells_unknown: int
    checkpoints: ShareOut
    buildings: ShareOut
    households: ShareOut
    buildings_without_households: int
    registered_households: ShareOut

    @classmethod
    def of(cls, grid: GridShares) -> "GridSharesOut":
        return cls(
            code=grid.code,
            name=grid.name,
            level=grid.level,
            cells=ShareOut.of(grid.cells),
            cells_unknown=grid.cells_unknown,
            checkpoints=ShareOut.of(grid.checkpoints),
            buildings=ShareOut.of(grid.buildings),
            households=ShareOut.of(grid.households),
            buildings_without_households=grid.buildings_without_households,
            registered_households=ShareOut.of(grid.registered_households),
        )


class SummaryOut(BaseModel):
    """What was reached of the grids of a level, by code and in no ranking."""

    first_day: date
    last_day: date
    level: int
    items: list[GridSharesOut]
    next: str | None
    denominators: list[ExplainedOut]

    @classmethod
    def of(
        cls, grids: Sequence[GridShares], days: Days, level: int, *, next_code: str | None
    ) -> "SummaryOut":
        return cls(
            first_day=days.first,
            last_day=days.last,
            level=level,
            items=[GridSharesOut.of(grid) for grid in grids],
            next=next_code,
            denominators=[ExplainedOut.of(reason) for reason in (EVIDENCE, *DENOMINATORS)],
        )
