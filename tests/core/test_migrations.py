"""Models, migrations and database agree; the way down works on a database with rows in it."""

import pytest
from sqlalchemy import create_engine, text

from core import migrations

pytestmark = pytest.mark.own_database


def test_models_and_migrations_agree(own_database_url: str) -> None:
    migrations.check(own_database_url)


def test_down_and_up_again_on_populated_data(own_database_url: str) -> None:
    engine = create_engine(own_database_url)
    with engine.begin() as connection:
        before = connection.scalar(text("SELECT count(*) FROM divisions"))
        assert before > 0
    migrations.downgrade(own_database_url, "base")
    with engine.connect() as connection:
        left = connection.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        ).all()
        queue_types = connection.scalar(
            text("SELECT count(*) FROM pg_type WHERE typname LIKE 'procrastinate%'")
        )
    assert set(left) == {"alembic_version", "spatial_ref_sys"}
    assert queue_types == 0
    migrations.upgrade(own_database_url)
    migrations.check(own_database_url)
    with engine.connect() as connection:
        assert migrations.current(connection) == migrations.newest()
    engine.dispose()


def test_the_newest_migration_goes_down_and_up_and_keeps_the_rest(own_database_url: str) -> None:
    engine = create_engine(own_database_url)
    migrations.downgrade(own_database_url, "-1")
    migrations.upgrade(own_database_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM divisions")) > 0
    engine.dispose()
