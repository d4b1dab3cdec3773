"""Two imports at the same time: the second waits, and sees what the first one did."""

import threading
from datetime import date

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from geo.importing.grids import ImportOrder, ImportReport, import_grids
from tests.geo.conftest import everywhere
from tests.geo.street_file import CODE, reasons, street

ORDER = ImportOrder("EPSG:4490", date(2026, 9, 1), False, everywhere, "cli:test")


@pytest.mark.own_database
def test_a_code_is_not_given_twice(own_database_url: str) -> None:
    engine = create_engine(own_database_url)
    reports: list[ImportReport] = []

    def second() -> None:
        with Session(engine) as session, session.begin():
            reports.append(import_grids(session, street(), ORDER))

    thread = threading.Thread(target=second)
    with Session(engine) as session, session.begin():
        first = import_grids(session, street(), ORDER)
        thread.start()
        thread.join(timeout=0.5)
        assert thread.is_alive()  # waits for the end of this transaction
    thread.join(timeout=30)
    engine.dispose()
    assert first.codes[6] == CODE + "00"
    assert (6, "/properties/code", "community-has-grid") in reasons(reports[0])
