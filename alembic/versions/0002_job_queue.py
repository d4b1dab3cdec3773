"""Job queue: procrastinate's own schema, as shipped with the locked version.

Revision: 0002
"""

from collections.abc import Sequence

from alembic import op
from procrastinate.schema import SchemaManager

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

DROP_QUEUE = """
DO $$
DECLARE item record;
BEGIN
    FOR item IN SELECT tablename FROM pg_tables
        WHERE schemaname = current_schema() AND tablename LIKE 'procrastinate\\_%'
    LOOP EXECUTE format('DROP TABLE %I CASCADE', item.tablename); END LOOP;
    FOR item IN SELECT p.oid::regprocedure AS signature FROM pg_proc p
        WHERE p.pronamespace = current_schema()::regnamespace AND p.proname LIKE 'procrastinate\\_%'
    LOOP EXECUTE format('DROP FUNCTION %s CASCADE', item.signature); END LOOP;
    FOR item IN SELECT t.typname FROM pg_type t
        WHERE t.typnamespace = current_schema()::regnamespace AND t.typname LIKE 'procrastinate\\_%'
            AND t.typtype IN ('e', 'c') AND t.typrelid = 0 OR t.typname LIKE 'procrastinate\\_%' AND EXISTS (
                SELECT 1 FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c')
    LOOP EXECUTE format('DROP TYPE %I CASCADE', item.typname); END LOOP;
END $$
"""


def upgrade() -> None:
    # The driver, not SQLAlchemy's text(): the script is full of colons and percent signs.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute(SchemaManager.get_schema())
    # The sweep looks for failed jobs every few seconds, among a week of succeeded ones.
    op.execute(
        "CREATE INDEX procrastinate_jobs_failed_idx ON procrastinate_jobs (id) WHERE status = 'failed'"
    )


def downgrade() -> None:
    op.execute(DROP_QUEUE)
