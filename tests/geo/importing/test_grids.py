"""Importing a street: everything or nothing, with a reason for each feature (DB32/T 2763-2015 4.1, 5)."""

import json

import pytest
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.models import AuditEntry
from geo.cells import polyfill, unpacked
from geo.files.geojson import UnreadableFile, read_features
from geo.fitting.topology import geodesic_area_m2
from geo.models import CGCS2000, Grid, GridVersion
from tests.geo.conftest import Run
from tests.geo.street_file import (
    CODE,
    COMMUNITY,
    DAY,
    LATER,
    STREET,
    box,
    feature,
    in_datum,
    reasons,
    street,
)


def stored_names(session: Session) -> dict[str, str]:
    rows = session.execute(
        select(Grid.code, GridVersion.name)
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(GridVersion.valid_to.is_(None))
    )
    return {name: code for code, name in rows}


class TestWholeStreet:
    def test_codes_are_given_in_reading_order_level_by_level(self, session: Session, run: Run) -> None:
        report = run(street())
        assert (report.total, report.accepted, report.created, report.imported) == (10, 10, 10, True)
        assert report.hints == ()
        assert stored_names(session) == {
            "仙林新村": CODE + "00",
            "西片": CODE + "01",
            "东片": CODE + "02",
            "西北": CODE + "03",
            "东北": CODE + "04",
            "西南": CODE + "05",
            "东南": CODE + "06",
            "一层": CODE + "03-001",
            "二层": CODE + "03-002",
            "珠宝柜台": CODE + "03-001-001",
        }
        assert report.codes[0] == CODE + "06"

    def test_the_tree_hangs_together_by_path(self, session: Session, run: Run) -> None:
        run(street())
        counter = session.scalars(select(Grid).where(Grid.code == CODE + "03-001-001")).one()
        chain = counter.path.rstrip("/").split("/")
        assert chain[0] == STREET
        grids = [session.get_one(Grid, int(key)) for key in chain[1:]]
        assert [grid.level for grid in grids] == [1, 2, 3, 4, 5]
        assert [grid.parent_id for grid in grids] == [None, *(grid.grid_id for grid in grids[:-1])]
        assert {grid.community_code for grid in grids} == {COMMUNITY}

    def test_shape_area_cells_and_attributes_are_stored(self, session: Session, run: Run) -> None:
        run(street())
        version = session.scalars(select(GridVersion).where(GridVersion.name == "西北")).one()
        shape = box(0, 0.5, 0.5, 1)
        wkb = session.scalars(
            select(func.ST_AsBinary(GridVersion.geom)).where(GridVersion.name == "西北")
        ).one()
        assert shapely.from_wkb(bytes(wkb)).equals(shape)
        assert (
            session.scalar(select(func.ST_SRID(GridVersion.geom_3857)).where(GridVersion.name == "西北"))
            == 3857
        )
        assert version.area_m2 == pytest.approx(geodesic_area_m2(shape))
        assert unpacked(version.cells or b"").tolist() == polyfill(shape).tolist()
        assert (version.kind, version.attributes, version.version) == ("commercial", {"remark": "mall"}, 1)
        assert (version.valid_from, version.valid_to, version.source_datum) == (DAY, None, "EPSG:4490")
        floor = session.scalars(select(GridVersion).where(GridVersion.name == "一层")).one()
        assert (floor.geom, floor.area_m2, floor.cells, floor.attributes) == (
            None,
            None,
            None,
            {"floor": "F1"},
        )

    @pytest.mark.parametrize("datum", ["GCJ02", "BD09", "EPSG:4549", "EPSG:4326"])
    def test_other_datums_are_converted(self, session: Session, run: Run, datum: str) -> None:
        report = run(in_datum(street(), datum), datum=datum)
        assert report.imported, report.rejected
        wkb = session.scalars(
            select(func.ST_AsBinary(GridVersion.geom)).where(GridVersion.name == "东片")
        ).one()
        assert shapely.from_wkb(bytes(wkb)).hausdorff_distance(box(0.5, 0, 1, 1)) < 1e-8
        assert set(session.scalars(select(GridVersion.source_datum))) == {datum}

    def test_one_audit_line_in_the_chain_of_the_street(self, session: Session, run: Run) -> None:
        run(street())
        (line,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "grids.imported")).all()
        assert (line.chain, line.actor, line.subject) == (STREET, "cli:test", f"street:{STREET}")
        assert line.detail == {"datum": "EPSG:4490", "valid_from": "2026-09-01", "created": 10}

    def test_a_dry_run_says_the_same_and_changes_nothing(self, session: Session, run: Run) -> None:
        report = run(street(), dry_run=True)
        assert (report.accepted, report.created, report.imported) == (10, 10, False)
        assert report.codes[6] == CODE + "00"
        for table in (Grid, GridVersion):
            assert session.scalar(select(func.count()).select_from(table)) == 0
        assert not session.scalars(select(AuditEntry).where(AuditEntry.action == "grids.imported")).all()
        assert run(street()).codes == report.codes

    def test_given_codes_are_kept_and_free_numbers_go_around_them(self, session: Session, run: Run) -> None:
        features = street()
        features[0]["properties"]["code"] = CODE + "01"
        run(features)
        names = stored_names(session)
        assert names["东南"] == CODE + "01"
        assert [names[name][-2:] for name in ("西片", "东片", "西北")] == ["02", "03", "04"]

    def test_a_grid_of_several_communities_gets_601(self, run: Run) -> None:
        report = run([feature("合并", 1, box(0, 0, 1, 1), parent=STREET)])
        assert report.codes == ("990000" + STREET + "601" + "00",)

    def test_another_object_code_is_another_name_space(self, run: Run) -> None:
        features = street()
        features[4]["properties"]["object_code"] = "990001"
        report = run(features)
        assert report.codes[4] == "990001" + COMMUNITY + "01"
        assert report.codes[5] == CODE + "01"
        assert report.codes[0] == "990001" + COMMUNITY + "03"  # like the parent's


class TestAgainstWhatIsStored:
    def test_a_repeat_changes_nothing(self, session: Session, run: Run) -> None:
        codes = run(street()).codes
        again = street()
        for one, code in zip(again, codes, strict=True):
            one["properties"]["code"] = code
        report = run(again)
        assert (report.unchanged, report.changed, report.created, report.imported) == (10, 0, 0, True)
        assert session.scalar(select(func.count()).select_from(GridVersion)) == 10
        assert (
            len(session.scalars(select(AuditEntry).where(AuditEntry.action == "grids.imported")).all()) == 1
        )

    def test_a_new_boundary_is_a_new_version_from_its_day(self, session: Session, run: Run) -> None:
        run(street())
        moved = [
            feature("西北", 3, box(0, 0.6, 0.5, 1), code=CODE + "03", kind="commercial", remark="mall"),
            feature("西南", 3, box(0, 0, 0.5, 0.6), code=CODE + "05"),
        ]
        report = run(moved, valid_from=LATER)
        assert (report.changed, report.created, report.imported) == (2, 0, True)
        rows = session.execute(
            select(GridVersion.version, GridVersion.valid_from, GridVersion.valid_to)
            .join(Grid, Grid.grid_id == GridVersion.grid_id)
            .where(Grid.code == CODE + "03")
            .order_by(GridVersion.version)
        ).all()
        assert [tuple(row) for row in rows] == [(1, DAY, LATER), (2, LATER, None)]

    def test_a_new_version_cannot_start_before_the_current_one(self, run: Run) -> None:
        run(street())
        report = run([feature("新名", 3, box(0, 0, 0.5, 0.5), code=CODE + "05")], valid_from=DAY)
        assert reasons(report) == [(0, "/properties/code", "valid-from-too-early")]

    def test_moving_only_one_of_two_neighbours_overlaps_the_stored_one(self, run: Run) -> None:
        run(street())
        report = run([feature("西南", 3, box(0, 0, 0.5, 0.6), code=CODE + "05")], valid_from=LATER)
        assert reasons(report) == [(0, "/geometry", "overlap")]
        assert CODE + "03" in report.rejected[0].reason.zh

    def test_shrinking_a_parent_leaves_its_children_outside(self, run: Run) -> None:
        run(street())
        report = run([feature("西片", 2, box(0, 0, 0.4, 1), code=CODE + "01")], valid_from=LATER)
        assert (0, "/geometry", "child-outside") in reasons(report)

    def test_level_and_parent_of_a_grid_never_change(self, run: Run) -> None:
        run(street())
        report = run(
            [feature("西南", 3, box(0, 0, 0.5, 0.5), code=CODE + "05", parent=CODE + "02")], valid_from=LATER
        )
        assert reasons(report) == [(0, "/properties/code", "identity-changed")]

    def test_a_retired_code_is_never_used_again(self, session: Session, run: Run) -> None:
        run(street())
        grid = session.scalars(select(Grid).where(Grid.code == CODE + "06")).one()
        grid.retired_on = LATER
        session.flush()
        report = run([feature("东南", 3, box(0.5, 0, 1, 0.5), code=CODE + "06")], valid_from=LATER)
        assert reasons(report) == [(0, "/properties/code", "code-retired")]
        report = run([feature("东南", 3, box(0.5, 0, 1, 0.5), parent=CODE + "02")], valid_from=LATER)
        assert report.codes == (CODE + "07",)

    def test_a_second_level_1_grid_of_a_community(self, run: Run) -> None:
        run(street())
        report = run([feature("仙林新村", 1, box(2, 0, 3, 1), parent=COMMUNITY)])
        assert reasons(report) == [(0, "/properties/code", "community-has-grid")]

    def test_level_1_grids_of_neighbouring_streets_must_not_overlap(self, run: Run) -> None:
        run(street())
        report = run([feature("尧化", 1, box(0.9, 0, 2, 1), parent="320113001001")])
        assert reasons(report) == [(0, "/geometry", "overlap")]

    def test_a_parent_may_be_a_stored_grid(self, run: Run) -> None:
        run([one for one in street() if one["properties"]["level"] <= 2])
        report = run([feature("西南", 3, box(0, 0, 0.5, 0.5), parent=CODE + "01")])
        assert report.codes == (CODE + "03",)
        assert report.imported

    @pytest.mark.parametrize(("actual", "declared"), [("GCJ02", "EPSG:4490"), ("EPSG:4490", "GCJ02")])
    def test_a_whole_file_in_another_datum_is_recognised(self, run: Run, actual: str, declared: str) -> None:
        run(street())
        levels = [one for one in street() if one["properties"]["level"] == 3]
        for one, code in zip(levels, ("06", "04", "05", "03"), strict=True):
            one["properties"].update(code=CODE + code, parent=None)
        report = run(in_datum(levels, actual), datum=declared, valid_from=LATER)
        assert not report.imported
        (hint,) = [hint for hint in report.hints if hint.code == "datum-suspected"]
        assert actual in hint.en
        assert "535 m" in hint.en or "534 m" in hint.en


class TestFile:
    def test_features_of_a_collection(self) -> None:
        body = json.dumps({"type": "FeatureCollection", "features": street()}).encode()
        assert read_features(b"\xef\xbb\xbf" + body) == (street(), None)
        assert read_features(json.dumps(street()[0]).encode())[0] == street()[:1]

    @pytest.mark.parametrize(
        ("body", "why"),
        [
            (b"", "not JSON"),
            (b"PK\x03\x04", "not JSON"),
            (b'{"type": "FeatureCollection"', "not JSON"),
            ('{"type": "特"}'.encode("gbk"), "not JSON"),
            (b"[]", "an object"),
            (b'{"type": "Topology"}', "FeatureCollection"),
            (b'{"type": "FeatureCollection", "features": {}}', "FeatureCollection"),
            (b'{"type": "FeatureCollection", "features": []}', "no feature"),
        ],
    )
    def test_what_is_no_grid_file(self, body: bytes, why: str) -> None:
        with pytest.raises(UnreadableFile, match=why):
            read_features(body)

    def test_a_file_that_names_another_datum_than_declared(self, run: Run) -> None:
        crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4549"}}
        body = json.dumps(
            {"type": "FeatureCollection", "crs": crs, "features": in_datum(street(), "EPSG:4549")}
        )
        features, named = read_features(body.encode())
        assert named == "EPSG:4549"
        report = run(features, named_datum=named)
        assert [hint.code for hint in report.hints] == ["datum-contradicted", "datum-projected"]
        assert run(features, datum=named, named_datum=named).imported

    def test_heights_are_dropped_and_told(self, session: Session, run: Run) -> None:
        features = street()
        features[6]["geometry"] = json.loads(shapely.to_geojson(shapely.force_3d(box(0, 0, 1, 1), 12.0)))
        report = run(features)
        assert report.imported
        assert [hint.code for hint in report.hints] == ["heights-dropped"]
        assert session.scalar(select(func.bool_or(func.ST_NDims(GridVersion.geom) > 2))) is False

    def test_spreadsheet_habits_are_understood(self, run: Run) -> None:
        """Numbers as text and text as numbers."""
        features = street()
        features[6]["properties"]["level"] = "1"
        features[4]["properties"]["level"] = 2.0
        features[6]["properties"]["parent"] = int(COMMUNITY)
        features[1]["properties"]["households"] = 310.0
        assert run(features).imported


def test_geometry_is_stored_in_cgcs2000(session: Session, run: Run) -> None:
    run(street())
    assert session.scalar(select(func.min(func.ST_SRID(GridVersion.geom)))) == CGCS2000
