"""People, accounts, assignments: who may change what, and that changes hold at once."""

import uuid
from datetime import UTC, date, datetime

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from access import accounts
from access.accounts import AssignmentEnded, AssignmentOverlaps, Post, UsernameTaken
from access.models import Account, Assignment
from access.roles import Action, Role
from access.scope import Actor, scope_of, system_actor
from access.tokens import AccountDisabled, SignedOut, actor_of
from core.errors import DomainError, Forbidden, Invalid, NotFound
from core.models import AuditEntry
from tests import make

TODAY = date(2026, 11, 16)
SYSTEM = system_actor("cli:test")


@pytest.fixture(autouse=True)
def _today() -> object:
    with time_machine.travel(datetime(2026, 11, 16, 1, 0, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def street_admin(session: Session, tree: make.StreetTree) -> Actor:
    return make.actor(session, role=Role.ADMIN, area=f"{make.STREET}/", username="streetadmin")


def newcomer(session: Session, actor: Actor = SYSTEM, username: str = "xinren") -> uuid.UUID:
    return accounts.create_person_with_account(
        session, actor, name="新人", username=username, password_hash=make.password_hash()
    )


def member_of(session: Session, tree: make.StreetTree) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=tree.a11)


def pointer_of(error: DomainError) -> str:
    (field,) = error.errors
    return field.pointer


# ------------------------------------------------------------------------------------------------- creation


def test_a_new_person_can_sign_in_but_sees_nothing(session: Session, street_admin: Actor) -> None:
    person_id = newcomer(session, street_admin, " XinRen ")
    assert session.get_one(Account, person_id).username == "xinren"
    line = session.scalars(select(AuditEntry).where(AuditEntry.action == "account.created")).one()
    assert (line.actor, line.subject) == (street_admin.label, f"person:{person_id}")


def test_a_user_name_is_given_once(session: Session) -> None:
    newcomer(session)
    with pytest.raises(UsernameTaken):
        newcomer(session, username="XINREN")


@pytest.mark.parametrize(
    ("name", "username", "pointer"),
    [
        ("", "xinren", "/name"),
        ("新" * 65, "xinren", "/name"),
        ("新\x00人", "xinren", "/name"),
        ("新人", "x", "/username"),
        ("新人", "-xinren", "/username"),
        ("新人", "xin ren", "/username"),
        ("新人", "хinren", "/username"),  # a Cyrillic letter that looks like x
    ],
)
def test_names_that_cannot_be(session: Session, name: str, username: str, pointer: str) -> None:
    with pytest.raises(Invalid) as refusal:
        accounts.create_person_with_account(
            session, SYSTEM, name=name, username=username, password_hash=make.password_hash()
        )
    assert pointer_of(refusal.value) == pointer


def test_only_administrators_create_accounts(session: Session, tree: make.StreetTree) -> None:
    with pytest.raises(Forbidden):
        newcomer(session, make.actor(session, role=Role.HEAD, grid=tree.a))


# ------------------------------------------------------------------------------------------------ assignment


def test_an_assignment_gives_scope_from_its_first_day(
    session: Session, tree: make.StreetTree, street_admin: Actor
) -> None:
    member = member_of(session, tree)
    token = make.access_token(session, sign_in_id=member.sign_in_id)
    accounts.assign(session, street_admin, member.person_id, Post(Role.HEAD, grid_code=tree.a2.code))
    accounts.assign(
        session,
        street_admin,
        member.person_id,
        Post(Role.MEMBER, grid_code=tree.b11.code),
        valid_from=date(2026, 11, 17),
    )
    session.flush()
    assert scope_of(actor_of(session, token), Action.READ_GRIDS).prefixes == (tree.a11.path, tree.a2.path)
    line = session.scalars(select(AuditEntry).where(AuditEntry.action == "assignment.created")).first()
    assert line is not None
    assert (line.chain, line.detail["path"], line.detail["from"]) == (make.STREET, tree.a2.path, "2026-11-16")


@pytest.mark.parametrize("area", ["", "32", "3201", "320113", "320113007/"])
def test_staff_get_an_area(session: Session, area: str) -> None:
    assignment_id = accounts.assign(session, SYSTEM, newcomer(session), Post(Role.OPERATOR, area=area))
    session.flush()
    assert session.get_one(Assignment, assignment_id).path == area


@pytest.mark.parametrize(
    ("post", "pointer"),
    [
        (Post(Role.MEMBER), "/grid_code"),
        (Post(Role.HEAD, area="320113007/"), "/grid_code"),
        (Post(Role.MEMBER, grid_code="9" * 20), "/grid_code"),
        (Post(Role.OPERATOR), "/area"),
        (Post(Role.OPERATOR, grid_code="9" * 20, area=""), "/area"),
        (Post(Role.LEADER, area="320113007"), "/area"),
        (Post(Role.LEADER, area="320113007/1/"), "/area"),
        (Post(Role.LEADER, area="%"), "/area"),
        (Post(Role.LEADER, area="320113\n"), "/area"),
    ],
)
def test_posts_that_cannot_be(session: Session, post: Post, pointer: str) -> None:
    with pytest.raises(Invalid) as refusal:
        accounts.assign(session, SYSTEM, newcomer(session), post)
    assert pointer_of(refusal.value) == pointer


def test_a_retired_grid_takes_nobody(session: Session, tree: make.StreetTree) -> None:
    tree.a11.retired_on = TODAY
    session.flush()
    with pytest.raises(Invalid):
        accounts.assign(session, SYSTEM, newcomer(session), Post(Role.MEMBER, grid_code=tree.a11.code))


def test_dates_run_forward(session: Session) -> None:
    with pytest.raises(Invalid) as refusal:
        accounts.assign(session, SYSTEM, newcomer(session), Post(Role.LEADER, area=""), valid_to=TODAY)
    assert pointer_of(refusal.value) == "/valid_to"


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "overlaps"),
    [
        (date(2026, 10, 1), date(2026, 11, 1), False),
        (date(2026, 10, 1), date(2026, 11, 2), True),
        (date(2026, 11, 10), None, True),
        (date(2026, 12, 1), None, False),
        (date(2026, 10, 1), None, True),
    ],
)
def test_the_same_post_is_not_held_twice_at_once(
    session: Session, valid_from: date, valid_to: date | None, overlaps: bool
) -> None:
    person_id, post = newcomer(session), Post(Role.LEADER, area="320113007/")
    accounts.assign(
        session, SYSTEM, person_id, post, valid_from=date(2026, 11, 1), valid_to=date(2026, 12, 1)
    )
    session.flush()
    if overlaps:
        with pytest.raises(AssignmentOverlaps):
            accounts.assign(session, SYSTEM, person_id, post, valid_from=valid_from, valid_to=valid_to)
    else:
        accounts.assign(session, SYSTEM, person_id, post, valid_from=valid_from, valid_to=valid_to)


def test_a_street_administrator_stays_in_the_street(
    session: Session, tree: make.StreetTree, street_admin: Actor
) -> None:
    person_id = newcomer(session, street_admin)
    with pytest.raises(Invalid, match="没有这个网格"):
        accounts.assign(session, street_admin, person_id, Post(Role.MEMBER, grid_code=tree.c11.code))
    for area in ("", "320113", "320113008/"):
        with pytest.raises(NotFound):
            accounts.assign(session, street_admin, person_id, Post(Role.ADMIN, area=area))
    accounts.assign(session, street_admin, person_id, Post(Role.LEADER, area="320113007/"))


def test_people_of_other_streets_are_not_there(
    session: Session, tree: make.StreetTree, street_admin: Actor
) -> None:
    stranger = make.actor(session, role=Role.MEMBER, grid=tree.c11)
    for attempt in (accounts.disable, accounts.enable):
        with pytest.raises(NotFound):
            attempt(session, street_admin, stranger.person_id)
    with pytest.raises(NotFound):
        accounts.assign(session, street_admin, stranger.person_id, Post(Role.LEADER, area="320113007/"))


def test_nobody_becomes_a_wider_administrator_by_a_password(
    session: Session, tree: make.StreetTree, street_admin: Actor
) -> None:
    """Someone who also holds a wider role is visible, but not the street administrator's to change."""
    boss = make.actor(session, role=Role.ADMIN, area="320113", username="county")
    make.assignment(session, person_id=boss.person_id, role=Role.HEAD, grid=tree.a)
    with pytest.raises(Forbidden):
        accounts.set_password(session, street_admin, boss.person_id, make.password_hash())


# ---------------------------------------------------------------------------------------------------- ending


def test_an_ended_assignment_is_gone_from_the_next_request(
    session: Session, tree: make.StreetTree, street_admin: Actor
) -> None:
    member = member_of(session, tree)
    token = make.access_token(session, sign_in_id=member.sign_in_id)
    accounts.end_assignment(session, street_admin, member.assignments[0].assignment_id)
    session.flush()
    assert actor_of(session, token).assignments == ()
    with pytest.raises(AssignmentEnded):
        accounts.end_assignment(session, street_admin, member.assignments[0].assignment_id)


def test_an_assignment_ended_on_its_first_day_never_was(session: Session) -> None:
    assignment_id = accounts.assign(session, SYSTEM, newcomer(session), Post(Role.LEADER, area=""))
    session.flush()
    accounts.end_assignment(session, SYSTEM, assignment_id)
    session.flush()
    assert session.get(Assignment, assignment_id) is None
    assert "assignment.ended" in session.scalars(select(AuditEntry.action)).all()


def test_an_assignment_does_not_end_before_it_began(session: Session, tree: make.StreetTree) -> None:
    member = member_of(session, tree)
    with pytest.raises(Invalid) as refusal:
        accounts.end_assignment(session, SYSTEM, member.assignments[0].assignment_id, on=date(2025, 12, 31))
    assert pointer_of(refusal.value) == "/on"


def test_an_assignment_elsewhere_is_not_there(
    session: Session, tree: make.StreetTree, street_admin: Actor
) -> None:
    stranger = make.actor(session, role=Role.MEMBER, grid=tree.c11)
    for assignment_id in (stranger.assignments[0].assignment_id, uuid.UUID(int=0)):
        with pytest.raises(NotFound):
            accounts.end_assignment(session, street_admin, assignment_id)


def test_disabling_signs_out_and_enabling_lets_in_again(
    session: Session, tree: make.StreetTree, street_admin: Actor
) -> None:
    member = member_of(session, tree)
    token = make.access_token(session, sign_in_id=member.sign_in_id)
    for _ in range(2):
        accounts.disable(session, street_admin, member.person_id)
        session.flush()
    with pytest.raises(AccountDisabled):
        actor_of(session, token)
    for _ in range(2):
        accounts.enable(session, street_admin, member.person_id)
        session.flush()
    with pytest.raises(SignedOut):
        actor_of(session, token)
    lines = select(AuditEntry.action).where(AuditEntry.subject == member.label).order_by(AuditEntry.seq)
    actions = session.scalars(lines).all()
    assert actions == ["account.disabled", "account.enabled"]


def test_a_new_password_signs_out_and_unlocks(
    session: Session, tree: make.StreetTree, street_admin: Actor
) -> None:
    member = member_of(session, tree)
    account = session.get_one(Account, member.person_id)
    account.failed_logins, account.locked_until = 2, datetime(2027, 1, 1, tzinfo=UTC)
    accounts.set_password(session, street_admin, member.person_id, make.password_hash("another river"))
    session.flush()
    assert account.failed_logins == 0
    assert session.scalars(select(Account.locked_until)).all() == [None, None]
    with pytest.raises(SignedOut) as out:
        actor_of(session, make.access_token(session, sign_in_id=member.sign_in_id))
    assert out.value.extra == {"because": "password-changed"}


def test_an_unknown_person_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        accounts.disable(session, SYSTEM, uuid.UUID(int=7))
