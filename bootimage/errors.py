"""The one exception that a user sees: what is wrong, where, and what to do next."""

from __future__ import annotations

from os import PathLike

from bootimage.report import printable, printable_lines


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
