"""Positions and their grids on the wire."""

import math
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from geo.locating.batch import MAX_ACCURACY_M, PointRejection, Points, PointsAt
from geo.locating.locate import PLANE_LEVELS, LevelAt, Located, NearbyGrid
from geo.locating.located_index import DatedIndex

MAX_POINTS = 10_000


class PointOut(BaseModel):
    """Where the position is in CGCS2000."""

    lon: float
    lat: float
    datum: Literal["EPSG:4490"]


class NearbyGridOut(BaseModel):
    """A grid that holds the position, or whose boundary is within the accuracy."""

    code: str
    name: str
    inside: bool
    boundary_m: float

    @classmethod
    def of(cls, grid: NearbyGrid) -> "NearbyGridOut":
        metres = round(grid.boundary_m, 2)
        return cls(code=grid.code, name=grid.name, inside=grid.is_inside, boundary_m=metres)


class LevelOut(BaseModel):
    """One level at a position.

    `ambiguous`: within the accuracy several grids may be meant, or one and ground in none; `may_be_outside`
    says the latter. `boundary_m` is null when no grid is within the accuracy.
    """

    level: int
    grids: list[NearbyGridOut]
    boundary_m: float | None
    ambiguous: bool
    may_be_outside: bool

    @classmethod
    def of(cls, level: LevelAt) -> "LevelOut":
        return cls(
            level=level.level,
            grids=[NearbyGridOut.of(grid) for grid in level.grids],
            boundary_m=None if level.boundary_m is None else round(level.boundary_m, 2),
            ambiguous=level.is_ambiguous,
            may_be_outside=level.may_be_outside,
        )


class BelowOut(BaseModel):
    """How many grids of level 4 and 5 the level-3 grid holds; a position cannot tell which is meant."""

    level_4: int
    level_5: int

    @classmethod
    def of(cls, below: tuple[int, int]) -> "BelowOut":
        return cls(level_4=below[0], level_5=below[1])


class LocatedOut(BaseModel):
    """The grids at a position, level by level; `below` is null outside every level-3 grid."""

    point: PointOut
    accuracy_m: float
    on: date
    levels: list[LevelOut]
    below: BelowOut | None

    @classmethod
    def of(cls, located: Located, *, accuracy_m: float, day: date) -> "LocatedOut":
        return cls(
            point=PointOut(lon=located.lon, lat=located.lat, datum="EPSG:4490"),
            accuracy_m=accuracy_m,
            on=day,
            levels=[LevelOut.of(level) for level in located.levels],
            below=None if located.below is None else BelowOut.of(located.below),
        )


class LocateIn(BaseModel):
    """Points as [lon, lat] or [lon, lat, accuracy_m]; `accuracy_m` is that of points without their own."""

    model_config = ConfigDict(extra="forbid")

    datum: str = Field(max_length=20)
    accuracy_m: float = Field(default=15.0, ge=0, le=MAX_ACCURACY_M)
    on: date | None = None
    points: list[Any] = Field(max_length=MAX_POINTS)


class PointLevelsOut(BaseModel):
    """The grids at one point; each list has one place for each of `levels`.

    `grids`: the code, null where the caller's scope has no grid. `boundary_m`: to the boundary of that grid,
    or where there is none to the nearest one within the accuracy. `ambiguous`: within the accuracy another
    grid, or none, may be meant. `below`: how many floors and counters (levels 4, 5) the level-3 grid holds.
    """

    grids: list[str | None]
    boundary_m: list[float | None]
    ambiguous: list[bool]
    below: tuple[int, int] | None


class PointRejectionOut(BaseModel):
    """Why a point is not answered; `reason` stays the same."""

    index: int
    reason: str
    detail: str

    @classmethod
    def of(cls, rejection: PointRejection) -> "PointRejectionOut":
        return cls(index=rejection.index, reason=rejection.reason.code, detail=str(rejection.reason))


class LocatedPointsOut(BaseModel):
    """The grids of many points, in the order asked; a rejected point is null."""

    on: date
    levels: list[int]
    names: dict[str, str]  # of the grids found, by code
    points: list[PointLevelsOut | None]
    rejected: list[PointRejectionOut]

    @classmethod
    def of(cls, dated: DatedIndex, points: Points, at: PointsAt, *, day: date) -> "LocatedPointsOut":
        named = {grid_id: dated.names[grid_id] for grid_id in set(at.grid_id.ravel().tolist()) - {0}}
        refused = {rejection.index for rejection in points.rejections}
        rows = zip(at.grid_id.tolist(), at.boundary_m.tolist(), at.is_ambiguous.tolist(), strict=True)
        found = [
            PointLevelsOut(
                grids=[named[grid_id].code if grid_id else None for grid_id in ids],
                boundary_m=[None if math.isnan(metres) else round(metres, 2) for metres in distances],
                ambiguous=ambiguous,
                below=named[ids[-1]].below if ids[-1] else None,
            )
            if index not in refused
            else None
            for index, (ids, distances, ambiguous) in enumerate(rows)
        ]
        return cls(
            on=day,
            levels=list(PLANE_LEVELS),
            names={grid.code: grid.name for grid in named.values()},
            points=found,
            rejected=[PointRejectionOut.of(rejection) for rejection in points.rejections],
        )
