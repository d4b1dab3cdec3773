"""Forms as JSON Schema 2020-12 and answers checked against them; the only place that knows the library.

A form is a closed document: it refers to nothing outside, cannot blow up when it is followed, holds no
patterns (a pattern can be made to run for ever), and names every field in Chinese and English, so that any
client can render it without knowing it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry

from core.clock import YEARS
from core.errors import FieldError
from patrol.visits.wire import storable

MAX_FORM_BYTES = 64 * 1024
MAX_ANSWERS_BYTES = 32 * 1024
MAX_ANSWERS_DEPTH = 8
_MAX_FORM_DEPTH = 24
_MAX_FOLLOWED = 5000  # subschemas after following every reference
_MAX_ERRORS = 20
_DEFS = "#/$defs/"
_NOT_ALLOWED = frozenset(
    {
        "$id",
        "$anchor",
        "$dynamicRef",
        "$dynamicAnchor",
        "$recursiveRef",
        "$vocabulary",
        "multipleOf",
        "pattern",
        "patternProperties",
        "unevaluatedProperties",
        "unevaluatedItems",
    }
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Keywords of a rejected answer, in words; figures are those of the form.
_SENTENCES: Mapping[str, str] = {
    "required": "必填 / this is required",
    "type": "类型不对，应为 {wanted} / this must be of the type {wanted}",
    "enum": "不在可选项中 / this is none of the choices",
    "const": "不在可选项中 / this is none of the choices",
    "oneOf": "不在可选项中 / this is none of the choices",
    "anyOf": "不符合表单要求 / this does not fit the form",
    "additionalProperties": "表单没有这一项 / the form has no such field",
    "format": "应为日期，如 2026-09-01 / this must be a day like 2026-09-01",
    "minLength": "至少 {wanted} 个字 / at least {wanted} characters",
    "maxLength": "最多 {wanted} 个字 / at most {wanted} characters",
    "minimum": "不小于 {wanted} / at least {wanted}",
    "maximum": "不大于 {wanted} / at most {wanted}",
    "minItems": "至少 {wanted} 项 / at least {wanted} items",
    "maxItems": "最多 {wanted} 项 / at most {wanted} items",
    "uniqueItems": "不能重复 / each only once",
}
_OTHERWISE = "不符合表单要求 / this does not fit the form"
_WITH_FIGURE = frozenset({"type", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems"})


# ------------------------------------------------------------------------------------------------- answers


def check_answers(definition: Mapping[str, Any], answers: Mapping[str, Any]) -> list[FieldError]:
    """Everything that keeps the answers from fitting the form, field by field; empty when they fit."""
    too_much = _too_much(answers, "/answers", MAX_ANSWERS_BYTES, MAX_ANSWERS_DEPTH)
    if too_much:
        return too_much
    validator = Draft202012Validator(definition, registry=Registry(), format_checker=_formats())
    found = sorted(validator.iter_errors(answers), key=lambda error: [str(part) for part in error.path])
    told = {(one.pointer, one.code): one for error in found for one in _field_errors(error)}
    return list(told.values())[:_MAX_ERRORS]


def _field_errors(error: ValidationError) -> Iterator[FieldError]:
    keyword = str(error.validator)
    where = "/answers" + "".join(f"/{part}" for part in error.absolute_path)
    sentence = _SENTENCES.get(keyword, _OTHERWISE)
    if keyword in _WITH_FIGURE:
        sentence = sentence.format(wanted=error.validator_value)
    for name in _named_fields(keyword, error):
        yield FieldError(storable(f"{where}{name}"), _code(keyword), sentence)


def _named_fields(keyword: str, error: ValidationError) -> Iterable[str]:
    """The fields that an error of a whole object is about."""
    if keyword == "required":
        return [f"/{name}" for name in error.validator_value if name not in error.instance][:_MAX_ERRORS]
    if keyword == "additionalProperties":
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        return [f"/{name}" for name in error.instance if name not in known][:_MAX_ERRORS]
    return [""]


def _code(keyword: str) -> str:
    """minLength as min-length, like every other code."""
    return re.sub("([A-Z])", lambda found: "-" + found[1].lower(), keyword)


@cache
def _formats() -> FormatChecker:
    checker = FormatChecker(formats=())
    checker.checks("date", raises=ValueError)(_is_day)
    return checker


def _is_day(value: object) -> bool:
    if not isinstance(value, str):
        return True
    return _DAY.fullmatch(value) is not None and date.fromisoformat(value).year in YEARS


# --------------------------------------------------------------------------------------------------- forms


def check_form(definition: Mapping[str, Any]) -> list[FieldError]:
    """Everything that keeps a JSON Schema from being a form; empty when it is one."""
    too_much = _too_much(definition, "/definition", MAX_FORM_BYTES, _MAX_FORM_DEPTH)
    if too_much:
        return too_much
    try:
        Draft202012Validator.check_schema(definition)
    except SchemaError as error:
        where = "/definition" + "".join(f"/{part}" for part in error.absolute_path)
        return [FieldError(storable(where), "bad-schema", storable(error.message))]
    errors = [*_forbidden(definition, "/definition"), *_unclosed(definition)]
    return (errors or _unfollowable(definition) or [*_unnamed(definition, "/definition")])[:_MAX_ERRORS]


def _forbidden(node: object, where: str) -> Iterator[FieldError]:
    """Keywords and references that a form must do without."""
    if isinstance(node, list):
        for index, inner in enumerate(node):
            yield from _forbidden(inner, f"{where}/{index}")
    if not isinstance(node, dict):
        return
    is_names = where.endswith(("/properties", "/$defs"))  # there, keys are names of fields and not keywords
    for name, inner in node.items():
        at = storable(f"{where}/{name}")
        if not is_names and name in _NOT_ALLOWED:
            yield FieldError(at, "not-allowed", f"表单中不允许 {name} / a form may not use {name}")
        elif not is_names and name == "$ref" and not _is_own(inner):
            yield FieldError(
                at, "foreign-reference", "只能引用 #/$defs/… / only #/$defs/… can be referred to"
            )
        elif name not in {"const", "enum", "default", "examples"} or is_names:
            yield from _forbidden(inner, f"{where}/{name}")


def _is_own(reference: object) -> bool:
    return isinstance(reference, str) and re.fullmatch(r"#/\$defs/[A-Za-z0-9_]{1,40}", reference) is not None


def _unclosed(definition: Mapping[str, Any]) -> Iterator[FieldError]:
    if definition.get("type") != "object" or not isinstance(definition.get("properties"), dict):
        told = "表单是带 properties 的 object / a form is an object with properties"
        yield FieldError("/definition/type", "not-an-object", told)
    elif definition.get("additionalProperties") is not False:
        told = "须写明 additionalProperties: false / additionalProperties must be false"
        yield FieldError("/definition/additionalProperties", "open-form", told)


def _unfollowable(definition: Mapping[str, Any]) -> list[FieldError]:
    """References to nothing, in circles, or to more than anybody can wait for."""
    defs = definition.get("$defs", {})
    sizes: dict[str, int] = {}

    def size(node: object, under: tuple[str, ...]) -> int:
        if isinstance(node, list):
            return sum(size(inner, under) for inner in node)
        if not isinstance(node, dict):
            return 0
        own = 1 + sum(size(inner, under) for name, inner in node.items() if name != "$defs")
        reference = node.get("$ref")
        return own + (followed(reference.removeprefix(_DEFS), under) if isinstance(reference, str) else 0)

    def followed(name: str, under: tuple[str, ...]) -> int:
        if name in under or name not in defs:
            raise KeyError(name)
        if name not in sizes:
            sizes[name] = size(defs[name], (*under, name))
        return sizes[name]

    try:
        whole = size(definition, ()) + sum(followed(name, ()) for name in defs)
    except KeyError as error:
        told = "引用不存在或循环 / a reference to nothing, or in a circle"
        return [FieldError(storable(f"/definition/$defs/{error.args[0]}"), "bad-reference", told)]
    if whole > _MAX_FOLLOWED:
        return [
            FieldError("/definition", "too-large", "展开后过大 / too large once its references are followed")
        ]
    return []


def _unnamed(node: object, where: str) -> Iterator[FieldError]:
    """Fields and choices without a name in both languages."""
    if not isinstance(node, dict):
        return
    for name, inner in node.get("properties", {}).items():
        if not _is_named(inner):
            told = "缺少 zh、en 名称 / the names zh and en are missing"
            yield FieldError(storable(f"{where}/properties/{name}"), "unnamed", told)
        yield from _unnamed(inner, f"{where}/properties/{name}")
    for index, choice in enumerate(node.get("oneOf", ())):
        if isinstance(choice, dict) and "const" in choice and not _is_named(choice):
            told = "缺少 zh、en 名称 / the names zh and en are missing"
            yield FieldError(f"{where}/oneOf/{index}", "unnamed", told)
    yield from _unnamed(node.get("items"), f"{where}/items")
    for name, inner in node.get("$defs", {}).items():
        yield from _unnamed(inner, f"{where}/$defs/{name}")


def _is_named(node: object) -> bool:
    return isinstance(node, dict) and all(
        isinstance(node.get(language), str) and node[language] for language in ("zh", "en")
    )


def _too_much(data: object, where: str, max_bytes: int, max_depth: int) -> list[FieldError]:
    if _depth(data) > max_depth:
        return [FieldError(where, "too-deep", f"嵌套最多 {max_depth} 层 / at most {max_depth} levels deep")]
    size = len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
    if size > max_bytes:
        kib = max_bytes // 1024
        return [FieldError(where, "too-large", f"最多 {kib} KiB / at most {kib} KiB")]
    return []


def _depth(data: object) -> int:
    """Levels of nesting, counted without recursion: the data may be hostile."""
    depth, level = 0, [data]
    while level:
        depth += 1
        inner: list[object] = []
        for node in level:
            inner += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        level = inner
    return depth
