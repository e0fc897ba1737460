"""What came of trying the loaders: kept as JSON, and shown as Markdown."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bootimage.base.write_files import write_whole
from bootimage.toolchain.toolchain import Toolchain

_JSON, _PAGE = "docs/loaders.json", "docs/loaders.md"

_HEAD = """\
# Which loader 0.11 builds with which compiler

Written by `python bench/loaders.py`, which tries everything below anew; `--help` tells how to try one
version or one compiler. Each version's five programs are built from their published source, with the
crates held back that the rules name ([compilers.md](compilers.md)), and a minimal kernel made with the same
version of `bootloader_api` boots in QEMU on BIOS and on UEFI.

*Boots* means: the kernel ran and said so on both. *Not tried* means just that.
"""


@dataclass(frozen=True)
class Cell:
    """One version with one compiler; None where it has not been tried."""

    builds: bool
    bios: bool | None = None
    uefi: bool | None = None
    reason: str = ""

    @property
    def is_good(self) -> bool:
        """True when nothing that was tried failed."""
        return self.builds and self.bios is not False and self.uefi is not False and not self.reason

    @property
    def words(self) -> str:
        """The cell for a reader."""
        if not self.builds:
            return f"does not build ({self.reason})"
        boots = [name for name, state in (("BIOS", self.bios), ("UEFI", self.uefi)) if state]
        if len(boots) == 2:
            return "boots"
        where = f"boots on {boots[0]} alone" if boots else "builds"
        return f"{where} ({self.reason})" if self.reason else f"{where}, boot not tried"


@dataclass
class Table:
    """All that has been tried: `compilers` and their releases, `versions` newest first, `cells` by both."""

    compilers: dict[str, dict[str, str]] = field(default_factory=dict)
    versions: list[str] = field(default_factory=list)
    cells: dict[str, dict[str, Cell]] = field(default_factory=dict)

    def found(self, name: str, toolchain: Toolchain) -> None:
        """Say which compiler `name` is now; what was tried with another release is forgotten."""
        facts = {"release": toolchain.release, "commit_date": toolchain.commit_date}
        if self.compilers.get(name) not in (None, facts):
            for row in self.cells.values():
                row.pop(name, None)
        self.compilers[name] = facts

    def good(self, compiler: str) -> list[str]:
        """The versions that build with it and are not known not to boot, newest first."""
        return [each for each in self.versions if (cell := self.cell(each, compiler)) and cell.is_good]

    def cell(self, version: str, compiler: str) -> Cell | None:
        """What is known of `version` with `compiler`."""
        return self.cells.get(version, {}).get(compiler)

    def add(self, version: str, compiler: str, cell: Cell) -> None:
        """Keep what came of a trial, in place of an older one."""
        self.cells.setdefault(version, {})[compiler] = cell

    def save(self, project: Path) -> None:
        """Write the JSON and the page."""
        write_whole(project / _JSON, json.dumps(asdict(self), indent=1) + "\n")
        write_whole(project / _PAGE, _page(self))


def load(project: Path) -> Table:
    """What is kept in docs/loaders.json; an empty table where there is none."""
    try:
        data = json.loads((project / _JSON).read_text())
    except FileNotFoundError:
        return Table()
    cells = {
        version: {name: Cell(**cell) for name, cell in row.items()} for version, row in data["cells"].items()
    }
    return Table(data["compilers"], data["versions"], cells)


def _page(table: Table) -> str:
    titles = [
        f"{name}: {facts['release']} ({facts['commit_date']})" for name, facts in table.compilers.items()
    ]
    lines = [_HEAD, f"| loader | {' | '.join(titles)} |", f"|---|{'---|' * len(titles)}"]
    for version in table.versions:
        cells = [table.cell(version, name) for name in table.compilers]
        words = [cell.words.replace("|", "\\|") if cell else "not tried" for cell in cells]
        lines.append(f"| {version} | {' | '.join(words)} |")
    return "\n".join(lines) + "\n"
