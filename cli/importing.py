"""`xunge import-*`: files become rows, in one transaction each, and the trail says who did it."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.models import Account, Assignment, Person
from access.queries import held_on
from access.roles import Role
from access.scope import NOBODY, Actor, HeldRole
from access.sign_in import normal_username
from cli.console import one_line, progress, say, show
from cli.database import who, writing
from core.clock import today
from core.errors import DomainError, NotFound
from core.settings import Settings
from geo.divisions import DivisionRow, UnknownDivision, import_divisions, read_slice, slice_package
from patrol.recording.imports import import_track


def tracks(settings: Settings, files: Sequence[Path], *, grid_code: str, username: str, datum: str) -> None:
    """Each file is a finished patrol of that person in that grid; all of them, or none."""
    place: dict[str, Any] = {"grid_code": grid_code, "limits": settings.patrol, "datum": datum}
    patrol_ids = []
    with writing(settings) as session, progress() as tell:
        actor = _person(session, username)
        for number, file in enumerate(files, 1):
            try:
                patrol_ids.append(import_track(session, actor, file.read_bytes(), **place))
            except DomainError as error:
                raise typer.BadParameter(f"{file.name}: {one_line(error)}") from None
            tell("tracks", number, len(files))
    for patrol_id in patrol_ids:
        show(str(patrol_id))


def _person(session: Session, username: str) -> Actor:
    """The person as somebody uploading for them: with their rights, but the trail names who typed."""
    of_account = select(Person).join(Account, Account.person_id == Person.person_id)
    person = session.scalar(of_account.where(Account.username == normal_username(username)))
    if person is None:
        raise NotFound(f"there is no account {username}")
    of_today = select(Assignment).where(Assignment.person_id == person.person_id, held_on(today()))
    held = tuple(
        HeldRole(one.assignment_id, Role(one.role), one.path, one.grid_id, one.valid_from, one.valid_to)
        for one in session.scalars(of_today)
    )
    return Actor(person.person_id, person.name, username, NOBODY, held, who())


def divisions(settings: Settings, source: Path, *, county: str, valid_from: date) -> None:
    """The divisions of the county are in the table."""
    rows = _division_rows(source, county)
    with writing(settings) as session:
        changes = import_divisions(session, rows, actor=who(), source=source.name, valid_from=valid_from)
    counts = {"added": changes.added, "renamed": changes.renamed, "reopened": changes.reopened}
    told = ", ".join(f"{len(codes)} {word}" for word, codes in counts.items() if codes)
    say(f"{len(rows)} divisions read: {told or 'nothing new'}")


def _division_rows(source: Path, county: str) -> list[DivisionRow]:
    if source.suffix != ".csv":
        return slice_package(source, county)
    rows = [row for row in read_slice(source) if row.code.startswith(county)]
    if not rows:
        raise UnknownDivision(f"{source.name} lists nothing below {county}")
    return rows
