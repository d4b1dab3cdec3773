"""The columns of a table of households and residents, in and out: headings, choices, examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from core.spreadsheets import Table, write_workbook
from registry.people.drafts import Relation


@dataclass(frozen=True, slots=True)
class Column:
    """A column: what it may be called, the first being that of the template; and what belongs into it."""

    names: Sequence[str]
    told: str
    example: str


COLUMNS: Mapping[str, Column] = MappingProxyType(
    {
        "code": Column(
            ("户编码", "户号", "code"), "本单位给户的编号；有编号时按编号找到已有的户", "示例-0001"
        ),
        "building": Column(("楼栋编码", "building"), "楼栋表中的编码；与地址至少填一项", "示例-B01"),
        "address": Column(("地址", "标准地址", "address"), "地址表中的地址", ""),
        "entrance": Column(("单元", "entrance"), "", "2"),
        "floor": Column(("楼层", "floor"), "", "3"),
        "room": Column(("室号", "房号", "门牌号", "room"), "没有户编码时必填", "302"),
        "kind": Column(("户类型", "household kind"), "户籍、流动、集体、空户；空着为户籍", "户籍"),
        "collected_on": Column(("采集日期", "collected on"), "上门采集或核实的日期；空着不计入采集率", ""),
        "name": Column(("姓名", "name"), "空着表示此行只说户", "示例人"),
        "relation": Column(
            ("与户主关系", "关系", "relation"),
            "户主、配偶、子、女、孙子女、父母、祖父母、兄弟姐妹、其他、非亲属",
            "户主",
        ),
        "id_number": Column(("身份证号", "公民身份号码", "身份证", "id number"), "须为文本格式", ""),
        "phone": Column(("手机", "手机号", "电话", "联系电话", "phone"), "手机号，或带区号的固定电话", ""),
        "sex": Column(("性别", "sex"), "男、女；有身份证号时可空", "女"),
        "born_on": Column(("出生日期", "birth date"), "如 1980-01-31；有身份证号时可空", "1980-01-31"),
        "residence": Column(("居住类型", "residence"), "户籍、流动、其他；空着为户籍", "户籍"),
        "tags": Column(("标签", "tags"), "标签表中的名称，用逗号分开", ""),
        "joined_on": Column(("迁入日期", "入住日期", "joined on"), "如 2020-06-01", ""),
    }
)
OF_HOUSEHOLDS = ("code", "building", "address", "entrance", "floor", "room", "kind", "collected_on")
OF_RESIDENTS = ("name", "relation", "id_number", "phone", "sex", "born_on", "residence", "joined_on")

_RELATION_WORDS: Mapping[Relation, str] = {
    "head": "户主 本人",
    "spouse": "配偶 夫 妻 丈夫 妻子",
    "son": "子 儿子",
    "daughter": "女 女儿",
    "grandchild": "孙子女 孙子 孙女 外孙 外孙女",
    "parent": "父母 父亲 母亲 父 母",
    "grandparent": "祖父母 祖父 祖母",
    "sibling": "兄弟姐妹 兄 弟 姐 妹",
    "other": "其他",
    "none": "非亲属",
}
_RELATIONS: Mapping[str, str] = {
    word: choice for choice, words in _RELATION_WORDS.items() for word in words.split()
}
_SEXES = {"男": "male", "女": "female"}
_KINDS = {"户籍": "registered", "流动": "floating", "集体": "collective", "空户": "vacant", "空置": "vacant"}
_RESIDENCES = {"户籍": "registered", "常住": "registered", "流动": "floating", "其他": "other"}
# What people write for a choice; anything else is taken for the choice itself.
CHOICES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"relation": _RELATIONS, "sex": _SEXES, "kind": _KINDS, "residence": _RESIDENCES}
)
# How a choice is written: by the first word for it.
WRITTEN: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {own: {choice: word for word, choice in reversed(list(words.items()))} for own, words in CHOICES.items()}
)
HEADERS = tuple(column.names[0] for column in COLUMNS.values())


SHEET = "导入"  # of the template; read before the others


def template() -> bytes:
    """A workbook with the columns and one line as an example, and a second sheet that explains them."""
    example = [column.example or None for column in COLUMNS.values()]
    lines = [(column.names[0], "、".join(column.names[1:]), column.told) for column in COLUMNS.values()]
    return write_workbook(
        [
            Table(SHEET, HEADERS, [example], widths=[14] * len(HEADERS)),
            Table("说明", ("列名", "也可写作", "怎样填写"), lines, widths=[14, 30, 60]),
        ]
    )
