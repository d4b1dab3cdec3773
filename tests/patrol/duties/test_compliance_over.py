"""Weeks added up: what a month is made of, and that frozen weeks and facts say the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import event, func, select, update
from sqlalchemy.orm import Session

from access.roles import Role
from core.clock import Week
from core.errors import Forbidden, NotFound
from core.periods import Period
from core.spreadsheets import read_rows
from patrol.appeals.models import PatrolDecision, WeekResult
from patrol.duties.compliance import By, PeriodStanding, standing_over
from patrol.duties.compliance_table import compliance_csv, compliance_workbook
from patrol.models import PatrolVerdict
from patrol.weeks.freezing import freeze_week
from patrol.weeks.standing import standing_of
from tests import make
from tests.patrol.weeks.test_roll_up import MONDAY_9, World, a_week, judged, world

__all__ = ["world"]  # the fixture
LATER = MONDAY_9 + timedelta(days=30)  # 16 December, W51


def over(session: Session, world: World, period: str, by: By = By.MEMBER, **narrowed: Any) -> PeriodStanding:
    with time_machine.travel(LATER, tick=False):
        return standing_over(session, world.leader, Period.parse(period), by, **narrowed)


def figures(standing: PeriodStanding) -> dict[str, tuple[int, int, int, int]]:
    return {
        f"{line.name} {line.person_name or ''}".strip(): (
            line.total.pairs_due,
            line.total.pairs_met,
            line.total.patrols_counted,
            line.total.patrols_needed,
        )
        for line in standing.lines
    }


def test_a_month_is_the_sum_of_its_weeks(session: Session, world: World) -> None:
    a_week(session, world)
    for start in (0, 24):
        judged(session, world.zhao, world.tree.b11, 14 * 24 + start)  # W49, whose Thursday is in December
    november, december = over(session, world, "2026-11"), over(session, world, "2026-12")
    assert [str(week) for week in november.weeks] == ["2026-W45", "2026-W46", "2026-W47", "2026-W48"]
    assert figures(november) == {
        "A11 某wang": (4, 1, 2, 8),
        "A11 某li": (4, 0, 2, 8),  # one in W47, one in W48
        "A1 某head": (4, 0, 0, 8),
        "B11 某zhao": (4, 0, 0, 8),
    }
    assert (len(december.weeks), december.to_come) == (3, 2)
    assert figures(december)["B11 某zhao"] == (3, 1, 2, 6)
    quarter = over(session, world, "2026-Q4")
    assert quarter.total.patrols_counted == november.total.patrols_counted + december.total.patrols_counted


def test_each_way_of_adding_up_gives_the_same_total(session: Session, world: World) -> None:
    a_week(session, world)
    found = {by: over(session, world, "2026-11", by) for by in By}
    assert len({standing.total for standing in found.values()}) == 1
    assert figures(found[By.GRID])["A11"] == (8, 1, 4, 16)
    communities = {line.code: line.total.pairs_due for line in found[By.COMMUNITY].lines}
    assert communities == {f"{make.STREET}001": 12, f"{make.STREET}002": 4}
    assert [line.code for line in found[By.STREET].lines] == [make.STREET]


def test_a_week_of_its_own_says_what_the_weekly_count_says(session: Session, world: World) -> None:
    a_week(session, world)
    week = standing_of(session, world.leader, Week.of(MONDAY_9), grid_code=None, level=None)
    total = over(session, world, "2026-W47").total
    assert (total.pairs_due, total.pairs_met, total.patrols_counted, total.patrols_needed) == (
        week.totals.pairs_due,
        week.totals.pairs_met,
        week.totals.patrols_counted,
        week.totals.patrols_needed,
    )


def test_frozen_weeks_are_read_as_written_and_in_few_statements(session: Session, world: World) -> None:
    a_week(session, world)
    before = over(session, world, "2026-11")
    with time_machine.travel(LATER, tick=False):
        for week in ("2026-W45", "2026-W46", "2026-W47", "2026-W48"):
            freeze_week(session, make.STREET, week)
    statements: list[str] = []

    def note(*args: Any) -> None:
        statements.append(args[2])

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    frozen = over(session, world, "2026-11")
    event.remove(connection, "before_cursor_execute", note)
    assert frozen == before
    assert len(statements) <= 10
    session.execute(update(WeekResult).values(counted=WeekResult.counted + 5))
    assert over(session, world, "2026-11").total.patrols_counted == 4 * 4 * 2  # stored rows, not facts


def test_a_decision_after_the_freezing_is_seen(session: Session, world: World) -> None:
    judged(session, world.zhao, world.tree.b11, 0)
    second = judged(session, world.zhao, world.tree.b11, 24, "pending_review")
    with time_machine.travel(LATER, tick=False):
        freeze_week(session, make.STREET, "2026-W47")
    assert figures(over(session, world, "2026-W47"))["B11 某zhao"] == (1, 0, 1, 2)
    session.execute(
        update(PatrolVerdict).where(PatrolVerdict.patrol_id == second).values(decision="accepted")
    )
    session.add(
        PatrolDecision(
            patrol_id=second,
            decision="accepted",
            note="",
            decided_by=world.leader.person_id,
            decided_at=session.scalar(select(func.clock_timestamp())),
            computed_status="pending_review",
            results=[],
        )
    )
    session.flush()
    assert figures(over(session, world, "2026-W47"))["B11 某zhao"] == (1, 1, 2, 2)


def test_a_transfer_is_two_lines_and_a_retired_grid_keeps_its_weeks(session: Session, world: World) -> None:
    someone = make.person(session, name="调动")
    monday = Week.parse("2026-W46").monday
    for grid, since, until in ((world.tree.a12, make.SINCE, monday), (world.tree.b11, monday, None)):
        make.assignment(
            session,
            person_id=someone.person_id,
            role=Role.MEMBER,
            grid=grid,
            valid_from=since,
            valid_to=until,
        )
    world.tree.a12.retired_on = monday
    session.flush()
    found = figures(over(session, world, "2026-11"))
    assert found["B11 调动"][0] == 3
    assert [count[0] for name, count in found.items() if name.endswith("调动")] == [1, 3]


def test_long_holidays_stand_beside(session: Session, world: World) -> None:
    total = over(session, world, "2026-W08").total  # the spring festival
    assert (total.patrols_needed, total.exempted_needed, total.pairs_met, total.exempted_met) == (8, 0, 0, 4)
    total = over(session, world, "2026-W40").total
    assert (total.patrols_needed, total.exempted_needed) == (8, 4)


def test_scope_and_narrowing(session: Session, world: World) -> None:
    assert set(figures(over(session, world, "2026-11", grid_code=world.tree.a.code, level=3))) == {
        "A11 某wang",
        "A11 某li",
    }
    period = Period.parse("2026-11")
    with pytest.raises(NotFound):
        standing_over(session, world.wang, period, By.GRID, grid_code=world.tree.b11.code)
    with pytest.raises(NotFound):
        standing_over(session, world.wang, period, By.GRID, grid_code="nothing")
    unit = make.actor(session, role=Role.UNIT)
    with pytest.raises(Forbidden):
        standing_over(session, unit, period, By.GRID, grid_code=world.tree.a.code)
    assert not standing_over(session, unit, period, By.GRID).lines
    assert not over(session, world, "2030").weeks


@pytest.mark.parametrize("by", By)
def test_the_file_says_what_the_reply_says(session: Session, world: World, by: By) -> None:
    a_week(session, world)
    standing = over(session, world, "2026-11", by)
    body = compliance_workbook(standing, datetime(2026, 12, 1, tzinfo=UTC))
    sheet = read_rows(body, "x.xlsx", sheet="明细")
    assert [row.cells["应巡次数"] for row in sheet.rows] == [
        line.total.patrols_needed for line in standing.lines
    ]
    assert len(sheet.headers) == (9 if by is not By.MEMBER else 10) + len(standing.weeks)
    notes = {
        str(row.cells["项目"]): str(row.cells["内容"]) for row in read_rows(body, "x.xlsx", sheet="说明").rows
    }
    assert "16 个“责任对·周”" in notes["口径"]
    assert "不作排名" in notes["排序"]
    assert "每周 2 次" in notes["巡查规则"]
    rows = read_rows(compliance_csv(standing), "x.csv").rows
    assert [row.cells["2026-W47"] for row in rows] == [row.cells["2026-W47"] for row in sheet.rows]
