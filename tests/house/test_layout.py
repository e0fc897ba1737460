"""The code's layout: what a newcomer may rely on when looking for a file by its name."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import Counter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
ENGINE = CHECKOUT / "bootimage"
TOOL = CHECKOUT / "site_scons/site_tools/rustkernel"
MODULES = sorted(
    path for root in (ENGINE, TOOL) for path in root.rglob("*.py") if not path.name.startswith("__")
)


def test_a_file_name_occurs_once() -> None:
    assert len(MODULES) > 150
    assert [name for name, number in Counter(path.name for path in MODULES).items() if number > 1] == []


def test_the_engine_has_four_loose_modules() -> None:
    assert {path.name for path in ENGINE.glob("*.py")} == {"__init__.py", "api.py", "cli.py", "context.py"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"


def test_every_package_is_installed() -> None:
    """The wheel has all packages but the set-up, which only a checkout needs."""
    listed = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {path.parent for root in (ENGINE, TOOL) for path in root.rglob("__init__.py")}
    found = {
        ".".join(folder.relative_to(CHECKOUT).parts).removeprefix("site_scons.site_tools.")
        for folder in folders
    }
    assert found - {*listed} == {"bootimage.set_up"}
    assert {*listed} - found == {"SCons.Tool.rustkernel"}, "which is site_scons/installed_tool"


def test_the_map_names_every_package() -> None:
    text = (CHECKOUT / "docs/architecture.md").read_text()
    packages = {f"{path.parent.name}/" for path in ENGINE.glob("*/__init__.py")}
    assert [name for name in sorted(packages) if f"`{name}`" not in text] == []


def test_no_test_waits_for_its_child_for_ever() -> None:
    """`with Popen` waits, even after a failed assertion; `child_processes.started` kills."""
    tests = CHECKOUT / "tests"
    files = [path for each in ("*.py", "*/*.py") for path in tests.glob(each)]
    files.remove(tests / "helpers/child_processes.py")
    assert len(files) > 100
    waiting = [
        f"{path.relative_to(CHECKOUT)}:{item.context_expr.lineno}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.With)
        for item in node.items
        if ast.unparse(item.context_expr).startswith(("subprocess.Popen(", "Popen("))
    ]
    assert waiting == []


TESTS = CHECKOUT / "tests"
PACKAGES = sorted(path.parent.name for path in ENGINE.glob("*/__init__.py"))


def _imported(path: Path) -> set[str]:
    """The modules that a file imports, and what it takes from each, by their full names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


def test_each_package_has_its_folder_of_tests() -> None:
    assert len(PACKAGES) > 15
    assert [name for name in PACKAGES if not list((TESTS / name).glob("test_*.py"))] == []
    elsewhere = {path.name for path in TESTS.glob("test_*.py")}
    assert elsewhere == {"test_api.py"}, "beside the engine's loose modules nothing lies flat"


# Those that run programs as a user does, or reach the package through one of these, import nothing of it.
_THROUGH = ("cli_shell", "subprocess", "fake_compiler.refusal_of_line", "stores")


def test_a_test_lies_with_the_package_that_it_tests() -> None:
    strangers = [
        f"{name}/{path.name}"
        for name in PACKAGES
        for path in sorted((TESTS / name).glob("test_*.py"))
        if not _imported(path).intersection(_THROUGH)
        and not any(module.startswith(f"bootimage.{name}.") for module in _imported(path))
    ]
    assert strangers == []


def test_what_tests_share_is_a_helper() -> None:
    """Neither a conftest nor another file of tests is imported, and no helper hides a dependency."""
    conftests = {path: _imported(path) for path in TESTS.glob("*/*.py")}
    asked = [
        f"{path.relative_to(TESTS)}: {name}"
        for path, names in conftests.items()
        for name in sorted(names)
        if name.split(".")[-1].startswith(("conftest", "test_")) and not name.startswith("rustkernel")
    ]
    assert asked == []
    helpers = {path.stem for path in (TESTS / "helpers").glob("*.py")}
    assert len(helpers) > 25
    assert helpers & ({*packages_distributions()} | {*sys.stdlib_module_names}) == set()
