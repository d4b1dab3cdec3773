"""Pages at the desk about what counts: reviews and appeals, duties, coverage on the map, households."""

import json
import re
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Download, FilePayload, Locator, Page, expect
from playwright.sync_api import TimeoutError as TookTooLong

from core.clock import today
from core.periods import Period, PeriodKind
from tests.e2e.conftest import DESK, Demo

pytestmark = pytest.mark.e2e

OpenPage = Callable[..., Page]
SignIn = Callable[[Page, str], None]
Ask = Callable[[str, str], Any]
Tell = Callable[[str, str, str, Any], Any]
SMALL = (1024, 768)


@pytest.fixture
def desk(open_page: OpenPage, sign_in: SignIn) -> Callable[..., Page]:
    """Open a page of the desk as somebody."""

    def desk(username: str, path: str, size: tuple[int, int] = DESK, **options: Any) -> Page:
        page = open_page(size, **options)
        sign_in(page, username)
        page.goto(f"{page.url.split('#')[0]}#{path}")
        return page

    return desk


@pytest.fixture
def tell(demo: Demo) -> Tell:
    """Change something as a role, beside the browser: `tell("leader", "POST", "/v1/…", {…})`."""

    def tell(username: str, method: str, path: str, body: Any) -> Any:
        form = f"username={username}&password={demo.passwords[username]}".encode()
        with urllib.request.urlopen(urllib.request.Request(demo.url + "/v1/auth/token", form)) as reply:
            token = json.load(reply)["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        sent = urllib.request.Request(demo.url + path, json.dumps(body).encode(), headers, method=method)
        with urllib.request.urlopen(sent) as reply:
            return json.load(reply)

    return tell


def downloaded(page: Page, button: str) -> Path:
    with page.expect_download() as pending:
        page.locator(button).click()
    download: Download = pending.value
    return Path(download.path())


def cell_clicked(page: Page, x: int, y: int) -> Locator:
    """What the panel says of a cell; the map may still be on its way to the grid."""
    cell = page.locator("[data-part=cell]")
    for _ in range(10):
        page.mouse.click(x, y)
        try:
            cell.wait_for(timeout=3000)
        except TookTooLong:
            continue
        break
    return cell


def waiting(api: Ask, username: str) -> list[Any]:
    """Patrols that wait for somebody's review, the oldest first, without those that an appeal is about."""
    reviews = api(username, "/v1/reviews?limit=200")["items"]
    return [review for review in reviews if review["open_appeal_id"] is None]


def test_a_doubt_is_decided_with_a_note_and_counted_no_more(desk: Callable[..., Page], api: Ask) -> None:
    patrol = waiting(api, "head1")[0]["patrol"]
    page = desk("head1", "/review", SMALL)
    row = page.locator(f"tr[data-matter='{patrol['id']}']")
    expect(row).to_contain_text(patrol["person"]["name"])
    before = int(page.locator("section[data-open]").get_attribute("data-open") or 0)
    row.get_by_role("button").click()
    drawer = page.locator(".el-drawer.matter")
    for check in patrol["verdict"]["results"]:
        expect(drawer).to_contain_text(check["zh"])
    drawer.locator("[data-ruling=rejected]").click()
    expect(drawer.locator(".wrong")).to_be_visible()
    drawer.locator("textarea[name=note]").fill("现场核实，确有巡查")
    drawer.locator("[data-ruling=accepted]").click()
    expect(page.locator("section[data-open]")).to_have_attribute("data-open", str(before - 1))
    expect(row).to_have_count(0)
    page.locator("[data-tab=decided]").click()
    row.get_by_role("button").click()
    expect(drawer.locator("[data-value=computed]")).to_contain_text("待复核")
    expect(drawer.locator("[data-value=decided]")).to_contain_text("通过")
    expect(drawer.locator("[data-part=history]")).to_contain_text("现场核实，确有巡查")
    verdict = api("head1", f"/v1/patrols/{patrol['id']}")["verdict"]
    assert (verdict["computed_status"], verdict["decision"]) == ("pending_review", "accepted")


def test_a_head_looks_at_the_track_and_is_told_who_was_quicker(
    desk: Callable[..., Page], api: Ask, tell: Tell
) -> None:
    review = waiting(api, "head1")[-1]
    patrol_id = review["patrol"]["id"]
    page = desk("head1", "/review", expected="409")
    page.locator(f"tr[data-matter='{patrol_id}'] button").click()
    drawer = page.locator(".el-drawer.matter")
    drawer.locator("[data-action=track]").click()
    expect(drawer.locator("[data-part=track] [data-drawn=true]")).to_be_visible()
    tell("leader", "POST", f"/v1/patrols/{patrol_id}/review", {"decision": "rejected", "note": "轨迹不可信"})
    drawer.locator("[data-ruling=accepted]").click()
    taken = drawer.locator("[data-taken]")
    expect(taken).to_contain_text(api("leader", "/v1/me")["name"])
    expect(taken).to_contain_text("轨迹不可信")
    expect(page.locator(f"tr[data-matter='{patrol_id}']")).to_have_count(0)


def test_the_queue_is_narrowed_gone_through_and_passed_on(desk: Callable[..., Page], api: Ask) -> None:
    review = next(one for one in waiting(api, "leader") if one["patrol"]["verdict"]["results"])
    doubt = next(check for check in review["patrol"]["verdict"]["results"] if check["kind"] == "doubt")
    page = desk("leader", f"/review?why={doubt['code']}")
    rows = page.locator("tr[data-key]")
    expect(rows.first).to_be_visible()
    keys = [row.get_attribute("data-key") for row in rows.all()]
    assert len(keys) < int(page.locator("section[data-open]").get_attribute("data-open") or 0)
    rows.first.get_by_role("button").press("Enter")
    drawer = page.locator(".el-drawer.matter")
    expect(page).to_have_url(re.compile(f"matter={keys[0]}"))
    if len(keys) > 1:
        page.keyboard.press("j")
        expect(page).to_have_url(re.compile(f"matter={keys[1]}"))
        page.keyboard.press("k")
    expect(page).to_have_url(re.compile(f"matter={keys[0]}"))
    page.reload()
    expect(drawer).to_be_visible()
    page.go_back()
    expect(drawer).to_have_count(0)
    page.goto(page.url.split("?")[0] + "?tab=decided&matter=patrol-of-nobody")
    expect(page.locator(".missing")).to_be_visible()
    expect(page.locator(".rules")).to_contain_text("每次决定")


def test_duties_show_the_figures_of_the_server_and_are_exported(desk: Callable[..., Page], api: Ask) -> None:
    month = Period.of(PeriodKind.MONTH, today())
    report = api("leader", f"/v1/compliance?period={month}&by=community&limit=200")
    page = desk("leader", "/duties", SMALL)
    page.locator("select[name=period-kind]").select_option("month")
    page.locator("select[name=by]").select_option("community")
    expect(page.locator("[data-period]")).to_have_attribute("data-period", str(month))
    expect(page.locator("tr[data-line]")).to_have_count(len(report["items"]))
    totals = report["totals"]
    for name, done, of in (
        ("pairs", totals["pairs_met"], totals["pairs_due"]),
        ("patrols", totals["patrols_counted"], totals["patrols_needed"]),
    ):
        expect(page.locator(f"[data-figure={name}]")).to_contain_text(f"{done:,} / {of:,}")
    first = report["items"][0]
    expect(page.locator("tr[data-line]").first).to_contain_text(first["name"])
    assert downloaded(page, "[data-download=xlsx]").read_bytes().startswith(b"PK")
    assert first["name"] in downloaded(page, "[data-download=csv]").read_text(encoding="utf-8-sig")
    page.locator("[data-figure=pairs] .mark").click()
    expect(page.locator(".explain-popper:visible")).to_contain_text(report["explained"]["zh"])
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL[0]


def test_each_duty_stands_with_its_forecast_and_what_is_due(desk: Callable[..., Page], api: Ask) -> None:
    duties = api("leader", "/v1/duties?limit=200")
    page = desk("leader", "/duties?tab=standing")
    for total in duties["totals"]:
        card = page.locator(f"[data-duty='{total['duty']['code']}']")
        expect(card).to_contain_text(f"{total['credited']:,} / {total['required']:,}")
    patrols = page.locator("[data-duty=patrols]")
    patrols.click()
    expect(patrols).to_have_attribute("aria-pressed", "true")
    item = next(item for item in duties["items"] if item["duty"]["code"] == "patrols")
    row = page.locator(f"tr[data-item='{item['grid']['code']}']").first
    expect(row).to_contain_text(f"{item['credited']} / {item['required']}")
    page.locator("[data-tab=due]").click()
    due = api("leader", "/v1/duties/due?limit=1")["items"]
    if due:
        expect(page.locator("tr[data-due]").first).to_contain_text(due[0]["duty"]["zh"])


def test_the_map_shows_what_was_walked(desk: Callable[..., Page], api: Ask) -> None:
    street = api("leader", "/v1/me")["assignments"][0]["street_code"]
    page = desk("leader", "/map", SMALL)
    page.locator("label", has=page.locator("input[name=map-layer][value=coverage]")).click()
    expect(page).to_have_url(re.compile("layer=coverage"))
    expect(page.locator(".map")).to_have_attribute("data-cells", re.compile("^[1-9]"))
    expect(page.locator("[data-legend=coverage]")).to_be_visible()
    page.locator("label", has=page.locator("input[name=coverage-days][value='7']")).click()
    summary = api("leader", f"/v1/coverage/summary?street={street}&level=1&days=7")
    total = sum(grid["cells"]["total"] for grid in summary["items"])
    expect(page.locator("[data-coverage-totals] [data-share=cells]")).to_contain_text(f"/ {total:,}")
    page.locator("[data-action=coverage-list]").click()
    grid = summary["items"][0]
    page.locator(f"[data-covered='{grid['code']}']").click()
    panel = page.locator(f"[data-coverage-of='{grid['code']}']")
    expect(panel.locator("[data-share=cells]")).to_contain_text(f"/ {grid['cells']['total']:,}")
    inside = api("leader", f"/v1/coverage/summary?grid={grid['code']}&level=2&days=7")["items"]
    lines = downloaded(page, "[data-coverage-of] [data-download=csv]").read_text("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [one["code"] for one in inside]
    # Another cell of the heatmap: what and when, in the grid that it lies in.
    expect(cell_clicked(page, 450, 420).locator("[data-cell-state]")).to_be_visible()
    panel = page.locator("[data-coverage-of]")
    panel.locator("[data-share=cells] .mark").click()
    denominator = next(one for one in summary["denominators"] if one["code"] == "cells")
    expect(page.locator(".explain-popper:visible")).to_contain_text(denominator["zh"])
    # The bar has two rows at this width: the panel's head stands below it.
    panel.get_by_role("button").first.click()
    expect(panel).to_have_attribute("data-coverage-of", "all")


def test_a_resident_is_revealed_with_a_reason_and_hidden_again(
    desk: Callable[..., Page], api: Ask, tell: Tell
) -> None:
    building = next(one for one in api("operator", "/v1/buildings?limit=50")["items"] if one["grid"])
    household, resident = uuid.uuid4(), uuid.uuid4()
    door = {"building": building["id"], "entrance": "9", "floor": "9", "room": f"9{household.hex[:6]}"}
    tell("operator", "PUT", f"/v1/households/{household}", door)
    person = {"household": str(household), "name": "测试人", "phone": "13800138000"}
    tell("operator", "PUT", f"/v1/residents/{resident}", person)
    page = desk("operator", "/households", SMALL)
    page.locator("input[name=find]").fill(door["room"])
    page.locator(f"tr[data-household='{household}'] button").click()
    card = page.locator(f"[data-resident='{resident}']")
    expect(card.locator("[data-value=name]")).to_have_text("测**")
    expect(card.locator("[data-value=phone]")).to_have_text("138****8000")
    card.locator("[data-action=reveal]").click()
    ask = page.locator(".reveal button[type=submit]")
    expect(ask).to_be_disabled()
    page.locator(".reveal select[name=reason]").select_option("visit")
    ask.click()
    expect(card.locator("[data-value=name]")).to_have_text("测试人")
    expect(card.locator("[data-value=phone]")).to_have_text("13800138000")
    assert str(household) not in page.url
    assert door["room"] not in page.url
    card.locator("[data-action=hide]").click()
    expect(card.locator("[data-value=phone]")).to_have_text("138****8000")
    expect(page.locator("[data-part=history]")).to_contain_text("登记人员")


def test_a_household_is_corrected_and_a_wrong_number_refused(
    desk: Callable[..., Page], api: Ask, tell: Tell
) -> None:
    building = next(one for one in api("operator", "/v1/buildings?limit=50")["items"] if one["grid"])
    household = uuid.uuid4()
    room = f"8{household.hex[:6]}"
    tell("operator", "PUT", f"/v1/households/{household}", {"building": building["id"], "room": room})
    page = desk("operator", "/households", expected="422")
    page.locator("input[name=find]").fill("13800138000")
    expect(page.locator(".warning")).to_be_visible()
    page.locator("input[name=find]").fill(room)
    page.locator(f"tr[data-household='{household}'] button").click()
    drawer = page.locator(".el-drawer.household")
    drawer.locator("[data-action=edit-household]").click()
    drawer.locator("input[name=floor]").fill("12")
    drawer.locator("select[name=kind]").select_option("floating")
    drawer.locator("form.edit button[type=submit]").click()
    expect(drawer.locator("form.edit")).to_have_count(0)
    expect(page.locator(f"tr[data-household='{household}']")).to_contain_text(f"12-{room}")
    drawer.locator("[data-action=add-resident]").click()
    form = page.locator(".resident-form")
    form.locator("input[name=resident-name]").fill("测试人")
    form.locator("input[name=id_number]").fill("320113199001011111")
    form.locator("button[type=submit]").click()
    expect(form.locator(".wrong")).to_be_visible()
    form.locator("input[name=id_number]").fill("")
    form.locator("button[type=submit]").click()
    expect(drawer.locator("[data-resident] [data-value=name]")).to_have_text("测**")
    kept = api("operator", f"/v1/households/{household}")
    assert (kept["household"]["floor"], kept["household"]["kind"]) == ("12", "floating")


def test_a_table_with_a_fault_is_not_imported_and_its_faults_are_handed_back(
    desk: Callable[..., Page], api: Ask
) -> None:
    building = next(one for one in api("operator", "/v1/buildings?limit=50")["items"] if one["code"])
    room = f"7{uuid.uuid4().hex[:6]}"
    head = "楼栋编码,室号,姓名\r\n"
    good = f"{building['code']},{room},测试人\r\n"
    page = desk("operator", "/households", SMALL)
    page.locator("[data-action=import-open]").click()
    dialog = page.locator(".import-households")

    def choose(text: str) -> None:
        body = text.encode("utf-8-sig")
        file = FilePayload(name="住户.csv", mimeType="text/csv", buffer=body)
        dialog.locator("input[type=file]").set_input_files(file)
        dialog.locator("[data-action=dry-run]").click()

    choose(head + good + "没有这栋楼,1,测试人\r\n")
    expect(dialog.locator("[data-rejected='1'] tr[data-row='3']")).to_be_visible()
    faults = downloaded(page, ".import-households [data-download=faults]").read_text("utf-8-sig")
    assert faults.splitlines()[1].startswith("3,测**,楼栋,")
    choose(head + good)
    expect(dialog.locator("[data-imported=false][data-rejected='0']")).to_be_visible()
    dialog.locator("[data-action=import]").click()
    expect(dialog.locator("[data-imported=true]")).to_be_visible()
    dialog.locator(".actions button").click()
    page.locator("input[name=find]").fill(room)
    expect(page.locator("tr[data-household]")).to_have_count(1)
    page.locator("[data-tab=changes]").click()
    expect(page.locator("tr[data-change]").first).to_contain_text("登记")


def test_the_register_is_checked_by_a_drawn_sample(desk: Callable[..., Page], api: Ask) -> None:
    street = api("operator", "/v1/me")["assignments"][0]["street_code"]
    told = api("operator", f"/v1/registry/quality?street={street}")["collection"]
    page = desk("operator", "/households?tab=quality")
    figure = page.locator("[data-figure=collection]")
    expect(figure).to_contain_text(f"{told['collected']:,} / {told['expected']:,}")
    expect(figure).to_contain_text(told["notes"][0]["zh"])
    page.locator("input[name=size]").fill("5")
    page.locator("[data-action=draw]").click()
    drawn = page.locator("tr[data-drawn]")
    expect(drawn).to_have_count(5)
    drawn.nth(0).locator("[data-check=right]").click()
    expect(drawn.nth(0)).to_have_attribute("data-state", "right")
    drawn.nth(1).locator("[data-check=wrong]").click()
    drawn.nth(1).locator("input[value=phone]").check()
    drawn.nth(1).locator("button[type=submit]").click()
    expect(drawn.nth(1)).to_have_attribute("data-state", "wrong")
    expect(page.locator("[data-figure=accuracy]")).to_contain_text("1 / 2")
