"""The balance report as rows of a table, for spreadsheets."""

from collections.abc import Iterator, Sequence
from datetime import date

from core.spreadsheets import Table, write_csv, write_workbook
from registry.balance import Balance, GridBalance

Cell = str | int | float | None

HEADERS = (
    "网格编码 code",
    "名称 name",
    "类型 kind",
    "级别 level",
    "面积㎡ area_m2",
    "户数 households",
    "登记户数 households_declared",
    "楼栋户数 households_of_buildings",
    "楼栋 buildings",
    "小区 compounds",
    "单元 entrances",
    "驻区单位 organisations",
    "商铺 shops",
    "人口 population",
    "人口为估算 population_is_estimated",
    "人口密度 population_per_km2",
    "难度系数 difficulty",
    "人员 staff",
    "人员密度 staff_per_km2",
    "人均户数 households_per_staff",
    "人员与难度之比 staffing_ratio",
    "提示 findings",
)
_WIDTHS = (24, 24, 14, 8, *[14] * 17, 60)


def balance_csv(balance: Balance) -> bytes:
    """One line per grid."""
    return write_csv(HEADERS, _rows(balance.grids))


def balance_workbook(balance: Balance, day: date) -> bytes:
    """One sheet, one row per grid."""
    return write_workbook([Table(f"{balance.street_name} {day}", HEADERS, _rows(balance.grids), _WIDTHS)])


def _rows(grids: Sequence[GridBalance]) -> Iterator[tuple[Cell, ...]]:
    for grid in grids:
        figures = grid.figures
        yield (
            grid.code,
            grid.name,
            grid.kind,
            grid.level,
            _rounded(grid.area_m2, 1),
            grid.households,
            grid.households_declared,
            figures.households,
            figures.buildings,
            len(figures.compounds),
            figures.entrances,
            figures.organisations,
            figures.shops,
            grid.population,
            "是 yes" if grid.population_is_estimated else "否 no",
            _rounded(grid.population_per_km2, 1),
            round(grid.difficulty, 3),
            grid.staff,
            _rounded(grid.staff_per_km2, 1),
            _rounded(grid.households_per_staff, 1),
            _rounded(grid.staffing_ratio, 3),
            "；".join(finding.zh for finding in grid.findings),
        )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
