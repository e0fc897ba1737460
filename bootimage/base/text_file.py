"""Read a small text file that a user wrote, or say what else was found in its place.

Every error has a line and a column; one about the file as a whole has 1 and 1, which editors open.
"""

from __future__ import annotations

import codecs
import re
import stat
from bisect import bisect_right
from pathlib import Path

from bootimage.base.errors import BuildError, closest

SIZE_LIMIT = 1 << 20
"""Bytes; a larger file is refused by its size alone, without reading it."""

_LINE_END = re.compile(r"\r\n|\r|\n")


def read_text(file: Path, kind: str) -> str:
    """The text of `file`, UTF-8, without a byte order mark; `kind` says what it should be ("a JSON file")."""
    return _decoded(_read(file, kind), file)


class Lines:
    """Turns an offset into a line and a column, both from 1, counted in characters."""

    def __init__(self, text: str) -> None:
        self._end = len(text)
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of the character at `offset`; an offset beyond the text means its end."""
        offset = min(offset, self._end)
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def _read(file: Path, kind: str) -> bytes:
    try:
        facts = file.stat()
        if stat.S_ISDIR(facts.st_mode):
            raise _file_error(file, f"this is a folder; {kind} is expected")
        if not stat.S_ISREG(facts.st_mode):
            raise _file_error(file, f"this is not a regular file; {kind} is expected")
        if facts.st_size > SIZE_LIMIT:
            raise _too_large(file, facts.st_size)
        with file.open("rb") as stream:
            data = stream.read(SIZE_LIMIT + 1)
    except FileNotFoundError as error:
        raise _missing(file) from error
    except OSError as error:
        raise _file_error(file, f"cannot be read: {error.strerror}") from error
    except ValueError as error:  # a NUL in the name
        raise _file_error(file, f"cannot be read: {error}") from error
    if len(data) > SIZE_LIMIT:
        raise _too_large(file, len(data))
    return data


def _too_large(file: Path, size: int) -> BuildError:
    return _file_error(
        file, f"the file has {size} bytes; at most {SIZE_LIMIT} are expected", "is it the right file?"
    )


def _missing(file: Path) -> BuildError:
    if file.is_symlink():
        return _file_error(
            file, f"this link leads nowhere: there is no {file.readlink()}", _similar_name(file)
        )
    return _file_error(file, "there is no such file", _similar_name(file))


def _similar_name(file: Path) -> str | None:
    try:
        beside = [each for each in file.parent.iterdir() if each.suffix == file.suffix]
        names = [each.name for each in beside if each.exists()]
    except OSError:
        return None
    near = closest(file.name, names)
    return f"did you mean {file.with_name(near)}?" if near else None


def _decoded(data: bytes, file: Path) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data[:4]:
        raise _file_error(
            file,
            "the text is UTF-16 or UTF-32, or no text at all; UTF-8 is expected",
            f"iconv -f UTF-16 -t UTF-8 {file} writes UTF-16 text as UTF-8",
        )
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = Lines(data[: error.start].decode("utf-8")).place(error.start)
        message = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        hint = f"iconv -f LATIN1 -t UTF-8 {file} writes Latin-1 text as UTF-8"
        raise BuildError(message, file=file, line=line, column=column, hint=hint) from error


def _file_error(file: Path, message: str, hint: str | None = None) -> BuildError:
    return BuildError(message, file=file, line=1, column=1, hint=hint)
