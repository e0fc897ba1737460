"""The one exception that a user sees: what is wrong, where, and what to do next.

Words that were probably meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike

from bootimage.base.console import printable, printable_lines


class BuildError(Exception):
    """An error in the user's input or set-up.

    `message` says what was found and what was expected; `file` (with `line` and `column`, counted
    from 1) says where; `hint` says what to do next, as a command where there is one.
    `str(error)` is the text to print: `FILE:LINE:COLUMN: error: MESSAGE`, then `  help: HINT`. What a
    project's files say may be part of it as it is: what a terminal would obey is shown escaped.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | PathLike[str] | None = None,
        line: int | None = None,
        column: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.hint = hint

    def __str__(self) -> str:
        parts = (self.file, self.line, self.column)
        place = printable(":".join(str(part) for part in parts if part is not None))
        first = f"{place}: error: {self.message}" if place else f"error: {self.message}"
        return printable_lines(f"{first}\n  help: {self.hint}" if self.hint else first)


def closest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The one of `known` most like `word`, at least by `cutoff` (0 to 1: equal); None where none is."""
    import difflib  # needed by few runs

    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=cutoff)
    return near[0] if near else None
