"""Builders of test data: keyword-only, with fixed defaults and nothing random; each flushes what it made.
Households, residents and tags are made by tests/make_people.py.

The tree of `street_tree` is squares on a map, so that counts and boxes can be worked out by hand:

    320113007   A (level 1)                         B (level 1)
                A1 (2)            A2 (2)            B1 (2)
                A11 (3)  A12 (3)  A21 (3)           B11 (3)
    lon 118.90      .905     .910             .920            .940        lat 32.10 to 32.11
    320113008   C (1) > C1 (2) > C11 (3)            lon 118.95 to 118.97
"""

import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from access.models import AccessToken, Account, Assignment, Person, SignIn
from access.passwords import PasswordHash, hash_password
from access.roles import Role
from access.scope import Actor
from access.tokens import actor_of, token_hash
from core.clock import now
from geo.models import CGCS2000, Division, Grid, GridVersion
from patrol.models import PatrolPolicy
from registry.models import Address, Building, Checkpoint
from registry.plates import short_code

STREET = "320113007"
OTHER_STREET = "320113008"
OBJECT_CODE = "990101"  # provisional and local
PASSWORD = "green lantern river"
SINCE = date(2026, 1, 1)
SOUTH, NORTH = 32.10, 32.11


def fixed_uuid(name: str) -> uuid.UUID:
    """The same id for the same name in every run."""
    return uuid.uuid5(uuid.NAMESPACE_OID, name)


# ------------------------------------------------------------------------------------------ streets and grids


def street(session: Session, *, code: str = STREET, name: str = "仙林街道") -> Division:
    session.execute(
        insert(Division)
        .values(code=code, name=name, source="test", valid_from=SINCE)
        .on_conflict_do_nothing(index_elements=[Division.code])
    )
    return session.get_one(Division, code)


def box(west: float, south: float, east: float, north: float) -> str:
    """A rectangle as a grid's shape."""
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    ring = ", ".join(f"{lon} {lat}" for lon, lat in corners)
    return f"SRID={CGCS2000};MULTIPOLYGON((({ring})))"


def grid_code(*, community: str = "001", sequence: str = "00", street_code: str = STREET) -> str:
    return f"{OBJECT_CODE}{street_code}{community}{sequence}"


def grid(
    session: Session, *, code: str, parent: Grid | None = None, name: str | None = None, **version: Any
) -> Grid:
    """A grid with one version, below `parent` or at the top of the street that its code names.

    `version` are columns of GridVersion: kind, geom (see `box`), area_m2, cells, attributes, valid_from ...
    """
    street_code = code[6:15]
    street(session, code=street_code, name="仙林街道" if street_code == STREET else f"街道{street_code}")
    grid_id = session.scalars(select(func.nextval("grids_grid_id_seq"))).one()
    made = Grid(
        grid_id=grid_id,
        code=code,
        level=parent.level + 1 if parent else 1,
        parent_id=parent.grid_id if parent else None,
        street_code=street_code,
        community_code=code[6:18],
        path=f"{parent.path if parent else street_code + '/'}{grid_id}/",
    )
    session.add(made)
    session.flush()
    grid_version(session, grid=made, name=name or code, **version)
    return made


def grid_version(session: Session, *, grid: Grid, name: str, version: int = 1, **columns: Any) -> GridVersion:
    """What the grid is called and where it lies from a day on; anything not given is plain."""
    plain = {"kind": "residential", "source_datum": "EPSG:4490", "attributes": {}, "valid_from": SINCE}
    made = GridVersion(grid_id=grid.grid_id, version=version, name=name, **{**plain, **columns})
    session.add(made)
    session.flush()
    return made


@dataclass(frozen=True, slots=True)
class StreetTree:
    """The grids drawn at the top of this file, named by their position."""

    a: Grid
    a1: Grid
    a11: Grid
    a12: Grid
    a2: Grid
    a21: Grid
    b: Grid
    b1: Grid
    b11: Grid
    c: Grid
    c1: Grid
    c11: Grid


def street_tree(session: Session) -> StreetTree:
    """Two streets with three level-1 grids and their subtrees."""

    def plot(code: str, parent: Grid | None, name: str, west: float, east: float) -> Grid:
        return grid(session, code=code, parent=parent, name=name, geom=box(west, SOUTH, east, NORTH))

    def number(community: str, sequence: str, street_code: str = STREET) -> str:
        return grid_code(community=community, sequence=sequence, street_code=street_code)

    a = plot(number("001", "00"), None, "A", 118.90, 118.92)
    a1 = plot(number("001", "01"), a, "A1", 118.90, 118.91)
    a2 = plot(number("001", "02"), a, "A2", 118.91, 118.92)
    b = plot(number("002", "00"), None, "B", 118.92, 118.94)
    b1 = plot(number("002", "01"), b, "B1", 118.92, 118.94)
    c = plot(number("001", "00", OTHER_STREET), None, "C", 118.95, 118.97)
    c1 = plot(number("001", "01", OTHER_STREET), c, "C1", 118.95, 118.97)
    return StreetTree(
        a=a,
        a1=a1,
        a11=plot(number("001", "03"), a1, "A11", 118.90, 118.905),
        a12=plot(number("001", "04"), a1, "A12", 118.905, 118.91),
        a2=a2,
        a21=plot(number("001", "05"), a2, "A21", 118.91, 118.92),
        b=b,
        b1=b1,
        b11=plot(number("002", "02"), b1, "B11", 118.92, 118.94),
        c=c,
        c1=c1,
        c11=plot(number("001", "02", OTHER_STREET), c1, "C11", 118.95, 118.97),
    )


# ------------------------------------------------------------------------------------------- people and roles


@cache
def _hashed(password: str) -> PasswordHash:
    return hash_password(password, username="nobody in particular")


def password_hash(password: str = PASSWORD) -> PasswordHash:
    """Hashed once per run: it takes 0.2 s on purpose."""
    return _hashed(password)


def person(session: Session, *, name: str = "王小明") -> Person:
    made = Person(person_id=fixed_uuid(f"person {name}"), name=name)
    session.add(made)
    session.flush()
    return made


def account(
    session: Session, *, person: Person, username: str = "wangxm", password: str = PASSWORD
) -> Account:
    made = Account(person_id=person.person_id, username=username, password_hash=password_hash(password))
    session.add(made)
    session.flush()
    return made


def assignment(
    session: Session,
    *,
    person_id: uuid.UUID,
    role: Role,
    grid: Grid | None = None,
    area: str | None = None,
    valid_from: date = SINCE,
    valid_to: date | None = None,
) -> Assignment:
    """A role on a grid, or on an area: a path prefix, by default the whole of STREET."""
    path = grid.path if grid else f"{STREET}/" if area is None else area
    made = Assignment(
        assignment_id=fixed_uuid(f"assignment {person_id} {role} {path} {valid_from}"),
        person_id=person_id,
        role=role.value,
        path=path,
        grid_id=grid.grid_id if grid else None,
        valid_from=valid_from,
        valid_to=valid_to,
    )
    session.add(made)
    session.flush()
    return made


def access_token(session: Session, *, sign_in_id: uuid.UUID, valid_for: timedelta = timedelta(days=1)) -> str:
    """A token of this sign-in, for the Authorization header."""
    token = f"test token of {sign_in_id}"
    if session.get(AccessToken, token_hash(token)) is None:
        session.add(
            AccessToken(token_hash=token_hash(token), sign_in_id=sign_in_id, expires_at=now() + valid_for)
        )
        session.flush()
    return token


def actor(
    session: Session,
    *,
    role: Role,
    grid: Grid | None = None,
    area: str | None = None,
    username: str | None = None,
    valid_from: date = SINCE,
    valid_to: date | None = None,
) -> Actor:
    """A person with an account, signed in, with one assignment; a second one of a role needs a username."""
    username = username or role.value
    someone = person(session, name=f"某{username}")
    account(session, person=someone, username=username)
    assignment(
        session,
        person_id=someone.person_id,
        role=role,
        grid=grid,
        area=area,
        valid_from=valid_from,
        valid_to=valid_to,
    )
    at = now()
    sign_in = SignIn(
        sign_in_id=fixed_uuid(f"sign-in {username}"),
        person_id=someone.person_id,
        client="test",
        created_at=at,
        expires_at=at + timedelta(days=90),
    )
    session.add(sign_in)
    session.flush()
    return actor_of(session, access_token(session, sign_in_id=sign_in.sign_in_id))


# ----------------------------------------------------------------------------------------------------- policy


def patrol_policy(
    session: Session,
    *,
    path: str = "",
    kind: str = "residential",
    valid_from: date = SINCE,
    **thresholds: float,
) -> PatrolPolicy:
    """The default policy of the template with some thresholds changed, for a part of the tree."""
    base = session.scalars(
        select(PatrolPolicy.thresholds).where(PatrolPolicy.path == "", PatrolPolicy.kind == "")
    ).one()
    made = PatrolPolicy(path=path, kind=kind, valid_from=valid_from, thresholds={**base, **thresholds})
    session.add(made)
    session.flush()
    return made


# ----------------------------------------------------------------------------------------------------- places


def point(lon: float, lat: float) -> str:
    """A position as a place's geom."""
    return f"SRID={CGCS2000};POINT({lon} {lat})"


def building(
    session: Session, *, name: str = "1幢", lon: float = 118.902, lat: float = 32.105, **columns: Any
) -> Building:
    """A building of STREET, by default inside A11 of `street_tree`; `columns` are those of Building."""
    plain: dict[str, Any] = {
        "building_id": fixed_uuid(f"building {name} {lon} {lat}"),
        "street_code": STREET,
        "kind": "residential",
        "households": 20,
        "geom": point(lon, lat),
    }
    return _place(session, Building(name=name, **{**_PLAIN_PLACE, **plain, **columns}))


def address(
    session: Session, *, text: str = "文苑路1号", lon: float = 118.902, lat: float = 32.105, **columns: Any
) -> Address:
    """An address of STREET; give `building_id` and `geom=None` for one that lies where its building does."""
    plain: dict[str, Any] = {
        "address_id": fixed_uuid(f"address {text}"),
        "street_code": STREET,
        "normalised": text,
        "geom": point(lon, lat),
    }
    return _place(session, Address(text=text, **{**_PLAIN_PLACE, **plain, **columns}))


def checkpoint(
    session: Session, *, name: str = "北门", lon: float = 118.902, lat: float = 32.105, **columns: Any
) -> Checkpoint:
    """An outdoor checkpoint of STREET; its short code is made of its name."""
    checkpoint_id = fixed_uuid(f"checkpoint {name}")
    plain: dict[str, Any] = {
        "checkpoint_id": checkpoint_id,
        "street_code": STREET,
        "kind": "outdoor",
        "geom": point(lon, lat),
        "radius_m": 30.0,
        "short_code": short_code(checkpoint_id.bytes[:5]),
        "generation": 1,
    }
    return _place(session, Checkpoint(name=name, **{**_PLAIN_PLACE, **plain, **columns}))


_PLAIN_PLACE: dict[str, Any] = {
    "source_datum": "EPSG:4490",
    "source": "test",
    "attributes": {},
    "revision": 1,
    "changed_by": "测试",
}

PlaceT = TypeVar("PlaceT", Building, Address, Checkpoint)


def _place(session: Session, made: PlaceT) -> PlaceT:
    session.add(made)
    session.flush()
    return made
