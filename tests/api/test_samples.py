"""Collection rate, samples drawn by seed, checks by others than the collector (annex A 15)."""

import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Role
from core.clock import now
from core.models import AuditEntry
from registry.people.models import RegistryChange
from registry.samples.quality import months_before, wilson
from tests import make, make_people
from tests.api.register import ClientOf, member

SAMPLE = "01920000-0000-7000-8000-0000000000e1"
QUALITY = "/v1/registry/quality"


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    """B1 of A11 says 4 households, 3 are kept; B2 of A12 says nothing, 2 are kept; one is in no building."""
    tree = make.street_tree(session)
    first = make.building(session, name="1幢", code="B1", households=4)
    second = make.building(session, name="2幢", code="B2", lon=118.907, households=None)
    long_ago = now() - timedelta(days=500)
    for number, (home, at) in enumerate(
        [(first, now()), (first, now()), (first, long_ago), (second, now()), (second, None), (None, None)]
    ):
        where: dict[str, Any] = {} if home is None else {"geom": None, "building_id": home.building_id}
        make_people.household(session, code=f"H{number}", collected_at=at, **where)
    return tree


@pytest.fixture
def operator(client: ClientOf, session: Session, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.OPERATOR))


def draw(client: TestClient, **changes: Any) -> Any:
    return client.post(
        "/v1/samples", json={"id": SAMPLE, "street": make.STREET, "size": 2, "seed": 7, **changes}
    )


def test_the_rate_says_what_it_is_made_of(
    client: ClientOf, operator: TestClient, session: Session, tree: make.StreetTree
) -> None:
    found = operator.get(QUALITY, params={"street": make.STREET}).json()
    figures = found["collection"]
    assert (figures["collected"], figures["stored"], figures["expected"]) == (3, 6, 4 + 2 + 1)
    assert figures["rate"] == pytest.approx(3 / 7)
    assert [note["code"] for note in figures["notes"]] == ["frame", "figures-missing"]
    assert (found["accuracy"], found["sample"]) == (None, None)
    walker = client(member(session, tree))
    own = walker.get(QUALITY, params={"grid": tree.a11.code}).json()["collection"]
    assert (own["collected"], own["expected"]) == (2, 4 + 1)
    assert walker.get(QUALITY, params={"street": make.STREET}).status_code in {403, 404}
    assert walker.get(QUALITY, params={"grid": tree.a12.code}).status_code == 404
    assert operator.get(QUALITY).status_code == 422
    assert (
        client(make.actor(session, role=Role.UNIT)).get(QUALITY, params={"street": make.STREET}).status_code
        == 403
    )
    empty = operator.get(QUALITY, params={"grid": tree.b.code}).json()["collection"]
    assert (empty["rate"], empty["expected"]) == (None, 0)


def test_a_seed_draws_the_same_again(operator: TestClient, session: Session) -> None:
    first = draw(operator)
    assert first.status_code == 201, first.text
    sample = first.json()
    assert (sample["frame"], sample["seed"], len(sample["households"])) == (3, 7, 2)
    assert draw(operator).json() == sample
    assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "sample.drawn")).all()) == 1
    assert draw(operator, size=3).json()["code"] == "sample-conflict"
    other = draw(operator, id=str(uuid.UUID(int=3))).json()
    assert [one["id"] for one in other["households"]] == [one["id"] for one in sample["households"]]
    orders = {
        tuple(
            one["id"]
            for one in draw(operator, id=str(uuid.UUID(int=100 + seed)), size=9, seed=seed).json()[
                "households"
            ]
        )
        for seed in range(12)
    }
    assert len(orders) > 1
    assert {len(order) for order in orders} == {3}
    unseeded = draw(operator, id=str(uuid.UUID(int=4)), seed=None).json()
    assert 0 <= unseeded["seed"] < 2**53


def test_who_draws_and_where(
    client: ClientOf, operator: TestClient, session: Session, tree: make.StreetTree
) -> None:
    assert draw(operator, grid=tree.a.code).status_code == 422
    assert draw(operator, street=None).status_code == 422
    assert draw(operator, size=0).status_code == 422
    assert draw(operator, street=make.OTHER_STREET).status_code == 404
    assert draw(operator, street=None, grid=tree.b.code).json()["code"] == "nothing-to-draw"
    assert draw(client(member(session, tree)), street=None, grid=tree.a11.code).status_code == 403


def test_others_check_and_the_share_has_an_interval(
    client: ClientOf, operator: TestClient, session: Session, tree: make.StreetTree
) -> None:
    sample = draw(operator, size=3).json()
    first, second, third = (one["id"] for one in sample["households"])
    head = make.actor(session, role=Role.HEAD, grid=tree.a)
    session.add(
        RegistryChange(
            street_code=make.STREET,
            household_id=uuid.UUID(third),
            kind="household",
            event="created",
            fields=[],
            actor=head.label,
            changed_by=head.name,
        )
    )
    session.commit()
    signed_in, checks = client(head), f"/v1/samples/{SAMPLE}/checks"
    assert signed_in.get(f"/v1/samples/{SAMPLE}").json()["households"] == sample["households"]
    assert signed_in.put(f"{checks}/{first}", json={"correct": True}).status_code == 200
    wrong = {"correct": False, "wrong_fields": ["phone", "room"]}
    for _ in range(2):
        noted = signed_in.put(f"{checks}/{second}", json=wrong)
    own = signed_in.put(f"{checks}/{third}", json={"correct": True})
    assert (own.status_code, own.json()["code"]) == (403, "own-collection")
    accuracy = noted.json()["accuracy"]
    assert (accuracy["checked"], accuracy["right"], accuracy["share"]) == (2, 1, 0.5)
    assert accuracy["low"] < 0.5 < accuracy["high"]
    assert [note["code"] for note in accuracy["notes"]] == ["unfinished", "small-sample"]
    found = operator.get(QUALITY, params={"street": make.STREET}).json()
    assert (found["sample"], found["accuracy"]) == (SAMPLE, accuracy)
    lines = session.scalars(select(AuditEntry).where(AuditEntry.action == "sample.checked")).all()
    assert [line.detail["fields"] for line in lines] == [[], ["phone", "room"]]
    for body in (
        {"correct": True, "wrong_fields": ["phone"]},
        {"correct": False},
        {"correct": False, "wrong_fields": ["13812345678"]},
    ):
        assert signed_in.put(f"{checks}/{first}", json=body).status_code == 422


def test_samples_are_seen_and_checked_where_households_are(
    client: ClientOf, operator: TestClient, session: Session, tree: make.StreetTree
) -> None:
    sample = draw(operator, size=3).json()
    walker = client(make.actor(session, role=Role.MEMBER, grid=tree.a12))
    seen = walker.get(f"/v1/samples/{SAMPLE}").json()["households"]
    assert [one["building"] for one in seen] == ["2幢"]
    hidden = next(one["id"] for one in sample["households"] if one["id"] != seen[0]["id"])
    checks = f"/v1/samples/{SAMPLE}/checks"
    assert walker.put(f"{checks}/{hidden}", json={"correct": True}).status_code == 404
    assert walker.put(f"{checks}/{uuid.UUID(int=9)}", json={"correct": True}).status_code == 404
    leader = client(make.actor(session, role=Role.LEADER))
    assert leader.get(f"/v1/samples/{SAMPLE}").json()["households"] == []
    assert leader.put(f"{checks}/{hidden}", json={"correct": True}).status_code == 403
    far = client(make.actor(session, role=Role.OPERATOR, area=f"{make.OTHER_STREET}/", username="far"))
    assert far.get(f"/v1/samples/{SAMPLE}").status_code == 404
    assert far.put(f"{checks}/{hidden}", json={"correct": True}).status_code == 404


@pytest.mark.parametrize(
    ("right", "checked", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (95, 100, 0.8883, 0.9785)],
)
def test_intervals_are_wilsons(right: int, checked: int, low: float, high: float) -> None:
    found = wilson(right, checked)
    assert found is not None
    assert [found.low, found.high] == pytest.approx([low, high], abs=2e-4)
    assert wilson(0, 0) is None


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(0, 120))
def test_months_before_is_a_day_of_that_month(day: date, months: int) -> None:
    before = months_before(day, months)
    assert (day.year * 12 + day.month) - (before.year * 12 + before.month) == months
    assert before.day <= day.day
