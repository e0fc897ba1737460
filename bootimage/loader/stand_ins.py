"""Stand-ins for the programs that the build script of a loader 0.9 runs.

The script puts the kernel into an archive, with three LLVM programs that it looks for in the folder that
the `rustc` on PATH calls its sysroot. We put the kernel in later, when the loader is linked. So the script
finds these instead: they make an archive without anything in it, and need no `llvm-tools` component.
"""

from __future__ import annotations

import shlex
from pathlib import Path

# `$last` is the output file of llvm-objcopy.
_PROGRAMS = {
    # What the crate `llvm-tools` looks for to know that the folder is the right one.
    "llvm-objdump": "",
    # Its second line begins with the size of the code, which must not be 0.
    "llvm-size": "echo text; echo 1",
    "llvm-objcopy": 'for last; do :; done; : > "$last"',
    # Called as `llvm-ar crs ARCHIVE OBJECT`; this is the archive format's signature alone.
    "llvm-ar": """printf '!<arch>\\n' > "$2\"""",
}


def write_stand_ins(folder: Path) -> Path:
    """Write the stand-ins into `folder` and return what belongs first on the build script's PATH.

    cargo itself is told its compiler by the variable RUSTC and does not look at PATH for it.
    """
    programs = folder / "lib/rustlib/stand-ins/bin"
    for name, body in _PROGRAMS.items():
        _write_script(programs / name, body)
    _write_script(folder / "path/rustc", f"echo {shlex.quote(str(folder))}")
    return folder / "path"


def _write_script(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
