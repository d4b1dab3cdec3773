"""What could not be filed, over HTTP."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.errors import DomainError
from geo.models import Grid
from patrol.appeals import problems as appeal_problems
from patrol.checklists import problems as checklist_problems
from patrol.recording import problems as patrol_problems
from patrol.recording.tracks import record_segment
from patrol.visits import problems as visit_problems
from registry.people import problems as household_problems
from tests import make
from tests.patrol.deliveries import LIMITS, Round, body_of, plot

ClientOf = Callable[[Actor], TestClient]


@pytest.fixture
def grid(session: Session) -> Grid:
    return plot(session)


@pytest.fixture
def member(session: Session, grid: Grid) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=grid)


@pytest.fixture
def walk(grid: Grid) -> Round:
    return Round.of(grid)


def keep(session: Session, actor: Actor, walk: Round, body: bytes = b"{}", name: str = "0") -> None:
    record_segment(session, actor, walk.key(name), body, LIMITS)


def reasons(reader: TestClient, **query: str) -> list[str]:
    return [item["reason"] for item in reader.get("/v1/quarantine", params=query).json()["items"]]


def test_ones_own_items_with_the_problem_as_it_was_answered(
    session: Session, client: ClientOf, member: Actor, walk: Round
) -> None:
    keep(session, member, walk)

    (item,) = client(member).get("/v1/quarantine").json()["items"]

    assert item["kind"] == "patrol-segment"
    assert (item["item_id"], item["subject_id"]) == (str(walk.key("0").segment_id), str(walk.patrol_id))
    assert item["person"] == {"id": str(member.person_id), "name": "某member"}
    assert (item["reason"], item["body_bytes"], item["refiled_at"]) == ("segment-invalid", 2, None)
    assert item["problem"]["errors"][0]["code"] == "missing"


def test_who_sees_whose_items(
    session: Session, client: ClientOf, member: Actor, walk: Round, grid: Grid
) -> None:
    keep(session, member, walk)
    colleague = make.actor(session, role=Role.MEMBER, grid=grid, username="colleague")
    head = make.actor(session, role=Role.HEAD, grid=grid)
    operator = make.actor(session, role=Role.OPERATOR)
    leader = make.actor(session, role=Role.LEADER)
    elsewhere = make.actor(session, role=Role.ADMIN, area=f"{make.OTHER_STREET}/")
    seen = {
        actor.username: len(reasons(client(actor)))
        for actor in (colleague, head, operator, leader, elsewhere)
    }
    assert seen == {"colleague": 0, "head": 1, "operator": 1, "leader": 0, "admin": 0}


def test_what_has_been_filed_since_is_left_out_unless_asked_for(
    session: Session, client: ClientOf, member: Actor, walk: Round
) -> None:
    keep(session, member, walk, body_of(walk.fixes))
    walk.begin(session, member)
    assert reasons(client(member)) == []
    assert reasons(client(member), refiled="true") == ["patrol-unknown"]


def test_pages(session: Session, client: ClientOf, member: Actor, walk: Round) -> None:
    for number in range(3):
        keep(session, member, walk, b"{" + b" " * number, str(number))
    phone = client(member)
    first = phone.get("/v1/quarantine", params={"limit": 2}).json()
    second = phone.get("/v1/quarantine", params={"limit": 2, "after": first["next"]}).json()
    sizes = [item["body_bytes"] for item in first["items"] + second["items"]]
    assert (sizes, second["next"]) == ([3, 2, 1], None)


def test_trying_again(session: Session, client: ClientOf, member: Actor, walk: Round, grid: Grid) -> None:
    other = make.actor(session, role=Role.HEAD, grid=grid)
    keep(session, member, walk, body_of(walk.fixes))
    phone = client(member)
    item_id = phone.get("/v1/quarantine").json()["items"][0]["id"]
    address = f"/v1/quarantine/{item_id}/refile"

    still = phone.post(address)
    assert (still.status_code, still.json()["code"]) == (404, "patrol-unknown")
    assert client(other).post(address).json()["code"] == "not-found"
    walk.begin(session, member)
    assert phone.post(address).json() == {"repeated": True}  # the beginning has filed it


def test_every_problem_of_a_kept_item_is_declared(client: ClientOf, member: Actor) -> None:
    """What a use-case may keep something for, it may also say when that is tried again."""
    path = client(member).get("/v1/openapi.json").json()["paths"]["/v1/quarantine/{quarantine_id}/refile"]
    declared = " ".join(reply["description"] for reply in path["post"]["responses"].values())
    never_kept = {"checklist-unknown", "visit-form-invalid", "visit-form-taken", "too-many-looks"}
    never_kept |= {"appeal-unknown", "appeal-withdrawn", "already-decided", "nothing-to-review", "own-patrol"}
    for module in (patrol_problems, appeal_problems, checklist_problems, visit_problems, household_problems):
        kinds = [one for one in vars(module).values() if isinstance(one, type)]
        codes = {
            one.code for one in kinds if issubclass(one, DomainError) and one.__module__ == module.__name__
        }
        assert {code for code in codes - never_kept if f"`{code}`" not in declared} == set()
