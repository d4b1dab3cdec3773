"""Cases from the clause text of CJ/T 349-2010 (5.3-5.7) and the ranges of GB/T 2260 and GB/T 10114."""

from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.codes import GridCode, InvalidGridCode, explain, parse, parse_unit_grid

XIANLIN = "990000" + "320113" + "007" + "001"


class Tables:
    """A division table with one county, street and community."""

    names: ClassVar = {"320113": "栖霞区", "320113007": "仙林街道", "320113007001": "仙林新村社区"}

    def object_name(self, code: str) -> str | None:
        return {"990000": "综合网格（暂定）"}.get(code)

    def division_name(self, code: str) -> str | None:
        return self.names.get(code)


def test_a_code_falls_into_its_groups() -> None:
    code = parse(XIANLIN + "07")
    assert code == GridCode("990000", "320113", "007", "001", "07")
    assert (code.street_code, code.community_code) == ("320113007", "320113007001")
    assert not code.is_undivided


def test_sequence_00_is_a_community_that_is_not_subdivided() -> None:
    assert parse(XIANLIN + "00").is_undivided


def test_601_and_above_is_a_merged_community() -> None:
    assert parse("990000" + "320113007" + "601" + "00").community_code == "320113007601"


def test_floors_and_counters_carry_a_local_suffix() -> None:
    floor = parse(XIANLIN + "07").below("003")
    counter = floor.below("012")
    assert str(counter) == XIANLIN + "07-003-012"
    assert counter.suffix == ("003", "012")
    assert counter.plane == parse(XIANLIN + "07")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0000" + "00" + "320113007001" + "00", {"/object": "object-range"}),
        ("990000" + "990113007001" + "00", {"/county": "county-range"}),  # no province 99
        ("990000" + "320013007001" + "00", {"/county": "county-range"}),  # prefecture 00: the province
        ("990000" + "320100007001" + "00", {"/county": "county-range"}),  # county 00: the prefecture
        ("990000" + "320113000001" + "00", {"/street": "street-range"}),
        ("990000" + "320113600001" + "00", {"/street": "street-range"}),
        ("990000" + "320113007000" + "00", {"/community": "community-range"}),
        ("990000" + "320113007600" + "00", {"/community": "community-range"}),  # 601 is the first merged one
        ("990000" + "990113600600" + "00", {
            "/county": "county-range", "/street": "street-range", "/community": "community-range",
        }),
        (XIANLIN + "07-000", {"/floor": "suffix-range"}),
        (XIANLIN + "07-01", {"/floor": "suffix-range"}),
        (XIANLIN + "07-001-abc", {"/counter": "suffix-range"}),
        (XIANLIN, {"/code": "code-length"}),
        (XIANLIN + "070", {"/code": "code-length"}),
        ("320113007001001", {"/code": "code-length"}),  # a unit grid is no grid
        ("", {"/code": "code-not-digits"}),
        ("99000032011300700１07", {"/code": "code-not-digits"}),  # a full-width digit
        (" " + XIANLIN + "07", {"/code": "code-not-digits"}),
        (XIANLIN + "07-001-001-001", {"/code": "code-length"}),
    ],
)  # fmt: skip
def test_each_wrong_group_is_named_with_its_reason(text: str, expected: dict[str, str]) -> None:
    with pytest.raises(InvalidGridCode) as caught:
        parse(text)
    assert {error.pointer: error.code for error in caught.value.errors} == expected
    assert all(" / " in error.detail for error in caught.value.errors)  # zh and en


@pytest.mark.parametrize("county", ["441900", "320113", "429004", "110101", "659001", "710101"])
def test_counties_that_exist_are_not_refused(county: str) -> None:
    assert parse("990000" + county + "001001" + "00").county == county


def test_a_unit_grid_code_has_15_digits() -> None:
    code = parse_unit_grid("320113007001012")
    assert (code.county, code.street, code.community, code.unit) == ("320113", "007", "001", "012")
    assert str(code) == "320113007001012"
    with pytest.raises(InvalidGridCode) as caught:
        parse_unit_grid("320113007001000")
    assert caught.value.errors[0].code == "unit-range"
    with pytest.raises(InvalidGridCode):
        parse_unit_grid(XIANLIN + "07")


def test_explain_gives_every_group_its_meaning() -> None:
    groups = explain(XIANLIN + "07", Tables())
    assert [(group.name, group.digits, group.valid) for group in groups] == [
        ("object", "990000", True),
        ("county", "320113", True),
        ("street", "007", True),
        ("community", "001", True),
        ("sequence", "07", True),
    ]
    assert [group.meaning for group in groups[:4]] == [
        "综合网格（暂定）",
        "栖霞区",
        "仙林街道",
        "仙林新村社区",
    ]
    assert "7" in (groups[4].meaning or "")


@pytest.mark.parametrize(
    ("text", "group", "reason"),
    [
        ("990000" + "320114007001" + "00", "county", "county-unknown"),
        ("990000" + "320113008001" + "00", "street", "street-unknown"),
        ("990000" + "320113007002" + "00", "community", "community-unknown"),
        ("123456" + "320113007001" + "00", "object", "object-unknown"),
        ("990000" + "320113600001" + "00", "street", "street-range"),
        ("12", "code", "code-length"),
        ("栖霞区", "code", "code-not-digits"),
    ],
)
def test_explain_names_what_is_unknown(text: str, group: str, reason: str) -> None:
    wrong = {item.name: item.reason.code for item in explain(text, Tables()) if item.reason}
    assert wrong[group] == reason


def test_a_class_code_ending_in_00_is_valid_without_a_table_row() -> None:
    """5.3: for a class the last two of the six digits are 00."""
    assert explain("010200" + "320113007001" + "00", Tables())[0].valid


def test_a_merged_community_needs_no_division() -> None:
    group = explain("990000" + "320113007601" + "00", Tables())[3]
    assert group.valid
    assert "merged" in (group.meaning or "")


@given(st.text(max_size=30))
def test_explain_never_raises_and_agrees_with_parse(text: str) -> None:
    groups = explain(text, Tables())
    structural = [
        group.reason for group in groups if group.reason and not group.reason.code.endswith("unknown")
    ]
    try:
        parse(text)
        sound = True
    except InvalidGridCode:
        sound = False
    if len(text) != 15:
        assert sound == (not structural)


codes = st.builds(
    GridCode,
    object_code=st.integers(100, 999999).map("{:06d}".format),
    county=st.builds(
        "{:02d}{:02d}{:02d}".format,
        st.sampled_from([11, 32, 65, 82]),
        st.integers(1, 99),
        st.integers(1, 99),
    ),
    street=st.integers(1, 599).map("{:03d}".format),
    community=st.one_of(st.integers(1, 599), st.integers(601, 999)).map("{:03d}".format),
    sequence=st.integers(0, 99).map("{:02d}".format),
    suffix=st.lists(st.integers(1, 999).map("{:03d}".format), max_size=2).map(tuple),
)


@given(codes)
def test_format_and_parse_are_inverse(code: GridCode) -> None:
    assert parse(str(code)) == code


@given(codes, st.integers(0, 19), st.sampled_from("0123456789"))
def test_one_changed_digit_never_crashes_and_never_lies(code: GridCode, place: int, digit: str) -> None:
    text = str(code)
    changed = text[:place] + digit + text[place + 1 :]
    wrong = [group for group in explain(changed, Tables()) if group.reason and "range" in group.reason.code]
    if wrong:
        with pytest.raises(InvalidGridCode) as caught:
            parse(changed)
        assert {error.pointer for error in caught.value.errors} == {f"/{group.name}" for group in wrong}
    else:
        assert str(parse(changed)) == changed
