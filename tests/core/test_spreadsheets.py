"""Tables as offices send them, and files made to do harm."""

import io
import zipfile
from datetime import date
from typing import Any

import pytest
import xlsxwriter

from core import spreadsheets
from core.apart import Crashed, Limits, TookTooLong, run_apart
from core.errors import Invalid
from core.spreadsheets import Table, UnreadableTable, read_rows, write_csv, write_workbook
from core.texts import WrongEncoding, encoding_of

TRICKY = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "'=x",
    "''@",
    "'plain",
    "007",
    'a,b\n"c"',
    "\t=1",
    "https://example",
]


def workbook(fill: Any) -> bytes:
    body = io.BytesIO()
    with xlsxwriter.Workbook(body) as book:
        fill(book)
    return body.getvalue()


def reason(caught: pytest.ExceptionInfo[UnreadableTable]) -> str:
    return caught.value.errors[0].code


class TestRoundTrip:
    def test_a_workbook_comes_back(self) -> None:
        rows: list[list[Any]] = [[text, number, date(2026, 9, 1)] for number, text in enumerate(TRICKY)]
        body = write_workbook([Table("网格", ["名称", "户数", "日期"], rows, widths=[20])])
        sheet = read_rows(body, "网格.XLSX")
        assert (sheet.name, sheet.headers, sheet.notes) == ("网格", ("名称", "户数", "日期"), ())
        assert [row.number for row in sheet.rows] == list(range(2, 2 + len(rows)))
        assert [row.cells["名称"] for row in sheet.rows] == [text.strip() for text in TRICKY]
        assert [row.cells["户数"] for row in sheet.rows] == list(range(len(rows)))
        assert sheet.rows[0].cells["日期"] == "2026-09-01"

    def test_nothing_in_a_workbook_is_a_formula(self) -> None:
        body = write_workbook([Table("x", ["=A"], [[text] for text in TRICKY])])
        with zipfile.ZipFile(io.BytesIO(body)) as parts:
            page = parts.read("xl/worksheets/sheet1.xml")
        assert b"<f>" not in page
        assert b'<pane ySplit="1"' in page

    @pytest.mark.parametrize("encoding", ["utf-8", "GBK"])
    def test_a_csv_comes_back_and_holds_no_formula(self, encoding: str) -> None:
        body = write_csv(["名称", "数"], [[text, 1] for text in TRICKY], encoding=encoding)
        sheet = read_rows(body, "网格.csv")
        assert [row.cells["名称"] for row in sheet.rows] == [text.strip() for text in TRICKY]
        assert sheet.rows[0].cells["数"] == "1"
        assert not any(line.startswith((b"=", b"+", b"-", b"@")) for line in body.splitlines())
        assert [note.code for note in sheet.notes] == ([] if encoding == "utf-8" else ["encoding-found"])

    def test_a_text_too_long_for_excel_is_an_error_and_not_cut(self) -> None:
        with pytest.raises(Invalid, match="32767"):
            write_workbook([Table("x", ["a"], [["x" * 40_000]])])

    def test_a_character_that_gbk_lacks_is_no_question_mark(self) -> None:
        with pytest.raises(WrongEncoding, match="big5"):
            write_csv(["a"], [["仙林镇"], ["们"]], encoding="big5")


class TestWhatOfficesSend:
    def test_a_title_above_the_header_and_merged_cells(self) -> None:
        def fill(book: Any) -> None:
            page = book.add_worksheet("表")
            page.merge_range(0, 0, 0, 2, "仙林街道网格汇总表")
            page.write_row(1, 0, ["社区", "网格", "户数"])
            page.merge_range(2, 0, 3, 0, "亚东社区")
            page.write_row(2, 1, ["一", 300])
            page.write_row(3, 1, ["二", 12.5])
            book.add_worksheet("旧表").hide()

        sheet = read_rows(workbook(fill), "a.xlsx")
        assert [row.cells for row in sheet.rows] == [
            {"社区": "亚东社区", "网格": "一", "户数": 300},
            {"社区": "亚东社区", "网格": "二", "户数": 12.5},
        ]
        assert {note.code for note in sheet.notes} == {"title-skipped", "merged-cells", "hidden-sheets"}

    def test_one_of_several_sheets_must_be_chosen(self) -> None:
        body = write_workbook([Table(name, ["a", "b"], [[name, 1]]) for name in ("甲", "乙")])
        with pytest.raises(UnreadableTable) as caught:
            read_rows(body, "a.xlsx")
        assert (reason(caught), caught.value.extra["layers"]) == ("several-layers", ["甲", "乙"])
        assert read_rows(body, "a.xlsx", sheet="乙").rows[0].cells["a"] == "乙"
        with pytest.raises(UnreadableTable, match="丙"):
            read_rows(body, "a.xlsx", sheet="丙")

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_delimiters_and_row_numbers_with_breaks_in_cells(self, delimiter: str) -> None:
        text = 'a,b\n"1\n2",x\n\n3,y\n'.replace(",", delimiter)
        sheet = read_rows(text.encode(), "a.csv")
        assert [(row.number, row.cells["b"]) for row in sheet.rows] == [(2, "x"), (5, "y")]


class TestRefused:
    @pytest.mark.parametrize(
        ("body", "name", "code"),
        [
            (b"", "a.csv", "file-empty"),
            (b"a,b\n", "a.csv", "file-empty"),
            (b"a,a\n1,2\n", "a.csv", "columns-repeated"),
            (b"a,b\n1,2,3\n", "a.csv", "table-malformed"),
            (b'a,b\n1,"2\n', "a.csv", "table-malformed"),
            (b"a\0b", "a.csv", "file-kind"),
            (b"a,b\n1,2\n", "a.pdf", "file-kind"),
            (b"PK\x03\x04 not a workbook", "a.xlsx", "table-malformed"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "a.xls", "table-malformed"),
            (b"a\n" + b"1\n" * (spreadsheets.MAX_ROWS + 5), "a.csv", "table-too-large"),
            (b"a," * 600 + b"\n1\n", "a.csv", "table-too-large"),
        ],
    )
    def test_with_a_reason(self, body: bytes, name: str, code: str) -> None:
        with pytest.raises(UnreadableTable) as caught:
            read_rows(body, name)
        assert reason(caught) == code

    def test_a_cell_at_the_far_end_of_the_sheet_takes_no_memory_here(self) -> None:
        def fill(book: Any) -> None:
            page = book.add_worksheet()
            page.write(0, 0, 1)
            page.write(1_048_575, 16_383, 1)

        with pytest.raises(UnreadableTable) as caught:
            read_rows(workbook(fill), "a.xlsx")
        assert reason(caught) in {"table-malformed", "table-too-large"}

    def test_a_truncated_workbook(self) -> None:
        body = write_workbook([Table("x", ["a", "b"], [[1, 2]])])
        with pytest.raises(UnreadableTable):
            read_rows(body[: len(body) // 2], "a.xlsx")


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
    def test_are_found(self, encoding: str) -> None:
        sheet = read_rows("名称,编码\n仙林新村,一\n".encode(encoding), "a.csv")
        assert sheet.rows[0].cells == {"名称": "仙林新村", "编码": "一"}

    @pytest.mark.parametrize(("actual", "declared"), [("utf-8", "GBK"), ("gbk", "UTF-8"), ("gbk", "klingon")])
    def test_a_wrong_declaration_is_an_error_and_no_garbled_text(self, actual: str, declared: str) -> None:
        with pytest.raises(WrongEncoding):
            read_rows("名称,编码\n仙林新村,一\n".encode(actual), "a.csv", encoding=declared)

    def test_gbk_that_happens_to_be_valid_utf8_is_chinese(self) -> None:
        sample = b"\xc4\xa3\xce\xb1"  # 模伪 in GBK, two letters of UTF-8
        assert encoding_of(sample) == "gb18030"


class TestApart:
    def test_a_crash_is_an_error(self) -> None:
        with pytest.raises(Crashed):
            run_apart("faulthandler:_sigsegv", True)

    def test_too_much_memory_is_an_error(self) -> None:
        with pytest.raises(Crashed):
            run_apart("builtins:bytearray", 1 << 40)

    def test_too_much_time_is_an_error(self) -> None:
        with pytest.raises(TookTooLong):
            run_apart("time:sleep", 5, limits=Limits(seconds=0))
