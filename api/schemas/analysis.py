"""Reports on a division: how even its grids are, and what lies in none."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Literal

from pydantic import BaseModel

from geo.codes import Reason
from geo.norms import NORMS_VERSION, SizeNorm
from registry.balance import PERSONS_PER_HOUSEHOLD, Balance, GridBalance, Medians, Totals
from registry.coverage import REASONS, Coverage, LevelCoverage, Orphan
from registry.difficulty import FACTORS, FORMULA_VERSION, MOST_OF_ONE_FACTOR
from registry.inventory import Figures, Registered


class FindingOut(BaseModel):
    """Something worth a look, in both languages."""

    code: str
    zh: str
    en: str

    @classmethod
    def of(cls, reason: Reason) -> "FindingOut":
        return cls(code=reason.code, zh=reason.zh, en=reason.en)


class ObjectsOut(BaseModel):
    """Sums over buildings; what nobody entered counts as 0."""

    buildings: int
    buildings_without_households: int
    households: int
    entrances: int
    organisations: int
    shops: int
    compounds: int

    @classmethod
    def of(cls, figures: Figures) -> "ObjectsOut":
        return cls(
            buildings=figures.buildings,
            buildings_without_households=figures.without_households,
            households=figures.households,
            entrances=figures.entrances,
            organisations=figures.organisations,
            shops=figures.shops,
            compounds=len(figures.compounds),
        )


class NormOut(BaseModel):
    """How many households a grid should have; `least` and `most` allow for the tolerance."""

    zh: str
    en: str
    least: int
    aim: int
    most: int

    @classmethod
    def of(cls, norm: SizeNorm) -> "NormOut":
        return cls(zh=norm.zh, en=norm.en, least=norm.least, aim=norm.aim, most=norm.most)


class GridBalanceOut(BaseModel):
    """A grid's row. `households` is the number that counts, `objects.households` that of its buildings."""

    code: str
    name: str
    kind: str
    level: int
    is_scattered: bool
    area_m2: float | None
    households: int
    households_declared: int | None
    objects: ObjectsOut
    population: int
    population_is_estimated: bool
    population_per_km2: float | None
    difficulty: float
    staff: int
    staff_per_km2: float | None
    households_per_staff: float | None
    staffing_ratio: float | None
    norm: NormOut | None
    findings: list[FindingOut]

    @classmethod
    def of(cls, grid: GridBalance) -> "GridBalanceOut":
        return cls(
            code=grid.code,
            name=grid.name,
            kind=grid.kind,
            level=grid.level,
            is_scattered=grid.is_scattered,
            area_m2=rounded(grid.area_m2),
            households=grid.households,
            households_declared=grid.households_declared,
            objects=ObjectsOut.of(grid.figures),
            population=grid.population,
            population_is_estimated=grid.population_is_estimated,
            population_per_km2=rounded(grid.population_per_km2),
            difficulty=round(grid.difficulty, 3),
            staff=grid.staff,
            staff_per_km2=rounded(grid.staff_per_km2),
            households_per_staff=rounded(grid.households_per_staff),
            staffing_ratio=rounded(grid.staffing_ratio, 3),
            norm=None if grid.norm is None else NormOut.of(grid.norm),
            findings=[FindingOut.of(finding) for finding in grid.findings],
        )


class TotalsOut(BaseModel):
    """Sums over all grids asked for, not only those of the page; people in several grids count once."""

    grids: int
    area_m2: float
    households: int
    objects: ObjectsOut
    population: int
    staff: int

    @classmethod
    def of(cls, totals: Totals) -> "TotalsOut":
        return cls(
            grids=totals.grids,
            area_m2=round(totals.area_m2, 1),
            households=totals.households,
            objects=ObjectsOut.of(totals.figures),
            population=totals.population,
            staff=totals.staff,
        )


class MediansOut(BaseModel):
    """The middle of all grids asked for."""

    area_m2: float | None
    households: float | None
    difficulty: float | None
    staff: float | None
    households_per_staff: float | None

    @classmethod
    def of(cls, medians: Medians) -> "MediansOut":
        return cls(
            area_m2=rounded(medians.area_m2),
            households=medians.households,
            difficulty=rounded(medians.difficulty, 3),
            staff=medians.staff,
            households_per_staff=rounded(medians.households_per_staff),
        )


class FactorOut(BaseModel):
    """One factor of the coefficient and its weight."""

    name: str
    weight: float
    zh: str
    en: str


class FormulaOut(BaseModel):
    """What the figures rest on: local choices where the standard names no number."""

    norms_version: str
    difficulty_version: str
    factors: list[FactorOut]
    most_of_one_factor: float
    persons_per_household: float

    @classmethod
    def current(cls) -> "FormulaOut":
        return cls(
            norms_version=NORMS_VERSION,
            difficulty_version=FORMULA_VERSION,
            factors=[
                FactorOut(name=name, weight=factor.weight, zh=factor.zh, en=factor.en)
                for name, factor in FACTORS.items()
            ],
            most_of_one_factor=MOST_OF_ONE_FACTOR,
            persons_per_household=PERSONS_PER_HOUSEHOLD,
        )


class BalanceOut(BaseModel):
    """Clauses 5.1.2, 5.1.3 and 5.2.4 for the grids of one level, in the order of their codes."""

    street_code: str
    street_name: str
    level: int
    on: date
    formula: FormulaOut
    totals: TotalsOut
    medians: MediansOut
    items: list[GridBalanceOut]
    next: str | None

    @classmethod
    def of(cls, balance: Balance, level: int, day: date, page: Sequence[GridBalance]) -> "BalanceOut":
        return cls(
            street_code=balance.street_code,
            street_name=balance.street_name,
            level=level,
            on=day,
            formula=FormulaOut.current(),
            totals=TotalsOut.of(balance.totals),
            medians=MediansOut.of(balance.medians),
            items=[GridBalanceOut.of(grid) for grid in page],
            next=page[-1].code if page and page[-1].code != balance.grids[-1].code else None,
        )


class SharesOut(BaseModel):
    """Shares from 0 to 1; null where there is nothing to cover."""

    area: float | None
    buildings: float | None
    households: float | None
    entrances: float | None
    organisations: float | None
    shops: float | None


class RegisteredOut(BaseModel):
    """Of the register, each counted by itself; what buildings say of theirs stands in `objects`."""

    organisations: int
    shops: int
    facilities: int

    @classmethod
    def of(cls, found: Registered) -> "RegisteredOut":
        return cls(organisations=found.organisations, shops=found.shops, facilities=found.facilities)


class RegisteredSharesOut(BaseModel):
    """Shares from 0 to 1; null where there is nothing to cover."""

    organisations: float | None
    shops: float | None
    facilities: float | None

    @classmethod
    def of(cls, inside: Registered, whole: Registered) -> "RegisteredSharesOut":
        return cls(
            organisations=share(inside.organisations, whole.organisations),
            shops=share(inside.shops, whole.shops),
            facilities=share(inside.facilities, whole.facilities),
        )


class LevelCoverageOut(BaseModel):
    """What lies in a grid of this level."""

    level: int
    grids: int
    area_m2: float
    objects: ObjectsOut
    shares: SharesOut
    registered: RegisteredOut
    registered_shares: RegisteredSharesOut

    @classmethod
    def of(cls, found: LevelCoverage, street: Coverage) -> "LevelCoverageOut":
        inside, whole = found.inside, street.objects
        return cls(
            level=found.level,
            grids=found.grids,
            area_m2=round(found.ground.covered_m2, 1),
            objects=ObjectsOut.of(inside),
            registered=RegisteredOut.of(found.registered),
            registered_shares=RegisteredSharesOut.of(found.registered, street.registered),
            shares=SharesOut(
                area=rounded(found.ground.share, 6),
                buildings=share(inside.buildings, whole.buildings),
                households=share(inside.households, whole.households),
                entrances=share(inside.entrances, whole.entrances),
                organisations=share(inside.organisations, whole.organisations),
                shops=share(inside.shops, whole.shops),
            ),
        )


class OrphanOut(BaseModel):
    """A building in no grid of the level asked for; the grid named is the one above that it lies in."""

    building_id: uuid.UUID
    name: str
    compound: str | None
    position: tuple[float, float]
    households: int | None
    grid_code: str | None
    grid_name: str | None
    reason: FindingOut

    @classmethod
    def of(cls, orphan: Orphan) -> "OrphanOut":
        return cls(
            building_id=orphan.building_id,
            name=orphan.name,
            compound=orphan.compound,
            position=(round(orphan.lon, 7), round(orphan.lat, 7)),
            households=orphan.households,
            grid_code=orphan.grid_code,
            grid_name=orphan.grid_name,
            reason=FindingOut.of(REASONS[orphan.why]),
        )


class CoverageOut(BaseModel):
    """Clause 4.1: everything lies in a grid.

    `ground` says what is measured against: an imported outline of the street, or level 1 together.
    """

    street_code: str
    street_name: str
    on: date
    ground: Literal["outline", "level-1"]
    ground_m2: float
    objects: ObjectsOut
    registered: RegisteredOut
    levels: list[LevelCoverageOut]

    @classmethod
    def of(cls, found: Coverage, day: date) -> "CoverageOut":
        return cls(
            street_code=found.street_code,
            street_name=found.street_name,
            on=day,
            ground="outline" if found.has_outline else "level-1",
            ground_m2=round(found.levels[0].ground.total_m2, 1),
            objects=ObjectsOut.of(found.objects),
            registered=RegisteredOut.of(found.registered),
            levels=[LevelCoverageOut.of(level, found) for level in found.levels],
        )


class OrphanPage(BaseModel):
    """Buildings in no grid of the level, by id."""

    items: list[OrphanOut]
    next: str | None

    @classmethod
    def of(cls, found: Sequence[Orphan], limit: int) -> "OrphanPage":
        page = found[:limit]
        return cls(
            items=[OrphanOut.of(orphan) for orphan in page],
            next=str(page[-1].building_id) if len(found) > limit else None,
        )


def rounded(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)


def share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
