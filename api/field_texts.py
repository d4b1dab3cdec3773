"""What is wrong with a field, in Chinese beside the English that pydantic says."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_ZH: Mapping[str, str] = MappingProxyType(
    {
        "missing": "缺少此项",
        "extra_forbidden": "没有此项，请去掉",
        "json_invalid": "不是正确的 JSON",
        "json_type": "应为 JSON 文本",
        "model_type": "应为对象",
        "model_attributes_type": "应为对象",
        "dict_type": "应为对象",
        "list_type": "应为列表",
        "tuple_type": "应为列表",
        "string_type": "应为文本",
        "string_too_short": "至少 {min_length} 个字符",
        "string_too_long": "最多 {max_length} 个字符",
        "string_pattern_mismatch": "格式不符",
        "too_short": "至少 {min_length} 项",
        "too_long": "最多 {max_length} 项",
        "int_type": "应为整数",
        "int_parsing": "应为整数",
        "int_parsing_size": "整数过大",
        "int_from_float": "应为整数",
        "float_type": "应为数字",
        "float_parsing": "应为数字",
        "finite_number": "应为有限的数",
        "bool_type": "应为 true 或 false",
        "bool_parsing": "应为 true 或 false",
        "greater_than": "应大于 {gt}",
        "greater_than_equal": "应不小于 {ge}",
        "less_than": "应小于 {lt}",
        "less_than_equal": "应不大于 {le}",
        "uuid_type": "应为 UUID",
        "uuid_parsing": "应为 UUID",
        "date_type": "应为日期，写作 2026-09-01",
        "date_parsing": "应为日期，写作 2026-09-01",
        "date_from_datetime_parsing": "应为日期，写作 2026-09-01",
        "date_from_datetime_inexact": "应为日期，不带时间",
        "datetime_type": "应为时间，写作 2026-09-01T08:00:00+08:00",
        "datetime_parsing": "应为时间，写作 2026-09-01T08:00:00+08:00",
        "datetime_from_date_parsing": "应为时间，写作 2026-09-01T08:00:00+08:00",
        "timezone_aware": "时间应带时区",
        "literal_error": "应为其中之一：{expected}",
        "enum": "应为其中之一：{expected}",
        "bytes_type": "应为文件",
        "value_error": "值不正确",
    }
)


def told(item: Mapping[str, Any]) -> str:
    """The reason of an error of pydantic; ours are in both languages already."""
    english, chinese = str(item["msg"]), _ZH.get(item["type"])
    if chinese is None or " / " in english:
        return english
    try:
        return f"{chinese.format(**item.get('ctx', {}))} / {english}"
    except (KeyError, IndexError):
        return english
