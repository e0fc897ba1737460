"""Keep the folders of this machine out of what is compiled, so that every machine makes the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bootimage.toolchain import Toolchain


def remap_flags(toolchain: Toolchain, folders: Mapping[Path, str]) -> list[str]:
    """`--remap-path-prefix` for the library source, cargo's home and `folders` (path -> its stand-in).

    The library source gets the name that rustc itself gives it (`/rustc/COMMIT`), which debuggers know.
    rustc lets the last flag that matches win, so the more particular folders come later.
    """
    common = {
        toolchain.cargo_home(): "/cargo",
        toolchain.sysroot / "lib/rustlib/src/rust": f"/rustc/{toolchain.commit_hash}",
    }
    return [f"--remap-path-prefix={path}={name}" for path, name in {**common, **folders}.items()]
