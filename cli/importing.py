"""`xunge import-*`: files become rows, in one transaction each, and the trail says who did it."""

import os
import pwd
from datetime import date
from pathlib import Path

from rich.table import Column, Table

from cli.console import WRONG_INPUT, out, say
from cli.database import writing
from core.settings import Settings
from geo.divisions import DivisionRow, UnknownDivision, import_divisions, read_slice, slice_package
from geo.geojson import read_features
from geo.importing import ImportOrder, ImportReport, import_grids


def who() -> str:
    """The name the audit trail gives to whoever types commands."""
    try:
        return f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:  # a container may run as a number without a name
        return f"cli:{os.getuid()}"


def grids(settings: Settings, file: Path, *, datum: str, valid_from: date, dry_run: bool) -> int:
    """The grids of the file are stored, or none is and every reason is told; 2 when some were refused."""
    features, named_datum = read_features(file.read_bytes())
    order = ImportOrder(
        datum=datum,
        valid_from=valid_from,
        dry_run=dry_run,
        may_write=lambda _path: True,  # who may run commands may do everything
        actor=who(),
        named_datum=named_datum,
    )
    with writing(settings) as session:
        report = import_grids(session, features, order)
    for hint in report.hints:
        say(f"{hint.code}: {hint}")
    _list_rejections(report)
    if report.rejected:
        say(f"Nothing imported: {len(report.rejected)} of {report.total} features refused.")
        return WRONG_INPUT
    counts = f"{report.created} new, {report.changed} changed, {report.unchanged} unchanged"
    say(f"{'Imported' if report.imported else 'Would import'}: {counts}, valid from {report.valid_from}")
    return 0


def _list_rejections(report: ImportReport) -> None:
    if not report.rejected:
        return
    table = Table("feature", "code", "field", "problem", Column("reason", overflow="fold"), box=None)
    for refused in report.rejected:
        reason = refused.reason
        table.add_row(str(refused.index), refused.code or "", refused.field, reason.code, str(reason))
    out.print(table)


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
