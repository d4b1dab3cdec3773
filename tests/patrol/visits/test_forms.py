"""Forms are closed documents that can be followed to their end, and answers are refused field by field."""

import json
from pathlib import Path
from typing import Any

import pytest

from patrol.visits.forms import check_answers, check_form
from patrol.visits.needs import KINDS, URGENCIES, follow_up_in, labels, stated_in
from seeds.visit_form_files import read_form

FOLDER = Path(__file__).parents[3] / "seeds" / "visit_forms"
NAMED = {"zh": "甲", "en": "a"}
DOUBLING: dict[str, Any] = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(20)}
DOUBLING["d20"] = {}


def form(**properties: Any) -> dict[str, Any]:
    fields = {"a": {"type": "string", **NAMED}, **properties}
    return {"type": "object", "additionalProperties": False, "properties": fields}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_shipped_forms_are_forms_and_ask_for_needs_in_the_words_of_cases(path: Path) -> None:
    ref, draft = read_form(path)
    assert (ref.code, check_form(draft.definition)) == (path.stem, [])
    fields = draft.definition["properties"]["needs"]["items"]["properties"]
    assert fields["kind"]["oneOf"] == list(labels(KINDS))
    assert fields["urgency"]["oneOf"] == list(labels(URGENCIES))


@pytest.mark.parametrize(
    ("definition", "code"),
    [
        pytest.param({"type": "string"}, "not-an-object", id="no object"),
        pytest.param({"type": "object", "properties": {}}, "open-form", id="open"),
        pytest.param(form(b={"type": "nonsense", **NAMED}), "bad-schema", id="type"),
        pytest.param(form(b={"type": "string"}), "unnamed", id="no name"),
        pytest.param(form(b={"oneOf": [{"const": 1}], **NAMED}), "unnamed", id="choice without a name"),
        pytest.param(form(b={"pattern": "(a+)+$", **NAMED}), "not-allowed", id="pattern"),
        pytest.param(
            form(b={"$ref": "https://elsewhere.example/x", **NAMED}), "foreign-reference", id="remote"
        ),
        pytest.param(form(b={"$ref": "#", **NAMED}), "foreign-reference", id="itself"),
        pytest.param(form(b={"$ref": "#/$defs/none", **NAMED}), "bad-reference", id="nowhere"),
        pytest.param(
            form(b={"$ref": "#/$defs/x", **NAMED}) | {"$defs": {"x": {"allOf": [{"$ref": "#/$defs/x"}]}}},
            "bad-reference",
            id="circle",
        ),
        pytest.param(
            form() | {"$defs": DOUBLING},
            "too-large",
            id="doubling",
        ),
        pytest.param(form(b={"description": "x" * 70_000, **NAMED}), "too-large", id="large"),
        pytest.param(
            json.loads('{"type":"object","properties":' * 40 + "{}" + "}" * 40), "too-deep", id="deep"
        ),
    ],
)
def test_what_cannot_be_a_form(definition: dict[str, Any], code: str) -> None:
    assert code in {error.code for error in check_form(definition)}


def test_a_field_may_be_called_like_a_keyword() -> None:
    assert check_form(form(pattern={"type": "string", **NAMED})) == []


def test_answers_are_bounded() -> None:
    deep: dict[str, Any] = {}
    for _ in range(40):
        deep = {"a": deep}
    assert [error.code for error in check_answers(form(), deep)] == ["too-deep"]
    assert [error.code for error in check_answers(form(), {"a": "x" * 40_000})] == ["too-large"]


def test_a_day_is_a_day() -> None:
    day = form(b={"type": "string", "format": "date", **NAMED})
    assert check_answers(day, {"b": "2026-12-01"}) == []
    for wrong in ("20261201", "2026-13-01", "0001-01-01", "soon"):
        assert [error.pointer for error in check_answers(day, {"b": wrong})] == ["/answers/b"]


def test_needs_and_promises_are_found_in_answers() -> None:
    answers = {
        "needs": [{"kind": "care"}, {"kind": "care"}, {"kind": "x"}, {"kind": ["care"]}, 3],
        "plan": {"follow_up_on": "2026-12-01"},
    }
    assert [(one.kind, one.urgency) for one in stated_in(answers)] == [("care", "normal")]
    assert str(follow_up_in(answers)) == "2026-12-01"
    assert follow_up_in({"plan": {"follow_up_on": 3}}) is None
    assert stated_in({"needs": "much"}) == []
