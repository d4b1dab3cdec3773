"""The AB post: what a substitute gets, when, and what cannot be."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from access.absences import (
    AbsenceConflict,
    AbsenceFilter,
    AbsenceOverlaps,
    AbsenceReason,
    Leave,
    StandsIn,
    SubstituteAway,
    SubstituteWithoutAccount,
    cancel_absence,
    list_absences,
    put_absence,
    read_absence,
)
from access.models import AccessToken
from access.queries import people_of_grid, people_within
from access.roles import Action, Role
from access.scope import Actor, Scope, scope_of
from access.tokens import actor_of
from core.errors import Forbidden, Invalid, NotFound
from core.models import AuditEntry
from tests import make

TODAY = date(2026, 11, 16)
DAY = timedelta(days=1)
MORNING = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)


class World:
    """Wang has A11, Zhao B11, Li A12; the operator runs the street, C11 lies in another one."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.tree = make.street_tree(session)
        self.wang = make.actor(session, role=Role.MEMBER, grid=self.tree.a11, username="wang")
        self.zhao = make.actor(session, role=Role.MEMBER, grid=self.tree.b11, username="zhao")
        self.li = make.actor(session, role=Role.MEMBER, grid=self.tree.a12, username="li")
        self.operator = make.actor(session, role=Role.OPERATOR)

    def enter(
        self,
        absent: uuid.UUID,
        substitute: uuid.UUID,
        first: date = TODAY,
        end: date | None = TODAY + 7 * DAY,
        *,
        name: str = "absence",
        by: Actor | None = None,
        note: str = "",
    ) -> uuid.UUID:
        absence_id = make.fixed_uuid(name)
        leave = Leave(absent, substitute, first, end, AbsenceReason.SICK, note)
        put_absence(self.session, by or self.operator, absence_id, leave)
        return absence_id

    def seen_by(self, actor: Actor, at: datetime) -> tuple[str, ...]:
        """Where the actor may record patrols at that moment."""
        with time_machine.travel(at, tick=False):
            self.session.execute(update(AccessToken).values(expires_at=MORNING + 99 * DAY))
            token = make.access_token(self.session, sign_in_id=actor.sign_in_id)
            return scope_of(actor_of(self.session, token), Action.RECORD_PATROL).prefixes


@pytest.fixture
def world(session: Session) -> Iterator[World]:
    with time_machine.travel(MORNING, tick=False):
        yield World(session)


@pytest.mark.parametrize(
    ("hours", "stands_in"),
    [
        (-1 / 60 - 9, False),  # Sunday 23:59 in China
        (-9, True),  # Monday 00:00
        (6 * 24, True),
        (7 * 24 - 9 - 1 / 60, True),
        (7 * 24 - 9, False),  # the next Monday 00:00
    ],
)
def test_rights_last_from_the_first_day_until_before_the_last(
    world: World, hours: float, stands_in: bool
) -> None:
    world.enter(world.wang.person_id, world.zhao.person_id)
    at = MORNING + timedelta(hours=hours)
    own, other = world.tree.b11.path, world.tree.a11.path
    assert world.seen_by(world.zhao, at) == ((other, own) if stands_in else (own,))
    assert world.seen_by(world.wang, at) == (other,), "whoever is away keeps the own grids"


def test_a_substitute_is_told_for_whom_and_until_when(session: Session, world: World) -> None:
    absence_id = world.enter(world.wang.person_id, world.zhao.person_id)
    cancel_absence(session, world.operator, absence_id, TODAY + 3 * DAY)
    token = make.access_token(session, sign_in_id=world.zhao.sign_in_id)
    (held,) = [one for one in actor_of(session, token).assignments if one.stands_in_for]
    assert (held.stands_in_for, held.role) == ("某wang", Role.MEMBER)
    assert (held.valid_from, held.valid_to) == (TODAY, TODAY + 3 * DAY)
    people = people_of_grid(session, world.tree.a11.grid_id, TODAY)
    assert [(one.name, one.stands_in_for, one.since) for one in people] == [
        ("某wang", None, make.SINCE),
        ("某zhao", "某wang", TODAY),
    ]
    inside = session.scalars(people_within(Scope((world.tree.a.path,)), TODAY)).all()
    assert world.zhao.person_id in inside


def test_only_grids_change_hands(session: Session, world: World) -> None:
    make.assignment(session, person_id=world.wang.person_id, role=Role.ADMIN)
    admin = make.actor(session, role=Role.ADMIN, area="", username="root")
    world.enter(world.wang.person_id, world.zhao.person_id, by=admin)
    token = make.access_token(session, sign_in_id=world.zhao.sign_in_id)
    assert actor_of(session, token).roles == {Role.MEMBER}


def test_a_cancelled_absence_keeps_its_past(session: Session, world: World) -> None:
    absence_id = world.enter(world.wang.person_id, world.zhao.person_id)
    with time_machine.travel(MORNING + 2 * DAY, tick=False):
        for _ in range(2):  # said again it stays as it was
            cancel_absence(session, world.operator, absence_id)
    assert read_absence(session, world.operator, absence_id).cancelled_on == TODAY + 2 * DAY
    assert len(world.seen_by(world.zhao, MORNING + DAY)) == 2
    assert len(world.seen_by(world.zhao, MORNING + 2 * DAY)) == 1
    world.enter(world.wang.person_id, world.li.person_id, TODAY + 2 * DAY, name="again")


def test_an_absence_that_never_was_frees_its_days(session: Session, world: World) -> None:
    absence_id = world.enter(world.wang.person_id, world.zhao.person_id, TODAY + DAY)
    cancel_absence(session, world.operator, absence_id)
    world.enter(world.wang.person_id, world.zhao.person_id, TODAY + DAY, name="again")
    with pytest.raises(Invalid):
        cancel_absence(session, world.operator, make.fixed_uuid("again"), TODAY)


def test_the_same_again_is_known_and_another_is_refused(session: Session, world: World) -> None:
    leave = Leave(world.wang.person_id, world.zhao.person_id, TODAY, None, AbsenceReason.LEAVE, "")
    absence_id = make.fixed_uuid("one")
    assert put_absence(session, world.operator, absence_id, leave)
    assert not put_absence(session, world.operator, absence_id, leave)
    other = Leave(world.wang.person_id, world.li.person_id, TODAY, None, AbsenceReason.LEAVE, "")
    with pytest.raises(AbsenceConflict):
        put_absence(session, world.operator, absence_id, other)


def test_nobody_is_away_twice_at_a_time(world: World) -> None:
    world.enter(world.wang.person_id, world.zhao.person_id)
    with pytest.raises(AbsenceOverlaps):
        world.enter(world.wang.person_id, world.li.person_id, TODAY + 6 * DAY, None, name="second")
    world.enter(world.wang.person_id, world.li.person_id, TODAY + 7 * DAY, None, name="second")


def test_there_are_no_chains_and_no_circles(world: World) -> None:
    world.enter(world.wang.person_id, world.zhao.person_id)
    last = TODAY + 6 * DAY
    with pytest.raises(SubstituteAway):
        world.enter(world.li.person_id, world.wang.person_id, last, None, name="chain")
    with pytest.raises(StandsIn):
        world.enter(world.zhao.person_id, world.li.person_id, last, None, name="chain")
    with pytest.raises(SubstituteAway):
        world.enter(world.zhao.person_id, world.wang.person_id, last, None, name="circle")
    # one person may stand in for two, and on the day after all of it is allowed
    world.enter(world.li.person_id, world.zhao.person_id, TODAY, TODAY + DAY, name="two")
    world.enter(world.zhao.person_id, world.wang.person_id, last + DAY, None, name="circle")


def test_what_cannot_be(session: Session, world: World) -> None:
    wang, zhao = world.wang.person_id, world.zhao.person_id
    stranger = make.person(session, name="新人").person_id
    for leave, pointer in (
        ((wang, wang, TODAY, None), "/substitute_id"),
        ((wang, zhao, TODAY, TODAY), "/valid_to"),
        ((stranger, zhao, TODAY, None), "/person_id"),
        ((wang, zhao, TODAY - 32 * DAY, None), "/valid_from"),
    ):
        with pytest.raises((Invalid, Forbidden)) as refusal:
            world.enter(*leave)
        if isinstance(refusal.value, Invalid):
            assert [field.pointer for field in refusal.value.errors] == [pointer]
    with pytest.raises(SubstituteWithoutAccount):
        world.enter(wang, stranger)
    with pytest.raises(NotFound):
        world.enter(wang, make.fixed_uuid("nobody"))


def test_whoever_has_no_patrols_to_make_may_be_replaced_without_an_account(
    session: Session, world: World
) -> None:
    team = make.actor(session, role=Role.TEAM, grid=world.tree.a11)
    world.enter(team.person_id, make.person(session, name="新人").person_id)


def test_nobody_gives_away_grids_of_another_street(session: Session, world: World) -> None:
    make.assignment(session, person_id=world.wang.person_id, role=Role.MEMBER, grid=world.tree.c11)
    with pytest.raises(Forbidden):
        world.enter(world.wang.person_id, world.zhao.person_id)
    elsewhere = make.actor(session, role=Role.MEMBER, grid=world.tree.c1, username="elsewhere")
    with pytest.raises(NotFound):
        world.enter(world.li.person_id, elsewhere.person_id)
    with pytest.raises(NotFound):
        world.enter(elsewhere.person_id, world.li.person_id)
    head = make.actor(session, role=Role.HEAD, grid=world.tree.a)
    with pytest.raises(Forbidden):
        world.enter(world.li.person_id, head.person_id, by=head)


def test_who_sees_an_absence_and_its_reason(session: Session, world: World) -> None:
    world.enter(world.wang.person_id, world.zhao.person_id, note="发烧")
    admin_elsewhere = make.actor(session, role=Role.ADMIN, area=f"{make.OTHER_STREET}/")
    seen = {}
    for actor in (world.wang, world.zhao, world.li, world.operator, admin_elsewhere):
        found = list_absences(session, actor, AbsenceFilter(), after=None, limit=9)
        seen[actor.username] = [(one.reason, one.note) for one in found]
    whole = [(AbsenceReason.SICK, "发烧")]
    assert seen == {"wang": whole, "operator": whole, "zhao": [(None, None)], "li": [], "admin": []}


def test_a_list_is_narrowed(session: Session, world: World) -> None:
    world.enter(world.wang.person_id, world.zhao.person_id)
    world.enter(world.li.person_id, world.zhao.person_id, TODAY + 20 * DAY, None, name="later")

    def people(**wanted: Any) -> list[str]:
        narrowed = AbsenceFilter(**wanted)
        found = list_absences(session, world.operator, narrowed, after=None, limit=9)
        return [one.person_name.removeprefix("某") for one in found]

    assert people() == ["li", "wang"]
    assert people(on=TODAY) == ["wang"]
    assert people(on=TODAY + 10 * DAY) == []
    assert people(person_id=world.li.person_id) == ["li"]
    assert people(person_id=world.zhao.person_id) == ["li", "wang"]
    assert people(street_code=make.STREET) == ["li", "wang"]
    assert people(street_code=make.OTHER_STREET) == []


def test_the_trail_tells_of_it_without_the_reason(session: Session, world: World) -> None:
    cancel_absence(session, world.operator, world.enter(world.wang.person_id, world.zhao.person_id))
    lines = session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("absence."))).all()
    assert [line.action for line in lines] == ["absence.created", "absence.cancelled"]
    assert {line.chain for line in lines} == {make.STREET}
    assert not any("sick" in str(line.detail) for line in lines)
