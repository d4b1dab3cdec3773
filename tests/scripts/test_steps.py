"""The set-up makes what is missing or changed, once, and never trusts what was interrupted."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import steps
from steps import Part, SetupFailed, fingerprint_of, make_ready, run


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(steps, "ROOT", tmp_path)
    monkeypatch.setattr(steps, "STATE", tmp_path / ".setup")
    monkeypatch.setattr(steps, "LOG", tmp_path / ".setup/setup.log")
    return tmp_path


@pytest.fixture
def source(own_place: Path) -> Path:
    path = own_place / "lock.txt"
    path.write_text("one")
    return path


def copying(source: Path, made: list[str], name: str = "copy", needs: tuple[str, ...] = ()) -> Part:
    target = source.with_name(f"{name}.made")

    def make() -> None:
        made.append(name)
        target.write_text(source.read_text())

    return Part(name, name, make, needs, fingerprint=lambda: fingerprint_of([source]), evidence=(target,))


def test_a_part_is_made_once(source: Path) -> None:
    made: list[str] = []
    part = copying(source, made)

    assert [make_ready(["copy"], [part]) for _ in range(3)] == [1, 0, 0]
    assert made == ["copy"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda source: source.write_text("two"), id="input changed"),
        pytest.param(lambda source: source.unlink(), id="input gone"),
        pytest.param(lambda source: source.with_name("copy.made").unlink(), id="result gone"),
    ],
)
def test_a_part_is_made_again_when_it_is_no_longer_true(
    source: Path, change: Callable[[Path], object]
) -> None:
    part = copying(source, [])
    make_ready(["copy"], [part])

    change(source)

    assert not part.is_ready()


def test_what_a_part_needs_comes_first(source: Path) -> None:
    made: list[str] = []
    parts = [
        copying(source, made, name, needs)
        for name, needs in [("a", ()), ("b", ("a",)), ("c", ("b",)), ("d", ())]
    ]

    make_ready(["c"], parts)

    assert made == ["a", "b", "c"]


def test_an_interrupted_part_is_made_again(source: Path) -> None:
    made: list[str] = []
    part = copying(source, made)
    make_ready(["copy"], [part])
    source.write_text("two")

    def interrupted() -> None:
        raise KeyboardInterrupt

    half = Part("copy", "copy", interrupted, fingerprint=part.fingerprint, evidence=part.evidence)
    with pytest.raises(KeyboardInterrupt):
        make_ready(["copy"], [half])
    source.write_text("one")  # as it was when the part was last whole

    assert make_ready(["copy"], [part]) == 1


def test_a_part_that_claims_success_must_be_there(source: Path) -> None:
    missing = Part("font", "font", lambda: None, is_present=lambda: False)

    with pytest.raises(SetupFailed, match="still it is not there"):
        make_ready(["font"], [missing])


def test_a_failing_command_shows_both_ends_of_what_it_said() -> None:
    steps.start_log()
    talk = "import sys; print('\\n'.join(f'line {n}.' for n in range(100))); sys.exit(3)"

    with pytest.raises(SetupFailed, match="ended with code 3") as failure:
        run(sys.executable, "-c", talk)

    told = str(failure.value)
    assert "line 0." in told
    assert "line 99." in told
    assert "line 50." not in told


def test_a_command_that_is_not_there_is_named() -> None:
    steps.start_log()

    with pytest.raises(SetupFailed, match="cannot start no-such-program"):
        run("no-such-program")
