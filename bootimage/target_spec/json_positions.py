"""Read a JSON file and keep where each key and value stands, so that an error can name the place.

Stricter than Python's own reader where a compiler's is: no duplicate keys, no NaN, no number beyond
64 bits, no lone surrogates, no second value. A byte order mark is passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import NoReturn

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.text_file import Lines, read_text

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
JsonPath = tuple[str | int, ...]

DEPTH_LIMIT = 64
"""How deep objects and lists may lie in each other."""

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<float>(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
_WORD = re.compile(r"[-+.\w]+")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_CONSTANTS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None}
_PYTHON_SPELLINGS = {"True": "true", "False": "false", "None": "null", "TRUE": "true", "FALSE": "false"}
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Document:
    """A JSON file: its value, and the offset of every value and every key by path from the root."""

    file: Path
    text: str
    value: Json
    values: Mapping[JsonPath, int]
    keys: Mapping[JsonPath, int]

    def value_error(self, path: JsonPath, message: str, *, hint: str | None = None) -> BuildError:
        """An error about the value at `path`."""
        return self._error(self.values[path], message, hint)

    def key_error(self, path: JsonPath, message: str, *, hint: str | None = None) -> BuildError:
        """An error about the key that `path` ends with."""
        return self._error(self.keys[path], message, hint)

    def _error(self, offset: int, message: str, hint: str | None) -> BuildError:
        line, column = self._lines.place(offset)
        return BuildError(message, file=self.file, line=line, column=column, hint=hint)

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self.text)


def read_json(file: Path) -> Document:
    """Read `file`. Every error has a line and a column; one about the file as a whole has 1 and 1."""
    return parse_json(read_text(file, "a JSON file"), file)


def parse_json(text: str, file: Path) -> Document:
    """Read `text`, which came from `file`."""
    if not text.strip(" \t\r\n"):
        raise BuildError("the file is empty; a JSON object is expected", file=file, line=1, column=1)
    reader = _Reader(text, file)
    value = reader.document()
    return Document(file, text, value, reader.values, reader.keys)


class _Reader:
    """One pass over the text."""

    def __init__(self, text: str, file: Path) -> None:
        self.text = text
        self.file = file
        self.at = 0
        self.values: dict[JsonPath, int] = {}
        self.keys: dict[JsonPath, int] = {}

    def document(self) -> Json:
        self._skip()
        value = self._value((), "a JSON object")
        self._skip()
        if self.at < len(self.text):
            self._unexpected("the end of the file")
        return value

    def _value(self, path: JsonPath, expected: str) -> Json:
        self.values[path] = self.at
        if len(path) > DEPTH_LIMIT:
            self._fail(self.at, f"this lies more than {DEPTH_LIMIT} levels deep")
        match self.text[self.at : self.at + 1]:
            case "{":
                return self._object(path)
            case "[":
                return self._list(path)
            case '"':
                return self._string()
        return self._number_or_constant(expected)

    def _object(self, path: JsonPath) -> dict[str, Json]:
        members: dict[str, Json] = {}
        more = self._open("}")
        while more:
            key_at = self.at
            key = self._key()
            child = (*path, key)
            self._once(child, key_at)
            self._colon()
            members[key] = self._value(child, "a value")
            more = self._more("}")
        return members

    def _list(self, path: JsonPath) -> list[Json]:
        items: list[Json] = []
        more = self._open("]")
        while more:
            items.append(self._value((*path, len(items)), "a value"))
            more = self._more("]")
        return items

    def _key(self) -> str:
        if self.text[self.at : self.at + 1] != '"':
            self._unexpected("a key in double quotes")
        return self._string()

    def _once(self, path: JsonPath, at: int) -> None:
        if path in self.keys:
            line, _column = Lines(self.text).place(self.keys[path])
            self._fail(at, f'the key "{path[-1]}" is there twice, first in line {line}', "remove one of them")
        self.keys[path] = at

    def _colon(self) -> None:
        self._skip()
        if not self._take(":"):
            self._unexpected("`:` after the key")
        self._skip()

    def _open(self, closing: str) -> bool:
        """Pass over the opening bracket; False when the closing one follows at once."""
        self.at += 1
        self._skip()
        return not self._take(closing)

    def _more(self, closing: str) -> bool:
        """Pass over what follows an element: a comma (True) or the closing bracket (False)."""
        self._skip()
        if self._take(closing):
            return False
        comma = self.at
        if not self._take(","):
            self._unexpected(f"`,` or `{closing}`")
        self._skip()
        if self.text.startswith(closing, self.at):
            self._fail(comma, f"JSON has no comma before the closing `{closing}`", "remove it")
        return True

    def _string(self) -> str:
        start = self.at
        try:
            value, self.at = _DECODER.raw_decode(self.text, start)
        except json.JSONDecodeError as error:
            self._bad_string(start, error)
        if _LONE_SURROGATE.search(value):
            self._fail(start, "this string has half of a surrogate pair, which is no character")
        assert isinstance(value, str)
        return value

    def _bad_string(self, start: int, error: json.JSONDecodeError) -> NoReturn:
        at_line_end = self.text[error.pos : error.pos + 1] in ("\n", "\r")
        if error.msg.startswith("Unterminated") or at_line_end:
            self._fail(start, "this string has no closing quote on its line")
        if error.msg.startswith("Invalid control character"):
            code = ord(self.text[error.pos])
            self._fail(error.pos, f"a control character in a string; write it as \\u{code:04x}")
        self._fail(error.pos, "this is no escape of JSON", r"write \\ for a backslash")

    def _number_or_constant(self, expected: str) -> Json:
        word = _WORD.match(self.text, self.at)
        if word is None:
            self._unexpected(expected)
        if word.group() in _CONSTANTS:
            self.at = word.end()
            return _CONSTANTS[word.group()]
        number = _NUMBER.fullmatch(word.group())
        if number is None:
            self._unexpected(expected)
        return self._number(number)

    def _number(self, number: re.Match[str]) -> int | float:
        start = self.at
        self.at += number.end()
        if number["float"]:
            value = float(number.group())
            if abs(value) == float("inf"):
                self._fail(start, "this number is too large for 64 bits")
            return value
        # The length first: Python refuses to read thousands of digits.
        if number.end() > 20 or not -(1 << 63) <= int(number.group()) < 1 << 64:
            self._fail(start, "this number is too large for 64 bits")
        return int(number.group())

    def _skip(self) -> None:
        match = _SPACE.match(self.text, self.at)
        assert match is not None
        self.at = match.end()

    def _take(self, sign: str) -> bool:
        taken = self.text.startswith(sign, self.at)
        self.at += len(sign) if taken else 0
        return taken

    def _unexpected(self, expected: str) -> NoReturn:
        """Fail on what stands here, in the words that help most."""
        if self.at >= len(self.text):
            self._fail(self.at, f"the file ends here; {expected} is expected")
        if self.text.startswith(("//", "/*", "#"), self.at):
            self._fail(self.at, "JSON has no comments", "remove it")
        if self.text[self.at] in "'“”`":
            self._fail(self.at, 'JSON has plain double quotes (") only')
        word = _WORD.match(self.text, self.at)
        found = word.group() if word else self.text[self.at]
        self._fail(self.at, _not_expected("a string" if found == '"' else found, expected))

    def _fail(self, at: int, message: str, hint: str | None = None) -> NoReturn:
        line, column = Lines(self.text).place(at)
        raise BuildError(message, file=self.file, line=line, column=column, hint=hint)


def _not_expected(found: str, expected: str) -> str:
    if found in _PYTHON_SPELLINGS:
        return f"found {found}; JSON spells it {_PYTHON_SPELLINGS[found]}"
    if found.lstrip("+-").lower() in ("nan", "infinity", "inf"):
        return f"{found} is not a number in JSON"
    if found[0] in "+-.0123456789" and not _NUMBER.fullmatch(found):
        return f"{_short(found)} is not a number in JSON"
    return f"found {_short(found)}; {expected} is expected"


def _short(text: str) -> str:
    text = text if len(text) <= 40 else text[:37] + "..."
    return text if text.isprintable() else ascii(text)
