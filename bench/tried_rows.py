"""What has been tried, as rows of the engine's rules about compilers: with which it builds, it knows them."""

from __future__ import annotations

from pathlib import Path

from bench import compiler_table, loader_table
from bootimage.base.write_files import write_whole
from bootimage.toolchain.rule_files import SHIPPED

_BEGIN = "# --- Written by `python bench/compilers.py` and `python bench/loaders.py`: what has been tried.\n"


def write_tried(project: Path) -> None:
    """Write the rows to the end of the engine's rules. Of loaders, docs/loaders.json says more.

    A compiler with which something failed is none that has been tried: what it lacks is still to be told.
    """
    loaders = loader_table.load(project)
    rows = [row for row in compiler_table.load(project).values() if row.is_good]
    tried = {(row.rustc, row.rustc_day, row.cargo): row.loaders() for row in rows}
    for name, facts in loaders.compilers.items():
        compiler = (facts["release"], facts["commit_date"], facts["release"])
        tried[compiler] = loaders.good(name) or tried.get(compiler, [])
    above = SHIPPED.read_text().partition(_BEGIN)[0]
    write_whole(SHIPPED, "".join([above, _BEGIN, *(_row(*each, found) for each, found in tried.items())]))


def _row(rustc: str, day: str, cargo: str, loaders: list[str]) -> str:
    lines = ["", "[[tried]]", f'release = "{rustc}"', f'commit_date = "{day}"']
    lines += [f'cargo = "{cargo}"'] if cargo != rustc else []
    if loaders:
        lines += ["loaders = [", *(f'    "{version}",' for version in loaders), "]"]
    return "\n".join(lines) + "\n"
