"""Excel and CSV tables: rows under a header line in, workbooks and CSV texts out.

calamine reads (in a process of its own), XlsxWriter writes. What is written is never taken for a formula, and
comes back as it was.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from core.apart import Apart, Limits, run_apart
from core.errors import FieldError, Invalid
from core.texts import decoded, encoding_to_write, wrong_encoding

Cell = str | int | float | bool | None  # dates and times are ISO 8601 texts

MAX_ROWS = 200_000
MAX_COLUMNS = 500
MAX_CELLS = 5_000_000
_MAX_CELL_TEXT = 32_767  # of an Excel cell
_EXCEL = (".xlsx", ".xlsm", ".xls")
_SUFFIXES = (*_EXCEL, ".csv", ".tsv", ".txt")
_LIMITS = Limits(memory_mib=2048, seconds=30)


class UnreadableTable(Invalid):
    """This table cannot be read."""

    code = "unreadable-table"


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth knowing about a table: a stable code and a sentence in both languages."""

    code: str
    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh} / {self.en}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line below the header; `number` is the one that the spreadsheet program shows."""

    number: int
    cells: dict[str, Cell]  # by header; blank cells are None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as read."""

    name: str
    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table to be written."""

    name: str
    headers: Sequence[str]
    rows: Iterable[Sequence[Cell | date | datetime]]
    widths: Sequence[float] = ()  # of columns, in characters


def is_table(file_name: str) -> bool:
    """Whether the name is that of a table."""
    return file_name.lower().endswith(_SUFFIXES)


def read_rows(body: bytes, file_name: str, *, sheet: str | None = None, encoding: str | None = None) -> Sheet:
    """The rows below the header of an Excel or CSV file; blank rows are left out.

    `sheet` names one of several; `encoding` that of a CSV file, found out otherwise.
    Raises: UnreadableTable, WrongEncoding.
    """
    if not body:
        raise unreadable("file-empty", "文件是空的", "the file is empty")
    if file_name.lower().endswith(_EXCEL):
        return _read_workbook(body, sheet)
    if not is_table(file_name):
        raise unreadable(
            "file-kind", "应为 .xlsx、.xls 或 .csv 文件", "an .xlsx, .xls or .csv file is needed"
        )
    text, found = decoded(body, encoding)
    notes = [] if found == "utf-8" else [_ENCODING_FOUND] if encoding is None and found == "gb18030" else []
    return _sheet("", _csv_lines(text), notes)


def unreadable(reason: str, zh: str, en: str, pointer: str = "/file", **extra: Any) -> UnreadableTable:
    """The error in both languages, pointing at the file or at what was said of it."""
    return UnreadableTable(f"{zh} / {en}", errors=[FieldError(pointer, reason, f"{zh} / {en}")], **extra)


_ENCODING_FOUND = Note("encoding-found", "未声明编码，按 GBK 读取", "no encoding declared: read as GBK")


# ------------------------------------------------------------------------------------------- CSV in

_ESCAPED = re.compile(r"'+[=+\-@\t\r]")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def _csv_lines(text: str) -> Iterator[tuple[int, list[Cell]]]:
    if "\0" in text:
        raise unreadable("file-kind", "文件不是文本", "the file is no text")
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))  # a boundary as WKT is one long cell
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for cells in reader:
            yield start, [_plain(cell) for cell in cells]
            start = reader.line_num + 1
    except csv.Error:
        zh, en = f"第 {reader.line_num} 行引号不成对", f"line {reader.line_num}: quotes do not match"
        raise unreadable("table-malformed", zh, en) from None


def _plain(cell: str) -> Cell:
    """Without the apostrophe that keeps spreadsheet programs from calculating; None when blank."""
    return (cell[1:] if _ESCAPED.match(cell) else cell) or None


# ----------------------------------------------------------------------------------------- Excel in


def _read_workbook(body: bytes, sheet: str | None) -> Sheet:
    try:
        found = run_apart("core.spreadsheets:open_workbook", [body, sheet], limits=_LIMITS)
    except Apart:
        zh, en = "文件太大或已损坏，无法读取", "the file is too large or damaged"
        raise unreadable("table-malformed", zh, en) from None
    match found:
        case {"fault": [reason, zh, en], "sheets": sheets}:
            raise unreadable(reason, zh, en, "/layer" if sheets else "/file", layers=sheets)
        case {"name": name, "lines": lines, "notes": notes}:
            return _sheet(name, map(tuple, lines), [Note(*note) for note in notes])
    raise unreadable("table-malformed", "文件无法读取", "the file cannot be read")


def open_workbook(request: list[Any]) -> dict[str, Any]:
    """The numbered lines of one sheet, or a fault; runs in a process of its own."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    body, wanted = request
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(body)) as book:
            return _chosen_sheet(book, wanted)
    except PasswordError:
        return _fault("table-locked", "文件有密码保护", "the file is protected by a password")
    except (CalamineError, OSError, ValueError):
        return _fault("table-malformed", "不是有效的 Excel 文件", "this is no sound Excel file")


def _fault(reason: str, zh: str, en: str, sheets: Sequence[str] = ()) -> dict[str, Any]:
    return {"fault": [reason, zh, en], "sheets": list(sheets)}


def _chosen_sheet(book: Any, wanted: str | None) -> dict[str, Any]:
    """The wanted sheet, or the only visible one with anything in it."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    hidden = {one.name for one in book.sheets_metadata if one.visible != SheetVisibleEnum.Visible}
    names = [one.name for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
    if wanted is not None and wanted not in names:
        return _fault("layer-unknown", f"没有工作表 {wanted}", f"there is no sheet {wanted}", names)
    candidates = [wanted] if wanted is not None else [name for name in names if name not in hidden]
    sheets = [book.get_sheet_by_name(name) for name in candidates]
    filled = [sheet for sheet in sheets if sheet.start is not None]
    if not filled:
        return _fault("file-empty", "没有可见的数据", "no visible sheet holds data")
    if len(filled) > 1:
        several = [sheet.name for sheet in filled]
        zh, en = f"有多个工作表，请选定：{'、'.join(several)}", f"choose a sheet: {', '.join(several)}"
        return _fault("several-layers", zh, en, several)
    return _lines_of(filled[0], sorted(hidden - {filled[0].name}))


def _lines_of(sheet: Any, hidden: Sequence[str]) -> dict[str, Any]:
    rows, columns = sheet.end[0] + 1, sheet.end[1] + 1
    if columns > MAX_COLUMNS or rows > MAX_ROWS + 100 or rows * columns > MAX_CELLS:
        return _fault("table-too-large", *_too_large())
    grid = [[_value(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    notes = []
    merged = [span for span in sheet.merged_cell_ranges or () if span[1][0] < rows and span[1][1] < columns]
    for (top, left), (bottom, _) in merged:
        for row in range(top, bottom + 1):
            grid[row][left] = grid[top][left]
    if merged:
        zh = f"{len(merged)} 处合并单元格，其值用于其中每一行"
        en = f"{len(merged)} merged cells: their value holds for each of their rows"
        notes.append(["merged-cells", zh, en])
    if hidden:
        told = ", ".join(hidden)
        notes.append(["hidden-sheets", f"未读取隐藏的工作表：{told}", f"hidden sheets are not read: {told}"])
    return {"name": sheet.name, "lines": list(enumerate(grid, 1)), "notes": notes}


def _value(cell: Any) -> Cell:
    """A cell as plain data: whole numbers as such, dates and times in ISO 8601, blank as None."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return cell.total_seconds()
    return None if cell == "" else cell


# ------------------------------------------------------------------------------------- header and rows


def _sheet(name: str, lines: Iterable[Any], notes: list[Note]) -> Sheet:
    """The first line with two or more cells is the header: a title above it is a single, merged one."""
    rows: list[tuple[int, list[Cell]]] = []
    cells = 0
    for number, line in lines:
        trimmed = [cell.strip() or None if isinstance(cell, str) else cell for cell in line]
        cells += len(trimmed)
        if len(trimmed) > MAX_COLUMNS or len(rows) > MAX_ROWS or cells > MAX_CELLS:
            raise unreadable("table-too-large", *_too_large())
        if any(cell is not None for cell in trimmed):
            rows.append((number, trimmed))
    at = next((i for i, (_, line) in enumerate(rows[:20]) if len(line) - line.count(None) > 1), 0)
    if not rows[at + 1 :]:
        raise unreadable("file-empty", "表头之下没有数据", "there is no row below the header")
    headers = _headers(rows[at][1])
    if at:
        notes.append(Note("title-skipped", f"已跳过表头前 {at} 行", f"{at} lines above the header skipped"))
    kept = []
    for number, line in rows[at + 1 :]:
        beyond = [cell for cell in line[len(headers) :] if cell is not None]
        nameless = [cell for head, cell in zip(headers, line, strict=False) if not head and cell is not None]
        if beyond or nameless:
            zh, en = f"第 {number} 行有无列名的内容", f"row {number} has values without a column name"
            raise unreadable("table-malformed", zh, en)
        padded = [*line, *[None] * (len(headers) - len(line))]
        kept.append(Row(number, {head: padded[i] for i, head in enumerate(headers) if head}))
    return Sheet(name, tuple(head for head in headers if head), tuple(kept), tuple(notes))


def _headers(line: Sequence[Cell]) -> list[str]:
    headers = ["" if cell is None else str(cell) for cell in line]
    repeated = sorted({head for head in headers if head and headers.count(head) > 1})
    if repeated:
        told = "、".join(repeated)
        raise unreadable("columns-repeated", f"列名重复：{told}", f"columns with the same name: {told}")
    return headers


def _too_large() -> tuple[str, str]:
    zh = f"最多 {MAX_ROWS} 行、{MAX_COLUMNS} 列、{MAX_CELLS} 个单元格"
    return zh, f"at most {MAX_ROWS} rows, {MAX_COLUMNS} columns and {MAX_CELLS} cells"


# ---------------------------------------------------------------------------------------------- out


def write_workbook(tables: Sequence[Table]) -> bytes:
    """An .xlsx file with a sheet for each table: header frozen, no formulas. Raises: Invalid."""
    import xlsxwriter

    body = io.BytesIO()
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "constant_memory": True,
        "default_date_format": "yyyy-mm-dd",
    }
    with xlsxwriter.Workbook(body, options) as book:
        bold = book.add_format({"bold": True, "bg_color": "#E8EEF4", "bottom": 1})
        for table in tables:
            page = book.add_worksheet(re.sub(r"[\[\]:*?/\\]", " ", table.name)[:31] or None)
            page.freeze_panes(1, 0)
            for column, width in enumerate(table.widths):
                page.set_column(column, column, width)
            for column, header in enumerate(table.headers):
                page.write_string(0, column, header, bold)
            last = 0
            for last, row in enumerate(table.rows, 1):
                for column, cell in enumerate(row):
                    _write_cell(page, last, column, cell)
            page.autofilter(0, 0, last, len(table.headers) - 1)
    return body.getvalue()


def _write_cell(page: Any, row: int, column: int, cell: Cell | date | datetime) -> None:
    if isinstance(cell, str) and len(cell) > _MAX_CELL_TEXT:
        zh = f"第 {row + 1} 行的内容超过 Excel 单元格的 {_MAX_CELL_TEXT} 个字符"
        raise Invalid(f"{zh} / row {row + 1}: an Excel cell holds {_MAX_CELL_TEXT} characters")
    if isinstance(cell, str):
        page.write_string(row, column, cell)
    elif cell is not None:
        page.write(row, column, cell)


def write_csv(
    headers: Sequence[str], rows: Iterable[Sequence[Cell | date | datetime]], *, encoding: str = "utf-8"
) -> bytes:
    """A CSV text with CRLF lines; UTF-8 carries a mark, because Excel takes it for GBK otherwise.

    Texts that a spreadsheet program would calculate get an apostrophe in front; read_rows takes it off.
    Raises: WrongEncoding when a character does not exist in the encoding.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([_escaped(header) for header in headers])
    writer.writerows([_escaped(cell) for cell in row] for row in rows)
    known = encoding_to_write(encoding)
    try:
        return text.getvalue().encode("utf-8-sig" if known == "utf-8" else known)
    except UnicodeEncodeError as error:
        letter = error.object[error.start]
        detail = f"{encoding} 中没有字符 {letter!r} / {encoding} has no character {letter!r}: use UTF-8"
        raise wrong_encoding(detail) from None


def _escaped(cell: Cell | date | datetime) -> Any:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell
