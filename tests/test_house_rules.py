"""The house rules that a machine can check, each also shown a small tree that breaks it."""

import ast
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

FUNCTION_LINES = 40
HANDLER_LINES = 15
FILE_LINES = 400
POSITIONAL_PARAMETERS = 5

DOORS = ("api/", "cli/", "seeds/", "worker/")
# Tests and measurements stand outside the product; set-up and migrations run before it does.
OUTSIDE = ("alembic/", "benchmarks/", "scripts/", "tests/")
# A migration is a record of what was done to a database: it is never split or tidied afterwards.
RECORDS = "alembic/versions/"
NOT_PACKAGES = frozenset({"alembic", "benchmarks", "docs", "requirements", "scripts", "tests", "web"})
NOT_OURS = frozenset({"node_modules", "dist", "coverage", "__pycache__"})
FOREIGN_LOCKS = frozenset({"Pipfile.lock", "pnpm-lock.yaml", "poetry.lock", "uv.lock", "yarn.lock"})
TEXT = (".css", ".html", ".in", ".json", ".md", ".py", ".sh", ".sql", ".toml", ".ts", ".txt", ".vue", ".yml")
VAGUE_MODULES = frozenset({"common", "helper", "helpers", "manager", "misc", "util", "utils"})
BUILTIN_NAMES = frozenset({"get", "id", "list", "type"})

ABSOLUTE_PATH = re.compile(r"(?<![\w.:/*-])/(?:home|root|Users|work)/\w")
REGISTRY_ADDRESS = re.compile(r"://|--(?:extra-)?index-url|--find-links")
# Both spellings of the call: datetime.now() and datetime.datetime.now().
WALL_CLOCK = re.compile(r"^(?:\w+\.)?(?:datetime|date|dt)\.(?:now|utcnow|today)$|^time\.time(?:_ns)?$")
ENVIRONMENT = re.compile(r"^os\.(?:environ|environb|getenv|putenv)\b|^(?:environ|getenv)$")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Breaches = Iterator[tuple[str, int, str]]  # file, line, what is wrong


# ------------------------------------------------------------------------------------- what the rules look at


def own_files(root: Path, *suffixes: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of our own files with these suffixes, in a fixed order."""
    for parent, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in NOT_OURS and not name.startswith("."))
        for path in (Path(parent, name) for name in sorted(names)):
            if path.suffix in suffixes:
                yield path.relative_to(root).as_posix(), path.read_text()


@cache
def modules(root: Path) -> tuple[tuple[str, ast.Module], ...]:
    return tuple((name, ast.parse(text, name)) for name, text in own_files(root, ".py"))


def functions(root: Path) -> Iterator[tuple[str, Function]]:
    for name, module in modules(root):
        for node in ast.walk(module):
            if isinstance(node, Function):
                yield name, node


def dotted_names(root: Path) -> Iterator[tuple[str, int, str]]:
    """Yield every name and attribute chain as it is written: `os`, `os.environ`, `sessions.begin`."""
    for name, module in modules(root):
        for node in ast.walk(module):
            if isinstance(node, ast.Attribute | ast.Name):
                yield name, node.lineno, ast.unparse(node)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield name, node.lineno, f"{node.module}.{alias.name}"


def is_table(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith("Base") for base in node.bases)


# ------------------------------------------------------------------------------------------------- the rules


def functions_are_short(root: Path) -> Breaches:
    for name, node in functions(root):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > FUNCTION_LINES and not name.startswith(RECORDS):
            yield name, node.lineno, f"{node.name} has {lines} lines, at most {FUNCTION_LINES}"


def handlers_are_shorter(root: Path) -> Breaches:
    for name, node in functions(root):
        if not (name.startswith("api/routes/") and node.decorator_list):
            continue
        body = node.body[1:] if ast.get_docstring(node) else node.body
        lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
        if lines > HANDLER_LINES:
            yield name, node.lineno, f"the body of {node.name} has {lines} lines, at most {HANDLER_LINES}"


def files_are_short(root: Path) -> Breaches:
    for name, text in own_files(root, ".py", ".ts", ".vue"):
        lines = len(text.splitlines())
        if lines > FILE_LINES and not name.startswith(RECORDS):
            yield name, FILE_LINES + 1, f"{lines} lines, at most {FILE_LINES}"


def parameters_are_few(root: Path) -> Breaches:
    for name, node in functions(root):
        names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
        positional = [one for one in names if one not in {"self", "cls"}]
        if len(positional) > POSITIONAL_PARAMETERS:
            yield name, node.lineno, f"{node.name} takes {len(positional)} parameters before `*`"


def time_comes_from_the_clock(root: Path) -> Breaches:
    for name, line, dotted in dotted_names(root):
        if WALL_CLOCK.search(dotted) and name != "core/clock.py" and not name.startswith("scripts/"):
            yield name, line, f"{dotted}: take the time from core.clock"


def environment_is_read_once(root: Path) -> Breaches:
    for name, line, dotted in dotted_names(root):
        if ENVIRONMENT.search(dotted) and name != "core/settings.py" and not name.startswith("scripts/"):
            yield name, line, f"{dotted}: take it from core.settings"


def only_doors_commit(root: Path) -> Breaches:
    for name, line, dotted in dotted_names(root):
        if dotted.endswith((".commit", "sessions.begin")) and not name.startswith(DOORS + OUTSIDE):
            yield name, line, f"{dotted}: only {', '.join(DOORS)} end a transaction"


def locks_name_no_registry(root: Path) -> Breaches:
    for name, text in own_files(root, ".txt", ".json", ".lock", ".yaml"):
        for number, line in enumerate(text.splitlines(), 1):
            if name.endswith("package-lock.json") and '"resolved"' in line:
                yield name, number, "an address that `make lock` leaves out"
            if name.startswith("requirements/") and REGISTRY_ADDRESS.search(line):
                yield name, number, "an address of a package registry"
        if name.rpartition("/")[2] in FOREIGN_LOCKS:
            yield name, 1, "this kind of lock names registries; see CONTRIBUTING.md"


def paths_are_relative(root: Path) -> Breaches:
    for name, text in own_files(root, *TEXT):
        for number, line in enumerate(text.splitlines(), 1):
            if found := ABSOLUTE_PATH.search(line):
                yield name, number, f"the path {found.group()}… exists on one machine only"


def nothing_is_shadowed(root: Path) -> Breaches:
    if (root / "alembic/__init__.py").exists():
        yield "alembic/__init__.py", 1, "shadows the library of the same name"
    for name, _ in own_files(root, ".py"):
        top = name.partition("/")[0].removesuffix(".py")
        if top in sys.stdlib_module_names:
            yield name, 1, f"shadows the standard library's {top}"


def names_say_something(root: Path) -> Breaches:
    for name, module in modules(root):
        if Path(name).stem in VAGUE_MODULES:
            yield name, 1, "a module name that fits everything"
        for node in module.body:
            if isinstance(node, Function) and node.name in BUILTIN_NAMES:
                yield name, node.lineno, f"{node.name} says nothing; name what it does"


def models_hold_tables_only(root: Path) -> Breaches:
    for name, module in modules(root):
        if not name.endswith("/models.py"):
            continue
        for node in module.body:
            if isinstance(node, Function) or (isinstance(node, ast.ClassDef) and not is_table(node)):
                yield name, node.lineno, f"{node.name} is not a table"


def packages_have_import_contracts(root: Path) -> Breaches:
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]
    known = set(contracts["root_packages"])
    found = {path.parent.name for path in root.glob("*/__init__.py")} - NOT_PACKAGES
    for package in sorted(found ^ known):
        yield "pyproject.toml", 1, f"root_packages and the folders differ by {package}"
    layers = " ".join(contracts["contracts"][0]["layers"])
    for package in sorted(found - set(re.findall(r"\w+", layers))):
        yield "pyproject.toml", 1, f"{package} is in no layer"


# ---------------------------------------------------------------------------------------- proof of each rule

LONG_BODY = "    x = 1\n" * FUNCTION_LINES
NO_CONTRACTS = '[tool.importlinter]\nroot_packages = []\n[[tool.importlinter.contracts]]\nlayers = ["core"]\n'

Rule = Callable[[Path], Breaches]
# rule, a file that breaks it, its text, the line that must be named
BROKEN: tuple[tuple[Rule, str, str, int], ...] = (
    (functions_are_short, "core/a.py", f"\ndef walk():\n{LONG_BODY}", 2),
    (functions_are_short, "core/a.py", f"class A:\n  async def walk(self):\n{LONG_BODY}", 2),
    (handlers_are_shorter, "api/routes/a.py", "@router.post('/')\ndef put():\n" + "    x = 1\n" * 16, 2),
    (files_are_short, "web/src/a.vue", "<p/>\n" * 401, 401),
    (parameters_are_few, "core/a.py", "def walk(a, b, c, /, d, e, f, *, g): ...\n", 1),
    (time_comes_from_the_clock, "core/a.py", "\nx = datetime.now(UTC)\n", 2),
    (time_comes_from_the_clock, "core/a.py", "x = datetime.datetime.utcnow()\n", 1),
    (time_comes_from_the_clock, "core/a.py", "x = date.today()\n", 1),
    (time_comes_from_the_clock, "core/a.py", "from time import time\n", 1),
    (environment_is_read_once, "core/a.py", "x = os.environ['A']\n", 1),
    (environment_is_read_once, "core/a.py", "from os import getenv\n", 1),
    (only_doors_commit, "core/a.py", "def walk(session):\n    session.commit()\n", 2),
    (only_doors_commit, "patrol/a.py", "with sessions.begin() as session: ...\n", 1),
    (locks_name_no_registry, "web/package-lock.json", '{\n"resolved": "x"}', 2),
    (locks_name_no_registry, "requirements/a.txt", "--find-links x\n", 1),
    (locks_name_no_registry, "requirements/a.txt", "a @ https://x\n", 1),
    (locks_name_no_registry, "uv.lock", "", 1),
    (paths_are_relative, "docs/a.md", "see\n/" + "home/me/x\n", 2),
    (nothing_is_shadowed, "alembic/__init__.py", "", 1),
    (nothing_is_shadowed, "queue/a.py", "", 1),
    (names_say_something, "core/utils.py", "", 1),
    (names_say_something, "core/a.py", "def get(): ...\n", 1),
    (models_hold_tables_only, "core/models.py", "class A(Base): ...\ndef walk(): ...\n", 2),
    (models_hold_tables_only, "core/models.py", "class A(StrEnum): ...\n", 1),
    (packages_have_import_contracts, "extra/__init__.py", "", 1),
)
RULES = tuple(dict.fromkeys(rule for rule, *_ in BROKEN))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps(rule: Rule) -> None:
    breaches = [f"{name}:{line}: {what}" for name, line, what in rule(ROOT)]
    assert not breaches, "\n" + "\n".join(breaches)


@pytest.mark.parametrize(
    ("rule", "name", "text", "line"),
    BROKEN,
    ids=[f"{rule.__name__}-{i}" for i, (rule, *_) in enumerate(BROKEN)],
)
def test_a_breach_is_found(rule: Rule, name: str, text: str, line: int, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(NO_CONTRACTS)
    broken = tmp_path / name
    broken.parent.mkdir(parents=True, exist_ok=True)
    broken.write_text(text)

    breaches = list(rule(tmp_path))

    assert [found for _, found, _ in breaches][:1] == [line]
    assert breaches[0][0] in {name, "pyproject.toml"}
