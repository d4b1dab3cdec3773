"""A day with the product: an operator reads the map, a member uploads a track, the map changes."""

import re
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from playwright.sync_api import Page, expect

from core.clock import Week, now, today
from tests.e2e.conftest import DESK, PHONE, Demo

pytestmark = pytest.mark.e2e

OpenPage = Callable[..., Page]
SignIn = Callable[[Page, str], None]
Ask = Callable[[str, str], Any]
PATIENCE_S = 120
MINUTES = 32  # of a walk that suffices
STATUSES = ("met", "partial", "none", "unassigned")


def legend(page: Page) -> dict[str, int]:
    """How many grids in view have each status, as the legend counts them from the drawn tiles."""
    return {
        status: int(page.locator(f"[data-status={status}][data-count]").get_attribute("data-count") or 0)
        for status in STATUSES
    }


def drawn(page: Page, api: Ask, level: int, week: Week | None = None) -> dict[str, int]:
    """The legend once all grids of the level are drawn: those of the week's last day, or of today."""
    grids = grids_on(api, level, min(today(), week.sunday) if week else today())
    assert eventually(page, lambda: sum(legend(page).values()) == grids), (legend(page), grids)
    return legend(page)


def grids_on(api: Ask, level: int, day: date) -> int:
    found, after = 0, ""
    while True:
        page = api("operator", f"/v1/grids?level={level}&on={day}&limit=100{after}")
        found += len(page["items"])
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


def show_level(page: Page, level: int) -> None:
    page.locator(f"input[name=level][value='{level}']").check(force=True)


def walk_through(demo_grid: Any, start: datetime, *, minutes: int = MINUTES) -> str:
    """GPX of a walk up and down a grid."""
    shape = shapely.geometry.shape(demo_grid["geometry"])
    west, south, east, north = shapely.buffer(shape, -0.0002).bounds
    fixes = minutes * 12
    walked = np.arange(fixes) * 6.0  # metres at 1.2 m/s, a fix each 5 s
    width_m = (east - west) * 94_300
    lane, along = np.divmod(walked, width_m)
    lon = np.where(lane % 2 == 0, west + along / 94_300, east - along / 94_300)
    lanes = max(lane.max(), 1)
    lat = south + (north - south) * lane / lanes
    inside = shapely.contains_xy(shape, lon, lat)
    points = "".join(
        f'<trkpt lat="{y:.7f}" lon="{x:.7f}"><time>{start + timedelta(seconds=5 * place):%Y-%m-%dT%H:%M:%SZ}'
        "</time></trkpt>"
        for place, (x, y) in enumerate(zip(lon[inside], lat[inside], strict=True))
    )
    return (
        '<gpx version="1.1" creator="test" xmlns="http://www.topografix.com/GPX/1/1">'
        f"<trk><trkseg>{points}</trkseg></trk></gpx>"
    )


def test_a_wrong_password_is_explained_and_the_right_one_opens_the_map(
    open_page: OpenPage, sign_in: SignIn, api: Ask
) -> None:
    page = open_page(expected="401")
    page.locator("input[autocomplete=username]").fill("operator")
    page.locator("input[autocomplete=current-password]").fill("wrong-password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("密码")
    sign_in(page, "operator")
    expect(page).to_have_url(re.compile("#/map"))
    drawn(page, api, 2)


def test_the_map_shows_the_weeks_compliance_at_every_level(
    open_page: OpenPage, sign_in: SignIn, api: Ask, demo: Demo, tmp_path: Path
) -> None:
    page = open_page()
    sign_in(page, "operator")
    page.goto(f"{demo.url}#/map?level=3&week={demo.week}")
    counts = drawn(page, api, 3, demo.week)
    assert all(counts.values()), "the demo shows every status"
    show_level(page, 1)
    drawn(page, api, 1, demo.week)
    totals = api("operator", f"/v1/compliance?week={demo.week}")["totals"]
    expect(page.locator("[data-figure=pairs]")).to_contain_text(f"{totals['pairs_met']}")
    expect(page.locator("[data-figure=pairs]")).to_contain_text(f"{totals['pairs_due']}")
    assert len(page.screenshot(path=tmp_path / "map.png")) > 50_000  # an empty map is a tenth of that


def test_a_grid_tells_who_is_responsible_and_why_a_patrol_does_not_count(
    open_page: OpenPage, sign_in: SignIn, api: Ask
) -> None:
    page = open_page()
    sign_in(page, "operator")
    page.get_by_role("button", name="上一周").click()
    show_level(page, 3)
    drawn(page, api, 3, Week.of_day(today()).shifted(-1))
    page.locator("[data-status=partial][data-count]").click()
    page.locator("section.list li button").first.click()
    panel = page.locator("section.panel")
    expect(panel.locator("[data-group=county]")).to_contain_text("320113")
    expect(panel.locator("article.pair").first).to_be_visible()
    page.locator("canvas").first.click(position={"x": 720, "y": 470})
    expect(panel).to_be_visible()


def test_an_invalid_patrol_says_everything_it_lacked(
    open_page: OpenPage, sign_in: SignIn, api: Ask, demo: Demo
) -> None:
    code, patrol_id = next(
        (item["grid_code"], patrol["id"])
        for item in api("operator", f"/v1/compliance?level=3&week={demo.week}")["items"]
        for patrol in item["patrols"]
        if patrol["status"] == "invalid"
    )
    results = api("operator", f"/v1/patrols/{patrol_id}")["verdict"]["results"]
    lacking = [result["zh"] for result in results if not result["passed"]]
    assert lacking
    page = open_page()
    sign_in(page, "operator")
    page.goto(f"{page.url.split('#')[0]}#/map?level=3&week={demo.week}&grid={code}")
    row = page.locator(f"[data-patrol='{patrol_id}']")
    for sentence in lacking:
        expect(row).to_contain_text(sentence)
    row.get_by_role("button").first.click()
    expect(row.locator("table")).to_be_visible()


def test_a_member_uploads_a_track_and_the_operator_sees_the_grid_turn(
    open_page: OpenPage, sign_in: SignIn, api: Ask, demo: Demo, tmp_path: Path
) -> None:
    me = api("member", "/v1/me")
    code = me["assignments"][0]["grid_code"]
    start = now() - timedelta(minutes=15 + MINUTES)
    week = Week.of(start)  # just after midnight on a Monday: the last
    counted = standing(api, code, me["person_id"], week)["counted"]
    turns_to = "met" if counted == 1 else "partial"  # on a Monday the demo's member begins the week at 0 of 2
    operator = open_page(DESK)
    sign_in(operator, "operator")
    operator.goto(f"{demo.url}#/map?level=3&week={week}")
    drawn(operator, api, 3, week)
    operator.locator(f"[data-status={turns_to}][data-count]").click()
    listed = operator.locator("section.list li", has_text=spaced(code))
    expect(listed).to_have_count(0)
    track = tmp_path / "round.gpx"
    track.write_text(walk_through(api("operator", f"/v1/grids/{code}"), start), encoding="utf-8")

    member = open_page(PHONE)
    sign_in(member, "member")
    expect(member).to_have_url(re.compile("#/my"))
    send(member, track)
    expect(member.locator("[data-step=done]")).to_be_visible()

    mine = standing(api, code, me["person_id"], week)
    assert mine["counted"] == counted + 1, mine
    # Of this grid alone: others may turn meanwhile, for the street's weeks are counted again by the hour.
    expect(listed).to_have_count(1, timeout=PATIENCE_S * 1000)


def standing(api: Ask, code: str, person_id: str, week: Week) -> Any:
    """How a person stands in a week in a grid."""
    items = api("operator", f"/v1/compliance?grid={code}&week={week}")["items"]
    return next(item for item in items if item["person"]["id"] == person_id)


def spaced(code: str) -> str:
    """A grid code as pages show it."""
    return f"{code[:6]} {code[6:12]} {code[12:15]} {code[15:18]} {code[18:]}"


def send(page: Page, track: Path) -> None:
    page.get_by_role("button", name="上传巡查轨迹").click()
    page.locator("input[type=file]").set_input_files(track)
    page.locator(".upload-sheet button.van-button--primary").click()


def eventually(page: Page, condition: Callable[[], bool]) -> bool:
    """Whether the condition came true in time for a busy machine, with the page alive meanwhile."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if condition():
            return True
        page.wait_for_timeout(100)
    return False


def test_a_broken_file_is_refused_in_words(open_page: OpenPage, sign_in: SignIn, tmp_path: Path) -> None:
    page = open_page(PHONE, expected="422")
    sign_in(page, "member")
    broken = tmp_path / "broken.gpx"
    broken.write_text("<gpx><trk>", encoding="utf-8")
    send(page, broken)
    expect(page.get_by_role("alert")).to_be_visible()


def test_the_map_works_on_a_phone_and_in_english(open_page: OpenPage, sign_in: SignIn) -> None:
    page = open_page(PHONE, language="en-GB")
    sign_in(page, "leader")
    expect(page).to_have_url(re.compile("#/map"))
    expect(page.locator("canvas").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_a_reload_keeps_the_sign_in_and_the_place(open_page: OpenPage, sign_in: SignIn) -> None:
    page = open_page()
    sign_in(page, "head1")
    show_level(page, 2)
    expect(page).to_have_url(re.compile("level=2"))
    page.reload()
    expect(page).to_have_url(re.compile("level=2"))
    expect(page.locator("canvas").first).to_be_visible()


def test_nothing_is_loaded_from_elsewhere(open_page: OpenPage, sign_in: SignIn, api: Ask, demo: Demo) -> None:
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    sign_in(page, "operator")
    drawn(page, api, 2)
    assert [url for url in asked if not url.startswith((demo.url, "blob:", "data:"))] == []
