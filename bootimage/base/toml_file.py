"""TOML files as the user wrote them: parsed once a process, typed on reading, with positions for errors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.text_file import read_text
from bootimage.base.toml_text import TomlError, parse_table

Key = str | int
Value = TypeVar("Value")

# A file changed twice within one tick of the file system's clock keeps its time stamp, so one as young as
# this is not remembered.
_YOUNG_NS = 100_000_000

KINDS: dict[type, str] = {
    dict: "a table",
    list: "an array",
    str: "a string",
    bool: "true or false",
    int: "an integer",
    float: "a floating-point number",
}
"""What a value of each type is called in errors."""


@dataclass(frozen=True, eq=False)
class TomlFile:
    """One parsed file, equal to itself alone. The methods take a key's path: `("bin", 0, "name")`."""

    path: Path
    text: str
    data: Mapping[str, Any]

    def value(self, *keys: Key) -> Any:
        """What stands at `keys`, or None. A step that is neither a table nor an array is an error."""
        found: Any = self.data
        for depth, key in enumerate(keys):
            if isinstance(key, int):
                found = self._typed(found, list, keys[:depth])[key]
            else:
                found = self._typed(found, dict, keys[:depth]).get(key)
            if found is None:
                return None
        return found

    def table(self, *keys: Key) -> Mapping[str, Any]:
        """The table at `keys`; an absent one is empty."""
        found = self.get(dict, *keys)
        return {} if found is None else found

    def get(self, kind: type[Value], *keys: Key) -> Value | None:
        """The value of type `kind` at `keys`, None when absent; a BuildError for any other type."""
        found = self.value(*keys)
        return None if found is None else self._typed(found, kind, keys)

    def strings(self, *keys: Key) -> tuple[str, ...]:
        """The array of strings at `keys`; an absent one is empty."""
        found = self.get(list, *keys) or []
        return tuple(self._typed(item, str, (*keys, index)) for index, item in enumerate(found))

    def error(self, message: str, *keys: Key, hint: str | None = None) -> BuildError:
        """A BuildError at the place of `keys`, or of the nearest key above that stands in the file."""
        line, column = self.position(*keys)
        return BuildError(message, file=self.path, line=line, column=column, hint=hint)

    def position(self, *keys: Key) -> tuple[int | None, int | None]:
        """Line and column (from 1) of `keys` or of the nearest key above it; (None, None) for none."""
        from bootimage.base.toml_positions import positions

        places = positions(self.text)
        while keys and keys not in places:
            keys = keys[:-1]
        return places.get(keys, (None, None))

    def _typed(self, found: Any, kind: type[Value], keys: tuple[Key, ...]) -> Value:
        if isinstance(found, str) and "\0" in found:  # no name, no path, no flag
            raise self.error(f"`{dotted(keys)}` contains a NUL character", *keys)
        if isinstance(found, kind) and not (kind is int and isinstance(found, bool)):
            return found
        raise self.error(f"`{dotted(keys)}` must be {KINDS[kind]}, found {describe(found)}", *keys)


def dotted(keys: tuple[Key, ...]) -> str:
    """The key path as a reader knows it: `bin[0].name`."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return text.removeprefix(".")


def describe(found: object) -> str:
    """What `found` is, with its value where that is short: `the string "x"`."""
    if isinstance(found, str):
        return f'the string "{found}"' if len(found) < 60 else "a long string"
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, int | float):
        return f"the number {found}"
    return KINDS.get(type(found), "a date or time")


def read_toml(path: Path) -> TomlFile:
    """Read and parse `path`. Missing, unreadable or malformed is a BuildError with file, line and column.

    The same object comes back as long as the file keeps its time stamp, size and inode.
    """
    stamp = _stamp(path)
    known = _parsed.get(path)
    if known is not None and known[0] == stamp:
        return known[1]
    parsed = parse_toml(read_text(path, "a TOML file"), path)
    if stamp is not None and time.time_ns() - stamp[0] > _YOUNG_NS:
        _parsed[path] = (stamp, parsed)
    return parsed


_parsed: dict[Path, tuple[tuple[int, int, int], TomlFile]] = {}


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes with the file; None where there is none to be seen."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def parse_toml(text: str, path: Path) -> TomlFile:
    """Parse `text`; `path` is for errors."""
    try:
        return TomlFile(path, text, parse_table(text))
    except TomlError as error:
        message = f"this is not TOML: {error.message}"
        raise BuildError(message, file=path, line=error.line, column=error.column) from error
