"""Which PostgreSQL is chosen, and what is said when none will do."""

from pathlib import Path

import pytest

from core.cluster import ClusterFailed, PostgisMissing
from core.cluster.binaries import EXTENSIONS, find_binaries


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def fake_postgres(folder: Path, version: str, *, extensions: tuple[str, ...] = EXTENSIONS) -> Path:
    shared = folder / "share"
    (shared / "extension").mkdir(parents=True)
    for name in extensions:
        (shared / "extension" / f"{name}.control").touch()
    answers = {"postgres": f"postgres (PostgreSQL) {version}", "initdb": "", "pg_config": str(shared)}
    for name, answer in answers.items():
        (folder / name).write_text(f"#!/bin/sh\necho '{answer}'\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with several versions of which only some have PostGIS."""
    monkeypatch.setattr("core.cluster.binaries.DEBIAN_ROOT", tmp_path / "debian")
    monkeypatch.setenv("PATH", "/nowhere")
    fake_postgres(tmp_path / "debian" / "9" / "bin", "9.6.24")
    fake_postgres(tmp_path / "debian" / "15" / "bin", "15.18 (Debian 15.18-0+deb12u1)")
    fake_postgres(tmp_path / "debian" / "16" / "bin", "16.9")
    fake_postgres(tmp_path / "debian" / "17" / "bin", "17.1", extensions=("btree_gist",))
    return tmp_path / "debian"


def test_the_newest_with_postgis_is_chosen(debian: Path, data: Path) -> None:
    assert find_binaries(None, data).path("initdb") == str(debian / "16" / "bin" / "initdb")


def test_existing_data_keeps_its_version(debian: Path, data: Path) -> None:
    (data / "PG_VERSION").write_text("15\n")
    assert find_binaries(None, data).major == 15


def test_a_server_on_the_path_is_found(
    tmp_path: Path, data: Path, debian: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(fake_postgres(tmp_path / "local", "18.0")))
    assert find_binaries(None, data).major == 18


def test_a_named_folder_is_the_only_one_looked_at(tmp_path: Path, data: Path, debian: Path) -> None:
    assert find_binaries(fake_postgres(tmp_path / "mine", "15.1"), data).folder == tmp_path / "mine"
    with pytest.raises(
        PostgisMissing, match=rf"not found in {tmp_path}: sudo apt-get install postgresql-postgis$"
    ):
        find_binaries(tmp_path, data)


def test_a_server_that_is_too_old_is_none(tmp_path: Path, data: Path) -> None:
    with pytest.raises(PostgisMissing, match="PostgreSQL 15 or newer was not found"):
        find_binaries(fake_postgres(tmp_path / "mine", "14.2"), data)


def test_a_missing_postgis_names_the_package(tmp_path: Path, data: Path) -> None:
    bindir = fake_postgres(tmp_path / "mine", "16.3", extensions=("btree_gist",))
    with pytest.raises(PostgisMissing, match=r"^PostgreSQL 16 has no postgis: .* postgresql-16-postgis-3$"):
        find_binaries(bindir, data)


def test_data_of_an_absent_version_names_the_package(debian: Path, data: Path) -> None:
    (data / "PG_VERSION").write_text("18\n")
    with pytest.raises(ClusterFailed, match=r"made by PostgreSQL 18, .* install postgresql-18-postgis-3$"):
        find_binaries(None, data)
