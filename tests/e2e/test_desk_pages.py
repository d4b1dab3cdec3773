"""The pages of the desk: reports, teams, places and what lies below the map."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Download, Page, expect

from core.clock import today
from tests.e2e.conftest import DESK

pytestmark = pytest.mark.e2e

OpenPage = Callable[..., Page]
SignIn = Callable[[Page, str], None]
Ask = Callable[[str, str], Any]
PAGES = ("map", "division", "analysis", "teams", "places")
SMALL = (1024, 768)


@pytest.fixture
def desk(open_page: OpenPage, sign_in: SignIn) -> Callable[..., Page]:
    """Open a page of the desk as the operator."""

    def desk(path: str, size: tuple[int, int] = DESK, **options: Any) -> Page:
        page = open_page(size, **options)
        sign_in(page, "operator")
        page.goto(f"{page.url.split('#')[0]}#{path}")
        return page

    return desk


def street_of(api: Ask) -> str:
    return str(api("operator", "/v1/me")["assignments"][0]["street_code"])


def downloaded(page: Page, button: str) -> Download:
    with page.expect_download() as pending:
        page.locator(button).click()
    return pending.value


def figure(number: float) -> str:
    return f"{number:,.0f}"


def test_one_menu_leads_to_every_page(desk: Callable[..., Page]) -> None:
    page = desk("/map")
    for name in PAGES[1:]:
        opener = page.locator("[data-action=pages]")
        if opener.is_visible():
            opener.click()
        page.locator(f"a[data-page={name}]").click()
        expect(page).to_have_url(re.compile(f"#/{name}"))
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator(f"a[data-page={name}]")).to_have_attribute("aria-current", "page")


def test_whoever_has_nothing_to_see_there_is_not_led_there(open_page: OpenPage, sign_in: SignIn) -> None:
    page = open_page()
    sign_in(page, "unit")
    expect(page.locator("canvas").first).to_be_visible()
    expect(page.locator("[data-action=pages]")).to_have_count(0)


def test_the_balance_report_shows_the_streets_figures_and_sorts_them(
    desk: Callable[..., Page], api: Ask
) -> None:
    report = api("operator", f"/v1/analysis/balance?street={street_of(api)}&level=3&limit=200")
    page = desk("/analysis")
    expect(page.locator("[data-figure=grids]")).to_contain_text(figure(report["totals"]["grids"]))
    expect(page.locator("[data-figure=households]")).to_contain_text(figure(report["totals"]["households"]))
    expect(page.locator("tr[data-row]")).to_have_count(report["totals"]["grids"])
    page.locator("[data-sort=households]").click()
    largest = max(report["items"], key=lambda grid: (grid["households"], [-ord(c) for c in grid["code"]]))
    expect(page.locator("tr[data-row]").first).to_contain_text(largest["name"])
    expect(page.locator("[data-plot=norm] [data-dot]")).to_have_count(report["totals"]["grids"])
    with_findings = sum(1 for grid in report["items"] if grid["findings"])
    page.locator("select[name=finding]").select_option("any")
    expect(page.locator("tr[data-row]")).to_have_count(with_findings)


def test_the_balance_report_is_narrowed_and_taken_along(desk: Callable[..., Page], api: Ask) -> None:
    community = api("operator", "/v1/grids?level=1&limit=1")["items"][0]
    inside = api("operator", f"/v1/analysis/balance?grid={community['code']}&level=3")["totals"]["grids"]
    page = desk("/analysis")
    page.locator("select[name=parent]").select_option(community["code"])
    expect(page.locator("tr[data-row]")).to_have_count(inside)
    file = downloaded(page, "[data-download=xlsx]")
    assert file.suggested_filename.endswith(".xlsx")
    assert Path(file.path()).read_bytes().startswith(b"PK")
    table = Path(downloaded(page, "[data-download=csv]").path()).read_text(encoding="utf-8-sig")
    assert community["code"][:18] in table


def test_coverage_says_what_share_of_everything_lies_in_grids(desk: Callable[..., Page], api: Ask) -> None:
    coverage = api("operator", f"/v1/analysis/coverage?street={street_of(api)}")
    page = desk("/analysis?tab=coverage", SMALL)
    for level in coverage["levels"]:
        ring = page.locator(f"[data-level='{level['level']}'] [data-covered=buildings]")
        share = level["shares"]["buildings"]
        expect(ring).to_contain_text("—" if share is None else f"{int(share * 100 + 1e-9)}%")
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL[0]


def test_staffing_names_who_is_missing_and_the_share_in_both_readings(
    desk: Callable[..., Page], api: Ask
) -> None:
    staffing = api("operator", f"/v1/staffing?street={street_of(api)}&missing=true&limit=200")
    page = desk("/teams")
    for share in staffing["shares"]:
        shown = page.locator(f"[data-clause='{share['clause']}']")
        expect(shown).to_contain_text(f"{share['in_grids']}")
        expect(shown).to_contain_text(f"{int(share['share'] * 100 + 1e-9)}%")
    page.locator("input[name=missing]").check()
    expect(page.locator("tr[data-grid]")).to_have_count(len(staffing["items"]))
    lacking = staffing["items"][0]
    expect(page.locator(f"tr[data-grid='{lacking['grid_code']}']")).to_contain_text(lacking["zh"])
    page.locator(f"tr[data-grid='{lacking['grid_code']}'] button").click()
    team = api("operator", f"/v1/teams?grid={lacking['grid_code']}")
    for member in team["members"]:
        expect(page.locator(f".el-drawer [data-member='{member['person']['name']}']").first).to_be_visible()


def test_an_absence_is_entered_corrected_and_cancelled(desk: Callable[..., Page], api: Ask) -> None:
    away, substitute = people_to_swap(api)
    page = desk("/teams?tab=absences", expected="422")
    page.locator("[data-action=enter-absence]").click()
    pick(page, "person", away["name"])
    pick(page, "substitute", away["name"])
    first = today() + timedelta(days=40)
    page.locator("input[name=first]").fill(str(first))
    page.locator("input[name=last]").fill(str(first + timedelta(days=4)))
    save = page.locator(".el-dialog button[type=submit]")
    save.click()
    wrong = page.locator(".el-dialog .field", has=page.locator("[data-pick=substitute]")).locator(".wrong")
    expect(wrong).to_be_visible()
    pick(page, "substitute", substitute["name"])
    save.click()
    row = page.locator("[data-phase=coming] tr", has_text=away["name"])
    expect(row).to_contain_text(substitute["name"])
    row.locator("button").click()
    row.locator("button.danger").click()
    expect(page.locator("[data-phase=coming] tr", has_text=away["name"])).to_have_count(0)
    expect(page.locator("[data-phase=past] tr", has_text=away["name"])).to_be_visible()


def people_to_swap(api: Ask) -> tuple[Any, Any]:
    """Somebody with a grid and an account, and somebody else with an account; nobody shares their names."""
    found = api("operator", "/v1/people?limit=200")["items"]  # by name, so namesakes stand together
    names = [person["name"] for person in found]
    busy = {
        who["id"]
        for absence in api("operator", "/v1/absences")["items"]
        for who in (absence["person"], absence["substitute"])
    }
    free = [
        person
        for person in found
        if person["has_account"] and names.count(person["name"]) == 1 and person["id"] not in busy
    ]
    away = next(person for person in free if person["grid_codes"])
    return away, next(person for person in free if person["id"] != away["id"])


def pick(page: Page, field: str, name: str) -> None:
    page.locator(f"[data-pick={field}] input").fill(name)
    option = page.locator(".el-select-dropdown__item:visible", has_text=name).first
    option.click()
    expect(page.locator(".el-select-dropdown:visible")).to_have_count(0)


def test_buildings_are_found_and_explained(desk: Callable[..., Page], api: Ask) -> None:
    building = api("operator", "/v1/buildings?limit=1")["items"][0]
    page = desk("/places", SMALL)
    page.locator("input[name=find]").fill(building["code"] or building["name"])
    page.locator(f"[data-building='{building['id']}']").click()
    drawer = page.locator(".el-drawer")
    expect(drawer).to_contain_text(building["name"])
    expect(drawer).to_contain_text(f"{building['position'][0]:.6f}")
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL[0]


def test_checkpoints_of_a_grid_are_printed_and_a_plate_is_replaced(
    desk: Callable[..., Page], api: Ask
) -> None:
    checkpoint = next(one for one in api("operator", "/v1/checkpoints")["items"] if one["grid"])
    page = desk(f"/places?tab=checkpoints&grid={checkpoint['grid']['code']}")
    row = page.locator(f"[data-checkpoint='{checkpoint['id']}']")
    expect(row).to_contain_text(checkpoint["short_code"])
    sheet = downloaded(page, "[data-action=print]")
    assert sheet.suggested_filename.endswith(".pdf")
    assert Path(sheet.path()).read_bytes().startswith(b"%PDF")
    row.get_by_role("button").click()
    row.locator("button.danger").click()
    expect(row).not_to_contain_text(checkpoint["short_code"])


def test_an_address_is_found_in_the_streets_own_table(desk: Callable[..., Page], api: Ask) -> None:
    address = api("operator", "/v1/addresses?limit=1")["items"][0]
    page = desk("/places?tab=geocode")
    page.locator("input[name=address]").fill(address["text"])
    page.keyboard.press("Enter")
    expect(page.locator("[data-candidate]").first).to_contain_text(address["text"])


def test_a_table_of_places_is_tried_before_it_is_imported(
    desk: Callable[..., Page], tmp_path: Path, api: Ask
) -> None:
    lon, lat = api("operator", "/v1/buildings?limit=1")["items"][0]["position"]
    table = tmp_path / "buildings.csv"
    rows = [f"新测-1,测试一幢,{lon},{lat},12", "新测-2,测试二幢,abc,32.1,12"]
    table.write_text("\n".join(["楼栋编码,楼栋名称,经度,纬度,户数", *rows]), encoding="utf-8")
    page = desk("/places")
    page.locator("[data-action=import-open]").click()
    dialog = page.locator(".import-places")
    assert Path(downloaded(page, "[data-action=template]").path()).read_bytes().startswith(b"PK")
    dialog.locator("input[type=file]").set_input_files(table)
    dialog.locator("[data-action=dry-run]").click()
    expect(dialog.locator("[data-rejected]")).not_to_have_attribute("data-rejected", "0")
    expect(dialog.locator("tbody tr").first).to_contain_text("测试二幢")
    good = tmp_path / "good.csv"
    good.write_text("\n".join(["楼栋编码,楼栋名称,经度,纬度,户数", rows[0]]), encoding="utf-8")
    dialog.locator("input[type=file]").set_input_files(good)
    dialog.locator("[data-action=dry-run]").click()
    dialog.locator("[data-action=import]").click()
    expect(dialog.locator("[data-imported=true]")).to_be_visible()
    assert api("operator", "/v1/buildings?text=%E6%96%B0%E6%B5%8B-1")["items"][0]["name"] == "测试一幢"


def test_the_plain_base_map_stands_in_the_switch(desk: Callable[..., Page]) -> None:
    page = desk("/map", language="en-GB")
    page.locator("[data-action=basemap]").click()
    expect(page.locator("input[name=basemap][value=plain]")).to_be_checked()
    page.keyboard.press("Escape")
    expect(page.locator("input[name=basemap]")).to_have_count(0)
