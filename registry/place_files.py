"""Files of places: tables and GeoJSON read as drafts, with a reason for each row that cannot be."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from core.spreadsheets import Note, Table, is_table, read_rows, write_workbook
from geo.codes import Reason
from registry.drafts import AddressDraft, AnyDraft, BuildingDraft, CheckpointDraft, OrganisationDraft
from registry.organisations.categories import CATEGORY_WORDS, KIND_WORDS
from registry.problems import UnreadablePlaces

KINDS: Mapping[str, type[AnyDraft]] = {
    "buildings": BuildingDraft,
    "addresses": AddressDraft,
    "checkpoints": CheckpointDraft,
    "organisations": OrganisationDraft,
}

# What columns may be called; the first name is that of the template. `building` is the code of a building.
_LON, _LAT = ("经度", "lon", "lng", "longitude", "x"), ("纬度", "lat", "latitude", "y")
_SHARED = {
    "lon": _LON,
    "lat": _LAT,
    "street": ("街道代码", "street", "street_code"),
    "grid": ("网格编码", "grid", "grid_code"),
    "source": ("来源", "source"),
}
HEADERS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "buildings": {
        "code": ("楼栋编码", "code", "编码"),
        "name": ("楼栋名称", "name", "名称", "楼栋"),
        "kind": ("类型", "kind"),
        "compound": ("小区", "compound"),
        "floors": ("层数", "floors", "楼层数"),
        "entrances": ("单元数", "entrances"),
        "households": ("户数", "households"),
        "organisations": ("单位数", "organisations", "驻区单位数"),
        "shops": ("商铺数", "shops"),
        **_SHARED,
    },
    "addresses": {"text": ("地址", "text", "address"), "building": ("楼栋编码", "building"), **_SHARED},
    "checkpoints": {
        "code": ("点位编码", "code", "编码"),
        "name": ("点位名称", "name", "名称"),
        "kind": ("类型", "kind"),
        "building": ("楼栋编码", "building"),
        "floor": ("楼层", "floor"),
        "entrance": ("单元", "entrance"),
        "radius_m": ("半径（米）", "radius_m", "半径"),
        **_SHARED,
    },
    "organisations": {
        "code": ("单位编码", "code", "编码"),
        "name": ("名称", "name", "单位名称", "店名"),
        "kind": ("类型", "kind"),
        "category": ("类别", "category"),
        "credit_code": ("统一社会信用代码", "credit_code", "信用代码"),
        "building": ("楼栋编码", "building"),
        "floor": ("楼层", "floor"),
        "room": ("室号", "room"),
        "licensed_from": ("许可起期", "licensed_from"),
        "licensed_to": ("许可止期", "licensed_to"),
        **_SHARED,
    },
}
_KIND_NAMES = {
    "住宅": "residential", "商住": "mixed", "商住混合": "mixed", "商业": "commercial", "办公": "office",
    "学校": "school", "公共": "public", "其他": "other",
    **KIND_WORDS, "室外": "outdoor", "室内": "indoor", "楼道": "vertical", "垂直": "vertical",
}  # fmt: skip
_EXAMPLES: Mapping[str, Sequence[Any]] = {
    "buildings": ("示例-0001", "3幢", "住宅", "示例小区", 11, 2, 44, 0, 0, 118.9285, 32.1035, "", "", "样例"),
    "addresses": ("示例路12号3幢", "示例-0001", "", "", "", "", "样例"),
    "checkpoints": (
        "示例-D01", "3幢二单元楼道", "楼道", "示例-0001", "6", "2", 30, "", "", "", "", "样例",
    ),
    "organisations": (
        "示例-Z01", "示例小吃店", "商铺", "餐饮", "", "示例-0001", "1", "101", "2026-01-01", "2031-01-01",
        "", "", "", "", "样例",
    ),
}  # fmt: skip
_TEXTS = frozenset(
    {
        "code",
        "name",
        "compound",
        "text",
        "building",
        "floor",
        "entrance",
        "street",
        "grid",
        "room",
        "credit_code",
    }
)


_WORDS: Mapping[str, Mapping[str, str]] = {"kind": _KIND_NAMES, "category": CATEGORY_WORDS}


@dataclass(frozen=True, slots=True)
class PlaceRejection:
    """Why one row cannot be imported."""

    row: int
    name: str | None
    field: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A row that could be read. `home` is the code of the building it names."""

    row: int
    draft: AnyDraft
    home: str | None


@dataclass(slots=True)
class ReadPlaces:
    """What a file holds."""

    rows: list[DraftRow] = field(default_factory=list)
    rejected: list[PlaceRejection] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def read_places(body: bytes, file_name: str, kind: str, datum: str) -> ReadPlaces:
    """Every row as a draft, or with the reason why not.

    Raises: UnreadablePlaces, UnreadableTable, WrongEncoding.
    """
    found = ReadPlaces()
    for row, cells in _records(body, file_name, kind, found):
        home = cells.pop("building", None)
        try:
            # A building is looked up by its code later; until then any id stands for it.
            stand_in = {} if home is None else {"building": uuid.UUID(int=0)}
            draft = KINDS[kind].model_validate({**cells, **stand_in, "datum": datum})
            found.rows.append(DraftRow(row, draft, home))
        except ValidationError as invalid:
            name = cells.get("name") or cells.get("text")
            for error in invalid.errors()[:3]:
                found.rejected.append(
                    PlaceRejection(row, None if name is None else str(name)[:100], *told(error))
                )
    return found


def template(kind: str) -> bytes:
    """A workbook with the columns of a kind of place and an example to be overwritten."""
    names = [names[0] for names in HEADERS[kind].values()]
    return write_workbook([Table("导入", names, [_EXAMPLES[kind]], widths=[14] * len(names))])


# ------------------------------------------------------------------------------------------- records


def _records(
    body: bytes, file_name: str, kind: str, found: ReadPlaces
) -> Iterator[tuple[int, dict[str, Any]]]:
    if is_table(file_name):
        sheet = read_rows(body, file_name)
        found.notes.extend(sheet.notes)
        names = _names_of(sheet.headers, kind, found)
        for row in sheet.rows:
            yield row.number, _cells({names[head]: cell for head, cell in row.cells.items()})
        return
    for number, feature in enumerate(_features(body), 1):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        given = properties if isinstance(properties, dict) else {}
        names = _names_of(tuple(map(str, given)), kind, found if number == 1 else None)
        cells = _cells({names[str(head)]: cell for head, cell in given.items()})
        yield number, cells | _geometry(feature, kind)


def _names_of(headers: Sequence[str], kind: str, found: ReadPlaces | None) -> dict[str, str | None]:
    """What each column is; None for one that is kept among the attributes as it is called."""
    known = {name.lower(): own for own, names in HEADERS[kind].items() for name in names}
    plain = {head: known.get(head.strip().lower()) for head in headers}
    if found is not None and not any(plain.values()):
        expected = "、".join(names[0] for names in HEADERS[kind].values())
        raise UnreadablePlaces(f"没有认得的列名，应为：{expected} / no known column name among the headers")
    return {head: own or f"attributes/{head}" for head, own in plain.items()}


def _cells(named: Mapping[Any, Any]) -> dict[str, Any]:
    """The draft's fields as far as the row fills them; other columns become attributes."""
    cells: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for name, value in named.items():
        if value is None or value == "":
            continue
        if name.startswith("attributes/"):
            attributes[name.partition("/")[2]] = value
        elif name in _TEXTS or name == "source":
            cells[name] = str(value)  # spreadsheets turn codes into numbers
        else:
            words = _WORDS.get(name, {})
            cells[name] = words.get(str(value).strip(), value)
    if attributes:
        cells["attributes"] = attributes
    at = cells.pop("lon", None), cells.pop("lat", None)
    return cells if at == (None, None) else {**cells, "position": at}


def _features(body: bytes) -> list[Any]:
    try:
        document = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        zh, en = "应为 .xlsx、.csv 或 GeoJSON 文件", "an .xlsx, .csv or GeoJSON file is needed"
        raise UnreadablePlaces(f"{zh} / {en}") from None
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not features:
        raise UnreadablePlaces("文件中没有要素 / the file holds no feature")
    return features


def _geometry(feature: Any, kind: str) -> dict[str, Any]:
    """A point is the position; an outline is that of a building, which gives a position too."""
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    match geometry:
        case {"type": "Point", "coordinates": [x, y, *_]}:
            return {"position": (x, y)}
        case {"type": _} if kind == "buildings":
            return {"footprint": geometry}
        case {"type": _}:
            return {"position": (None, None)}
    return {}


# ------------------------------------------------------------------------------------------- reasons


def told(error: ErrorDetails) -> tuple[str, Reason]:
    """The field and a sentence for people."""
    path = "/" + "/".join(str(part) for part in error["loc"])
    limits = error.get("ctx", {})
    most, least = (limits.get(name) for name in ("le", "ge"))
    match error["type"]:
        case "missing":
            return path, Reason("missing", "缺少此项", "this is missing")
        case "position-missing":
            return "/position", Reason("position-missing", "缺少位置", "the position is missing")
        case "literal_error":
            return path, Reason(
                "not-a-choice", f"应为 {limits['expected']} 之一", f"one of {limits['expected']}"
            )
        case "string_too_long":
            most = limits["max_length"]
            return path, Reason("too-long", f"最多 {most} 个字符", f"at most {most} characters")
        case "less_than_equal" | "greater_than_equal":
            word_zh, word_en = ("不得大于", "at most") if most is not None else ("不得小于", "at least")
            limit = most if most is not None else least
            return path, Reason("out-of-range", f"{word_zh} {limit}", f"{word_en} {limit}")
        case "credit-code-wrong" | "licence-dates":
            zh, _, en = error["msg"].partition(" / ")
            return path if error["loc"] else "", Reason(error["type"], zh, en)
        case "string_pattern_mismatch":
            return path, Reason("malformed", "格式不对", "this has another form")
        case kind if kind.startswith(("int", "float", "finite")):
            return path, Reason("not-a-number", "应为数字", "a number is needed")
    return path, Reason(error["type"].replace("_", "-"), "内容不对", error["msg"])
