"""`xunge create-account`: the first administrator, and whoever else the command line is asked for."""

import sys

import typer

from access.accounts import Post, assign, create_person_with_account
from access.passwords import hash_password
from access.roles import GRID_ROLES, Role
from access.scope import system_actor
from cli.console import say
from cli.database import who, writing
from core.settings import Settings

STREET_DIGITS = 9


def create(settings: Settings, username: str, *, name: str, role: Role, where: str) -> None:
    """The person can sign in and holds the role there from today on."""
    post = _post(role, where)
    password_hash = hash_password(_password(), username=username)
    actor = system_actor(who())
    with writing(settings) as session:
        person_id = create_person_with_account(
            session, actor, name=name, username=username, password_hash=password_hash
        )
        assign(session, actor, person_id, post)
    say(f"{username} can sign in as {role} ({person_id})")


def _post(role: Role, where: str) -> Post:
    if role in GRID_ROLES:
        return Post(role, grid_code=where)
    # A street's paths go on after its code; a longer code must not begin like it by chance.
    return Post(role, area=f"{where}/" if len(where) == STREET_DIGITS else where)


def _password() -> str:
    """Typed twice at a terminal, else the first line of the input; an argument others could read."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")
