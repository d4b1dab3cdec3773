"""A grid member's day on the phone: why a patrol does not count, a visit from the list, the diary of it."""

import re
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, Route, expect

from core.clock import Week
from tests.e2e.conftest import PHONE

pytestmark = pytest.mark.e2e

OpenPage = Callable[..., Page]
SignIn = Callable[[Page, str], None]
Ask = Callable[[str, str], Any]


def at(page: Page, path: str) -> None:
    page.goto(f"{page.url.split('#')[0]}#{path}")


def lose_one_reply(page: Page, address: re.Pattern[str]) -> None:
    """The server does what the next such request asks for, and the phone never hears of it."""

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route(address, lose, times=1)


def photo(colour: str) -> FilePayload:
    picture = BytesIO()
    Image.new("RGB", (64, 48), colour).save(picture, "PNG")
    return {"name": f"{colour}.png", "mimeType": "image/png", "buffer": picture.getvalue()}


def fill_in_an_item(page: Page, row: Locator) -> None:
    """Handled on the spot, with a photo of it afterwards."""
    row.locator("[data-checklist=city_management] .head").click()
    item = row.locator("[data-checklist=city_management] [data-item]").last
    code = item.get_attribute("data-item")
    item.get_by_role("button").click()
    sheet = page.locator("form[data-part=finding]")
    sheet.locator("[data-result=handled]").click()
    sheet.locator("[data-photos=after] input[data-way=choose]").set_input_files([photo("green")])
    expect(sheet.locator("[data-photos=after] img")).to_have_count(1)
    page.go_back()  # closes the sheet and nothing else; what was filled in is there when it opens again
    expect(sheet).to_be_hidden()
    row.locator(f"[data-item={code}]").get_by_role("button").click()
    expect(sheet.locator("[data-photos=after] img")).to_have_count(1)
    sheet.get_by_role("button", name="保存").click()
    expect(row.locator(f"[data-item={code}]")).to_contain_text("照片：已送达 1 张，共 1 张")


def take_back_what_is_open(page: Page) -> None:
    """The demo's member has appealed already."""
    waiting = page.locator("[data-part=appeals] li[data-state=open]")
    while count := waiting.count():
        button = waiting.first.get_by_role("button")
        button.click()
        expect(button).to_contain_text("确定")
        button.click()
        expect(waiting).to_have_count(count - 1)


def test_a_member_reads_why_a_patrol_does_not_count_and_appeals(
    open_page: OpenPage, sign_in: SignIn, api: Ask
) -> None:
    me = api("member", "/v1/me")["person_id"]
    patrol = next(
        one
        for one in api("member", f"/v1/patrols?person={me}&limit=200")["items"]
        if one["verdict"] and one["verdict"]["status"] in {"invalid", "pending_review"}
    )
    week = Week.of(datetime.fromisoformat(patrol["started_at"]))
    page = open_page(PHONE)
    sign_in(page, "member")
    at(page, f"/my?week={week}")
    row = page.locator(f"[data-patrol='{patrol['id']}']")
    row.get_by_role("button").first.click()
    for result in patrol["verdict"]["results"]:
        expect(row).to_contain_text(result["zh"])
    expect(row.get_by_role("img")).to_be_visible()  # the way walked
    take_back_what_is_open(page)
    row.get_by_role("button", name="申诉").click()
    sheet = page.locator("[data-part=appeal]")
    sheet.get_by_role("button", name="提交").click()
    expect(sheet.get_by_role("alert")).to_contain_text("写明情况")
    sheet.locator("textarea").fill("手机没电，后半程没有记录下来。")
    sheet.locator("input[data-way=choose]").set_input_files([photo("red"), photo("blue")])
    expect(sheet.locator("[data-photos=appeal] img")).to_have_count(2)
    sheet.get_by_role("button", name="提交").click()
    expect(row.locator("[data-appeal=open]")).to_contain_text("等待")
    expect(row.get_by_role("button", name="申诉")).to_have_count(0)
    appeals = api("member", f"/v1/appeals?week={week}&person={me}")["items"]
    states = [one["state"] for one in appeals if one["patrol_id"] == patrol["id"]]
    assert states.count("open") == 1
    told = page.locator("[data-part=appeals] li[data-state=open] [data-part=photos]")
    expect(told).to_contain_text("已送达 2 张，共 2 张")
    fill_in_an_item(page, row)


def remark_and_export(page: Page) -> None:
    page.locator("textarea[name=remark]").fill("下周再去看看。")
    page.get_by_role("button", name="保存备注").click()
    expect(page.get_by_role("status").filter(has_text="已保存")).to_be_visible()
    with page.expect_download() as download:
        page.locator("[data-export=week-xlsx]").click()
    assert download.value.suggested_filename.endswith(".xlsx")


def correct_the_note(page: Page, past: Locator) -> None:
    past.get_by_role("button").first.click()
    past.get_by_role("button", name="更正").click()
    sheet = page.locator("[data-part=visit]")
    sheet.locator("textarea[name=note]").fill("门口有三级台阶")
    sheet.get_by_role("button", name="保存更正").click()
    expect(sheet.get_by_role("alert")).to_contain_text("为什么更正")
    sheet.locator("textarea[name=reason]").fill("漏记了")
    sheet.get_by_role("button", name="保存更正").click()
    expect(page.locator("[data-part=saved]")).to_contain_text("已更正")
    expect(past).to_contain_text("门口有三级台阶")


def test_a_visit_from_the_due_list_leaves_it_although_the_reply_was_lost_and_the_diary_tells_it(
    open_page: OpenPage, sign_in: SignIn, api: Ask
) -> None:
    page = open_page(PHONE, expected="net::ERR")
    sign_in(page, "member")
    page.get_by_role("tab", name="走访").click()
    page.locator("[data-filter=special]").click()
    row = page.locator("[data-part=due] li[data-state=special_due]").first
    household = row.get_attribute("data-household")
    row.get_by_role("link").click()
    page.get_by_role("button", name="记录一次走访").click()
    sheet = page.locator("[data-part=visit]")
    sheet.get_by_text("见到", exact=True).click()
    sheet.get_by_text("需求", exact=True).click()
    sheet.get_by_role("button", name="保存走访").click()
    wanted = sheet.locator("[data-field='/answers/for_whom']")
    expect(wanted.get_by_role("alert")).to_be_visible()
    wanted.get_by_role("checkbox").first.check()
    lose_one_reply(page, re.compile("/v1/visits/[0-9a-f-]{36}$"))
    sheet.get_by_role("button", name="保存走访").click()
    unsent = page.locator("[data-part=unsent]")
    expect(unsent).to_contain_text("还没有送出：1 条记录")
    page.reload()  # it is kept on the phone, and goes by itself
    past = page.locator("[data-part=past] li").first
    expect(past).to_contain_text("见到")
    expect(unsent).to_have_count(0)
    correct_the_note(page, past)
    visits = api("member", f"/v1/visits?household={household}&limit=5")["items"]
    today = [one for one in visits if one["theme"] == "needs" and one["outcome"] == "met"]
    assert [one["revision"] for one in today] == [2]
    page.get_by_role("link", name="返回").click()
    page.locator("[data-filter=special]").click()
    expect(page.locator("[data-filter=special][aria-pressed=true]")).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)
    expect(page.locator(f"[data-household='{household}']")).to_have_count(0)

    page.get_by_role("tab", name="日志").click()
    told = page.locator("[data-part=day] li[data-kind=visit]")
    expect(told.filter(has_text=today[0]["household"]["room"]).first).to_be_visible()
    remark_and_export(page)


def test_what_cannot_be_had_is_said_and_no_page_is_wider_than_the_phone(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page((360, 740))
    sign_in(page, "member")
    at(page, "/visits")
    expect(page.locator("[data-part=due] li").first).to_be_visible()
    page.get_by_role("button", name="离我最近").click()  # the browser of a test knows no position
    expect(page.get_by_role("status").filter(has_text="没有取得您的位置")).to_be_visible()
    page.locator("input[type=search]").fill("没有这样的门牌")
    expect(page.get_by_text("没有找到", exact=True)).to_be_visible()
    for path in ("/my", "/visits", "/visits?part=round", "/diary", "/reminders"):
        at(page, path)
        expect(page.get_by_role("tab", selected=True).first).to_be_visible()
        expect(page.locator(".skeleton")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
