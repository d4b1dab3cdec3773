"""A street's division, as its officer and its leader work: import, repair, approve, split, look back."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
import shapely
from playwright.sync_api import Page, expect

from core.clock import today
from geo.datums import from_cgcs2000
from tests.e2e.conftest import Demo

pytestmark = pytest.mark.e2e

OpenPage = Callable[..., Page]
SignIn = Callable[[Page, str], None]
Ask = Callable[[str, str], Any]
PATIENCE_MS = 60_000
METRE = 1 / 111_320  # degrees


def family_of(api: Ask, parent: str) -> list[dict[str, Any]]:
    children = api("operator", f"/v1/grids/{parent}/children")["items"]
    return [api("operator", f"/v1/grids/{child['code']}") for child in children]


def areas(api: Ask) -> list[str]:
    """Codes of the level-2 grids that hold two or more others."""
    grids = api("operator", "/v1/grids?level=3")["items"]
    parents = [grid["parent"] for grid in grids]
    return sorted({parent for parent in parents if parents.count(parent) >= 2})


def shapefile_with_faults(folder: Path, grids: list[dict[str, Any]]) -> Path:
    """A zipped Shapefile in GCJ-02 with GBK text: the first grid reaches 2 m over its neighbours."""
    shapes = [shapely.geometry.shape(grid["geometry"]) for grid in grids]
    shapes[0] = shapely.buffer(shapes[0], 2 * METRE, join_style="mitre")
    moved = [
        shapely.transform(shape, lambda xy: np.column_stack(from_cgcs2000(xy[:, 0], xy[:, 1], "GCJ02")))
        for shape in shapes
    ]
    stem = folder / "wangge"
    pyogrio.raw.write(
        stem.with_suffix(".shp"),
        shapely.to_wkb(np.array(moved, dtype=object)),
        [
            np.array([grid["code"] for grid in grids], dtype=object),
            np.array([grid["name"] for grid in grids], dtype=object),
            np.array([grid["level"] for grid in grids], dtype=np.int32),
            np.array([grid["households"] for grid in grids], dtype=np.int32),
        ],
        np.array(["WGBM", "WGMC", "WGJB", "HS"], dtype=object),
        geometry_type="MultiPolygon",
        driver="ESRI Shapefile",
        encoding="GBK",
        crs="EPSG:4490",
    )
    archive = folder / "wangge.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for part in folder.glob("wangge.*"):
            if part.suffix in {".shp", ".shx", ".dbf", ".cpg"}:
                packed.write(part, part.name)
    return archive


def begin_plan(page: Page, title: str, valid_from: str | None = None) -> None:
    page.locator("[data-action=new]").click()
    page.locator("input[name=title]").fill(title)
    if valid_from:
        page.locator("input[name=valid_from]").fill(valid_from)
    page.locator("button[form=new-plan][type=submit]").click()
    expect(page).to_have_url(re.compile("#/division/.+"))
    drawn(page)


def drawn(page: Page) -> None:
    expect(page.locator(".map[data-drawn=true]")).to_be_visible(timeout=PATIENCE_MS)


def show_tab(page: Page, tab: str) -> None:
    page.locator(f"[data-tab={tab}]").click()


def checked(page: Page) -> None:
    """The check of the plan as it is now is on the page."""
    show_tab(page, "check")
    expect(page.locator(".check[data-stale=false]")).to_be_visible(timeout=PATIENCE_MS)


def status(page: Page, wanted: str) -> None:
    expect(page.locator(f"main[data-status={wanted}]")).to_be_visible(timeout=PATIENCE_MS)


def submit(page: Page) -> None:
    show_tab(page, "approval")
    page.locator("[data-action=submit]").click(timeout=PATIENCE_MS)
    status(page, "submitted")


def approve(page: Page, url: str) -> None:
    """The leader reads the plan, accepts its warnings and approves it."""
    page.goto(url)
    status(page, "submitted")
    approving = page.locator("[data-action=approve]")
    expect(page.locator(".approval .good, .approval .failure")).to_be_visible(timeout=PATIENCE_MS)
    if page.locator("[data-accept]").count():
        expect(approving).to_be_disabled()
        page.locator("input[name=accept]").check()
    approving.click()
    status(page, "approved")


def pick(page: Page, name: str, level: int) -> None:
    """Select a grid by its name, without the map."""
    page.locator(f"input[name=plan-level][value='{level}']").check(force=True)
    page.locator("[data-selection] input").fill(name)
    page.get_by_role("option", name=name, exact=True).click()
    page.keyboard.press("Tab")


def free_middle(page: Page) -> tuple[float, float, float]:
    """Left and right end, and height, of a line across the part of the map that no panel covers."""
    left = page.locator(".left").bounding_box()
    side = page.locator(".side").bounding_box()
    size = page.viewport_size
    assert left
    assert side
    assert size
    return left["x"] + left["width"] + 12, side["x"] - 12, (290 + size["height"] - 70) / 2


def test_a_division_is_imported_repaired_approved_and_split(
    open_page: OpenPage, sign_in: SignIn, api: Ask, demo: Demo, tmp_path: Path
) -> None:
    family = family_of(api, areas(api)[0])
    archive = shapefile_with_faults(tmp_path, family)
    officer = open_page()
    sign_in(officer, "operator")
    officer.locator(".account .opener").click()
    officer.get_by_role("link", name="网格划分").click()
    begin_plan(officer, "导入的划分", str(today()))
    import_gcj02(officer, archive)
    repair_faults(officer)
    submit(officer)

    leader = open_page()
    sign_in(leader, "leader")
    approve(leader, officer.url)

    grid = family_of(api, areas(api)[-1])[0]
    officer.goto(f"{demo.url}/#/division")
    begin_plan(officer, "拆分一个网格")
    split_by_hand(officer, grid["name"])
    submit(officer)
    approve(leader, officer.url)
    expect(leader.locator("[data-codes] code").first).to_be_visible()
    look_back(officer, demo, grid["code"])


def import_gcj02(officer: Page, archive: Path) -> None:
    """The file lies in the plan, its fields recognised."""
    officer.locator("[data-tool=import]").click()
    officer.locator("input[type=file]").set_input_files(archive)
    officer.locator("select[name=datum]").select_option("GCJ02")
    officer.locator("[data-action=import]").click()
    report = officer.locator(".report[data-imported=true]")
    expect(report).to_be_visible(timeout=PATIENCE_MS)
    expect(report).to_contain_text("WGMC")
    officer.get_by_role("button", name="去地图上检查").click()


def repair_faults(officer: Page) -> None:
    """The overlaps are found on the map, and a repair is proposed and taken."""
    checked(officer)
    expect(officer.locator(".check")).to_have_attribute("data-ready", "false")
    officer.locator("[data-fault=overlap]").first.click()
    expect(officer.locator("[data-fault=overlap][aria-pressed=true]")).to_be_visible()
    officer.locator("input[name=snap]").fill("5")
    officer.get_by_role("button", name="提出修复建议").click()
    expect(officer.locator("[data-proposal]")).to_be_visible(timeout=PATIENCE_MS)
    officer.locator("[data-action=accept-repair]").click()
    expect(officer.locator(".check[data-ready=true][data-stale=false]")).to_be_visible(timeout=PATIENCE_MS)


def split_by_hand(page: Page, name: str) -> None:
    """Draw a line across the grid and apply it."""
    pick(page, name, 3)
    page.locator("[data-tool=splitLine]").click()
    expect(page.locator(".map[data-sketch=line]")).to_be_visible()
    page.wait_for_timeout(1000)  # the map flies to the grid
    left, right, height = free_middle(page)
    for x in (left, right):
        page.mouse.move(x, height)
        page.mouse.click(x, height)
        page.wait_for_timeout(300)  # a double click would zoom
    page.locator("[data-action=finish]").click()
    page.locator("[data-action=apply]").click()
    expect(page.locator("[data-change=create]")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("[data-legend=create]")).to_have_attribute("data-count", "1")


def look_back(page: Page, demo: Demo, code: str) -> None:
    """The grid's history names what it went over into, and the map shows the division of that day."""
    page.goto(f"{demo.url}/#/map?level=3&grid={code}")
    history = page.locator("[data-history]")
    history.locator("summary").click(timeout=PATIENCE_MS)
    expect(history.locator("[data-version='2']")).to_be_visible(timeout=PATIENCE_MS)
    expect(history.locator("[data-succession]").first).to_be_visible()
    history.locator("[data-version='2'] button").click()
    expect(page.locator("[data-as-of]")).to_be_visible()
    expect(page.locator(".legend h2")).to_contain_text("网格")


def test_whoever_comes_second_is_told_who_was_first_and_loses_nothing(
    open_page: OpenPage, sign_in: SignIn, api: Ask
) -> None:
    grid = family_of(api, areas(api)[1])[0]
    first = open_page()
    sign_in(first, "operator")
    first.goto(first.url.split("#")[0] + "#/division")
    begin_plan(first, "两人同改")
    second = open_page(expected="412")
    sign_in(second, "admin")
    second.goto(first.url)
    drawn(second)
    rename(first, grid["name"], "先改的网格")
    expect(first.locator("[data-change=change]")).to_be_visible(timeout=PATIENCE_MS)
    rename(second, grid["name"], "后改的网格")
    conflict = second.locator("[data-conflict]")
    expect(conflict).to_contain_text(api("operator", "/v1/me")["name"], timeout=PATIENCE_MS)
    expect(second.locator(".task input[type=text]").first).to_have_value("后改的网格")
    conflict.get_by_role("button").first.click()
    expect(second.locator("[data-change=change]")).to_contain_text("后改的网格", timeout=PATIENCE_MS)


def rename(page: Page, name: str, to: str) -> None:
    pick(page, name, 3)
    page.locator("[data-tool=attributes]").click()
    page.locator(".task input[type=text]").first.fill(to)
    page.locator("[data-action=apply]").click()
