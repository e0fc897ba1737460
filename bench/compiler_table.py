"""What came of trying compilers: kept as JSON, and shown as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bootimage.base.write_files import write_whole
from bootimage.toolchain.toolchain import Toolchain

_JSON, _PAGE = "docs/compilers.json", "docs/compilers.md"
_BEGIN, _END = "<!-- The table: docs/compilers.json -->\n", "<!-- The end of the table -->\n"


@dataclass(frozen=True)
class Cell:
    """What came of one column: `words` for the reader; `good` when nothing failed."""

    good: bool
    words: str
    loaders: tuple[str, ...] = ()
    """The loaders that built and booted, where the column is about these."""


@dataclass
class Row:
    """One compiler with its cargo: what they are, and the cells by column."""

    rustc: str
    rustc_day: str
    cargo: str
    cells: dict[str, Cell] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether nothing that was tried failed, the demo's boot among it."""
        return "bios" in self.cells and all(cell.good for cell in self.cells.values())

    def loaders(self) -> list[str]:
        """The loaders 0.11 that built and booted."""
        found = (version for cell in self.cells.values() for version in cell.loaders)
        return [version for version in found if version.startswith("0.11.")]

    def is_of(self, toolchain: Toolchain) -> bool:
        """Whether the row is still about the compiler that goes by its name now."""
        found = (self.rustc, self.rustc_day, self.cargo)
        return found == (toolchain.release, toolchain.commit_date, toolchain.cargo_release)


def load(project: Path) -> dict[str, Row]:
    """The rows that are kept, by name; none where nothing has been tried."""
    try:
        data: Mapping[str, Any] = json.loads((project / _JSON).read_text())
    except FileNotFoundError:
        return {}
    return {
        name: Row(**{**row, "cells": {column: _cell(cell) for column, cell in row["cells"].items()}})
        for name, row in data.items()
    }


def _cell(kept: Mapping[str, Any]) -> Cell:
    return Cell(**{**kept, "loaders": tuple(kept["loaders"])})


def keep(project: Path, name: str, toolchain: Toolchain, column: str, cell: Cell) -> None:
    """Add a cell to the row `name`. All is read again: another run may be trying another compiler."""
    rows = load(project)
    if name not in rows or not rows[name].is_of(toolchain):
        rows[name] = Row(toolchain.release, toolchain.commit_date, toolchain.cargo_release)
    rows[name].cells[column] = cell
    write_whole(project / _JSON, json.dumps({key: asdict(row) for key, row in rows.items()}, indent=1) + "\n")


def is_known(project: Path, name: str, toolchain: Toolchain, column: str) -> bool:
    """Whether the column has been tried with this very compiler."""
    row = load(project).get(name)
    return row is not None and row.is_of(toolchain) and column in row.cells


def write(project: Path, columns: Mapping[str, str]) -> None:
    """Write the table into docs/compilers.md.

    `columns` are the columns' names and what the reader reads above them.
    """
    rows = load(project)
    page = project / _PAGE
    above, _, rest = page.read_text().partition(_BEGIN)
    below = rest.partition(_END)[2]
    write_whole(page, "".join([above, _BEGIN, "\n", *_markdown(rows, columns), "\n", _END, below]))


def _markdown(rows: Mapping[str, Row], columns: Mapping[str, str]) -> Iterator[str]:
    yield f"| compiler | rustc | cargo | {' | '.join(columns.values())} |\n"
    yield f"|---|---|---|{'---|' * len(columns)}\n"
    for name, row in rows.items():
        day = f" ({row.rustc_day})" if row.rustc_day[:1].isdigit() else ""
        cells = (row.cells[each].words if each in row.cells else "not tried" for each in columns)
        words = " | ".join(each.replace("|", "\\|").replace("\n", " ") for each in cells)
        yield f"| {name} | {row.rustc}{day} | {row.cargo} | {words} |\n"
