"""The documents say what the code says: every problem, every setting, every link."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

import access
import api
import core
import geo
import patrol
import registry
import seeds
import worker
from core.errors import DomainError
from core.problem_texts import TITLES_ZH
from core.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def all_errors() -> set[type[DomainError]]:
    for package in (core, geo, access, patrol, registry, api, worker, seeds):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found: set[type[DomainError]] = set()
    open_kinds = [DomainError]
    while open_kinds:
        kinds = open_kinds.pop().__subclasses__()
        open_kinds += kinds
        # Test modules may define errors of their own.
        found.update(kind for kind in kinds if not kind.__module__.startswith("test"))
    return found


def setting_names(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from setting_names(field.annotation, f"{prefix}{name.upper()}__")
        else:
            yield prefix + name.upper()


def test_every_problem_is_listed_with_its_title() -> None:
    listed = dict(re.findall(r"^\| `([a-z0-9-]+)` \| \d+ \| (.+?) \|", problems_page(), re.MULTILINE))
    raised = {error.code: error().title for error in all_errors() if "__init__" not in vars(error)}
    assert {code: listed.get(code) for code in raised} == raised


def test_every_problem_has_a_chinese_title() -> None:
    beside = {"internal", "no-such-address", "method-not-allowed", "http-error"}  # of no class
    assert set(TITLES_ZH) == {error.code for error in all_errors()} | beside


def test_a_code_belongs_to_one_error() -> None:
    codes = [error.code for error in all_errors()]
    assert sorted(codes) == sorted(set(codes))


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    missing = [name for name in setting_names(Settings, "XUNGE_") if f"`{name}`" not in page]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text(encoding="utf-8"))
    broken = [link for link in links if not (document.parent / link).exists()]
    assert broken == []


def problems_page() -> str:
    return (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")
