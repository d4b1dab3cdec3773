"""Tables of households and residents: one row for a resident, with the columns of the household.

Every row is read as drafts, or told why not, field by field. No reason repeats what stood in the cell, and
names are masked: reports travel further than the file they are about.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from pydantic import ConfigDict, ValidationError

from core.errors import Invalid
from core.logs import mask
from core.spreadsheets import Cell, Note, Sheet, UnreadableTable, read_rows, unreadable
from core.storable import Body
from geo.codes import Reason
from registry.drafts import Code, ShortText, Source
from registry.people.checking import Said, checked
from registry.people.columns import CHOICES, COLUMNS, OF_HOUSEHOLDS, OF_RESIDENTS, SHEET
from registry.people.drafts import HouseholdKind, ResidentDraft
from registry.people.masking import mask_name
from registry.place_files import told

MAX_RESIDENTS = 50_000
MAX_TAGS_OF_ROW = 20
_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d")
_BETWEEN_TAGS = re.compile(r"[,，、;；/|\s]+")
_ROUNDED = re.compile(r"^[0-9](?:\.[0-9]+)?[eE]\+?[0-9]+$")
_NUMBER_CELL = Reason(
    "number-cell",
    "此格是数字格式，表格程序已丢失末几位；请设为文本后重填",
    "this cell is a number and has lost its last digits: make it text and write it again",
)
_NOT_A_DAY = Reason("not-a-day", "应为日期，如 1980-01-31", "a day is needed, like 1980-01-31")


@dataclass(frozen=True, slots=True)
class RowRejection:
    """Why one row cannot be imported; `name` is masked."""

    row: int
    name: str | None
    field: str
    reason: Reason


class HouseholdCells(Body):
    """What a row says of its household; nothing said stays as it is."""

    model_config = ConfigDict(frozen=True)

    code: Code | None = None
    building: Code | None = None
    address: Source | None = None
    entrance: ShortText | None = None
    floor: ShortText | None = None
    room: ShortText | None = None
    kind: HouseholdKind | None = None
    collected_on: date | None = None


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row as read: its household, and who lives there if it names anybody."""

    row: int
    household: HouseholdCells
    said: Said | None
    name: str | None  # as written; reports mask it
    tags: tuple[str, ...]


@dataclass(slots=True)
class ReadResidents:
    """What a file holds."""

    rows: list[FileRow] = field(default_factory=list)
    rejected: list[RowRejection] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def read_residents(body: bytes, file_name: str, day: date) -> ReadResidents:
    """Every row as drafts, or with the reasons why not. Raises: UnreadableTable, WrongEncoding."""
    sheet = _sheet_of(body, file_name)
    if len(sheet.rows) > MAX_RESIDENTS:
        zh = f"一次最多导入 {MAX_RESIDENTS} 行，请按社区分成几个文件"
        raise unreadable("table-too-large", zh, f"at most {MAX_RESIDENTS} rows at once: split the file")
    found = ReadResidents(notes=list(sheet.notes))
    names = _names_of(sheet, found)
    for row in sheet.rows:
        cells = {names[head]: cell for head, cell in row.cells.items() if head in names and cell is not None}
        if cells:
            _read(row.number, cells, day, found)
    return found


def _sheet_of(body: bytes, file_name: str) -> Sheet:
    try:
        return read_rows(body, file_name)
    except UnreadableTable as unread:
        if SHEET in unread.extra.get("layers", ()):  # the template has a second sheet that explains it
            return read_rows(body, file_name, sheet=SHEET)
        raise


def _names_of(sheet: Sheet, found: ReadResidents) -> dict[str, str]:
    """What each column is. Columns that nobody knows are not read: no free text about a person comes in."""
    known = {_plain(name): own for own, column in COLUMNS.items() for name in column.names}
    names: dict[str, str] = {}
    unknown = []
    for head in sheet.headers:
        own = known.get(_plain(head))
        if own is None:
            unknown.append(mask(head)[:20])
        elif own in names.values():
            zh, en = f"有两列都是「{COLUMNS[own].names[0]}」", f"two columns hold {own}"
            raise unreadable("columns-repeated", zh, en)
        else:
            names[head] = own
    if not {"code", "building", "address"} & set(names.values()):
        expected = "、".join(column.names[0] for column in COLUMNS.values())
        zh, en = f"没有认得的列名，应为：{expected}", "no known column name: use the template"
        raise unreadable("columns-unknown", zh, en)
    if unknown:
        told_of = "、".join(unknown)
        zh, en = f"未读取这些列：{told_of}", f"these columns are not read: {told_of}"
        found.notes.append(Note("columns-unknown", zh, en))
    return names


def _plain(head: str) -> str:
    """A heading without what people add to it: 身份证号* , 出生日期（可空）."""
    return re.sub(r"[(（].*?[)）]|[*＊\s_]", "", head).lower()


# ---------------------------------------------------------------------------------------------- rows


def _read(number: int, cells: Mapping[str, Cell], day: date, found: ReadResidents) -> None:
    name = _text(cells["name"]) if "name" in cells else None
    faults = _Faults(number, None if name is None else mask_name(name), found.rejected)
    plain = {own: value for own, cell in cells.items() if (value := faults.read(own, cell)) is not None}
    household = faults.household(plain)
    said = faults.said(plain, day) if any(one in plain for one in OF_RESIDENTS) else None
    tags = tuple(dict.fromkeys(filter(None, _BETWEEN_TAGS.split(str(plain.get("tags", ""))))))
    if len(tags) > MAX_TAGS_OF_ROW:
        faults.add("/tags", Reason("too-many-tags", f"最多 {MAX_TAGS_OF_ROW} 个标签", "too many tags"))
    if household is not None and household.collected_on is not None and household.collected_on > day:
        faults.add("/collected_on", Reason("day-in-future", "日期不能在今天之后", "the day is in the future"))
    if household is not None and not faults.any:
        found.rows.append(FileRow(number, household, said, name, tags))


class _Faults:
    """What is wrong with one row."""

    def __init__(self, row: int, name: str | None, rejected: list[RowRejection]) -> None:
        self.any = False
        self._row, self._name, self._rejected = row, name, rejected

    def add(self, pointer: str, reason: Reason) -> None:
        self.any = True
        self._rejected.append(RowRejection(self._row, self._name, pointer, reason))

    def read(self, own: str, cell: Cell) -> Any:
        """The cell as the drafts take it; None when it cannot be read, and is told."""
        text = _text(cell)
        if own in ("id_number", "phone") and (isinstance(cell, float) or _ROUNDED.match(text)):
            self.add(f"/{own}", _NUMBER_CELL)
        elif own in CHOICES:
            return CHOICES[own].get(text.lower(), text)
        elif own in ("born_on", "joined_on", "collected_on"):
            found = _day_of(text)
            if found is None:
                self.add(f"/{own}", _NOT_A_DAY)
            return found
        else:
            return text or None
        return None

    def household(self, plain: Mapping[str, Any]) -> HouseholdCells | None:
        given = {own: plain[own] for own in OF_HOUSEHOLDS if own in plain}
        try:
            return HouseholdCells.model_validate(given)
        except ValidationError as invalid:
            self._tell(invalid)
            return None

    def said(self, plain: Mapping[str, Any], day: date) -> Said | None:
        """What the row says of a resident: the cells that are filled in, and what the ID number says."""
        given = {own: plain[own] for own in OF_RESIDENTS if own in plain}
        if "name" not in given:
            self.add("/name", Reason("missing", "请填写姓名", "a name is needed"))
            return None
        try:
            draft = ResidentDraft.model_validate({"household": _STAND_IN, **given})
            said = checked(draft, day)
        except ValidationError as invalid:
            self._tell(invalid)
            return None
        except Invalid as invalid:
            for error in invalid.errors:
                zh, _, en = error.detail.partition(" / ")
                self.add(error.pointer, Reason(error.code, zh, en))
            return None
        by_number = {"sex", "born_on"} if said.numbers.get("id_number") else set()
        columns = {name: value for name, value in said.columns.items() if name in {*given, *by_number}}
        return replace(said, columns=columns)

    def _tell(self, invalid: ValidationError) -> None:
        for error in invalid.errors()[:5]:
            self.add(*told(error))


_STAND_IN = "00000000-0000-0000-0000-000000000000"  # of the household, until it is found


def _text(cell: Cell) -> str:
    """The cell as text; digits and letters of double width are those that everybody else writes."""
    return unicodedata.normalize("NFKC", str(cell)).strip()


def _day_of(text: str) -> date | None:
    plain = text.partition("T")[0].partition(" ")[0]
    for form in _DAYS:
        try:
            return datetime.strptime(plain, form).date()  # noqa: DTZ007 (a day, no moment)
        except ValueError:
            continue
    return None
