"""`xunge import-grids` and `xunge export-grids`."""

from datetime import date
from pathlib import Path

import typer
from rich.table import Column, Table

from access.scope import Scope
from cli.console import WRONG_INPUT, err, out, say
from cli.database import who, writing
from core.settings import Settings
from geo.files.exporting import exported_grids
from geo.files.mapping import parse_mapping
from geo.files.reading import ReadOptions, read_grid_file
from geo.files.writing import KINDS, write_file
from geo.importing.grids import ImportOrder, ImportReport, import_grids


def bring_in(
    settings: Settings,
    file: Path,
    datum: str,
    valid_from: date,
    *,
    dry_run: bool,
    layer: str | None,
    encoding: str | None,
    mapping: str | None,
) -> int:
    """The grids of the file are stored, or none is and every reason is told; 2 when some were refused."""
    options = ReadOptions(layer, encoding, parse_mapping(mapping))
    features, named_datum, notes = read_grid_file(file.read_bytes(), file.name, options)
    order = ImportOrder(
        datum=datum,
        valid_from=valid_from,
        dry_run=dry_run,
        may_write=lambda _path: True,  # who may run commands may do everything
        actor=who(),
        named_datum=named_datum,
    )
    with err.status(f"{len(features)} features"), writing(settings) as session:
        report = import_grids(session, features, order).with_hints(notes)
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
    table = Table(
        "feature", "id", "code", "field", "problem", "at", Column("reason", overflow="fold"), box=None
    )
    for refused in report.rejected:
        reason = refused.reason
        named = (str(refused.index), refused.feature_ref or "", refused.code or "", refused.field)
        place = "" if refused.at is None else f"{refused.at[0]:.6f},{refused.at[1]:.6f}"
        table.add_row(*named, reason.code, place, str(reason))
    out.print(table)


_EVERYWHERE = Scope(("",))  # who may run commands may see everything


def take_out(
    settings: Settings,
    file: Path,
    datum: str,
    day: date,
    *,
    level: int | None,
    street: str | None,
    encoding: str,
) -> None:
    """The file holds the grids as they stand on the day."""
    file_format = next((one for one, kind in KINDS.items() if kind.suffix == file.suffix.lower()), None)
    if file_format is None:
        raise typer.BadParameter(f"{file.name}: one of {', '.join(kind.suffix for kind in KINDS.values())}")
    with writing(settings) as session:
        grids = exported_grids(session, _EVERYWHERE, day, level=level, street=street)
    file.write_bytes(write_file(grids, file_format, datum=datum, encoding=encoding))
    say(f"{len(grids)} grids as of {day} in {file.name}")
