"""Real worker processes for a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.bench import Bench


@pytest.fixture
def bench(own_database_url: str, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(own_database_url, tmp_path / "log")
    yield bench
    bench.close()
