"""People, their accounts and their assignments: who may change them, and what a change ends at once.

An administrator manages a person only when everything that person holds lies inside the administrator's part
of the tree. Otherwise a street's administrator could set the password of the county's and become it.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from access import tokens
from access.models import Account, Assignment, Person
from access.passwords import PasswordHash
from access.queries import street_code_of
from access.roles import GRID_ROLES, Action, Role
from access.scope import Actor, person_label, require, scope_of
from access.sign_in import USERNAME, normal_username
from core import audit
from core.clock import now, today
from core.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from core.signals import ACCESS, announce
from geo.models import Grid

# As in Grid.path: a street ends with "/"; county, city and province are beginnings of its code.
AREA = re.compile(r"(\d{2}|\d{4}|\d{6}|\d{9}/)?")


class UsernameTaken(Conflict):
    """Somebody has this user name already."""

    code = "username-taken"


class AssignmentOverlaps(Conflict):
    """This person already has this role here at that time."""

    code = "assignment-overlaps"


class AssignmentEnded(Conflict):
    """This assignment has ended already."""

    code = "assignment-ended"


USERNAME_RULE = (
    "用户名须为 2–64 个小写字母、数字、汉字或 . _ @ - 且以前三者开头"
    " / 2 to 64 lower-case letters, digits, Chinese characters or . _ @ - and none of these four at the start"
)


@dataclass(frozen=True, slots=True)
class Post:
    """A role and where: a grid for members and heads, otherwise an area, which is a path prefix."""

    role: Role
    grid_code: str | None = None
    area: str | None = None


def create_person_with_account(
    session: Session, actor: Actor, *, name: str, username: str, password_hash: PasswordHash
) -> uuid.UUID:
    """A person who can sign in but sees nothing yet: see `assign`.

    `password_hash` comes from access.passwords.hash_password, called before the transaction opened.
    """
    if scope_of(actor, Action.MANAGE_ACCOUNTS).is_empty:
        raise Forbidden(action=Action.MANAGE_ACCOUNTS.value)
    username, name = normal_username(username), name.strip()
    _refuse_names(name, username)
    person_id = uuid.uuid4()
    session.add(Person(person_id=person_id, name=name))
    session.flush()  # the account refers to the person
    stored = session.scalar(
        insert(Account)
        .values(person_id=person_id, username=username, password_hash=password_hash)
        .on_conflict_do_nothing(index_elements=[Account.username])
        .returning(Account.person_id)
    )
    if stored is None:
        raise UsernameTaken
    record_change(session, actor, person_id, "account.created", {})
    return person_id


def assign(
    session: Session,
    actor: Actor,
    person_id: uuid.UUID,
    post: Post,
    *,
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> uuid.UUID:
    """The person holds the post from `valid_from` (today) until before `valid_to` (open)."""
    first = valid_from or today()
    if valid_to is not None and valid_to <= first:
        raise wrong_field("/valid_to", "not-after-start", "结束日期须晚于开始日期 / must be after valid_from")
    path, grid_id = _place(session, actor, post)
    require(actor, Action.MANAGE_ACCOUNTS, path)
    lock_people(session, person_id)  # two assignments at once must not both pass the test for overlap
    require_visible(session, actor, person_id)
    refuse_overlap(session, person_id, post.role, path, first=first, end=valid_to)
    assignment_id = uuid.uuid4()
    session.add(
        Assignment(
            assignment_id=assignment_id,
            person_id=person_id,
            role=post.role.value,
            path=path,
            grid_id=grid_id,
            valid_from=first,
            valid_to=valid_to,
        )
    )
    dates = {"from": first.isoformat(), "to": valid_to.isoformat() if valid_to else None}
    detail = {"assignment": str(assignment_id), "role": post.role.value, "path": path, **dates}
    record_change(session, actor, person_id, "assignment.created", detail, path=path)
    return assignment_id


def end_assignment(
    session: Session,
    actor: Actor,
    assignment_id: uuid.UUID,
    *,
    on: date | None = None,
    action: Action = Action.MANAGE_ACCOUNTS,
) -> None:
    """The assignment no longer holds from the day `on` (today); one that would never have held is gone.

    `action` is what the actor needs there.
    """
    last = on or today()
    assignment = session.get(Assignment, assignment_id, with_for_update=True, populate_existing=True)
    if assignment is None:
        raise NotFound
    require(actor, action, assignment.path)
    if assignment.valid_to is not None and assignment.valid_to <= last:
        raise AssignmentEnded
    if last < assignment.valid_from:
        raise wrong_field("/on", "before-start", "不得早于开始日期 / must not be before valid_from")
    if last == assignment.valid_from:
        session.delete(assignment)
    else:
        assignment.valid_to = last
    detail = {"assignment": str(assignment_id), "role": assignment.role, "on": last.isoformat()}
    record_change(session, actor, assignment.person_id, "assignment.ended", detail, path=assignment.path)


def set_password(session: Session, actor: Actor, person_id: uuid.UUID, password_hash: PasswordHash) -> None:
    """The old password is worth nothing, a lock is lifted, and the person is signed out everywhere."""
    account = _managed_account(session, actor, person_id)
    account.password_hash = password_hash
    account.failed_logins, account.locked_until = 0, None
    tokens.revoke_all(session, person_id, "password-changed")
    record_change(session, actor, person_id, "account.password_set", {})


def disable(session: Session, actor: Actor, person_id: uuid.UUID) -> None:
    """The person is signed out everywhere and cannot sign in; assignments and facts stay."""
    account = _managed_account(session, actor, person_id)
    if account.disabled_at is not None:
        return
    account.disabled_at = now()
    tokens.revoke_all(session, person_id, "account-disabled")
    record_change(session, actor, person_id, "account.disabled", {})


def enable(session: Session, actor: Actor, person_id: uuid.UUID) -> None:
    """The person can sign in again, with the password of before."""
    account = _managed_account(session, actor, person_id)
    if account.disabled_at is None:
        return
    account.disabled_at = None
    record_change(session, actor, person_id, "account.enabled", {})


def _refuse_names(name: str, username: str) -> None:
    if not name or len(name) > 64 or "\x00" in name:
        raise wrong_field("/name", "length", "姓名须为 1–64 个字符 / 1 to 64 characters")
    if not USERNAME.fullmatch(username):
        raise wrong_field("/username", "characters", USERNAME_RULE)


def _place(session: Session, actor: Actor, post: Post) -> tuple[str, int | None]:
    """Path and grid of a post. A grid outside the actor's part does not exist for the actor."""
    if post.role in GRID_ROLES:
        if post.grid_code is None or post.area is not None:
            raise wrong_field(
                "/grid_code", "required", "网格员和网格长须对应一个网格 / members and heads need a grid"
            )
        visible = scope_of(actor, Action.READ_GRIDS).clause(Grid.path)
        grid = session.scalar(select(Grid).where(Grid.code == post.grid_code, visible))
        if grid is None or grid.retired_on is not None:
            raise wrong_field("/grid_code", "no-such-grid", "没有这个网格 / there is no such grid")
        return grid.path, grid.grid_id
    if post.area is None or post.grid_code is not None or not AREA.fullmatch(post.area):
        raise wrong_field(
            "/area",
            "not-an-area",
            "范围须为空、2/4/6 位区划代码或“街道代码/” / empty, 2, 4 or 6 digits, or 9 digits and /",
        )
    return post.area, None


def refuse_overlap(
    session: Session, person_id: uuid.UUID, role: Role, path: str, *, first: date, end: date | None
) -> None:
    """Raises: AssignmentOverlaps, when the person, locked, holds the role there on one of the days."""
    same = select(Assignment.valid_from, Assignment.valid_to).where(
        Assignment.person_id == person_id, Assignment.role == role.value, Assignment.path == path
    )
    for other_first, other_end in session.execute(same):
        if (end is None or other_first < end) and (other_end is None or first < other_end):
            raise AssignmentOverlaps


def _managed_account(session: Session, actor: Actor, person_id: uuid.UUID) -> Account:
    """The account, locked, of a person who is wholly inside what the actor manages."""
    account = session.scalar(_locked(person_id))
    paths = require_visible(session, actor, person_id)
    if account is None:
        raise NotFound
    scope = scope_of(actor, Action.MANAGE_ACCOUNTS)
    if scope.is_empty or not all(scope.covers(path) for path in paths):
        raise Forbidden(action=Action.MANAGE_ACCOUNTS.value)
    return account


def require_visible(session: Session, actor: Actor, person_id: uuid.UUID) -> list[str]:
    """Paths of what the person holds now or later, else of what was held; the actor sees at least one.

    Somebody who never held anything is visible in the own street, or everywhere without one: a new person on
    the way to a first post.
    Raises: NotFound.
    """
    held = session.execute(
        select(Assignment.path, Assignment.valid_to).where(Assignment.person_id == person_id)
    ).all()
    day = today()
    paths = [path for path, end in held if end is None or end > day] or [path for path, _ in held]
    street_code = session.scalar(select(Person.street_code).where(Person.person_id == person_id))
    if not paths and street_code is not None:
        paths = [f"{street_code}/"]
    scope = scope_of(actor, Action.READ_PEOPLE)
    if paths and not any(scope.covers(path) for path in paths):
        raise NotFound
    return paths


def lock_people(session: Session, *person_ids: uuid.UUID) -> None:
    """Changes of what these people hold wait for each other from here to the end of the transaction.

    Raises: NotFound, when one of them does not exist.
    """
    wanted = set(person_ids)
    locked = session.scalars(
        select(Person.person_id)
        .where(Person.person_id.in_(wanted))
        .order_by(Person.person_id)  # in a fixed order: two callers must not wait for each other
        .with_for_update(key_share=True)
    ).all()
    if set(locked) != wanted:
        raise NotFound


def _locked(person_id: uuid.UUID) -> Select[Account]:
    return (
        select(Account)
        .where(Account.person_id == person_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def wrong_field(pointer: str, code: str, detail: str) -> Invalid:
    """What to raise when one field of the input cannot be."""
    return Invalid(detail, errors=[FieldError(pointer, code, detail)])


def record_change(
    session: Session,
    actor: Actor,
    person_id: uuid.UUID,
    action: str,
    detail: Mapping[str, Any],
    *,
    path: str = "",
) -> None:
    """The change of a person at this path is in the trail, and caches forget the person."""
    announce(session, ACCESS, str(person_id))
    audit.record(
        session,
        chain=street_code_of(path) or "",
        actor=actor.label,
        action=action,
        subject=person_label(person_id),
        detail=detail,
    )
