"""Sentences: both languages for every code, figures as people write them."""

import re

import pytest

from patrol.judging.reasons import CODES, Reason, figure, of_check

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_speaks_both_languages(code: str) -> None:
    members = Reason(code, {"measured": "18.4", "required": "20"}).members()

    assert members["code"] == code
    assert CHINESE.search(members["zh"])
    assert not CHINESE.search(members["en"])
    for language in ("zh", "en"):
        assert "{" not in members[language]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.8, "ratio", "80%"),
        (0.799, "ratio", "79.9%"),
        (1.0, "ratio", "100%"),
        (20.0, "min", "20"),
        (18.4, "min", "18.4"),
        (1234.0, "m", "1234"),
        (123456.0, "m", "123456"),
        (0.0, "fixes", "0"),
    ],
)
def test_figures_are_written_as_people_do(value: float, unit: str, text: str) -> None:
    assert figure(value, unit) == text


def test_a_check_says_what_was_measured_and_what_is_asked_for() -> None:
    reason = of_check({"code": "coverage-ratio-short", "measured": 0.123, "required": 0.2, "unit": "ratio"})
    assert reason.zh == "只走到了网格的 12.3%，要求至少 20%。请走到还没有去过的地方。"
    assert (
        reason.en
        == "Only 12.3% of the grid was walked; at least 20% is asked for. Go to the parts not visited yet."
    )
