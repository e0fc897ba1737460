"""What is known of a result before it is had: its files' names, how they begin, how large they may be.

Whoever writes to a network cache, or wrote to it once, can seal a record of anything. So what comes from
there, and what lies in the store, is compared with what was asked for; what does not fit is forgotten and
made again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from bootimage.base.lazy_dataclass import dataclass
from bootimage.store.record import Record


@dataclass(frozen=True)
class Expected:
    """`has_names` says whether files of these names are the whole result and nothing else.

    Each file begins with `start`, where that is not empty; all of them have at most `largest` bytes.
    """

    has_names: Callable[[Collection[str]], bool] = lambda _names: True
    start: bytes = b""
    largest: int = 1 << 62

    def check_record(self, record: Record) -> None:
        """Raise ValueError when the record is not one of such a result."""
        if not self.has_names(record.blobs.keys()):
            raise ValueError("it names other files than the result has")
        if record.size > self.largest:
            raise ValueError(f"it has {record.size} bytes where at most {self.largest} can be")
        if any(blob.size < len(self.start) for blob in record.blobs.values()):
            raise ValueError("a file of it is too small to be what it should")

    def check_files(self, files: Mapping[str, Path]) -> None:
        """Raise ValueError when one of the files does not begin as it should."""
        for name, path in files.items():
            with path.open("rb") as file:
                if file.read(len(self.start)) != self.start:
                    raise ValueError(f"its file {name} is of another kind than it should be")


ANYTHING = Expected()
"""Nothing is known."""


def exactly(*names: str, start: bytes = b"", largest: int = ANYTHING.largest) -> Expected:
    """A result of just these files."""
    return Expected(lambda found: set(found) == set(names), start, largest)
