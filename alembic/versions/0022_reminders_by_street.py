"""Whoever has grids in two streets is reminded of both: the id of a reminder says which, no constraint does.

Revision: 0022
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_NAME = "uq_reminders_person_id_duty_period_step"
_KEY = ("person_id", "duty", "period", "step")


def upgrade() -> None:
    op.drop_constraint(_NAME, "reminders", type_="unique")


def downgrade() -> None:
    same = " AND ".join(f"one.{name} = other.{name}" for name in _KEY)
    op.execute(
        "DELETE FROM reminders one USING reminders other"
        f" WHERE {same} AND (one.made_at, one.reminder_id) > (other.made_at, other.reminder_id)"
    )
    op.create_unique_constraint(_NAME, "reminders", list(_KEY))
