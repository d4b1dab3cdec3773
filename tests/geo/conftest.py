"""Import into the test's database."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy.orm import Session

from geo.importing.grids import ImportOrder, ImportReport, import_grids
from tests.geo.street_file import DAY, Feature

Run = Callable[..., ImportReport]


def everywhere(path: str) -> bool:
    return True


@pytest.fixture
def run(session: Session) -> Run:
    def run(
        features: list[Feature],
        *,
        datum: str = "EPSG:4490",
        valid_from: date = DAY,
        dry_run: bool = False,
        may_write: Callable[[str], bool] = everywhere,
        named_datum: str | None = None,
    ) -> ImportReport:
        order = ImportOrder(datum, valid_from, dry_run, may_write, "cli:test", named_datum)
        report = import_grids(session, features, order)
        session.expire_all()
        return report

    return run
