"""A street's residents from Excel, tried and then imported: time, processor time, peak memory.

20,000 rows in 8,000 households of 200 buildings, with ID numbers and phones. Run as a program it is the
process that is measured: arguments are the database, the file and the street.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session
from stdnum.cn import ric

from access.roles import Role
from access.scope import NOBODY, Actor, HeldRole
from benchmarks.city import CityGrid
from benchmarks.table import Line
from core.clock import today
from core.secrecy import Key, KeyRing
from core.spreadsheets import Table, write_workbook
from registry.people.files import read_residents
from registry.people.importing import ResidentsOrder, import_residents

RESIDENTS, HOUSEHOLDS, BUILDINGS = 20_000, 8_000, 200
PROMISED_S, PROMISED_MIB = 30.0, 1024.0
_HEADS = ("楼栋编码", "单元", "楼层", "室号", "姓名", "与户主关系", "身份证号", "手机", "标签")
_DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")  # names hold none
_BUILDINGS = text("""
WITH area AS (SELECT geom FROM grid_versions WHERE grid_id = :grid_id),
spots AS (
    SELECT row_number() OVER () AS n, (dumped).geom AS geom
    FROM (SELECT ST_Dump(ST_GeneratePoints(geom, :buildings, 7)) AS dumped FROM area) AS made
)
INSERT INTO buildings (building_id, street_code, code, name, kind, geom, source_datum, source, attributes,
    revision, changed_by)
SELECT gen_random_uuid(), :street, 'R' || n, n || '幢', 'residential', geom, 'EPSG:4490', 'benchmark', '{}',
    1, ''
FROM spots
""")


def table() -> bytes:
    """The file: no number is anybody's, for they are counted up from one day to the next."""
    return write_workbook([Table("居民", _HEADS, _rows())])


def _rows() -> Iterator[list[Any]]:
    for number in range(RESIDENTS):
        home = number % HOUSEHOLDS
        floor = home // BUILDINGS // 2 + 1
        born = date(1950, 1, 1) + timedelta(days=number % 20_000)
        start = f"320113{born:%Y%m%d}{number // 20_000 * 10 + 101:03d}"
        yield [
            f"R{home % BUILDINGS + 1}",
            "1",
            str(floor),
            f"{floor}0{home // BUILDINGS % 2 + 1}",
            "测" + f"{number:05d}".translate(_DIGITS),
            "户主" if number < HOUSEHOLDS else "其他",
            start + ric.calc_check_digit(start + "0"),
            f"138{number:08d}",
            "残疾人" if number % 50 == 0 else None,
        ]


def run(engine: Engine, url: str, grids: list[CityGrid]) -> list[Line]:
    grid = next(one for one in grids if one.level == 1)
    with Session(engine) as session, session.begin():
        values = {"grid_id": grid.grid_id, "street": grid.street, "buildings": BUILDINGS}
        session.execute(_BUILDINGS, values)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "residents.xlsx"
        file.write_bytes(table())
        command = [sys.executable, "-m", "benchmarks.registering", url, str(file), grid.street]
        said = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    stages = ", ".join(f"{name} {spent:.1f} s" for name, spent in said["stages"].items())
    holds = said["wall_s"] <= PROMISED_S and said["peak_mib"] <= PROMISED_MIB
    return [
        Line(
            f"import {RESIDENTS:,} residents from Excel, a dry run first ({stages})",
            f"{said['wall_s']:.1f} s (CPU {said['cpu_s']:.1f}), {said['peak_mib']:.0f} MiB",
            "",
            None,
            f"≤ {PROMISED_S:.0f} s, ≤ 1 GiB",
            holds,
        )
    ]


def import_file(url: str, file: Path, street: str) -> dict[str, Any]:
    """As two uploads do it: the file is read, tried, read again and imported."""
    role = HeldRole(NOBODY, Role.OPERATOR, f"{street}/", None, date.min, None)
    actor = Actor(NOBODY, "benchmark", "benchmark", NOBODY, (role,), "benchmark")
    engine, keys = create_engine(url), KeyRing([Key("k1", b"k" * 32)])
    started, marks = time.perf_counter(), {}
    for dry_run in (True, False):
        begun = time.perf_counter()
        found = read_residents(file.read_bytes(), file.name, today())
        marks[f"read {'' if dry_run else 'again'}".strip()] = time.perf_counter() - begun
        begun = time.perf_counter()
        with Session(engine) as session, session.begin():
            report = import_residents(
                session, actor, found, ResidentsOrder(street, today(), dry_run), keys=keys
            )
        marks["try" if dry_run else "import"] = time.perf_counter() - begun
    assert report.imported, report.rejected[:3]
    return {
        "stages": marks,
        "wall_s": time.perf_counter() - started,
        "cpu_s": time.process_time(),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(import_file(sys.argv[1], Path(sys.argv[2]), sys.argv[3])))
