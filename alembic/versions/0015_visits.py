"""Visits, their forms, the needs they find.

Revision: 0015
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "visit_forms",
        sa.Column("form_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("zh", sa.Text(), nullable=False),
        sa.Column("en", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "theme IN ('employment', 'hardship', 'needs', 'safety', 'routine')",
            name=op.f("ck_visit_forms_theme"),
        ),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_visit_forms_dates")),
        sa.CheckConstraint("version > 0", name=op.f("ck_visit_forms_version")),
        sa.PrimaryKeyConstraint("form_id", name=op.f("pk_visit_forms")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_visit_forms_code_version")),
    )
    op.create_table(
        "visits",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("form_id", sa.Integer(), nullable=True),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("patrol_id", sa.Uuid(), nullable=True),
        sa.Column("follow_up_on", sa.Date(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("source_datum", sa.Text(), nullable=True),
        sa.Column("proof", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("photos", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.SmallInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "outcome IN ('met', 'not_home', 'refused', 'moved_away', 'by_phone', 'withdrawn')",
            name=op.f("ck_visits_outcome"),
        ),
        sa.CheckConstraint(
            "theme IN ('employment', 'hardship', 'needs', 'safety', 'routine')", name=op.f("ck_visits_theme")
        ),
        sa.CheckConstraint("(lon IS NULL) = (lat IS NULL)", name=op.f("ck_visits_position")),
        sa.ForeignKeyConstraint(
            ["form_id"], ["visit_forms.form_id"], name=op.f("fk_visits_form_id_visit_forms")
        ),
        sa.ForeignKeyConstraint(
            ["household_id"], ["households.household_id"], name=op.f("fk_visits_household_id_households")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.person_id"], name=op.f("fk_visits_person_id_people")),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_visits")),
    )
    op.create_index(op.f("ix_visits_at_visit_id"), "visits", ["at", "visit_id"], unique=False)
    op.create_index(
        op.f("ix_visits_household_id_at"),
        "visits",
        ["household_id", "at"],
        unique=False,
        postgresql_include=["outcome", "follow_up_on"],
    )
    op.create_index(
        op.f("ix_visits_patrol_id"),
        "visits",
        ["patrol_id"],
        unique=False,
        postgresql_where=sa.text("patrol_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_visits_person_id_at"), "visits", ["person_id", "at"], unique=False)
    op.create_table(
        "needs",
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("handed_to", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(status = 'handed') = (handed_to IS NOT NULL)", name=op.f("ck_needs_handed_to")),
        sa.CheckConstraint("status IN ('open', 'handed', 'withdrawn')", name=op.f("ck_needs_status")),
        sa.CheckConstraint("urgency IN ('normal', 'soon', 'urgent')", name=op.f("ck_needs_urgency")),
        sa.ForeignKeyConstraint(
            ["household_id"], ["households.household_id"], name=op.f("fk_needs_household_id_households")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visits.visit_id"], name=op.f("fk_needs_visit_id_visits")),
        sa.PrimaryKeyConstraint("need_id", name=op.f("pk_needs")),
    )
    op.create_index(op.f("ix_needs_household_id"), "needs", ["household_id"], unique=False)
    op.create_index(
        op.f("ix_needs_status_found_at_need_id"), "needs", ["status", "found_at", "need_id"], unique=False
    )
    op.create_index(op.f("ix_needs_visit_id"), "needs", ["visit_id"], unique=False)
    op.create_table(
        "visit_versions",
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("form_id", sa.Integer(), nullable=True),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["form_id"], ["visit_forms.form_id"], name=op.f("fk_visit_versions_form_id_visit_forms")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_visit_versions_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visits.visit_id"], name=op.f("fk_visit_versions_visit_id_visits")
        ),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_visit_versions")),
    )
    op.create_index(
        op.f("ix_visit_versions_visit_id_made_at"), "visit_versions", ["visit_id", "made_at"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_visit_versions_visit_id_made_at"), table_name="visit_versions")
    op.drop_table("visit_versions")
    op.drop_index(op.f("ix_needs_visit_id"), table_name="needs")
    op.drop_index(op.f("ix_needs_status_found_at_need_id"), table_name="needs")
    op.drop_index(op.f("ix_needs_household_id"), table_name="needs")
    op.drop_table("needs")
    op.drop_index(op.f("ix_visits_person_id_at"), table_name="visits")
    op.drop_index(
        op.f("ix_visits_patrol_id"), table_name="visits", postgresql_where=sa.text("patrol_id IS NOT NULL")
    )
    op.drop_index(
        op.f("ix_visits_household_id_at"), table_name="visits", postgresql_include=["outcome", "follow_up_on"]
    )
    op.drop_index(op.f("ix_visits_at_visit_id"), table_name="visits")
    op.drop_table("visits")
    op.drop_table("visit_forms")
