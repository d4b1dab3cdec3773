"""Foundation: audit, divisions, grids, people and tokens, patrols and verdicts.

Revision: 0001
"""

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


AUDIT_GUARD = (Path(__file__).parent / "0001_audit_guard.sql").read_text(encoding="utf-8")


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_table(
        "audit_entries",
        sa.Column("entry_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("entry_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_audit_entries")),
        sa.UniqueConstraint("chain", "seq", name=op.f("uq_audit_entries_chain_seq")),
    )
    op.create_index(op.f("ix_audit_entries_subject"), "audit_entries", ["subject"], unique=False)
    op.create_table(
        "dead_jobs",
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("task_name", sa.Text(), nullable=False),
        sa.Column("args", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("died_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_dead_jobs")),
    )
    op.create_table(
        "divisions",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["parent_code"], ["divisions.code"], name=op.f("fk_divisions_parent_code_divisions")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_divisions")),
    )
    op.create_index(op.f("ix_divisions_parent_code"), "divisions", ["parent_code"], unique=False)
    op.create_table(
        "object_codes",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("standard", sa.Text(), nullable=False),
        sa.Column("is_local", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_object_codes")),
    )
    op.create_table(
        "patrol_policies",
        sa.Column("policy_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("thresholds", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("policy_id", name=op.f("pk_patrol_policies")),
        sa.UniqueConstraint(
            "path", "kind", "valid_from", name=op.f("uq_patrol_policies_path_kind_valid_from")
        ),
    )
    op.create_table(
        "people",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_people")),
    )
    op.create_table(
        "quarantined_items",
        sa.Column("quarantine_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("problem", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refiled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("quarantine_id", name=op.f("pk_quarantined_items")),
        sa.UniqueConstraint(
            "person_id",
            "item_id",
            "body_hash",
            "reason",
            name=op.f("uq_quarantined_items_person_id_item_id_body_hash_reason"),
        ),
    )
    op.create_index(
        op.f("ix_quarantined_items_person_id_received_at"),
        "quarantined_items",
        ["person_id", "received_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_quarantined_items_subject_id"), "quarantined_items", ["subject_id"], unique=False
    )
    op.create_table(
        "worker_heartbeats",
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("worker_id", name=op.f("pk_worker_heartbeats")),
    )
    op.create_table(
        "accounts",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("failed_logins", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("username = lower(username)", name=op.f("ck_accounts_lower")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_accounts_person_id_people")
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("username", name=op.f("uq_accounts_username")),
    )
    op.create_table(
        "grids",
        sa.Column("grid_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("street_code", sa.Text(), nullable=False),
        sa.Column("community_code", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("retired_on", sa.Date(), nullable=True),
        sa.CheckConstraint("(level = 1) = (parent_id IS NULL)", name=op.f("ck_grids_root_is_level_1")),
        sa.CheckConstraint("level BETWEEN 1 AND 5", name=op.f("ck_grids_level")),
        sa.ForeignKeyConstraint(["parent_id"], ["grids.grid_id"], name=op.f("fk_grids_parent_id_grids")),
        sa.ForeignKeyConstraint(
            ["street_code"], ["divisions.code"], name=op.f("fk_grids_street_code_divisions")
        ),
        sa.PrimaryKeyConstraint("grid_id", name=op.f("pk_grids")),
        sa.UniqueConstraint("code", name=op.f("uq_grids_code")),
    )
    op.create_index(op.f("ix_grids_parent_id"), "grids", ["parent_id"], unique=False)
    op.create_index(
        "ix_grids_path", "grids", ["path"], unique=True, postgresql_ops={"path": "text_pattern_ops"}
    )
    op.create_index(op.f("ix_grids_street_code_level"), "grids", ["street_code", "level"], unique=False)
    op.create_index(op.f("ix_grids_level"), "grids", ["level"], unique=False)
    op.create_table(
        "sign_ins",
        sa.Column("sign_in_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_because", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_sign_ins_person_id_people")
        ),
        sa.PrimaryKeyConstraint("sign_in_id", name=op.f("pk_sign_ins")),
    )
    op.create_index(op.f("ix_sign_ins_person_id"), "sign_ins", ["person_id"], unique=False)
    op.create_table(
        "access_tokens",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sign_in_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sign_in_id"], ["sign_ins.sign_in_id"], name=op.f("fk_access_tokens_sign_in_id_sign_ins")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_access_tokens")),
    )
    op.create_index(op.f("ix_access_tokens_sign_in_id"), "access_tokens", ["sign_in_id"], unique=False)
    op.create_table(
        "assignments",
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("grid_id", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "(role IN ('member', 'head')) = (grid_id IS NOT NULL)", name=op.f("ck_assignments_grid_roles")
        ),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_assignments_dates")),
        sa.ForeignKeyConstraint(["grid_id"], ["grids.grid_id"], name=op.f("fk_assignments_grid_id_grids")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_assignments_person_id_people")
        ),
        sa.PrimaryKeyConstraint("assignment_id", name=op.f("pk_assignments")),
    )
    op.create_index(op.f("ix_assignments_grid_id"), "assignments", ["grid_id"], unique=False)
    op.create_index(
        "ix_assignments_path",
        "assignments",
        ["path"],
        unique=False,
        postgresql_ops={"path": "text_pattern_ops"},
    )
    op.create_index(op.f("ix_assignments_person_id"), "assignments", ["person_id"], unique=False)
    op.create_geospatial_table(
        "grid_versions",
        sa.Column("version_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column(
            "geom_3857",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column("area_m2", sa.Double(), nullable=True),
        sa.Column("cells", sa.LargeBinary(), nullable=True),
        sa.Column("source_datum", sa.Text(), nullable=False),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("grid_id"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_grid_versions_no_overlap",
        ),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_grid_versions_dates")),
        sa.ForeignKeyConstraint(["grid_id"], ["grids.grid_id"], name=op.f("fk_grid_versions_grid_id_grids")),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_grid_versions")),
        sa.UniqueConstraint("grid_id", "version", name=op.f("uq_grid_versions_grid_id_version")),
    )
    op.create_geospatial_index(
        "ix_grid_versions_geom",
        "grid_versions",
        ["geom"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_grid_versions_geom_3857",
        "grid_versions",
        ["geom_3857"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_table(
        "grid_weeks",
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("pairs_due", sa.Integer(), nullable=False),
        sa.Column("pairs_met", sa.Integer(), nullable=False),
        sa.Column("patrols_needed", sa.Integer(), nullable=False),
        sa.Column("patrols_counted", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["grid_id"], ["grids.grid_id"], name=op.f("fk_grid_weeks_grid_id_grids")),
        sa.PrimaryKeyConstraint("week", "grid_id", name=op.f("pk_grid_weeks")),
    )
    op.create_table(
        "patrols",
        sa.Column("patrol_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "start_received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finish_received_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("finished_at IS NULL OR finished_at >= started_at", name=op.f("ck_patrols_times")),
        sa.ForeignKeyConstraint(["grid_id"], ["grids.grid_id"], name=op.f("fk_patrols_grid_id_grids")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_patrols_person_id_people")
        ),
        sa.PrimaryKeyConstraint("patrol_id", name=op.f("pk_patrols")),
    )
    op.create_index(op.f("ix_patrols_grid_id_started_at"), "patrols", ["grid_id", "started_at"], unique=False)
    op.create_index(
        op.f("ix_patrols_person_id_started_at"), "patrols", ["person_id", "started_at"], unique=False
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sign_in_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replay_key_hash", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_reply", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["sign_in_id"], ["sign_ins.sign_in_id"], name=op.f("fk_refresh_tokens_sign_in_id_sign_ins")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_refresh_tokens")),
    )
    op.create_index(op.f("ix_refresh_tokens_sign_in_id"), "refresh_tokens", ["sign_in_id"], unique=False)
    op.create_geospatial_table(
        "patrol_verdicts",
        sa.Column("patrol_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("results", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("flags", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("fix_count", sa.Integer(), nullable=False),
        sa.Column("observed_s", sa.Double(), nullable=False),
        sa.Column("in_grid_s", sa.Double(), nullable=False),
        sa.Column("length_m", sa.Double(), nullable=False),
        sa.Column("coverage_ratio", sa.Double(), nullable=False),
        sa.Column("cells", sa.LargeBinary(), nullable=False),
        sa.Column("dwell_s", sa.LargeBinary(), nullable=False),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="MULTILINESTRING",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("grid_version_id", sa.Integer(), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["grid_version_id"],
            ["grid_versions.version_id"],
            name=op.f("fk_patrol_verdicts_grid_version_id_grid_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["patrol_id"], ["patrols.patrol_id"], name=op.f("fk_patrol_verdicts_patrol_id_patrols")
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"],
            ["patrol_policies.policy_id"],
            name=op.f("fk_patrol_verdicts_policy_id_patrol_policies"),
        ),
        sa.PrimaryKeyConstraint("patrol_id", name=op.f("pk_patrol_verdicts")),
    )
    op.create_index(
        op.f("ix_patrol_verdicts_grid_id_week"), "patrol_verdicts", ["grid_id", "week"], unique=False
    )
    op.create_index(
        op.f("ix_patrol_verdicts_person_id_week"), "patrol_verdicts", ["person_id", "week"], unique=False
    )
    op.create_index(
        op.f("ix_patrol_verdicts_week_status"), "patrol_verdicts", ["week", "status"], unique=False
    )
    op.create_table(
        "segments",
        sa.Column("segment_id", sa.Uuid(), nullable=False),
        sa.Column("patrol_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("datum", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("clock_offset_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("fix_count", sa.SmallInteger(), nullable=False),
        sa.Column("fixes", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patrol_id"], ["patrols.patrol_id"], name=op.f("fk_segments_patrol_id_patrols")
        ),
        sa.PrimaryKeyConstraint("segment_id", name=op.f("pk_segments")),
    )
    op.create_index(op.f("ix_segments_patrol_id"), "segments", ["patrol_id"], unique=False)
    op.execute(AUDIT_GUARD)


def downgrade() -> None:
    op.execute("DROP TRIGGER audit_entries_append_only ON audit_entries")
    op.execute("DROP TRIGGER audit_entries_no_truncate ON audit_entries")
    op.execute("DROP FUNCTION refuse_audit_change()")
    op.drop_index(op.f("ix_segments_patrol_id"), table_name="segments")
    op.drop_table("segments")
    op.drop_index(op.f("ix_patrol_verdicts_week_status"), table_name="patrol_verdicts")
    op.drop_index(op.f("ix_patrol_verdicts_person_id_week"), table_name="patrol_verdicts")
    op.drop_index(op.f("ix_patrol_verdicts_grid_id_week"), table_name="patrol_verdicts")
    op.drop_geospatial_table("patrol_verdicts")
    op.drop_index(op.f("ix_refresh_tokens_sign_in_id"), table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_index(op.f("ix_patrols_person_id_started_at"), table_name="patrols")
    op.drop_index(op.f("ix_patrols_grid_id_started_at"), table_name="patrols")
    op.drop_table("patrols")
    op.drop_table("grid_weeks")
    op.drop_geospatial_index(
        "ix_grid_versions_geom_3857",
        table_name="grid_versions",
        postgresql_using="gist",
        column_name="geom_3857",
    )
    op.drop_geospatial_index(
        "ix_grid_versions_geom", table_name="grid_versions", postgresql_using="gist", column_name="geom"
    )
    op.drop_geospatial_table("grid_versions")
    op.drop_index(op.f("ix_assignments_person_id"), table_name="assignments")
    op.drop_index(
        "ix_assignments_path", table_name="assignments", postgresql_ops={"path": "text_pattern_ops"}
    )
    op.drop_index(op.f("ix_assignments_grid_id"), table_name="assignments")
    op.drop_table("assignments")
    op.drop_index(op.f("ix_access_tokens_sign_in_id"), table_name="access_tokens")
    op.drop_table("access_tokens")
    op.drop_index(op.f("ix_sign_ins_person_id"), table_name="sign_ins")
    op.drop_table("sign_ins")
    op.drop_index(op.f("ix_grids_level"), table_name="grids")
    op.drop_index(op.f("ix_grids_street_code_level"), table_name="grids")
    op.drop_index("ix_grids_path", table_name="grids", postgresql_ops={"path": "text_pattern_ops"})
    op.drop_index(op.f("ix_grids_parent_id"), table_name="grids")
    op.drop_table("grids")
    op.drop_table("accounts")
    op.drop_table("worker_heartbeats")
    op.drop_index(op.f("ix_quarantined_items_subject_id"), table_name="quarantined_items")
    op.drop_index(op.f("ix_quarantined_items_person_id_received_at"), table_name="quarantined_items")
    op.drop_table("quarantined_items")
    op.drop_table("people")
    op.drop_table("patrol_policies")
    op.drop_table("object_codes")
    op.drop_index(op.f("ix_divisions_parent_code"), table_name="divisions")
    op.drop_table("divisions")
    op.drop_table("dead_jobs")
    op.drop_index(op.f("ix_audit_entries_subject"), table_name="audit_entries")
    op.drop_table("audit_entries")
