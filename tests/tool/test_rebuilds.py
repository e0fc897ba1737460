"""The table of rebuilds, cell by cell: what is built again after which change, and nothing else."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import full_project
import pytest
from project_changes import CHANGES, OUTPUTS
from scons_project import CHECKOUT, Project

TABLE = tomllib.loads(Path(__file__).with_name("rebuilds.toml").read_text())
COLUMNS: list[str] = TABLE.pop("columns")
ROWS: dict[str, Any] = {row["change"]: row.get("rebuilt", []) for part in TABLE.values() for row in part}
FILES = {Path(place).name: column for column, place in full_project.PLACES.items()}
FILES["sysroot-alloc.json"] = "sysroot"


@pytest.fixture(scope="module")
def up_to_date(make_shared: Callable[..., Project]) -> Project:
    """The rich project, built; to be copied."""
    project = make_shared(full_project.FILES, name="rich")
    (project.root / "rust-toolchain.toml").write_text(f'[toolchain]\npath = "{project.tools.root}"\n')
    project.scons()
    return project


@pytest.fixture
def built(up_to_date: Project, tmp_path: Path) -> Project:
    """The rich project, up to date, to be changed."""
    return up_to_date.copy(tmp_path / "rich")


def columns_of(rebuilt: set[str]) -> set[str]:
    return {FILES[name] for name in rebuilt}


@pytest.mark.parametrize("change", [row for row in ROWS if row in CHANGES])
def test_row(change: str, built: Project) -> None:
    result = CHANGES[change](built)
    project, arguments = (result, ()) if isinstance(result, Project) else (built, result or ())
    expected = set(COLUMNS) if ROWS[change] == "everything" else set(ROWS[change])
    assert columns_of(project.rebuilt(*arguments)) == expected
    assert project.rebuilt(*arguments) == set(), "and then there is nothing left to do"


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("change", OUTPUTS)
def test_output(change: str, column: str, built: Project) -> None:
    path = built.root / "build" / full_project.PLACES[column]
    before = path.read_bytes()
    OUTPUTS[change](path)
    assert columns_of(built.rebuilt()) == {column}
    assert path.read_bytes() == before


def test_every_row_is_tested() -> None:
    assert set(ROWS) == {*CHANGES, *OUTPUTS}
    assert set(COLUMNS) == set(full_project.PLACES)


def test_docs_show_this_table() -> None:
    text = (CHECKOUT / "docs/rebuilds.md").read_text()
    assert markdown() in text, "write it anew: PYTHONPATH=.:tests/helpers .venv/bin/python " + __file__


def markdown() -> str:
    """The table as docs/rebuilds.md has it."""
    head = "| | " + " | ".join(COLUMNS) + " |"
    lines = []
    for part, rows in TABLE.items():
        lines += [f"\n### {part}\n", head, "|---|" + ":-:|" * len(COLUMNS)]
        lines += [_line(row["change"], row.get("rebuilt", [])) for row in rows]
    return "\n".join(lines) + "\n"


def _line(change: str, rebuilt: Any) -> str:
    if rebuilt == "that one":
        return f"| {change} | " + " | ".join("itself" for _ in COLUMNS) + " |"
    return f"| {change} | " + " | ".join("x" if _is_in(rebuilt, each) else "" for each in COLUMNS) + " |"


def _is_in(rebuilt: Any, column: str) -> bool:
    return rebuilt == "everything" or column in rebuilt


def _write_docs() -> None:
    path = CHECKOUT / "docs/rebuilds.md"
    above, marker, rest = path.read_text().partition("<!-- The table: tests/tool/rebuilds.toml -->\n")
    below = rest[rest.index("<!-- The end of the table -->") :]
    path.write_text(f"{above}{marker}{markdown()}\n{below}")


if __name__ == "__main__":
    _write_docs()
