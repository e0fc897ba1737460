"""What came of trying compilers: kept as JSON, shown as Markdown, and handed to the engine as rules."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bootimage.base.write_files import write_whole

from bootimage.toolchain.rule_files import SHIPPED
from bootimage.toolchain.toolchain import Toolchain

_JSON, _PAGE = "docs/compilers.json", "docs/compilers.md"
_BEGIN, _END = "<!-- The table: docs/compilers.json -->\n", "<!-- The end of the table -->\n"
_TRIED = "# --- Written by `python bench/compilers.py` and `python bench/loaders.py`: what has been tried.\n"


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
    """Write the table into docs/compilers.md, and what has been tried into the engine's rules.

    `columns` are the columns' names and what the reader reads above them.
    """
    rows = load(project)
    page = project / _PAGE
    above, _, rest = page.read_text().partition(_BEGIN)
    below = rest.partition(_END)[2]
    write_whole(page, "".join([above, _BEGIN, "\n", *_markdown(rows, columns), "\n", _END, below]))
    write_tried(project, rows)


def write_tried(project: Path, rows: Mapping[str, Row]) -> None:
    """Write what has been tried to the end of the engine's rules; docs/loaders.json says more of loaders."""
    from bench.loader_table import load as load_loaders

    loaders = load_loaders(project)
    tried = {(row.rustc, row.rustc_day, row.cargo): list(_loaders(row)) for row in rows.values()}
    for name, facts in loaders.compilers.items():
        key = (facts["release"], facts["commit_date"], facts["release"])
        good = [
            each for each in loaders.versions if (c := loaders.cell(each, name)) is not None and c.is_good
        ]
        tried[key] = good or tried.get(key, [])
    above = SHIPPED.read_text().partition(_TRIED)[0]
    write_whole(SHIPPED, "".join([above, _TRIED, *(_tried(*key, found) for key, found in tried.items())]))


def _loaders(row: Row) -> Iterator[str]:
    for cell in row.cells.values():
        yield from (version for version in cell.loaders if version.startswith("0.11."))


def _tried(rustc: str, day: str, cargo: str, loaders: list[str]) -> str:
    lines = ["", "[[tried]]", f'release = "{rustc}"', f'commit_date = "{day}"']
    lines += [f'cargo = "{cargo}"'] if cargo != rustc else []
    if loaders:
        lines += ["loaders = [", *(f'    "{version}",' for version in loaders), "]"]
    return "\n".join(lines) + "\n"


def _markdown(rows: Mapping[str, Row], columns: Mapping[str, str]) -> Iterator[str]:
    yield f"| compiler | rustc | cargo | {' | '.join(columns.values())} |\n"
    yield f"|---|---|---|{'---|' * len(columns)}\n"
    for name, row in rows.items():
        day = f" ({row.rustc_day})" if row.rustc_day[:1].isdigit() else ""
        cells = (row.cells[each].words if each in row.cells else "not tried" for each in columns)
        words = " | ".join(each.replace("|", "\\|").replace("\n", " ") for each in cells)
        yield f"| {name} | {row.rustc}{day} | {row.cargo} | {words} |\n"
