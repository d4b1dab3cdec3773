"""The shares of coverage as a table: a sheet of figures 明细, and one that says what they are 说明."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from core.clock import LOCAL_ZONE
from core.spreadsheets import Table, write_csv, write_workbook
from patrol.coverage.days import Days
from patrol.coverage.summary import GridShares, Share
from patrol.coverage.wording import DENOMINATORS, EVIDENCE, STATES

Cell = str | int | float | None

_SHARES = ("地面单元", "点位", "楼栋", "楼栋内户数", "入户见面")
_HEADERS = (
    "网格编码",
    "网格名称",
    "级别",
    *(f"{name}{part}" for name in _SHARES for part in ("到达", "总数", "占比")),
    "情况不明单元",
    "户数不详楼栋",
)


def coverage_csv(grids: Sequence[GridShares]) -> bytes:
    """The figures, one row per grid."""
    return write_csv(_HEADERS, _rows(grids))


def coverage_workbook(grids: Sequence[GridShares], days: Days, made_at: datetime) -> bytes:
    """Both sheets."""
    figures = Table("明细", _HEADERS, _rows(grids), (28, 20, 6, *[10] * 15, 12, 12))
    notes = Table("说明", ("项目", "内容"), _notes(days, made_at), (20, 100))
    return write_workbook([figures, notes])


def _rows(grids: Sequence[GridShares]) -> Iterator[tuple[Cell, ...]]:
    for grid in grids:
        shares = (grid.cells, grid.checkpoints, grid.buildings, grid.households, grid.registered_households)
        figures = [figure for share in shares for figure in _figures(share)]
        yield (
            grid.code,
            grid.name,
            grid.level,
            *figures,
            grid.cells_unknown,
            grid.buildings_without_households,
        )


def _figures(share: Share) -> tuple[int, int, float | None]:
    """A share of nothing stays empty."""
    return share.reached, share.total, round(share.reached / share.total, 4) if share.total else None


def _notes(days: Days, made_at: datetime) -> Iterator[tuple[str, str]]:
    yield "日期", f"{days.first} 至 {days.last}（北京时间）"
    yield "计入的巡查", EVIDENCE.zh
    for name, reason in zip(_SHARES, DENOMINATORS, strict=True):
        yield name, reason.zh
    yield "情况不明", next(state.zh for state in STATES if state.code == "unknown")
    yield "排序", "按网格编码排列，不作排名"
    yield "生成时间", made_at.astimezone(LOCAL_ZONE).strftime("%Y-%m-%d %H:%M（北京时间）")
