"""`xunge import-grids` and `xunge export-grids` with files of every kind."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from cli.app import run
from geo.models import Grid
from seeds.base import load_base
from tests.geo.grid_files import shapefile
from tests.geo.street_file import in_datum, street

Answer = tuple[int, str, str]  # exit code, stdout, stderr
Typed = Callable[..., Answer]


@pytest.fixture
def typed(
    own_database_url: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Typed:
    """Run a command on a migrated database of the test's own."""
    monkeypatch.setenv("XUNGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("XUNGE_DATABASE_URL", own_database_url)
    engine = create_engine(own_database_url)
    with Session(engine) as session, session.begin():
        load_base(session)
    engine.dispose()

    def type_in(*words: str | Path) -> Answer:
        code = run([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return type_in


def test_a_shapefile_in_gcj02_goes_in_and_comes_out_again(
    typed: Typed, own_database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "街道.zip"
    names = {"name": "WGMC"}
    file.write_bytes(shapefile(in_datum(street(), "GCJ02"), crs=None, encoding="GBK", names=names))
    mapping = '{"name": "WGMC"}'
    code, _, said = typed("import-grids", file, "--datum", "GCJ02", "--encoding", "GBK", "--mapping", mapping)
    assert (code, said.splitlines()[-1][:16]) == (0, "Imported: 10 new"), said
    for suffix in (".gpkg", ".zip", ".kml", ".csv", ".xlsx", ".geojson"):
        out = tmp_path / f"out{suffix}"
        code, printed, said = typed("export-grids", out)
        assert (code, printed) == (0, ""), said
        assert "10 grids" in said
        code, _, said = typed("import-grids", out, "--datum", "EPSG:4490")
        assert (code, "10 unchanged" in said) == (0, True), said
    engine = create_engine(own_database_url)
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Grid)) == 10
    engine.dispose()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["export-grids", "out.docx"], "out.docx: one of .geojson"),
        (["export-grids", "out.kml", "--datum", "EPSG:4549"], "KML"),
        (["export-grids", "out.zip", "--encoding", "klingon"], "wrong-encoding"),
    ],
)
def test_wrong_input_is_one_line(typed: Typed, words: list[str], told: str) -> None:
    code, _, said = typed(*words)
    assert code == 2
    assert told in said.splitlines()[-1]
    assert not Path(words[1]).exists()
