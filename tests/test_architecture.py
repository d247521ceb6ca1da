"""The house keeps its shape: who may import whom, what files are called, what locks may say."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
NOT_OURS = re.compile(
    r"\.git|\.venv.*|node_modules|\.playground|__pycache__|\..*_cache|\.hypothesis"
)
SAYS_NOTHING = re.compile(r"(?:^|[_.-])(?:helper|util|manager|service|data|info)s?(?:[_.-]|$)")
# Paths of the machine on which a line was written, which say nothing to anybody else.
SOMEBODYS_PATH = re.compile(r"(?<![\w.])/(?:work|root|home/\w+)/|(?<![\w/])(?:shared)/")
SOMEBODYS_REGISTRY = re.compile(r"https?://|file:|--(?:extra-)?index-url|--find-links")


def our_files(folder: Path = ROOT) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if NOT_OURS.fullmatch(path.name):
            continue
        if path.is_dir():
            yield from our_files(path)
        else:
            yield path


def our_modules() -> list[Path]:
    return [path for path in our_files() if path.suffix == ".py"]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported_by(module: Path) -> set[str]:
    """Return the top-level names that a module imports."""
    nodes = list(ast.walk(ast.parse(module.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {imported.split(".")[0] for imported in plain | named}


def test_imports_run_one_way() -> None:
    # In a process of its own: it switches the loggers of all others off.
    linter = Path(sys.executable).with_name("lint-imports")

    said = subprocess.run(
        [linter, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert said.returncode == 0, said.stdout


def test_the_core_proper_knows_only_the_standard_library_and_pydantic() -> None:
    known = sys.stdlib_module_names | {"pydantic", "approvals_core"}
    core = [path for path in our_modules() if path.is_relative_to(ROOT / "approvals_core")]
    proper = [path for path in core if "adapters" not in path.parts]

    strangers = {name(path): imported_by(path) - known for path in proper}

    assert proper
    assert {path: names for path, names in strangers.items() if names} == {}


def test_every_module_begins_by_saying_what_it_is() -> None:
    silent = [name(path) for path in our_modules() if not _begins_with_a_docstring(path)]

    assert silent == []


def _begins_with_a_docstring(module: Path) -> bool:
    lines = module.read_text(encoding="utf-8").splitlines()
    if lines and lines[0].startswith("# pyright: standard"):
        lines = [line for line in lines if not line.startswith("#")]  # the reason comes with it
    return lines[0].startswith('"""') if lines else module.name == "__init__.py"


def test_no_file_has_a_name_that_says_nothing() -> None:
    stems = {name(path): path.relative_to(ROOT).with_suffix("").parts for path in our_files()}

    empty = [path for path, parts in stems.items() if any(map(SAYS_NOTHING.search, parts))]

    assert empty == []


def test_no_file_mentions_the_machine_it_was_written_on() -> None:
    found = [
        f"{name(path)}:{number}"
        for path in our_files()
        for number, line in enumerate(path.read_bytes().decode(errors="replace").splitlines(), 1)
        if SOMEBODYS_PATH.search(line)
    ]

    assert found == []


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_the_locks_name_no_registry(lock: str) -> None:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if SOMEBODYS_REGISTRY.search(line)] == []


def test_the_lock_of_the_web_packages_names_no_registry() -> None:
    lock = (ROOT / "web/package-lock.json").read_text(encoding="utf-8")

    assert '"resolved"' not in lock


def test_the_locks_hold_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    runtime = project["dependencies"]
    everything = [*runtime, *chain(*project["optional-dependencies"].values())]

    assert _missing(runtime, _pins("requirements.txt")) == []
    assert _missing(everything, _pins("requirements-dev.txt")) == []
    assert _pins("requirements.txt").items() <= _pins("requirements-dev.txt").items()


def _pins(lock: str) -> dict[str, str]:
    pin = re.compile(r"^([a-z0-9-]+)==([^\s;]+)", re.MULTILINE)
    return dict(pin.findall((ROOT / lock).read_text(encoding="utf-8")))


def _missing(asked: list[str], pins: dict[str, str]) -> list[str]:
    wanted = [Requirement(line) for line in asked if not line.startswith("approvals[")]
    return [str(one) for one in wanted if not one.specifier.contains(pins.get(one.name, "0"))]
