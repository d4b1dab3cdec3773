"""What stands on the ground of each grid on a day (clause 5.1.2): buildings and the figures they carry.

A building counts for the deepest grid it lies in and for every grid above that. Figures that nobody has
entered count as 0; how many buildings have no number of households is told beside. Buildings carry no
beginning: a look at a past day shows those of today that were not retired by then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, func, or_, select, true
from sqlalchemy.orm import Session

from registry.models import Building
from registry.organisations.models import Organisation
from registry.placing import OF_BUILDINGS, OF_ORGANISATIONS, Home, grid_at


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over buildings."""

    buildings: int = 0
    households: int = 0
    without_households: int = 0  # buildings whose number of households is not known
    entrances: int = 0  # 单元
    organisations: int = 0  # 驻区单位
    shops: int = 0
    compounds: frozenset[str] = frozenset()  # names of 小区

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.buildings + other.buildings,
            self.households + other.households,
            self.without_households + other.without_households,
            self.entrances + other.entrances,
            self.organisations + other.organisations,
            self.shops + other.shops,
            self.compounds | other.compounds,
        )


NOTHING = Figures()


@dataclass(frozen=True, slots=True)
class Inventory:
    """Figures of a street by path of the deepest grid; `outside` is what lies in no grid."""

    by_path: Mapping[str, Figures]
    outside: Figures

    @property
    def total(self) -> Figures:
        return sum(self.by_path.values(), self.outside)

    def by_subtree(self) -> dict[str, Figures]:
        """For each grid's path the figures of everything in it; grids without buildings are not named."""
        sums: dict[str, Figures] = {}
        for path, figures in self.by_path.items():
            for above in paths_down_to(path):
                sums[above] = sums.get(above, NOTHING) + figures
        return sums

    def at_level(self, level: int) -> Figures:
        """What lies in a grid of this level."""
        deep_enough = (figures for path, figures in self.by_path.items() if level_of(path) >= level)
        return sum(deep_enough, NOTHING)


def level_of(path: str) -> int:
    """The level of the grid with this path: the number of grids on the way to it, with itself."""
    return path.count("/") - 1


def paths_down_to(path: str) -> list[str]:
    """The paths of the grids from level 1 down to this one."""
    steps = path.rstrip("/").split("/")
    return ["/".join(steps[: depth + 1]) + "/" for depth in range(1, len(steps))]


def standing_buildings(day: date) -> ColumnElement[bool]:
    """Buildings not retired on this day."""
    return or_(Building.retired_on.is_(None), Building.retired_on > day)


def inventory_of(session: Session, street_code: str, day: date) -> Inventory:
    """Every standing building of the street, counted where it lies on the day."""
    placed = grid_at(OF_BUILDINGS, day)
    named = func.array_agg(Building.compound.distinct()).filter(Building.compound.is_not(None))
    rows = session.execute(
        select(
            placed.c.path,
            func.count(),
            *(
                func.coalesce(func.sum(column), 0)
                for column in (
                    Building.households,
                    Building.entrances,
                    Building.organisations,
                    Building.shops,
                )
            ),
            func.count().filter(Building.households.is_(None)),
            named,
        )
        .select_from(Building)
        .outerjoin(placed, true())
        .where(Building.street_code == street_code, standing_buildings(day))
        .group_by(placed.c.path)
    )
    found: dict[str | None, Figures] = {}
    for path, buildings, households, entrances, organisations, shops, unknown, compounds in rows:
        found[path] = Figures(
            buildings, households, unknown, entrances, organisations, shops, frozenset(compounds or ())
        )
    outside = found.pop(None, NOTHING)
    return Inventory({path: figures for path, figures in found.items() if path is not None}, outside)


@dataclass(frozen=True, slots=True)
class Registered:
    """Organisations, shops and facilities of the register, each counted by itself."""

    organisations: int = 0
    shops: int = 0
    facilities: int = 0

    def __add__(self, other: "Registered") -> "Registered":
        return Registered(
            self.organisations + other.organisations,
            self.shops + other.shops,
            self.facilities + other.facilities,
        )


def registered_in(session: Session, street_code: str, day: date) -> dict[str, Registered]:
    """What stands in the register on the day by path of the deepest grid; under "" what lies in none."""
    placed = grid_at(OF_ORGANISATIONS, day)
    kinds = ("organisation", "shop", "facility")
    rows = session.execute(
        select(placed.c.path, *(func.count().filter(Organisation.kind == kind) for kind in kinds))
        .select_from(Organisation)
        .outerjoin(Home, Home.building_id == Organisation.building_id)
        .outerjoin(placed, true())
        .where(Organisation.street_code == street_code)
        .where(or_(Organisation.retired_on.is_(None), Organisation.retired_on > day))
        .group_by(placed.c.path)
    )
    return {path or "": Registered(*counts) for path, *counts in rows}
