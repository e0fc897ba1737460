"""The code's layout: what a newcomer may rely on when looking for a file by its name."""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
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
    files.remove(tests / "child_processes.py")
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
