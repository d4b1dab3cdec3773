"""Whatever goes wrong, the reply is problem+json, says no more than it should and keeps the request's id."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from psycopg.errors import QueryCanceled, UniqueViolation
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.errors import TooMany

KIB = 1024


@pytest.fixture
def failing(app: FastAPI) -> TestClient:
    """The application with routes that fail in their own way."""

    def fail_with(error: Exception) -> None:
        path = f"/v1/fail/{type(error).__name__}"

        @app.get(path)
        def fail() -> None:
            raise error

        app.router.routes.insert(0, app.router.routes.pop())

    fail_with(RuntimeError("password=secret"))
    fail_with(OperationalError("SELECT secret", {}, Exception("host db-7 is down")))
    fail_with(PoolTimeout())
    fail_with(IntegrityError("INSERT secret", {}, UniqueViolation("key secret exists")))
    fail_with(DataError("INSERT secret", {}, Exception("NUL in secret")))
    fail_with(TooMany(retry_after_s=7))
    return TestClient(app, raise_server_exceptions=False)


def test_an_unknown_error_says_nothing_but_its_request(failing: TestClient) -> None:
    reply = failing.get("/v1/fail/RuntimeError")
    assert reply.status_code == 500
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["code"] == "internal"
    assert "secret" not in reply.text


def test_a_question_that_takes_too_long_is_told_so(app: FastAPI) -> None:
    @app.get("/v1/fail/slow")
    def fail() -> None:
        raise OperationalError(
            "SELECT secret", {}, QueryCanceled("canceling statement due to statement timeout")
        )

    app.router.routes.insert(0, app.router.routes.pop())
    reply = TestClient(app, raise_server_exceptions=False).get("/v1/fail/slow")
    assert (reply.status_code, reply.json()["code"]) == (503, "took-too-long")
    assert "secret" not in reply.text


def test_the_id_of_the_reply_is_the_id_of_the_problem(anonymous: TestClient) -> None:
    reply = anonymous.get("/v1/me")
    assert reply.json()["instance"] == f"urn:uuid:{reply.headers['x-request-id']}"


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        ("GET", "/v1/auth/logout", {"POST"}),
        ("DELETE", f"/v1/appeals/{'0' * 8}-0000-4000-8000-{'0' * 12}", {"GET", "PUT"}),
        ("PATCH", f"/v1/devices/{'0' * 8}-0000-4000-8000-{'0' * 12}/tracker-token", {"POST", "DELETE"}),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(
    anonymous: TestClient, method: str, address: str, allowed: set[str]
) -> None:
    reply = anonymous.request(method, address)
    assert (reply.status_code, reply.json()["code"]) == (405, "method-not-allowed")
    assert set(reply.headers["allow"].split(", ")) == allowed
    assert reply.json()["title"] == "该地址不支持此请求方法。 / Method Not Allowed"


@pytest.mark.parametrize("error", ["OperationalError", "TimeoutError"])
def test_a_dead_database_asks_to_come_again(failing: TestClient, error: str) -> None:
    reply = failing.get(f"/v1/fail/{error}")
    assert (reply.status_code, reply.json()["code"]) == (503, "database-down")
    assert int(reply.headers["retry-after"]) > 0
    assert "db-7" not in reply.text


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [("IntegrityError", 503, "written-at-once"), ("DataError", 422, "unstorable")],
)
def test_what_the_database_refuses_is_no_fault_of_ours(
    failing: TestClient, error: str, status: int, code: str
) -> None:
    reply = failing.get(f"/v1/fail/{error}")
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert "secret" not in reply.text


def test_too_many_says_how_long_to_wait(failing: TestClient) -> None:
    reply = failing.get("/v1/fail/TooMany")
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "7")
    assert reply.json()["retry_after_s"] == 7


@pytest.mark.parametrize(("method", "path", "status", "code"), [
    ("GET", "/v1/nothing", 404, "no-such-address"),
    ("DELETE", "/v1/me", 405, "method-not-allowed"),
])  # fmt: skip
def test_wrong_addresses_are_problems_too(
    anonymous: TestClient, method: str, path: str, status: int, code: str
) -> None:
    reply = anonymous.request(method, path)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.headers["content-type"] == "application/problem+json"


def chunks(total: int) -> Iterator[bytes]:
    for _ in range(total // KIB):
        yield b" " * KIB


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "in chunks"])
def test_a_body_over_the_cap_is_refused(anonymous: TestClient, declared: bool) -> None:
    size = 3 * KIB * KIB
    content = b" " * size if declared else chunks(size)
    reply = anonymous.post("/v1/auth/logout", content=content)
    assert (reply.status_code, reply.json()["code"]) == (413, "too-large")
    assert reply.json()["limit_bytes"] == 2 * KIB * KIB


def test_what_is_wrong_with_a_field_is_said_in_both_languages(anonymous: TestClient) -> None:
    reply = anonymous.post("/v1/auth/token", data={"username": "x"})
    (fault,) = [one for one in reply.json()["errors"] if one["pointer"] == "/password"]
    assert (fault["code"], fault["detail"]) == ("missing", "缺少此项 / Field required")
