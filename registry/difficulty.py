"""How hard a grid is to look after, and whether its staff follows (clause 5.1.3). Rules only, no session.

The standard asks for staff by difficulty and gives no formula. This is a local one, kept here and nowhere
else: each factor is compared with the middle grid of the same level in the street, so that 1.0 is a grid
like most, and the weighted mean of these ratios is the coefficient.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType

from geo.codes import Reason

# Raise it with every change of weights or limits: reports name it, so that two can be compared.
FORMULA_VERSION = "2026-1"


@dataclass(frozen=True, slots=True)
class Factor:
    """One thing that makes work, its share in the coefficient, and why it counts."""

    weight: float
    zh: str
    en: str


FACTORS: Mapping[str, Factor] = MappingProxyType(
    {
        # Most duties are counted by household: two full visits a year, files, mediation (S1 chapters 7, 9).
        "households": Factor(0.35, "户数", "households"),
        # Each is inspected for safety and for what it puts on the pavement (7.3.1, 7.4.1).
        "shops": Factor(0.20, "商铺数", "shops"),
        # Kept in touch with as partners of the grid (4.5).
        "organisations": Factor(0.15, "驻区单位数", "resident organisations"),
        # Crowding brings noise, parking and quarrels beyond what the number of households says.
        "households_per_km2": Factor(0.15, "居住密度", "households per square kilometre"),
        # What is walked twice a week (11.2.1).
        "area_m2": Factor(0.15, "面积", "area"),
    }
)
MOST_OF_ONE_FACTOR = 3.0  # a market hall has a hundred times the shops, not a hundred times the work

# A grid's share of the staff may lie this far below or above its share of the difficulty.
LEAST_STAFF, MOST_STAFF = 2 / 3, 2.0


def difficulties(grids: Sequence[Mapping[str, float]]) -> list[float]:
    """The coefficient of each grid among all of them; a factor that no grid has is left out."""
    middles = {name: _middle([grid[name] for grid in grids]) for name in FACTORS}
    weights = {name: FACTORS[name].weight for name, middle in middles.items() if middle > 0}
    whole = sum(weights.values())
    if not whole:
        return [1.0] * len(grids)
    return [
        sum(weight * min(grid[name] / middles[name], MOST_OF_ONE_FACTOR) for name, weight in weights.items())
        / whole
        for grid in grids
    ]


def _middle(values: Sequence[float]) -> float:
    """The median; the mean where most have nothing, as with shops."""
    if not values:
        return 0.0
    return median(values) or sum(values) / len(values)


def staffing_ratios(difficulty: Sequence[float], staff: Sequence[int]) -> list[float | None]:
    """Share of the staff by share of the difficulty: 1.0 is fair. None where there is nothing to share."""
    people, work = sum(staff), sum(difficulty)
    if not people or not work:
        return [None] * len(staff)
    return [
        (count / people) / (hard / work) if hard else None
        for count, hard in zip(staff, difficulty, strict=True)
    ]


def staffing_finding(staff: int, ratio: float | None) -> Reason | None:
    """Why the staff of a grid does not follow its difficulty (5.1.3), or None."""
    if staff == 0:
        return Reason("no-staff", "当日没有网格人员", "nobody is assigned on this day")
    if ratio is None or LEAST_STAFF <= ratio <= MOST_STAFF:
        return None
    share = f"{ratio:.0%}"
    if ratio < LEAST_STAFF:
        return Reason(
            "staff-below-difficulty",
            f"人员仅为按难度系数应有的 {share}（5.1.3）",
            f"staff is {share} of what its difficulty would ask for (5.1.3)",
        )
    return Reason(
        "staff-above-difficulty",
        f"人员为按难度系数应有的 {share}（5.1.3）",
        f"staff is {share} of what its difficulty would ask for (5.1.3)",
    )
