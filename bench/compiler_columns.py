"""What is tried with each compiler: tests of the project, run as they are, and several loaders."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from bench.compiler_list import Compiler
from bench.compiler_table import Cell
from bench.loader_kernel import try_loader
from bootimage.context import open_context

_LONGEST = 160


@dataclass(frozen=True)
class Column:
    """A column: its title, and the tests, or else the loaders, that it stands for."""

    title: str
    tests: tuple[str, ...] = ()
    loaders: tuple[str, ...] = ()


COLUMNS: Mapping[str, Column] = {
    "bios": Column("demo on BIOS", ("tests/whole/test_demo.py::test_paints_every_byte[run-qemu]",)),
    "uefi": Column("demo on UEFI", ("tests/whole/test_demo.py::test_paints_every_byte[run-qemu-uefi]",)),
    "loader-0.9": Column("loader 0.9", loaders=("0.9.35", "0.9.31")),
    "loader-0.11": Column("loader 0.11", loaders=("0.11.17", "0.11.15", "0.11.10")),
    "kernel-test": Column(
        "KernelTest",
        (
            "tests/whole/test_demo_kernel_test.py",
            "tests/examples/test_examples.py::test_every_kind_of_test_passes_on_loader_0_9",
        ),
    ),
    "rebuilds": Column(
        "table of rebuilds",
        (
            "tests/whole/test_contents.py",
            "tests/whole/test_vga_text.py::test_an_edited_kernel_is_only_linked_again",
            "tests/examples/test_examples.py::test_a_workspace_builds_again_what_depends_on_an_edit",
        ),
    ),
}


def try_column(project: Path, compiler: Compiler, column: Column, scratch: Path) -> Cell:
    """Run all that the column stands for with this compiler."""
    if column.tests:
        return _run_tests(project, compiler, column.tests, scratch)
    return _try_loaders(project, compiler, column.loaders, scratch)


def _run_tests(project: Path, compiler: Compiler, tests: Sequence[str], scratch: Path) -> Cell:
    report = scratch / "report.xml"
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    with (scratch / "pytest.log").open("w") as log:
        subprocess.run(
            [*pytest, *tests],
            cwd=project,
            env=compiler.environ(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
        )
    if not report.is_file():
        return Cell(False, "pytest did not run")
    cases = list(ElementTree.parse(report).iter("testcase"))
    report.unlink()
    failed = {str(case.get("name")): why for case in cases if (why := _why(case)) is not None}
    if not failed:
        return Cell(True, f"{len(cases)} of {len(cases)}" if len(cases) > 1 else "passes")
    name, why = next(iter(failed.items()))
    return Cell(False, f"{len(cases) - len(failed)} of {len(cases)} ({name}: {why[:_LONGEST]})")


def _why(case: ElementTree.Element) -> str | None:
    """The first line of why a test did not pass; None where it did. What was skipped was not tried."""
    for kind in ("failure", "error", "skipped"):
        found = case.find(kind)
        if found is not None:
            return (found.get("message") or kind).partition("\n")[0]
    return None


def _try_loaders(project: Path, compiler: Compiler, versions: Sequence[str], scratch: Path) -> Cell:
    context = open_context(project, compiler.environ())
    cells = {version: try_loader(context, version, scratch / version) for version in versions}
    failed = {version: cell.words for version, cell in cells.items() if not cell.is_good}
    good = tuple(version for version in versions if version not in failed)
    words = [f"{', '.join(good)} boot{'s' * (len(good) == 1)}"] if good else []
    words += [f"{version}: {why[:_LONGEST]}" for version, why in failed.items()]
    return Cell(not failed, "; ".join(words), good)
