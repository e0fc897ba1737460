"""Bytes into an open file at a given place: at the file system's own speed, holes left as holes.

The bytes of a file go from file to file inside the kernel, which shares extents where the file system
can; memory does not depend on the file's size.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from bootimage.base.errors import BuildError

# Small enough for Ctrl-C to be heard between two calls, large enough not to cost anything.
_CHUNK = 64 << 20
_BY_HAND = 1 << 20

# A kernel's or file system's ways to say "not like this": the next way is tried. Any other error is real.
_NOT_LIKE_THIS = {
    errno.EXDEV,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.EINVAL,
    errno.EPERM,
    errno.ENOTSOCK,  # sendfile elsewhere than on Linux
    errno.ETXTBSY,
}


def write_all(target: int, data: bytes, offset: int) -> None:
    """Write all of `data` into the file descriptor `target` at `offset`. Raises OSError."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(target, rest, offset)
        rest, offset = rest[written:], offset + written


def copy_file(source: Path, size: int, target: int, offset: int) -> None:
    """Copy the `size` bytes of `source` into the file descriptor `target` at `offset`.

    The place must read as zeros so far: holes of the source are left out. Raises BuildError if the
    source no longer has `size` bytes, OSError where a disk fails or is full.
    """
    with source.open("rb", buffering=0) as file:
        for start, end in _data_ranges(file.fileno(), size):
            if _copy_range(file.fileno(), start, target, offset + start, end - start) < end - start:
                raise _changed(source)
        if os.fstat(file.fileno()).st_size != size:
            raise _changed(source)


def _data_ranges(source: int, size: int) -> Iterator[tuple[int, int]]:
    """The parts of a file that hold data, as (start, end); the whole file where nobody can tell."""
    end = 0
    while end < size:
        try:
            start = os.lseek(source, end, os.SEEK_DATA)
            end = min(os.lseek(source, start, os.SEEK_HOLE), size)
        except OSError as error:
            if error.errno != errno.ENXIO:  # ENXIO: nothing but a hole from here on
                yield end, size
            return
        if start < size:
            yield start, end


def _copy_range(source: int, start: int, target: int, offset: int, count: int) -> int:
    """Copy up to `count` bytes; fewer only where the source ends. Returns how many."""
    done = 0
    for way in (_in_file_system, _in_kernel, _by_hand):
        try:
            while done < count:
                copied = way(source, start + done, target, offset + done, min(count - done, _CHUNK))
                if copied == 0:
                    break
                done += copied
        except OSError as error:
            if error.errno not in _NOT_LIKE_THIS:
                raise
        if done == count:
            break
    return done


def _in_file_system(source: int, start: int, target: int, offset: int, count: int) -> int:
    if not hasattr(os, "copy_file_range"):
        return 0
    copied: int = os.copy_file_range(source, target, count, start, offset)
    return copied


def _in_kernel(source: int, start: int, target: int, offset: int, count: int) -> int:
    os.lseek(target, offset, os.SEEK_SET)
    return os.sendfile(target, source, start, count)


def _by_hand(source: int, start: int, target: int, offset: int, count: int) -> int:
    data = os.pread(source, min(count, _BY_HAND), start)
    write_all(target, data, offset)
    return len(data)


def _changed(source: Path) -> BuildError:
    return BuildError(
        "the file changed its size while it was being copied into the image",
        file=source,
        hint="build again when nothing writes to it any more",
    )
