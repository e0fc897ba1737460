"""Where the programs lie that ./sconsw has unpacked for this user alone (see `set_up/private_copy.py`).

`$XDG_CACHE_HOME/rustkernel/private/NAME/` is a copy of some of Debian's packages and of all that they need:
`bin/` are its programs, `root/` its files as Debian lays them out. They come after everything on PATH.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from bootimage.base.user_folders import cache_folder

COPIES = ("qemu", "rust", "linker", "python", "tests", "bench")
"""The copies that there may be, by what they are for."""


def private_folder(environ: Mapping[str, str]) -> Path:
    """The folder of all copies, which may not be there."""
    return cache_folder(environ) / "private"


def copy_folder(name: str, environ: Mapping[str, str]) -> Path | None:
    """The copy `name`; None where there is none, or where another user could have put it there."""
    copy = private_folder(environ) / name
    return copy if is_ours(copy.parent) and copy.is_dir() else None


def search_path(environ: Mapping[str, str]) -> str:
    """PATH, and behind it the folders of the private copies' programs."""
    path = environ.get("PATH") or os.defpath
    return os.pathsep.join([path, *map(str, program_folders(environ))])


def program_folders(environ: Mapping[str, str]) -> list[Path]:
    """The folders of the private copies' programs."""
    if not is_ours(private_folder(environ)):
        return []
    copies = [copy_folder(name, environ) for name in COPIES]
    return [copy / "bin" for copy in copies if copy]


def is_private(program: Path, environ: Mapping[str, str]) -> bool:
    """Whether `program` belongs to a private copy: it changes with the whole copy, whatever it starts."""
    return program.is_relative_to(private_folder(environ))


def is_ours(folder: Path) -> bool:
    """Whether `folder` is there, and only this user and the system's administrator can write it."""
    try:
        found = folder.stat()
    except OSError:
        return False
    return found.st_uid in (0, os.geteuid()) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
