"""Folders of one process in the folder for temporary files: those of killed processes are removed.

Others may write to that folder, so nothing in it is believed by its name: only a real folder of this user's
is looked at and removed, and only by descriptors, so that what a link leads to is never touched.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

Look = Callable[[int, str], AbstractContextManager[bool]]
"""Given a folder's descriptor and name: whether it is abandoned. It stays so until the context ends."""


def remove_abandoned(prefix: str, look: Look) -> None:
    """Remove this user's folders for which `look` says so, of those whose names begin with `prefix`."""
    with suppress(OSError), opened_folder(tempfile.gettempdir()) as place:
        for name in os.listdir(place):  # noqa: PTH208 - by its descriptor
            if name.startswith(prefix):
                with suppress(OSError):
                    _remove_if_abandoned(name, place, look)


def _remove_if_abandoned(name: str, place: int, look: Look) -> None:
    with opened_folder(name, place) as folder:
        if os.fstat(folder).st_uid != os.geteuid():
            return
        with look(folder, name) as abandoned:
            if abandoned:
                _empty(folder)
                os.rmdir(name, dir_fd=place)


def _empty(folder: int) -> None:
    for inner in os.listdir(folder):
        shutil.rmtree(inner, ignore_errors=True, dir_fd=folder)
        with suppress(OSError):
            os.unlink(inner, dir_fd=folder)


@contextmanager
def opened_folder(name: str, place: int | None = None) -> Iterator[int]:
    """A descriptor of a folder that is no link. OSError for anything else."""
    descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
