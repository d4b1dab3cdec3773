"""What phones have; tokens of trackers and the positions that wait for a patrol; sealed bodies kept aside.

Revision: 0016
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CLOCK = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "server_epochs",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("system_identifier", sa.Text(), nullable=True),
        sa.Column("timeline", sa.Integer(), nullable=True),
        sa.Column("witness", sa.BigInteger(), nullable=False),
        sa.Column("witnessed_at", sa.DateTime(timezone=True), server_default=CLOCK, nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), server_default=CLOCK, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_server_epochs")),
    )
    op.create_table(
        "sync_marks",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=CLOCK, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "device_id", "stream", name=op.f("pk_sync_marks")),
    )
    op.create_table(
        "sync_states",
        sa.Column("state_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("held", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), server_default=CLOCK, nullable=False),
        sa.PrimaryKeyConstraint("state_id", name=op.f("pk_sync_states")),
    )
    op.create_index(
        op.f("ix_sync_states_person_id_device_id"), "sync_states", ["person_id", "device_id"], unique=False
    )
    op.create_index(op.f("ix_sync_states_used_at"), "sync_states", ["used_at"], unique=False)
    # Already deflated: another attempt would only cost time.
    op.execute("ALTER TABLE sync_states ALTER COLUMN held SET STORAGE EXTERNAL")

    op.add_column("device_uses", sa.Column("pending_items", sa.Integer(), nullable=True))
    op.add_column("device_uses", sa.Column("pending_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "tracker_tokens",
        sa.Column("tracker_token_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("battery_percent", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.device_id"], name=op.f("fk_tracker_tokens_device_id_devices")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_tracker_tokens_person_id_people")
        ),
        sa.PrimaryKeyConstraint("tracker_token_id", name=op.f("pk_tracker_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_tracker_tokens_token_hash")),
    )
    op.create_index(op.f("ix_tracker_tokens_person_id"), "tracker_tokens", ["person_id"], unique=False)
    op.create_index(
        "uq_tracker_tokens_device",
        "tracker_tokens",
        ["device_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "tracker_fixes",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("accuracy_m", sa.Float(), nullable=True),
        sa.Column("speed_mps", sa.Float(), nullable=True),
        sa.Column("heading_deg", sa.Float(), nullable=True),
        sa.Column("altitude_m", sa.Float(), nullable=True),
        sa.Column("is_mock", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=CLOCK, nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.device_id"], name=op.f("fk_tracker_fixes_device_id_devices")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_tracker_fixes_person_id_people")
        ),
        sa.PrimaryKeyConstraint("device_id", "person_id", "at_ms", name=op.f("pk_tracker_fixes")),
    )
    op.create_index(op.f("ix_tracker_fixes_received_at"), "tracker_fixes", ["received_at"], unique=False)
    op.create_table(
        "tracker_segments",
        sa.Column("segment_id", sa.Uuid(), nullable=False),
        sa.Column("patrol_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.device_id"], name=op.f("fk_tracker_segments_device_id_devices")
        ),
        sa.ForeignKeyConstraint(
            ["patrol_id"], ["patrols.patrol_id"], name=op.f("fk_tracker_segments_patrol_id_patrols")
        ),
        sa.ForeignKeyConstraint(
            ["segment_id"],
            ["segments.segment_id"],
            name=op.f("fk_tracker_segments_segment_id_segments"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("segment_id", name=op.f("pk_tracker_segments")),
    )
    op.create_index(
        op.f("ix_tracker_segments_patrol_id_device_id"),
        "tracker_segments",
        ["patrol_id", "device_id"],
        unique=False,
    )
    op.add_column(
        "quarantined_items",
        sa.Column("is_sealed", sa.Boolean(), server_default=sa.false(), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("quarantined_items", "is_sealed")
    op.drop_table("tracker_segments")
    op.drop_table("tracker_fixes")
    op.drop_table("tracker_tokens")
    op.drop_column("device_uses", "pending_at")
    op.drop_column("device_uses", "pending_items")
    op.drop_table("sync_states")
    op.drop_table("sync_marks")
    op.drop_table("server_epochs")
