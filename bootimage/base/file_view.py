"""A window on an open file: the bytes of one structure, wherever they lie in the file.

Whatever reads a format (FAT, ELF) reads through a view, so that it works on a file, on a partition and
on a file inside a volume alike, and cannot read beyond its structure.
"""

from __future__ import annotations

import hashlib
import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path

from bootimage.base.errors import BuildError

_CHUNK = 1 << 20


class View:
    """The bytes of `extents`, each (offset, size) in the file descriptor `file`, one after the other."""

    def __init__(self, file: int, extents: Sequence[tuple[int, int]]) -> None:
        self.file = file
        self.extents = tuple(extents)
        self._ends = list(accumulate(size for _offset, size in self.extents))

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self._ends[-1] if self._ends else 0

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`: fewer only at the end of the view or of the file."""
        return b"".join(
            os.pread(self.file, length, place) for place, length in self._extents_of(offset, size)
        )

    def part(self, offset: int, size: int) -> View:
        """A view on `size` bytes from `offset`, cut off at this view's end."""
        return View(self.file, tuple(self._extents_of(offset, size)))

    def digest(self) -> str:
        """The SHA-256 of the bytes, in hexadecimal. Memory does not depend on the size."""
        total = hashlib.sha256()
        for offset in range(0, self.size, _CHUNK):
            total.update(self.read(offset, _CHUNK))
        return total.hexdigest()

    def _extents_of(self, offset: int, size: int) -> Iterator[tuple[int, int]]:
        index = bisect_right(self._ends, offset)
        while size > 0 and index < len(self.extents):
            place, length = self.extents[index]
            inside = offset - (self._ends[index] - length)
            take = min(length - inside, size)
            yield place + inside, take
            offset, size, index = offset + take, size - take, index + 1


@contextmanager
def view_of(path: Path) -> Iterator[View]:
    """A view on all of a file. Raises BuildError for what is not a regular file that can be read."""
    if path.exists() and not path.is_file():
        raise BuildError("not a regular file", file=path)
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise BuildError(f"cannot read the file: {error.strerror}", file=path) from None
    try:
        yield View(file, ((0, os.fstat(file).st_size),))
    finally:
        os.close(file)
