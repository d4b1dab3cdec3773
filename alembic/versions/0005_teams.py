"""Teams: positions in a grid, absences and their substitutes.

Revision: 0005
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("people", sa.Column("affiliation", sa.Text(), nullable=True))
    op.add_column("people", sa.Column("street_code", sa.Text(), nullable=True))
    op.add_column("people", sa.Column("left_on", sa.Date(), nullable=True))
    op.create_foreign_key(
        op.f("fk_people_street_code_divisions"), "people", "divisions", ["street_code"], ["code"]
    )
    op.create_index(op.f("ix_people_street_code"), "people", ["street_code"], unique=False)
    op.create_check_constraint(
        op.f("ck_people_affiliation"),
        "people",
        "affiliation IN ('street', 'community', 'department', 'other')",
    )
    op.create_check_constraint(
        op.f("ck_people_staff_of_a_street"),
        "people",
        "affiliation NOT IN ('street', 'community') OR street_code IS NOT NULL",
    )
    op.add_column("assignments", sa.Column("position", sa.Text(), nullable=True))
    op.drop_constraint(op.f("ck_assignments_grid_roles"), "assignments", type_="check")
    op.create_check_constraint(
        op.f("ck_assignments_grid_roles"),
        "assignments",
        "(role IN ('member', 'head', 'team')) = (grid_id IS NOT NULL)",
    )
    op.create_check_constraint(
        op.f("ck_assignments_position_in_a_grid"), "assignments", "position IS NULL OR grid_id IS NOT NULL"
    )
    op.create_table(
        "absences",
        sa.Column("absence_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("substitute_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("cancelled_on", sa.Date(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(cancelled_at IS NULL) = (cancelled_on IS NULL)", name=op.f("ck_absences_cancelled")
        ),
        sa.CheckConstraint("cancelled_on >= valid_from", name=op.f("ck_absences_cancelled_on")),
        sa.CheckConstraint("substitute_id <> person_id", name=op.f("ck_absences_somebody_else")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_absences_dates")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_absences_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["substitute_id"], ["people.person_id"], name=op.f("fk_absences_substitute_id_people")
        ),
        sa.PrimaryKeyConstraint("absence_id", name=op.f("pk_absences")),
    )
    op.create_index(op.f("ix_absences_person_id"), "absences", ["person_id"], unique=False)
    op.create_index(op.f("ix_absences_substitute_id"), "absences", ["substitute_id"], unique=False)


def downgrade() -> None:
    op.drop_table("absences")
    op.drop_constraint(op.f("ck_assignments_position_in_a_grid"), "assignments", type_="check")
    op.drop_constraint(op.f("ck_assignments_grid_roles"), "assignments", type_="check")
    op.execute("DELETE FROM assignments WHERE role = 'team'")  # there was no such role
    op.create_check_constraint(
        op.f("ck_assignments_grid_roles"),
        "assignments",
        "(role IN ('member', 'head')) = (grid_id IS NOT NULL)",
    )
    op.drop_column("assignments", "position")
    op.drop_constraint(op.f("ck_people_staff_of_a_street"), "people", type_="check")
    op.drop_constraint(op.f("ck_people_affiliation"), "people", type_="check")
    op.drop_constraint(op.f("fk_people_street_code_divisions"), "people", type_="foreignkey")
    op.drop_index(op.f("ix_people_street_code"), table_name="people")
    for column in ("left_on", "street_code", "affiliation"):
        op.drop_column("people", column)
