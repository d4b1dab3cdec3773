"""Migration environment: one database, one head, no alembic.ini ([tool.alembic] in pyproject.toml)."""

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import Connection, create_engine, text

import access.models
import core.models
import core.sync.models
import geo.models
import patrol.appeals.models
import patrol.checklists.models
import patrol.coverage.models
import patrol.diary.models
import patrol.duties.models
import patrol.models
import patrol.presence.models
import patrol.trackers.models
import patrol.visits.models
import registry.models
import registry.organisations.models
import registry.people.models
import registry.samples.models
from core.settings import load_settings

# Importing a models module registers its tables; naming them here keeps the import in use.
TABLES = (
    core.models,
    core.sync.models,
    geo.models,
    access.models,
    registry.models,
    registry.organisations.models,
    registry.people.models,
    registry.samples.models,
    patrol.models,
    patrol.checklists.models,
    patrol.diary.models,
    patrol.presence.models,
    patrol.trackers.models,
    patrol.appeals.models,
    patrol.coverage.models,
    patrol.duties.models,
    patrol.visits.models,
)

# Two processes that start together must not migrate together.
MIGRATION_LOCK = 0x78756E6765  # "xunge"


def include_object(obj: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    """Leave alone what is not ours: PostGIS' own tables and the job queue's schema."""
    if name is not None and kind == "table" and name.startswith("procrastinate_"):
        return False
    return bool(alembic_helpers.include_object(obj, name, kind, reflected, compare_to))


def run(connection: Connection) -> None:
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=core.models.Base.metadata,
        include_object=include_object,
        process_revision_directives=alembic_helpers.writer,
        render_item=alembic_helpers.render_item,
        compare_server_default=False,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
    connection.commit()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with create_engine(load_settings().required_database_url).connect() as own:
        run(own)
