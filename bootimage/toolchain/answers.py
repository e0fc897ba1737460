"""What the programs called rustc and cargo say of themselves: another program may go by these names.

A program that ends well and is neither would else be found out much later, by what it did not make.
"""

from __future__ import annotations

from pathlib import Path

from bootimage.errors import BuildError
from bootimage.toolchain.compiler_search import FoundCompiler

_LONGEST = 60


def check_compiler(found: FoundCompiler, identity: str, sysroot: str) -> None:
    """Raise BuildError for answers to `-vV` and `--print=sysroot` that are not a Rust compiler's."""
    if not any(line.startswith("release: ") for line in identity.splitlines()):
        said = f"`-vV` printed {_shown(identity)}, and no line `release: ...`"
    elif not Path(sysroot).is_absolute():
        said = f"`--print=sysroot` printed {_shown(sysroot)}, and no folder"
    else:
        return
    raise BuildError(
        f"{found.rustc} is no Rust compiler: {said}",
        hint=f"it was taken for one because of {found.origin}: name the path of rustc there, or nothing",
    )


def check_cargo(cargo: Path, version: str) -> None:
    """Raise BuildError for an answer to `--version` that is not cargo's."""
    if version.startswith("cargo "):
        return
    raise BuildError(
        f"{cargo} is no cargo: `--version` printed {_shown(version)}, and not `cargo 1...`",
        hint="let CARGO name the path of cargo, or nothing: then it is looked for",
    )


def _shown(text: str) -> str:
    first, _, rest = text.strip().partition("\n")
    cut = len(first) > _LONGEST or rest
    return f"`{first[:_LONGEST]}{'...' if cut else ''}`" if first else "nothing"
