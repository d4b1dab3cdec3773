"""`xunge rejudge`: the patrols of a week wait to be judged again."""

import pytest

from access.roles import Role
from core.clock import Week, now
from core.database import Sessions
from patrol.judging.batch import JUDGE_MANY
from tests import make
from tests.patrol.deliveries import Round, jobs_of, plot
from tests.test_cli import Typed, on_database, stored, typed

__all__ = ["on_database", "stored", "typed"]  # fixtures


def test_a_week_of_every_street(on_database: Typed, stored: Sessions) -> None:
    with stored() as session:
        grid = plot(session)
        walker = make.actor(session, role=Role.MEMBER, grid=grid)
        one = Round.of(grid)
        one.begin(session, walker)
        session.commit()
        week = str(Week.of(one.start.started_at))
        assert f"1 patrols of {week}" in on_database("rejudge", week)[2]
        assert jobs_of(session, JUDGE_MANY) == [{"patrol_ids": [str(one.patrol_id)]}]
        assert "0 patrols of 2026-W01" in on_database("rejudge", "2026-W01", "--street", make.STREET)[2]


@pytest.mark.parametrize(
    "arguments", [("next week",), (str(Week.of(now())), "--street", "999999999")], ids=["week", "street"]
)
def test_what_cannot_be_done(on_database: Typed, arguments: tuple[str, ...]) -> None:
    code, _, complaint = on_database("rejudge", *arguments)
    assert code == 2
    assert complaint
