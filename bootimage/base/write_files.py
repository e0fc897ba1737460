"""Write files so that what was there stays until its successor is complete.

Write what a run leaves for the user: pictures, serial output, reports.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.partial_files import partial_path, remove_left


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; it takes the place of `path` when the body ends well.

    The folder is made where it is missing. When the body fails or is interrupted, `path` is as it
    was and nothing is left beside it; what killed processes have left there goes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_left(path)
    partial = partial_path(path)
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def check_folder(path: Path) -> None:
    """Raise BuildError where something that is no folder stands where the folder `path` is to be."""
    for each in (path, *path.parents):
        if each.is_dir():
            return
        if each.exists() or each.is_symlink():
            raise BuildError("this is not a folder; a folder to write to is expected", file=each)


def write_whole(path: Path, content: bytes | str) -> None:
    """Write `content` (text as UTF-8) to `path` in one step."""
    data = content.encode() if isinstance(content, str) else content
    with replacing(path) as partial:
        partial.write_bytes(data)


def copy_whole(source: Path, path: Path) -> None:
    """Copy the bytes and the executable bits of `source` to `path` in one step."""
    with replacing(path) as partial:
        shutil.copyfile(source, partial)
        partial.chmod(0o777 & ~_umask() if os.access(source, os.X_OK) else 0o666 & ~_umask())


def _umask() -> int:
    # The only way to read it is to set it; done once, when this module is first used.
    global _UMASK
    if _UMASK is None:
        _UMASK = os.umask(0)
        os.umask(_UMASK)
    return _UMASK


_UMASK: int | None = None


def write_output(path: Path, content: bytes) -> None:
    """Write `content` to `path` in one step. Raises BuildError where that fails, a full disk included."""
    try:
        write_whole(path, content)
    except OSError as error:
        raise BuildError(f"cannot be written: {error.strerror}", file=path) from error
