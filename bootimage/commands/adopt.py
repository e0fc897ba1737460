"""`bootimage init [PATH]`: look at a cargo kernel and write a minimal SConstruct beside it.

It says what was found and what a build by SCons does differently. No other file is touched, and an
SConstruct that is there already stays.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootimage import report
from bootimage.commands import shown
from bootimage.errors import BuildError

_NAMES = ("SConstruct", "Sconstruct", "sconstruct", "SConstruct.py", "Sconstruct.py", "sconstruct.py")


def run(words: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Write the SConstruct, or with --dry-run only show it."""
    from bootimage.adoption import look_at
    from bootimage.builder import open_context
    from bootimage.files import write_whole

    options = _parser().parse_args(words)
    folder = options.path.absolute()
    found = look_at(folder, open_context(folder, environ).toolchain, options.target)
    place = found.folder / "SConstruct"
    taken = [name for name in _NAMES if (found.folder / name).exists()]
    if taken and not options.dry_run:
        raise BuildError(
            "there is an SConstruct already, and it stays as it is",
            file=found.folder / taken[0],
            hint="bootimage init --dry-run shows what would be written",
        )
    report.output("\n".join([*found.report(), ""]))
    if options.dry_run:
        report.output(f"\n{shown(place)} would be:\n\n{found.sconstruct()}")
        return 0
    write_whole(place, found.sconstruct())
    report.output(f"\nWrote {shown(place)}. Now: scons -C {shown(found.folder) or '.'}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bootimage init",
        description="Write a minimal SConstruct for a cargo kernel; no other file is touched.",
    )
    add = parser.add_argument
    add("path", type=Path, nargs="?", default=Path(), metavar="PATH", help="the kernel's folder (default: .)")
    add("--target", metavar="TARGET", help="a triple or a target specification, where cargo is not told it")
    add("--dry-run", action="store_true", help="show what would be written, and write nothing")
    return parser
