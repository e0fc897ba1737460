"""TOML that others wrote: any text is a table or a TomlError, and no other exception.

The limits are cargo's: 80 levels, integers of 64 bits. What passes has no value at which Python fails later
(one of thousands of digits cannot even be printed), and nothing that runs through it can run too deep.
tomli reads TOML 1.1, which cargo accepts in manifests and configurations; `tomllib` knows 1.0 alone.
"""

from __future__ import annotations

import re
from typing import Any

try:
    import tomli as toml  # compiled, and so the quicker one to load
except ModuleNotFoundError:  # `sconsw` reads this before any package is installed
    import tomllib as toml  # type: ignore[no-redef]

DEPTH_LIMIT = 80
"""How deep tables and arrays may be inside each other."""

_MOST_PARTS = 1000
_INTEGERS = range(-(1 << 63), 1 << 63)
_MANY_DIGITS = re.compile(r"[0-9_]{1000}")
_PLACE = re.compile(r"line (\d+), column (\d+)\)")


class TomlError(ValueError):
    """What is wrong with the text, and the line and column of it, from 1, where they are known."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


def parse_table(text: str) -> dict[str, Any]:
    """The table that `text` spells. Raises TomlError."""
    if toml.__name__ == "tomllib" and any(line.count(".") > _MOST_PARTS for line in text.split("\n")):
        raise _too_deep()  # the square of that many steps; tomli has this limit itself
    try:
        table = toml.loads(text)
    except toml.TOMLDecodeError as error:
        raise _malformed(error, text) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # Python reads no more than 4,300 digits
        raise _too_large(text) from None
    _check(table, text)
    return table


def _check(table: dict[str, Any], text: str) -> None:
    waiting: list[tuple[dict[str, Any] | list[Any], int]] = [(table, 0)]
    while waiting:
        found, depth = waiting.pop()
        if depth > DEPTH_LIMIT:
            raise _too_deep()
        for each in found.values() if isinstance(found, dict) else found:
            kind = type(each)
            if kind is dict or kind is list:
                waiting.append((each, depth + 1))
            elif kind is int and each not in _INTEGERS:
                raise _too_large(text)


def _too_deep() -> TomlError:
    return TomlError(f"nested too deeply: more than {DEPTH_LIMIT} levels of tables and arrays")


def _malformed(error: toml.TOMLDecodeError, text: str) -> TomlError:
    message, _, where = str(error).rpartition(" (at ")
    message = re.sub(r"\(['\"].*\)", _table_name, message)
    found = _PLACE.match(where)
    line, column = map(int, found.groups()) if found else _end(text)
    return TomlError(message[:1].lower() + message[1:], line, column)


def _end(text: str) -> tuple[int, int]:
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def _table_name(found: re.Match[str]) -> str:
    """`[a.b]` for the tuple `('a', 'b')`, as which the parser shows the name of a table."""
    from ast import literal_eval

    try:
        return f"[{'.'.join(literal_eval(found[0]))}]"
    except (SyntaxError, TypeError, ValueError):
        return found[0]


def _too_large(text: str) -> TomlError:
    found = _MANY_DIGITS.search(text)
    place = (text.count("\n", 0, found.start()) + 1, 1) if found else (None, None)
    return TomlError("an integer that does not fit into 64 bits", *place)
