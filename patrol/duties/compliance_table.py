"""The compliance report as a workbook: a sheet of figures 明细, and one that says what they are 说明."""

from collections.abc import Iterator
from datetime import datetime

from core.clock import LOCAL_ZONE
from core.spreadsheets import Table, write_csv, write_workbook
from patrol.duties.compliance import By, Line, PeriodStanding
from patrol.duties.explaining import Sentence
from patrol.policies import PolicyRow

Cell = str | int | float | None

_STATUS = {"met": "达标", "partial": "部分完成", "none": "未完成", "unassigned": "无责任人"}
_NAME = {By.MEMBER: "网格", By.GRID: "网格", By.COMMUNITY: "社区", By.STREET: "街道"}


def compliance_csv(standing: PeriodStanding) -> bytes:
    """The figures, one row per member, grid, community or street."""
    return write_csv(_headers(standing), _rows(standing))


def compliance_workbook(standing: PeriodStanding, made_at: datetime) -> bytes:
    """Both sheets."""
    widths = (24, 20, 12, *[12] * 8, *[10] * len(standing.weeks))
    figures = Table("明细", _headers(standing), _rows(standing), widths)
    notes = Table("说明", ("项目", "内容"), _notes(standing, made_at), (20, 100))
    return write_workbook([figures, notes])


def explain(standing: PeriodStanding) -> Sentence:
    """What the totals are a share of."""
    total, weeks = standing.total, len(standing.weeks)
    to_come_zh = f"（另有 {standing.to_come} 周尚未开始，不计）" if standing.to_come else ""
    to_come_en = f" ({standing.to_come} have not begun and are not counted)" if standing.to_come else ""
    return Sentence(
        f"{standing.period} 含 {weeks} 个 ISO 周{to_come_zh}，"
        f"共 {total.pairs_due} 个“责任对·周”（人×网格×周），其中 {total.pairs_met} 个达标；"
        f"应巡 {total.patrols_needed} 次，计入 {total.patrols_counted} 次"
        "（每对每周至多计到要求数）。"
        f"扣除法定长假后应巡 {total.exempted_needed} 次、达标 {total.exempted_met} 个，"
        "仅供对照，标准未规定减免。",
        f"{standing.period} has {weeks} ISO weeks{to_come_en}: {total.pairs_due} weeks of pairs (person × own"
        f" grid), {total.pairs_met} of them met; {total.patrols_needed} patrols asked for,"
        f" {total.patrols_counted} counted (at most the required number per pair and week). Less long legal"
        f" holidays {total.exempted_needed} and {total.exempted_met} met: for comparison, the standard grants"
        " no exemption.",
    )


def _headers(standing: PeriodStanding) -> list[str]:
    who = ["网格员"] if standing.by is By.MEMBER else []
    kind = _NAME[standing.by]
    return [
        f"{kind}编码",
        f"{kind}名称",
        *who,
        "责任对·周",
        "达标",
        "应巡次数",
        "计入次数",
        "状态",
        "扣除长假后应巡（对照）",
        "扣除长假后达标（对照）",
        *(str(week) for week in standing.weeks),
    ]


def _rows(standing: PeriodStanding) -> Iterator[tuple[Cell, ...]]:
    for line in standing.lines:
        total = line.total
        who = (line.person_name,) if standing.by is By.MEMBER else ()
        yield (
            line.code,
            line.name,
            *who,
            total.pairs_due,
            total.pairs_met,
            total.patrols_needed,
            total.patrols_counted,
            _STATUS[total.status.value],
            total.exempted_needed,
            total.exempted_met,
            *_weeks(standing, line),
        )


def _weeks(standing: PeriodStanding, line: Line) -> Iterator[str]:
    """Counted of required in each week; empty where nobody was due."""
    for week in standing.weeks:
        sums = line.weeks.get(week)
        yield "" if sums is None else f"{sums.patrols_counted}/{sums.patrols_needed}"


def _notes(standing: PeriodStanding, made_at: datetime) -> Iterator[tuple[str, str]]:
    period, grid = standing.period, standing.grid
    yield "期间", f"{period}（{period.first} 至 {period.last}）"
    yield "范围", "全部可见范围" if grid is None else f"{grid.name}（{grid.code}）及其下级网格"
    yield "周的归属", "ISO 周（周一至周日，北京时间），按该周星期四所在的月、季、年归属"
    yield "口径", explain(standing).zh
    yield "依据", "DB32/T 2763-2015 第 11.2.1 条：每周巡查不少于 2 次；其余门槛为本地设置"
    for row in standing.policies:
        yield "巡查规则", _policy(row)
    yield "已结周", "已结周按冻结结果计，此后仅上级裁定可更正；未结周按现有数据实时计算"
    yield "排序", "按编码与人员排列，不作排名"
    yield "生成时间", made_at.astimezone(LOCAL_ZONE).strftime("%Y-%m-%d %H:%M（北京时间）")


def _policy(row: PolicyRow) -> str:
    policy = row.policy
    return (
        f"第 {row.policy_id} 号，自 {row.valid_from} 起，"
        f"范围 {row.path or '全部'}，类型 {row.kind or '全部'}："
        f"每周 {policy.required_per_week} 次，间隔 {policy.min_gap_hours:g} 小时，"
        f"不同日 {policy.distinct_days} 天，"
        f"网格内 {policy.min_minutes_in_grid:g} 分钟，覆盖 {policy.min_coverage_ratio:.0%}"
    )
