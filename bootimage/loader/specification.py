"""The target that a program of the loader 0.11 is compiled for, from the loader's own specification.

The published files are of every age; `target_spec` brings them up to date as it does a user's. What was
wrong in them from the start is mended here as the loader's authors did it later.
"""

from __future__ import annotations

from pathlib import Path

from bootimage.context import BuildContext
from bootimage.loader.programs_0_11 import Program
from bootimage.specification.compiler_facts import facts_of
from bootimage.specification.target import Target
from bootimage.specification.target_spec import canonical

# Up to 0.11.5, the one for stage 3 stated a data layout of another operating system's. The right one is
# that of 0.11.6 ("Fix data layout for stage 3 target" in its change log).
_MENDED = {
    '"e-m:e-i32:32-f80:128-n8:16:32-S128-p:32:32"': (
        '"e-m:e-p:32:32-p270:32:32-p271:32:32-p272:64:64-f64:32:64-f80:32-n8:16:32-S128"'
    )
}


def program_target(context: BuildContext, program: Program, folder: Path) -> Target:
    """The target of `program`, whose specification lies in the package folder `folder`."""
    if program.specification is None:
        return Target(program.target)
    facts = facts_of(context.toolchain)
    specification = canonical(_mended(context, folder / program.specification), facts)
    return Target(program.target, specification.json)


def _mended(context: BuildContext, path: Path) -> Path:
    """`path`, or a copy of it that is right where it was wrong."""
    text = path.read_text(encoding="utf-8")
    mended = text
    for wrong, right in _MENDED.items():
        mended = mended.replace(wrong, right)
    return path if mended == text else context.store.text(path.name, mended)
