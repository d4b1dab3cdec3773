"""Which field of a file is which property of a grid: as declared, by its name, or by a name in common use."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from geo.codes import Reason
from geo.files.faults import unreadable
from geo.files.geojson import FieldFault
from geo.norms import KINDS

PROPERTIES = ("code", "name", "level", "parent", "kind", "households", "object_code")
ATTRIBUTES = "attributes"  # a JSON object: whatever has no column of its own
ID = "id"  # of the feature, by which others may name it as their parent
TARGETS = (*PROPERTIES, ATTRIBUTES, ID)

# Names as offices use them, with the initials of their pinyin that Shapefiles carry.
_COMMON: Mapping[str, tuple[str, ...]] = {
    "code": ("gridcode", "网格编码", "网格代码", "网格编号", "编码", "wgbm", "wgdm", "wgbh"),
    "name": ("gridname", "网格名称", "网格名", "名称", "wgmc", "mc"),
    "level": ("gridlevel", "网格级别", "网格层级", "网格等级", "级别", "层级", "wgjb", "wgcj", "wgdj"),
    "parent": (
        *("parentcode", "上级网格编码", "上级网格", "上级编码", "父级网格", "父级编码", "上级", "所属网格"),
        *("sjwgbm", "sjwg", "sjbm", "fjbm"),
    ),
    "kind": ("gridkind", "gridtype", "网格类型", "网格类别", "类型", "wglx", "wglb"),
    "households": ("户数", "居民户数", "总户数", "住户数", "household", "hs", "jmhs", "zhs"),
    "object_code": ("objectcode", "objectcod", "对象编码", "对象代码", "管理对象编码", "dxbm"),
    ATTRIBUTES: ("attrs", "其他属性"),
    ID: ("fid", "要素编号"),
}
_BY_COMMON_NAME = {name: target for target, names in _COMMON.items() for name in names}
GEOMETRY_COLUMNS = frozenset({"wkt", "geometry", "geom", "几何", "边界"})  # of tables
KML_STYLE = frozenset(  # how LIBKML shows the style of a placemark
    {"timestamp", "begin", "end", "altitudemode", "tessellate", "extrude", "visibility", "draworder", "icon"}
)
_RESERVED = GEOMETRY_COLUMNS | KML_STYLE | {"description", "snippet", "ogr_style", "ogr_geometry", "rowid"}
_CHINESE_DIGITS = {digit: number for number, digit in enumerate("一二三四五", 1)}
_LEVEL = re.compile(r"第?([1-5一二三四五])级?(?:网格)?")
_COUNT = re.compile(r"([0-9]+)(?:\.0+)?户?")
_EXACT = 2**53  # a float beyond has lost digits
_KIND_CODES = {(level, kind.zh): code for level, kinds in KINDS.items() for code, kind in kinds.items()}
_MAX_MAPPING = 50


def parse_mapping(text: str | None) -> dict[str, str]:
    """{"name": "WGMC", …}: property to field. Raises: UnreadableFile."""
    if not text:
        return {}
    try:
        return checked_mapping(msgspec.json.decode(text, type=dict[str, str]))
    except msgspec.DecodeError:
        zh, en = "字段对应应为 JSON 对象", "the field mapping is a JSON object of texts"
        raise unreadable("mapping-malformed", zh, en, pointer="/mapping") from None


def checked_mapping(mapping: Mapping[str, str]) -> dict[str, str]:
    """The same mapping. Raises: UnreadableFile naming what is no property of a grid."""
    unknown = sorted(set(mapping) - set(TARGETS))[:_MAX_MAPPING]
    if unknown:
        told = ", ".join(name[:40] for name in unknown)
        zh, en = f"网格没有属性 {told}", f"a grid has no property {told}; there are {', '.join(TARGETS)}"
        raise unreadable("mapping-unknown", zh, en, pointer="/mapping")
    return dict(mapping)


def fields_of_properties(
    fields: Iterable[str], mapping: Mapping[str, str]
) -> tuple[dict[str, str], list[Reason]]:
    """The property of each field that is one, and hints about those that were recognised.

    Raises: UnreadableFile when the mapping names a field that is not there.
    """
    fields = list(fields)
    missing = sorted(set(mapping.values()) - set(fields))
    if missing:
        there = ", ".join(fields[:_MAX_MAPPING])
        zh, en = f"文件没有字段 {missing[0]}，有：{there}", f"there is no field {missing[0]}, but {there}"
        raise unreadable("mapping-field-unknown", zh, en, pointer="/mapping", fields=fields)
    found = {field: target for target, field in mapping.items()}
    for field in fields:
        target = field.casefold()
        if target in TARGETS and field not in found and target not in found.values():
            found[field] = target
    recognised = {}
    for field in fields:
        common = _BY_COMMON_NAME.get(_squeezed(field))
        if common and field not in found and common not in found.values():
            recognised[field] = found[field] = common
    return found, _hints(recognised)


def is_taken(name: str) -> bool:
    """Whether a field of this name would be taken for something else than an attribute."""
    plain = name.casefold()
    return plain in _RESERVED or plain in TARGETS or _squeezed(name) in _BY_COMMON_NAME


def _squeezed(field: str) -> str:
    """Without separators and what is explained in brackets: "网格 编码（必填）" is 网格编码."""
    return re.sub(r"\(.*$|[\s_\-]", "", unicodedata.normalize("NFKC", field).casefold())


def _hints(recognised: Mapping[str, str]) -> list[Reason]:
    if not {*recognised.values()} - {ATTRIBUTES}:
        return []
    told = ", ".join(f"{field} → {target}" for field, target in recognised.items() if target != ATTRIBUTES)
    return [Reason("fields-recognised", f"已识别字段：{told}", f"fields recognised: {told}")]


# ------------------------------------------------------------------------------------------- values


def properties_of(values: Mapping[str, Any], targets: Mapping[str, str]) -> dict[str, Any]:
    """The grid's properties of a record: own ones under their names, others as they are, blank ones left out.

    Raises: FieldFault.
    """
    own = {target: values.get(field) for field, target in targets.items()}
    properties = {
        field: value for field, value in values.items() if field not in targets and value is not None
    }
    properties.update(_attributes(own.pop(ATTRIBUTES, None)))
    own.pop(ID, None)
    for name, value in own.items():
        if value is not None and value != "":
            properties[name] = _READ[name](name, value, own.get("level"))
    return properties


def _attributes(text: Any) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        found = msgspec.json.decode(text) if isinstance(text, str) else text
    except (msgspec.DecodeError, UnicodeEncodeError):
        found = None
    if not isinstance(found, dict):
        zh, en = "其他属性应为 JSON 对象", "attributes must be a JSON object"
        raise FieldFault("/properties/attributes", Reason("attributes-malformed", zh, en))
    return found


def _code(name: str, value: Any, _level: Any) -> Any:
    """A code as text; one that was a number for a while has lost its last digits."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if isinstance(value, float) or (isinstance(value, str) and re.fullmatch(r"[\d.]+[eE]\+?\d+", value)):
        zh = "编码在表格中被存成了数字，末几位已丢失：请把该列设为文本后重新填写"
        en = "the code was kept as a number and lost its last digits: make the column text and fill it again"
        raise FieldFault(f"/properties/{name}", Reason("code-rounded", zh, en))
    return value


def _level(_name: str, value: Any, _own: Any) -> Any:
    if isinstance(value, str) and (found := _LEVEL.fullmatch(unicodedata.normalize("NFKC", value.strip()))):
        return _CHINESE_DIGITS.get(found[1]) or int(found[1])
    return value


def _count(_name: str, value: Any, _own: Any) -> Any:
    if isinstance(value, str) and (found := _COUNT.fullmatch(unicodedata.normalize("NFKC", value.strip()))):
        return int(found[1])
    return value


def _kind(_name: str, value: Any, level: Any) -> Any:
    """A listed kind by its Chinese name; any other text stays."""
    return _KIND_CODES.get((_level("", level, None), value), value)


def _same(_name: str, value: Any, _own: Any) -> Any:
    return value


_READ = {
    "code": _code,
    "name": _same,
    "level": _level,
    "parent": _code,
    "kind": _kind,
    "households": _count,
    "object_code": _code,
}


_CONTINUABLE = frozenset({"name", "attributes", "attrs"})


def joined(fields: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Fields that continue one another because a Shapefile's text ends at 254 bytes: name, name_2 …"""
    names = list(fields)
    used: set[str] = set()
    for field in names:
        parts = [field]
        while field in _CONTINUABLE and (following := f"{field}_{len(parts) + 1}") in names:
            parts.append(following)
        used.update(parts[1:])
        if field not in used:
            yield field, parts
