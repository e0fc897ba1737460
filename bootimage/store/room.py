"""How much room a disk has: a compiler that finds none ends with an error of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

LITTLE_ROOM = 64 << 20
"""Bytes. With less than this left after a build has failed, that is taken for the reason."""


def room(folder: Path) -> int:
    """The bytes that are left to this user in the file system of `folder`; many, where that is not known."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return LITTLE_ROOM
