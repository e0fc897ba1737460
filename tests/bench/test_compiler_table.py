"""The table of compilers: what is kept of trials, what is shown, and which compilers then count as tried."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_toolchain import rustc

from bench import compiler_table, tried_rows
from bench.compiler_table import Cell
from bootimage.toolchain import fact_cache, rule_files
from bootimage.toolchain.compiler_rules import Version, compiler_rules
from bootimage.toolchain.toolchain import ToolchainRequest, find_toolchain

COLUMNS = {"bios": "demo on BIOS", "loader-0.11": "loader 0.11"}
PAGE = f"# Compilers\n\n{compiler_table._BEGIN}old\n{compiler_table._END}\nThe rest.\n"
GOOD = {"bios": Cell(True, "passes"), "loader-0.11": Cell(True, "a | b", ("0.11.17", "0.9.35"))}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a page and rules of its own."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/compilers.md").write_text(PAGE)
    shipped = tmp_path / "compiler_rules.toml"
    shipped.write_text(f'written = "2026-11-26"\n{tried_rows._BEGIN}\n[[tried]]\nrelease = "1.2.3"\n')
    for module in (rule_files, tried_rows):
        monkeypatch.setattr(module, "SHIPPED", shipped)
    return tmp_path


def tried(project: Path, monkeypatch: pytest.MonkeyPatch, cells: dict[str, Cell]) -> Any:
    """What the rules say of a compiler after these trials."""
    monkeypatch.setattr(fact_cache, "_known", {})
    environ = {"HOME": str(project / "home"), "PATH": "/nowhere"}
    compiler = rustc(project / "usr", "1.105.0")
    toolchain = find_toolchain(ToolchainRequest(project, rustc=str(compiler), environ=environ))
    for column, cell in cells.items():
        compiler_table.keep(project, "tomorrow", toolchain, column, cell)
    compiler_table.write(project, COLUMNS)
    tried_rows.write_tried(project)
    version = Version("1.105.0", toolchain.commit_date)
    rows = {row["release"]: row for row in rule_files.read_rules(environ).rows["tried"]}
    return compiler_rules(version, version, {**environ, "RUSTKERNEL_STORE": "off"}), rows


def test_a_compiler_with_which_all_is_well_counts_as_tried(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules, rows = tried(project, monkeypatch, GOOD)
    assert rules.untried == ""
    assert rows.keys() == {"1.105.0"}
    assert rows["1.105.0"]["loaders"] == ["0.11.17"]
    page = (project / "docs/compilers.md").read_text()
    assert "| tomorrow | 1.105.0" in page and "| passes | a \\| b |" in page
    assert page.startswith("# Compilers\n") and page.endswith("\nThe rest.\n") and "old" not in page


@pytest.mark.parametrize(
    "cells", [{}, {"loader-0.11": GOOD["loader-0.11"]}, GOOD | {"uefi": Cell(False, "black")}]
)
def test_one_with_which_something_fails_does_not(
    project: Path, monkeypatch: pytest.MonkeyPatch, cells: dict[str, Cell]
) -> None:
    rules, rows = tried(project, monkeypatch, cells)
    assert rules.untried == "rustc 1.105.0"
    assert rows == {}
