"""A database for a measurement: durable, as in production, and gone afterwards."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from core.cluster import EmbeddedCluster
from core.migrations import upgrade
from seeds.base import load_base


@contextmanager
def empty_database() -> Iterator[tuple[Engine, str]]:
    """A migrated database with tables of codes and divisions, in a cluster of its own; and its address."""
    with tempfile.TemporaryDirectory(prefix="xunge-bench-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        cluster = EmbeddedCluster(Path(folder) / "home")
        url = cluster.start()
        try:
            upgrade(url)
            engine = create_engine(url)
            with Session(engine) as session, session.begin():
                load_base(session)
            yield engine, url
            engine.dispose()
        finally:
            cluster.remove()
