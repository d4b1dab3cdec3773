"""Photos of appeals are named like those of findings and visits: asked for, kept, shown to whoever decides.

Revision: 0019
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.execute(
        """
        INSERT INTO photo_uses (photo_hash, kind, item_id, slot, person_id, path, named_at)
        SELECT decode(named.photo, 'hex'), 'appeal', appeal_id, '', person_id, grids.path, received_at
        FROM appeals
        JOIN grids USING (grid_id)
        CROSS JOIN LATERAL jsonb_array_elements_text(appeals.photos) AS named (photo)
        ON CONFLICT DO NOTHING
        """
    )


def downgrade() -> None:
    op.execute("DELETE FROM photo_uses WHERE kind = 'appeal'")
