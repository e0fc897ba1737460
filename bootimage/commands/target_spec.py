"""`bootimage target-spec FILE`: a target specification as the compiler at hand wants it.

The changes are told on standard error, so that standard output is the file's new text alone. cargo itself
reads a project's own file under `cargo run` and `cargo test`: that is where an old one has to be replaced.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootimage.base import console


def run(words: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Print the specification; 0, also where nothing was to be changed."""
    from bootimage.context import open_context
    from bootimage.target_spec.canonical_spec import canonical, describe
    from bootimage.target_spec.compiler_facts import facts_of

    path = parser().parse_args(words).file
    toolchain = open_context(path.absolute().parent, environ).toolchain
    found = canonical(path, facts_of(toolchain))
    for line in describe(found.changes, path):
        console.write_error(f"{console.printable(line)}\n")
    console.output(found.json)
    return 0


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="bootimage target-spec",
        description="Print a target specification, brought up to date for the compiler at hand.",
    )
    made.add_argument("file", type=Path, metavar="FILE", help="the target specification (.json)")
    return made
