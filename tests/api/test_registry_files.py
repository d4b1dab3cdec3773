"""Tables of households and residents: imported whole or not at all, exported masked; hostile files."""

import csv
import io
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import xlsxwriter
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from access.roles import Role
from core.clock import today
from core.models import AuditEntry
from core.settings import Settings
from core.spreadsheets import read_rows
from registry.people.columns import HEADERS
from registry.people.models import Household, HouseholdTag, RegistryChange, Residency, Resident
from tests import make, make_people
from tests.api.register import ClientOf, member

HEADS = ("户编码", "楼栋编码", "单元", "室号", "户类型", "姓名", "与户主关系", "身份证号", "手机", "标签")
NUMBER, OTHER = make_people.id_number(sequence="468"), make_people.id_number(sequence="483")
PHONE = "13812345678"
IMPORT = f"/v1/households/import?street={make.STREET}"
ROWS: Sequence[Sequence[Any]] = (
    ("H1", "B1", "2", "302", "户籍", "张小红", "户主", NUMBER, PHONE, "残疾人"),
    ("H1", None, None, None, None, "张大力", "配偶", OTHER, None, None),
    (None, "B1", "1", "101", "流动", "李一", None, None, None, None),
    (None, "B1", "1", "102", "空户", None, None, None, None, None),
)


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    tree = make.street_tree(session)
    make.building(session, name="1幢", code="B1")
    make.building(session, name="2幢", code="B2", lon=118.907)
    return tree


@pytest.fixture
def operator(client: ClientOf, session: Session, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.OPERATOR))


def workbook(rows: Sequence[Sequence[Any]], heads: Sequence[str] = HEADS, **extra: Any) -> bytes:
    body = io.BytesIO()
    with xlsxwriter.Workbook(body) as book:
        page = book.add_worksheet("居民")
        page.write_row(0, 0, heads)
        for number, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if isinstance(cell, str) and not cell.startswith("="):
                    page.write_string(number, column, cell)
                elif cell is not None:
                    page.write(number, column, cell)
        for top, left, bottom, right, value in extra.get("merged", ()):
            page.merge_range(top, left, bottom, right, value)
        if "hidden" in extra:
            page = book.add_worksheet("底稿")
            page.write_row(0, 0, [extra["hidden"], "x"])
            page.hide()
    return body.getvalue()


def send(client: TestClient, body: bytes, *, dry_run: bool = False, name: str = "居民.xlsx") -> Any:
    reply = client.post(f"{IMPORT}&dry_run={dry_run}", files={"file": (name, body)})
    assert reply.status_code == 200, reply.text
    return reply.json()


def count(session: Session, table: Any) -> int:
    return session.scalars(select(func.count()).select_from(table)).one()


def reasons(report: Any) -> list[tuple[int, str, str]]:
    return [(one["row"], one["field"], one["code"]) for one in report["rejected"]]


# ------------------------------------------------------------------------------------------------ import


def test_all_rows_come_in_and_the_same_file_again_changes_nothing(
    operator: TestClient, session: Session
) -> None:
    body = workbook(ROWS)
    planned = send(operator, body, dry_run=True)
    assert (planned["imported"], count(session, Household)) == (False, 0)
    done = send(operator, body)
    assert {**planned, "imported": True, "dry_run": False} == done
    assert done["households"] == {"created": 3, "changed": 0, "unchanged": 0}
    assert done["residents"] == {"created": 3, "changed": 0, "unchanged": 0}
    assert (done["tags"], count(session, HouseholdTag), count(session, Residency)) == (1, 1, 3)
    changes = count(session, RegistryChange)
    assert changes == 7
    again = send(operator, body)
    assert again["households"] == again["residents"] == {"created": 0, "changed": 0, "unchanged": 3}
    assert (again["tags"], count(session, RegistryChange)) == (0, changes)
    (line,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "households.imported"))
    assert (line.subject, line.detail["residents_created"]) == (f"street:{make.STREET}", 3)
    (shown,) = operator.get("/v1/households", params={"text": "302"}).json()["items"]
    assert (shown["code"], shown["special"], shown["residents"]) == ("H1", True, 2)
    assert session.scalars(select(Household.collected_at)).all() == [None] * 3


def test_characters_of_double_width_are_the_same(operator: TestClient) -> None:
    heads, row = ("楼栋编码", "室号", "姓名", "身份证号"), ("B1", "302", "张小红", NUMBER)
    wide = [one.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)}) for one in row]
    sent = [send(operator, workbook([one], heads))["residents"] for one in (wide, row)]
    assert (sent[0]["created"], sent[1]["unchanged"]) == (1, 1)


def test_a_row_changes_what_it_fills_in_and_nothing_else(operator: TestClient, session: Session) -> None:
    send(operator, workbook(ROWS))
    rows = [("H1", None, None, "303", None, "张小红", None, None, "13900000000", None)]
    done = send(operator, workbook(rows))
    assert (done["households"]["changed"], done["residents"]["changed"]) == (1, 1)
    household = session.scalars(select(Household).where(Household.code == "H1")).one()
    assert (household.room, household.entrance, household.revision) == ("303", "2", 2)
    resident = session.scalars(select(Resident).where(Resident.name == "张小红")).one()
    assert (resident.relation, resident.revision, resident.id_number_sealed is not None) == ("head", 2, True)
    found = operator.post("/v1/residents/search", json={"phone": "13900000000", "reason": "service"})
    assert [one["id"] for one in found.json()["items"]] == [str(resident.resident_id)]
    told = session.scalars(select(RegistryChange.fields).order_by(RegistryChange.change_id.desc())).first()
    assert told == [{"field": "phone", "before": "138****5678", "after": "139****0000"}]


def test_a_number_is_added_to_the_person_of_that_name_and_finds_them_ever_after(
    operator: TestClient, session: Session
) -> None:
    send(operator, workbook(ROWS))
    number = make_people.id_number(sequence="515")
    row = (None, "B1", "1", "101", None, "李一", None, number, None, None)
    assert send(operator, workbook([row]))["residents"]["changed"] == 1
    renamed = (None, "B1", "1", "101", None, "李一新", None, number, None, None)
    assert send(operator, workbook([renamed]))["residents"]["changed"] == 1
    assert count(session, Resident) == 3


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"身份证号": NUMBER[:-1] + ("1" if NUMBER[-1] != "1" else "2")},
            ("/id_number", "id-number-check-digit"),
        ),
        ({"身份证号": 9.90199e17}, ("/id_number", "number-cell")),
        ({"身份证号": "9.90199E+17"}, ("/id_number", "number-cell")),
        ({"身份证号": NUMBER[:4] + "*" * 10 + NUMBER[-4:]}, ("/id_number", "masked-number")),
        ({"手机": "12345"}, ("/phone", "phone-form")),
        ({"标签": "残疾人，幽灵"}, ("/tags", "unknown-tag")),
        ({"楼栋编码": "B9"}, ("/building", "building-unknown")),
        ({"户编码": None, "室号": None}, ("", "household-unidentified")),
        ({"楼栋编码": None}, ("/building", "position-missing")),
        ({"户类型": "闹鬼"}, ("/kind", "not-a-choice")),
        ({"姓名": None}, ("/name", "missing")),
        ({"姓名": NUMBER}, ("/name", "malformed")),
        ({"室号": "3" * 21}, ("/room", "too-long")),
    ],
)
def test_one_wrong_row_keeps_all_rows_out(
    operator: TestClient, session: Session, changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    wrong = {
        **dict(zip(HEADS, ("H9", "B1", "9", "901", "户籍", "王五", "户主", None, None, None), strict=True))
    }
    body = workbook([*ROWS, [{**wrong, **changes}[head] for head in HEADS]])
    for dry_run in (True, False):
        report = send(operator, body, dry_run=dry_run)
        assert reasons(report) == [(6, *expected)]
        assert (report["imported"], report["rejected_rows"], report["total"]) == (False, 1, 5)
        told = report["rejected"][0]
        assert told["zh"]
        assert told["en"]
        for canary in (NUMBER, PHONE, "王五"):
            assert canary not in str(report)
    assert (count(session, Household), count(session, Resident), count(session, RegistryChange)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("heads", "row", "expected"),
    [
        (("出生日期",), ("2026-02-30",), ("/born_on", "not-a-day")),
        (("出生日期",), ((today() + timedelta(days=1)).isoformat(),), ("/born_on", "day-in-future")),
        (("采集日期",), ((today() + timedelta(days=1)).isoformat(),), ("/collected_on", "day-in-future")),
        (("出生日期", "迁入日期"), ("2000/1/2", "1999.1.1"), ("/joined_on", "before-birth")),
        (("出生日期", "身份证号"), ("2000年1月2日", NUMBER), ("/born_on", "contradicts-id-number")),
        (("性别",), ("未知",), ("/sex", "not-a-choice")),
    ],
)
def test_impossible_days_and_contradictions_are_told(
    operator: TestClient, heads: tuple[str, ...], row: tuple[Any, ...], expected: tuple[str, str]
) -> None:
    body = workbook([("B1", "101", "李一", *row)], ("楼栋编码", "室号", "姓名*", *heads))
    assert reasons(send(operator, body, dry_run=True)) == [(2, *expected)]


def test_rows_that_say_the_same_twice_or_differently_are_told(operator: TestClient) -> None:
    rows = [
        *ROWS,
        ("H1", None, None, "999", None, "张三", None, None, None, None),  # another room than row 2
        ("H2", "B1", None, "201", None, "张四", None, NUMBER, None, None),  # the number of row 2
        (None, "B1", "1", "101", None, "李一", None, None, None, None),  # row 4 again
    ]
    assert reasons(send(operator, workbook(rows))) == [
        (6, "/room", "household-contradicts"),
        (7, "", "row-repeated"),
        (8, "", "row-repeated"),
    ]


def test_nobody_moves_by_a_file(operator: TestClient, session: Session) -> None:
    send(operator, workbook(ROWS))
    elsewhere = ("H7", "B2", None, "701", None, "张小红", None, NUMBER, None, None)
    assert reasons(send(operator, workbook([elsewhere]))) == [(2, "/id_number", "resident-elsewhere")]
    (line,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "households.import_refused"))
    assert line.detail == {"rows": 1, "known_elsewhere": 1}
    another = (
        "H1",
        None,
        None,
        None,
        None,
        "张小红",
        None,
        make_people.id_number(sequence="999"),
        None,
        None,
    )
    assert reasons(send(operator, workbook([another]))) == [(2, "/id_number", "id-number-differs")]


def test_a_member_imports_into_the_own_grid_alone(
    client: ClientOf, session: Session, tree: make.StreetTree
) -> None:
    walker = client(member(session, tree))
    inside = ("H1", "B1", None, "302", None, "张小红", None, NUMBER, None, None)
    outside = ("H2", "B2", None, "302", None, "张大力", None, OTHER, None, None)
    assert reasons(send(walker, workbook([inside, outside]))) == [(3, "", "grid-not-yours")]
    assert count(session, Household) == 0
    assert send(walker, workbook([inside]))["imported"] is True
    # Out of the own grid goes no household by a file either.
    moved = ("H1", "B2", None, None, None, None, None, None, None, None)
    assert reasons(send(walker, workbook([moved]))) == [(2, "", "grid-not-yours")]
    restricted = ("H1", None, None, None, None, None, None, None, None, "社区矫正")
    assert reasons(send(walker, workbook([restricted]), dry_run=True)) in ([], [(2, "/tags", "unknown-tag")])
    other = f"/v1/households/import?street={make.OTHER_STREET}"
    far = walker.post(other, files={"file": ("a.xlsx", workbook([inside]))}).json()
    assert reasons(far) == [(2, "/building", "building-unknown")]


@pytest.mark.parametrize("role", [Role.LEADER, Role.UNIT, Role.AUDITOR, Role.ADMIN])
def test_others_import_nothing(client: ClientOf, session: Session, tree: make.StreetTree, role: Role) -> None:
    other = client(make.actor(session, role=role))
    assert other.post(IMPORT, files={"file": ("a.xlsx", workbook(ROWS))}).status_code == 403
    assert other.get("/v1/households/template.xlsx").status_code == 403


# ----------------------------------------------------------------------------------------- hostile files


def test_merged_cells_hold_for_each_row_and_hidden_sheets_are_not_read(
    operator: TestClient, session: Session
) -> None:
    rows = [(None, "B1", "2", None, None, "张小红"), (None, None, None, None, None, "张大力")]
    body = workbook(rows, merged=[(1, 0, 2, 0, "H5"), (1, 3, 2, 3, "502")], hidden=NUMBER)
    done = send(operator, body)
    assert (done["households"]["created"], done["residents"]["created"]) == (1, 2)
    assert [note["code"] for note in done["notes"]] == ["merged-cells", "hidden-sheets"]
    assert session.scalars(select(Household.code)).all() == ["H5"]


def test_formulas_are_values_and_never_calculated(operator: TestClient, session: Session) -> None:
    row = ("H5", "B1", None, "502", None, '=HYPERLINK("http://a","b")', None, None, None, None)
    report = send(operator, workbook([row]))
    assert report["imported"] is False
    as_text = b"\xef\xbb\xbf" + "户编码,楼栋编码,室号,姓名\r\nH5,B1,502,=cmd|' /C calc'!A\r\n".encode()
    assert send(operator, as_text, name="a.csv")["imported"] is True
    full = {"format": "csv", "reason": "service"}
    exported = operator.post("/v1/households/export", json=full).content.decode("utf-8-sig")
    assert ",'=cmd|" in exported
    sheet = read_rows(
        operator.post("/v1/households/export", json={**full, "format": "xlsx"}).content, "a.xlsx"
    )
    assert sheet.rows[0].cells["姓名"] == "=cmd|' /C calc'!A"


def test_texts_in_gbk_are_read_and_told(operator: TestClient, session: Session) -> None:
    body = "户编码,楼栋编码,室号,姓名\r\nH5,B1,502,张小红\r\n".encode("gb18030")
    done = send(operator, body, name="a.csv")
    assert [note["code"] for note in done["notes"]] == ["encoding-found"]
    assert session.scalars(select(Resident.name)).all() == ["张小红"]


@pytest.mark.parametrize(
    ("body", "name", "code"),
    [
        (b"", "a.xlsx", "file-empty"),
        (b"PK\x03\x04 no workbook", "a.xlsx", "table-malformed"),
        (b"\xff\xff\xfe,\x81", "a.csv", "wrong-encoding"),
        (b"{}", "a.json", "file-kind"),
        (b"a,b\n1,2\n", "a.csv", "columns-unknown"),
        ("户编码,户号,姓名\n1,2,3\n".encode(), "a.csv", "columns-repeated"),
    ],
)
def test_files_that_cannot_be_read_say_why(operator: TestClient, body: bytes, name: str, code: str) -> None:
    reply = operator.post(IMPORT, files={"file": (name, body)})
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (422, code)


def test_a_hundred_thousand_rows_are_refused_at_once(operator: TestClient) -> None:
    lines = "".join(f"H{number},B1,{number},某人\r\n" for number in range(100_000))
    reply = operator.post(IMPORT, files={"file": ("a.csv", f"户编码,楼栋编码,室号,姓名\r\n{lines}".encode())})
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (422, "table-too-large")


def test_columns_nobody_knows_are_not_kept(operator: TestClient, session: Session) -> None:
    heads = ("户编码", "楼栋编码", "室号", "姓名", "备注", NUMBER)
    done = send(operator, workbook([("H1", "B1", "101", "李一", "欠了钱", "x")], heads))
    assert [note["code"] for note in done["notes"]] == ["columns-unknown"]
    assert NUMBER not in str(done)
    assert "欠了钱" not in str(
        session.execute(text("SELECT h::text, r::text FROM households h, residents r")).all()
    )


def test_the_template_can_be_imported(operator: TestClient) -> None:
    template = operator.get("/v1/households/template.xlsx")
    assert template.status_code == 200
    report = send(operator, template.content, dry_run=True)
    assert reasons(report) == [(2, "/building", "building-unknown")]
    assert tuple(read_rows(template.content, "a.xlsx", sheet="导入").headers) == HEADERS


# ------------------------------------------------------------------------------------------------ export


def test_an_export_is_masked_and_in_scope(
    client: ClientOf, operator: TestClient, session: Session, tree: make.StreetTree
) -> None:
    send(operator, workbook([*ROWS, ("H8", "B2", None, "801", None, "赵六", None, None, None, None)]))
    masked = operator.get("/v1/households/export?format=csv").content.decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(masked)))
    assert len(lines) == 5
    (first,) = [line for line in lines if line["姓名"] == "张**" and line["与户主关系"] == "户主"]
    assert (first["手机"], first["出生日期"], first["户编码"]) == ("138****5678", "1980", "H1")
    for canary in (NUMBER, PHONE, "张小红", "1980-01-01"):
        assert canary not in masked
    walker = client(member(session, tree))
    own = read_rows(walker.get("/v1/households/export").content, "a.xlsx").rows
    assert (len(own), {row.cells["楼栋编码"] for row in own}) == (4, {"B1"})
    assert walker.get("/v1/households/export", params={"grid": tree.a12.code}).status_code == 404
    nobody = client(make.actor(session, role=Role.UNIT))
    assert nobody.get("/v1/households/export").status_code == 403


def test_a_full_export_has_a_reason_a_count_and_a_limit_and_comes_back_unchanged(
    operator: TestClient, session: Session, client: ClientOf
) -> None:
    send(operator, workbook(ROWS))
    assert operator.post("/v1/households/export", json={}).status_code == 422
    assert operator.post("/v1/households/export", json={"reason": "other"}).status_code == 422
    full = operator.post("/v1/households/export", json={"reason": "verification"})
    assert full.status_code == 200
    (line,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "personal.exported"))
    assert line.detail == {"reason": "verification", "households": 3, "residents": 3}
    back = send(operator, full.content)
    assert back["residents"] == back["households"] == {"created": 0, "changed": 0, "unchanged": 3}
    assert (back["tags"], back["rejected"]) == (0, [])
    assert operator.post("/v1/households/export", json={"reason": "visit"}).status_code == 200
    refused = operator.post("/v1/households/export", json={"reason": "visit"})
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-looks")
    leader = client(make.actor(session, role=Role.LEADER))
    assert leader.post("/v1/households/export", json={"reason": "visit"}).status_code == 403


def test_numbers_are_nowhere_but_sealed(
    operator: TestClient,
    session: Session,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    send(operator, workbook(ROWS), name=f"{NUMBER}.xlsx")
    send(operator, workbook([*ROWS, ("H9", "B2", None, "9", None, NUMBER, None, NUMBER, PHONE, PHONE)]))
    operator.post("/v1/households/export", json={"reason": "other", "note": f"给 {PHONE}"})
    session.commit()
    tables = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    for table in tables:
        held = "\n".join(map(str, session.scalars(text(f'SELECT t::text FROM "{table}" t'))))
        for canary in (NUMBER, PHONE, NUMBER.encode().hex(), PHONE.encode().hex()):
            assert canary not in held, table
    said = capsys.readouterr()
    for line in (said.out, said.err, caplog.text):
        assert NUMBER not in line
        assert PHONE not in line
