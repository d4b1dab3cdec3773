"""The shares of coverage as files."""

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO

import time_machine
from fastapi.testclient import TestClient
from python_calamine import CalamineWorkbook
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from tests import make
from tests.patrol.coverage.walked import MONDAY, cells_in, rolled_up, walked

ClientOf = Callable[[Actor], TestClient]
WEEK = {"from": "2026-11-16", "to": "2026-11-22"}


@time_machine.travel(datetime(2026, 11, 22, 4, tzinfo=UTC), tick=False)
def test_a_file_holds_the_same_figures_and_says_what_they_are(client: ClientOf, session: Session) -> None:
    tree = make.street_tree(session)
    wang = make.actor(session, role=Role.MEMBER, grid=tree.a11, username="wang")
    walked(session, wang, tree.a11, cells_in(session, tree.a11)[:10])
    rolled_up(session, MONDAY)
    leader = client(make.actor(session, role=Role.LEADER))
    query = {"street": make.STREET, "level": "1", **WEEK}
    shown = leader.get("/v1/coverage/summary", params=query).json()["items"]
    csv = leader.get("/v1/coverage/summary/export", params={**query, "format": "csv"})
    lines = [line.split(",") for line in csv.content.decode("utf-8-sig").splitlines()]
    cells = shown[0]["cells"]
    assert lines[1][:6] == [
        *(shown[0]["code"], "A", "1"),
        *(str(cells[name]) for name in ("reached", "total", "ratio")),
    ]
    assert (len(lines), lines[2][11]) == (3, "")  # a share of nothing
    book = leader.get("/v1/coverage/summary/export", params=query)
    sheet = CalamineWorkbook.from_filelike(BytesIO(book.content)).get_sheet_by_name("说明")
    notes = [str(cell) for row in sheet.to_python() for cell in row]
    assert "2026-11-16 至 2026-11-22（北京时间）" in notes
    assert any("不作排名" in note for note in notes)
