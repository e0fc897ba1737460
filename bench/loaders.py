"""Try every published loader 0.11 with every compiler: `python bench/loaders.py`.

Each version's programs are built, then a minimal kernel of the same `bootloader_api`, which boots on BIOS
and on UEFI in QEMU and has passed when it says so. What came out is kept, so that single versions can be
tried anew; docs/loaders.md and the engine's own table of what builds are written from it. From nothing, a
version takes about two minutes of processor time.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path[0] = str(PROJECT)  # instead of this folder, whose modules belong to the package `bench`

from bench.loader_kernel import try_loader  # noqa: E402
from bench.loader_table import Cell, load  # noqa: E402
from bench.loader_versions import published_versions  # noqa: E402
from bench.tried_rows import write_tried  # noqa: E402
from bootimage.base.errors import BuildError  # noqa: E402
from bootimage.context import BuildContext, open_context  # noqa: E402

COMPILERS = {
    "nightly": {"RUSTUP_TOOLCHAIN": "nightly"},
    "stable": {"RUSTUP_TOOLCHAIN": "stable"},
    "debian": {"RUSTC": "/usr/bin/rustc", "CARGO": "/usr/bin/cargo"},
}
"""The compilers by name, and the variables that choose each."""


def main() -> int:
    """Try what the command line asks for; 1 where a version does not build or boot."""
    options = _options()
    contexts = _contexts()
    versions = published_versions(next(iter(contexts.values())))
    names = [each for each in options.compiler or COMPILERS if each in contexts]
    good = True
    with tempfile.TemporaryDirectory(prefix="loaders-") as scratch:
        for name, version in product(names, options.version or versions):
            if options.until and time.strftime("%H:%M") >= options.until:
                break
            if options.missing and load(PROJECT).cell(version, name) is not None:
                continue
            cell = try_loader(
                contexts[name], version, Path(scratch) / f"{name}-{version}", not options.no_boot
            )
            print(f"{name} {version}: {cell.words}", flush=True)
            _keep(contexts, versions, version, name, cell)
            good = good and cell.is_good
    return 0 if good else 1


def _contexts() -> dict[str, BuildContext]:
    """The compilers of COMPILERS that there are on this machine."""
    found = {}
    for name, environ in COMPILERS.items():
        try:
            found[name] = open_context(PROJECT, {**os.environ, **environ})
        except BuildError as error:
            print(f"{name}: {error}", file=sys.stderr)
    return found


def _keep(
    contexts: dict[str, BuildContext], versions: list[str], version: str, name: str, cell: Cell
) -> None:
    """Add one cell to what is kept. That is read again: another run may be trying another compiler."""
    table = load(PROJECT)
    for each, context in contexts.items():
        table.found(each, context.toolchain)
    table.versions = versions
    table.add(version, name, cell)
    table.save(PROJECT)
    write_tried(PROJECT)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--compiler", action="append", choices=list(COMPILERS), help="only this one")
    parser.add_argument("--version", action="append", metavar="0.11.N", help="only this one")
    parser.add_argument("--no-boot", action="store_true", help="build the programs and leave it at that")
    parser.add_argument("--missing", action="store_true", help="only what has not been tried")
    parser.add_argument("--until", metavar="HH:MM", help="begin nothing after this time of today")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
