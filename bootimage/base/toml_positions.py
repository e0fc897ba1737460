"""Where each key of a TOML text stands, which no parser tells: read only when an error is to be shown.

The text is known to be valid TOML (1.0 or 1.1), so this passes over what it need not understand.
"""

from __future__ import annotations

import re

from bootimage.base.text_file import Lines
from bootimage.base.toml_text import parse_table

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[\s]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'',
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[^\s=.\[\]{},#\"']+")
_SCALAR = re.compile(r"[^,\]}#\n]+")
_DOT = re.compile(r"[ \t]*\.[ \t]*")


def positions(text: str) -> dict[Path, tuple[int, int]]:
    """Line and column, from 1, of the first mention of each key, table and array element of `text`."""
    scanner = _Scanner(text)
    scanner.document()
    lines = Lines(text)
    return {path: lines.place(offset) for path, offset in scanner.found.items()}


class _Scanner:
    """One pass over the text; `found` gets the offset of every path."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, int] = {}
        self._last_index: dict[Path, int] = {}

    def document(self) -> None:
        table: Path = ()
        while self._skip():
            if self._peek("[["):
                table = self._header(2, array=True)
            elif self._peek("["):
                table = self._header(1, array=False)
            else:
                self._pair(table)

    def _header(self, brackets: int, array: bool) -> Path:
        """`[a.b]` or `[[a.b]]`: the path of the table it opens, through the last element of each array."""
        self.at += brackets
        self._skip()
        path: Path = ()
        for start, key in self._keys():
            path = (*self._element(path), key)
            self.found.setdefault(path, start)
        if array:
            self._last_index[path] = self._last_index.get(path, -1) + 1
            self.found[self._element(path)] = start
        path = self._element(path)
        self._skip()
        self.at += brackets
        return path

    def _element(self, path: Path) -> Path:
        """`path`, through the last element so far where it is an array of tables."""
        return (*path, self._last_index[path]) if path in self._last_index else path

    def _pair(self, table: Path) -> None:
        """`a.b = value`, in a table or an inline table."""
        path = table
        for start, key in self._keys():
            path = (*path, key)
            self.found.setdefault(path, start)
        self._skip()
        self.at += len("=")
        self._skip()
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._peek("["):
            self._elements(path)
        elif self._peek("{"):
            self._members(path)
        else:
            match = _STRING.match(self.text, self.at) or _SCALAR.match(self.text, self.at)
            assert match is not None
            self.at = match.end()

    def _elements(self, path: Path) -> None:
        self.at += len("[")
        index = 0
        while self._skip() and not self._peek("]"):
            self.found[(*path, index)] = self.at
            self._value((*path, index))
            index += 1
            self._comma()
        self.at += len("]")

    def _members(self, path: Path) -> None:
        self.at += len("{")
        while self._skip() and not self._peek("}"):
            self._pair(path)
            self._comma()
        self.at += len("}")

    def _comma(self) -> None:
        self._skip()
        if self._peek(","):
            self.at += len(",")

    def _keys(self) -> list[tuple[int, str]]:
        """`a . "b"`: each key with its offset."""
        keys = [self._key()]
        while match := _DOT.match(self.text, self.at):
            self.at = match.end()
            keys.append(self._key())
        return keys

    def _key(self) -> tuple[int, str]:
        match = _STRING.match(self.text, self.at) or _BARE_KEY.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        return match.start(), _unquoted(match.group())

    def _skip(self) -> bool:
        """Pass over blanks, line ends and comments; False at the end of the text."""
        match = _BLANK.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        return self.at < len(self.text)

    def _peek(self, what: str) -> bool:
        return self.text.startswith(what, self.at)


def _unquoted(key: str) -> str:
    """The key that a spelling stands for; the parser reads the escapes of a quoted one."""
    if key[0] not in "\"'":
        return key
    return str(parse_table(f"key = {key}")["key"])
