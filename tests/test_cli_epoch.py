"""`xunge epoch`, run as a person types it."""

from pathlib import Path

import pytest

from cli.app import run

Captured = pytest.CaptureFixture[str]


@pytest.mark.own_database
def test_epochs_are_listed_and_begun(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path
) -> None:
    monkeypatch.setenv("XUNGE_HOME", str(tmp_path))
    monkeypatch.setenv("XUNGE_DATABASE_URL", own_database_url)
    assert run(["epoch", "list"]) == 0
    assert "No phone has synced yet" in capsys.readouterr().err
    for number in (1, 2):
        assert run(["epoch", "bump"]) == 0
        assert f"epoch {number}-" in capsys.readouterr().err
    assert run(["epoch", "list"]) == 0
    listed = capsys.readouterr().out
    assert listed.count("by-hand") == 2
    assert listed.index("2-") < listed.index("1-")
