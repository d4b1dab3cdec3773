"""Object codes: provisional ones are local and say so."""

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from geo.models import ObjectCode
from geo.object_codes import (
    DEFAULT_OBJECT_CODE,
    ObjectCodeRow,
    UnreadableObjectCodes,
    import_object_codes,
    read_object_codes,
)

SHIPPED = Path(__file__).parents[2] / "seeds" / "object_codes.csv"


def test_what_is_shipped_is_local_and_covers_the_six_fields() -> None:
    rows = read_object_codes(SHIPPED)
    assert all(row.is_local and row.code.startswith("99") for row in rows)
    assert {f"DB32/T 2763-2015 7.{field}" for field in range(1, 7)} <= {row.standard[-20:] for row in rows}
    assert DEFAULT_OBJECT_CODE in {row.code for row in rows}


@pytest.mark.parametrize(
    "line",
    [
        "99000,x,x,local,true",
        "010100,x,x,local,true",
        "990000,x,x,CJ/T 348-2010,false",
        "990000,,x,local,true",
        "990000,x,x,local,maybe",
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(f"code,name,name_en,standard,is_local\n{line}\n", encoding="utf-8")
    with pytest.raises(UnreadableObjectCodes) as caught:
        read_object_codes(path)
    assert [error.pointer for error in caught.value.errors] == ["/2"]


def test_the_table_of_the_standard_can_be_imported_when_somebody_has_it(session: Session) -> None:
    given = ObjectCodeRow("010101", "made up", "made up", "CJ/T 348-2010", is_local=False)
    import_object_codes(session, [given])
    import_object_codes(
        session, [ObjectCodeRow("010101", "another name", "x", "CJ/T 348-2010", is_local=False)]
    )
    assert session.get_one(ObjectCode, "010101").name == "another name"
    assert session.get(ObjectCode, DEFAULT_OBJECT_CODE) is not None
