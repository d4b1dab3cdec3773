"""Prefixes: what covers what, in Python and in SQL, and how a refusal is told."""

import uuid
from datetime import date

import pytest
from sqlalchemy import column, select, text
from sqlalchemy.orm import Session

from access.roles import Action, Role
from access.scope import Actor, HeldRole, Scope, require, scope_of, system_actor
from core.errors import Forbidden, NotFound
from geo.models import Grid
from tests import make

OWN, BELOW, SIBLING, PARENT = "320113007/1/2/", "320113007/1/2/3/", "320113007/1/20/", "320113007/1/"
OTHER_STREET = "320113008/7/"


def holding(*roles: tuple[Role, str]) -> Actor:
    held = tuple(
        HeldRole(uuid.UUID(int=number), role, path, None, date(2026, 1, 1), None)
        for number, (role, path) in enumerate(roles)
    )
    return Actor(uuid.UUID(int=1), "某人", "someone", uuid.UUID(int=2), held, "person:1")


@pytest.mark.parametrize(
    ("prefixes", "reduced"),
    [
        ((), ()),
        (("320113007/1/2/",), ("320113007/1/2/",)),
        (("320113007/1/2/", "320113007/1/"), ("320113007/1/",)),
        (("320113007/1/2/", "320113007/1/20/"), ("320113007/1/2/", "320113007/1/20/")),
        (("320113007/", "", "320113"), ("",)),
        (("320113008/", "320113", "320114001/"), ("320113", "320114001/")),
        (("320113007/", "320113007/"), ("320113007/",)),
    ],
)
def test_no_prefix_lies_inside_another(prefixes: tuple[str, ...], reduced: tuple[str, ...]) -> None:
    assert Scope.reduced(prefixes).prefixes == reduced


@pytest.mark.parametrize(
    ("prefix", "covered"),
    [
        (OWN, {OWN, BELOW}),
        (PARENT, {OWN, BELOW, SIBLING, PARENT}),
        ("320113007/", {OWN, BELOW, SIBLING, PARENT}),
        ("320113", {OWN, BELOW, SIBLING, PARENT, OTHER_STREET}),
        ("", {OWN, BELOW, SIBLING, PARENT, OTHER_STREET}),
        ("320114", set()),
    ],
)
def test_a_prefix_covers_itself_and_all_below(prefix: str, covered: set[str]) -> None:
    scope = Scope.reduced([prefix])
    assert {path for path in (OWN, BELOW, SIBLING, PARENT, OTHER_STREET) if scope.covers(path)} == covered


def test_nothing_and_everything_are_told_apart() -> None:
    nothing, everything = Scope.reduced([]), Scope.reduced([""])
    assert nothing.is_empty
    assert not nothing.covers(OWN)
    assert everything.covers(OWN)
    assert nothing.key != everything.key


def test_scope_counts_only_the_roles_that_give_the_action() -> None:
    actor = holding((Role.MEMBER, OWN), (Role.UNIT, "320113008/"))
    assert scope_of(actor, Action.READ_GRIDS).prefixes == (OWN, "320113008/")
    assert scope_of(actor, Action.READ_PATROLS).prefixes == (OWN,)
    assert scope_of(actor, Action.MANAGE_ACCOUNTS).is_empty
    assert Action.RECORD_PATROL in actor.actions


@pytest.mark.parametrize(
    ("role", "held", "path", "refusal"),
    [
        (Role.HEAD, PARENT, OWN, None),
        (Role.HEAD, PARENT, OTHER_STREET, NotFound),
        (Role.MEMBER, OWN, BELOW, None),
        (Role.MEMBER, OWN, SIBLING, NotFound),
        (Role.MEMBER, OWN, PARENT, NotFound),
        (Role.UNIT, "320113007/", OWN, Forbidden),
        (Role.UNIT, "320113007/", OTHER_STREET, NotFound),
        (Role.ADMIN, "", OTHER_STREET, None),
    ],
)
def test_invisible_is_not_found_and_visible_is_forbidden(
    role: Role, held: str, path: str, refusal: type[Exception] | None
) -> None:
    actor = holding((role, held))
    if refusal is None:
        require(actor, Action.READ_PATROLS, path)
    else:
        with pytest.raises(refusal):
            require(actor, Action.READ_PATROLS, path)


def test_the_system_may_administer_everything() -> None:
    actor = system_actor("cli:root")
    assert actor.label == "cli:root"
    assert scope_of(actor, Action.IMPORT_GRIDS).covers(OTHER_STREET)


@pytest.mark.parametrize(
    ("prefixes", "names"),
    [
        ([], ""),
        (["a1"], "A1 A11 A12"),
        (["a11", "b"], "A11 B B1 B11"),
        ([f"{make.OTHER_STREET}/"], "C C1 C11"),
        (["320113"], "A A1 A11 A12 A2 A21 B B1 B11 C C1 C11"),
        ([""], "A A1 A11 A12 A2 A21 B B1 B11 C C1 C11"),
    ],
)
def test_the_clause_finds_what_is_covered(session: Session, prefixes: list[str], names: str) -> None:
    tree = make.street_tree(session)
    scope = Scope.reduced(
        getattr(tree, one).path if one.isalnum() and one[:1] > "9" else one for one in prefixes
    )
    found = session.scalars(select(Grid).where(scope.clause(Grid.path))).all()
    by_id = {getattr(tree, name).grid_id: name.upper() for name in tree.__slots__}
    assert " ".join(sorted(by_id[grid.grid_id] for grid in found)) == names
    assert all(scope.covers(grid.path) for grid in found)


@pytest.mark.parametrize(
    "prefix", ["%", "_________/", "320113007_", "320113007%", "32011300\\7/", "320113007/%"]
)
def test_nothing_in_a_prefix_is_a_wildcard(session: Session, prefix: str) -> None:
    make.street_tree(session)
    assert session.scalars(select(Grid).where(Scope.reduced([prefix]).clause(Grid.path))).all() == []


def test_the_clause_of_a_prepared_statement_uses_the_index(session: Session) -> None:
    """LIKE with a parameter would scan the table as soon as PostgreSQL settles for a generic plan."""
    clause = Scope.reduced(["320113007/1/"]).clause(column("path"))
    condition = str(clause).replace(":path_1", "$1").replace(":path_2", "$2")
    session.execute(text(f"PREPARE inside (text, text) AS SELECT code FROM grids WHERE {condition}"))
    session.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
    session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = session.scalars(text("EXPLAIN EXECUTE inside ('320113007/1/', '320113007/10')")).all()
    session.execute(text("DEALLOCATE inside"))
    assert any("ix_grids_path" in line for line in plan), plan
    assert any("Index Cond" in line and "~>=~" in line and "~<~" in line for line in plan), plan
