"""The front end's files: compressed, kept for ever where their name says so, under a strict policy."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from core.database import Sessions
from core.settings import Settings


@pytest.fixture
def visitor(settings: Settings, sessions: Sessions, tmp_path: Path) -> TestClient:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>巡格</title>", encoding="utf-8")
    (tmp_path / "assets" / "page-1a2b3c.js").write_text("export {};\n" * 400, encoding="utf-8")
    http = settings.http.model_copy(update={"web_dist": tmp_path})
    return TestClient(create_app(settings.model_copy(update={"http": http}), sessions=sessions))


def test_the_page_is_asked_again_and_may_load_nothing_foreign(visitor: TestClient) -> None:
    page = visitor.get("/")
    assert "巡格" in page.text
    assert page.headers["cache-control"] == "no-cache"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "http" not in policy


def test_an_asset_is_kept_for_ever_and_compressed(visitor: TestClient) -> None:
    asset = visitor.get("/assets/page-1a2b3c.js")
    assert "immutable" in asset.headers["cache-control"]
    assert asset.headers["content-encoding"] == "gzip"


def test_a_plate_leads_to_its_page(visitor: TestClient) -> None:
    scanned = visitor.get("/c/k7qf2m9x0123456789abcdefghjk", follow_redirects=False)
    assert scanned.status_code == 303
    assert scanned.headers["location"] == "/#/c/k7qf2m9x0123456789abcdefghjk"
    assert scanned.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/c/", "/c/a.b", "/c/a/b", "/c//example.org", "/c/%0d%0aX"])
def test_a_plate_leads_nowhere_else(visitor: TestClient, path: str) -> None:
    assert visitor.get(path, follow_redirects=False).status_code == 404


def test_what_is_not_there_is_a_problem(visitor: TestClient) -> None:
    missing = visitor.get("/assets/none.js")
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"
    assert missing.json()["code"] == "no-such-address"


def test_pages_do_not_answer_for_the_api(visitor: TestClient) -> None:
    reply = visitor.get("/v1/auth/logout")
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    assert visitor.get("/v1/nothing").json()["code"] == "no-such-address"
