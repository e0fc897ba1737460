"""Where rules about compilers come from, and one list of them all.

The files are of one format (`compiler_rules.toml`, described in docs/compilers.md): the program's own; that
of the package `rustkernel-rules`, which is upgraded by itself; the user's. A later row takes the place of an
earlier one of the same name.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootimage.base.json_text import parse_object
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.toml_file import Key, TomlFile, read_toml
from bootimage.base.user_folders import config_folder

if TYPE_CHECKING:
    from jsonschema import ValidationError

NAME = "compiler_rules.toml"
"""What such a file is called, wherever it lies."""

PACKAGE = "rustkernel_rules"
"""The module that a newer copy of the program's own file comes in."""

SHIPPED = Path(__file__).with_name(NAME)
"""The program's own file."""

Row = Mapping[str, Any]

_KINDS = {
    "tried": ("release", "commit_date", "cargo"),
    "pinned-crate": ("name",),
    "argument": ("name",),
    "specification-key": ("key",),
    "specification-value": ("key", "spellings"),
    "dropped-feature": ("feature",),
}
"""The tables of a file, and the fields that make up the name of a row."""

_FORMAT = 1
_HINT = "docs/compilers.md describes the rules"


@dataclass(frozen=True)
class Rules:
    """All rows that count, by their table's name."""

    rows: Mapping[str, tuple[Row, ...]]


def users_file(environ: Mapping[str, str]) -> Path:
    """The file of the user's own rules, which need not be there."""
    return config_folder(environ) / NAME


def rule_files(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The files in the order in which they count; the last need not be there."""
    return (SHIPPED, *_of_package(), users_file(environ))


def read_rules(environ: Mapping[str, str]) -> Rules:
    """The rows of all files that count. BuildError, with file and line, for what is wrong in one."""
    return _merged(_counted(environ))


def counted_files(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The files that are there and count, in their order. BuildError for what is wrong in one."""
    return tuple(file.path for file in _counted(environ))


def _counted(environ: Mapping[str, str]) -> list[TomlFile]:
    shipped = read_toml(SHIPPED)
    package = [read_toml(path) for path in _of_package() if path.is_file()]
    newer = [file for file in package if _is_understood(file) and _day(file) > _day(shipped)]
    own = [read_toml(path) for path in [users_file(environ)] if path.is_file()]
    for file in (*newer, *own):
        _check(file)
    return [shipped, *newer, *own]


def own_rules() -> Rules:
    """The rows of the program's own file alone."""
    return _merged([read_toml(SHIPPED)])


def _merged(files: Iterable[TomlFile]) -> Rules:
    rows: dict[str, dict[str, Row]] = {kind: {} for kind in _KINDS}
    for file in files:
        _add(rows, file)
    return Rules({kind: tuple(found.values()) for kind, found in rows.items()})


def _of_package() -> Iterator[Path]:
    """The package's file. Only looked for: to import it would take longer than to do nothing does.

    `python -m` lets Python look in the current folder first, which may be somebody else's: not for this.
    """
    here = ("", ".", os.getcwd())  # noqa: PTH109 - on the way of every run
    found = PathFinder.find_spec(PACKAGE, [folder for folder in sys.path if folder not in here])
    for folder in (found.submodule_search_locations if found else None) or ():
        yield Path(folder, NAME)


def _is_understood(file: TomlFile) -> bool:
    """False for the package of a later program, whose rows may mean what this one does not know."""
    return bool(file.value("format") == _FORMAT)


def _day(file: TomlFile) -> str:
    return file.get(str, "written") or ""


def _add(rows: Mapping[str, dict[str, Row]], file: TomlFile) -> None:
    for kind, fields in _KINDS.items():
        for row in (each for listed in file.data.get(kind, ()) for each in _single(listed, fields[0])):
            name = " ".join(_first(row[field]) for field in fields if field in row)
            rows[kind].pop(name, None)
            if not row.get("off"):
                rows[kind][name] = row


def _single(row: Row, field: str) -> Iterator[Row]:
    """`row` for each of its names, where it has several."""
    names = row[field]
    yield from ({**row, field: name} for name in (names if isinstance(names, list) else [names]))


def _first(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value)


def _check(file: TomlFile) -> None:
    from jsonschema import Draft202012Validator

    schema = parse_object(SHIPPED.with_name("compiler_rules.schema.json").read_bytes())
    found = [*Draft202012Validator(schema).iter_errors(dict(file.data))]
    places = [(_place(each), each.message) for error in found for each in (error, *(error.context or ()))]
    for place, message in sorted(places, key=lambda each: -len(each[0]))[:1]:  # the most particular
        table = f"[[{place[0]}]]: " if len(place) > 1 else ""
        raise file.error(f"{table}{message}", *place, hint=_HINT)
    for index, row in enumerate(file.data.get("pinned-crate", ())):
        if not row.get("off") and not f"{row['version']}.".startswith(f"{row['series']}."):
            message = f"[[pinned-crate]]: version {row['version']} is not of the series {row['series']}"
            raise file.error(message, "pinned-crate", index, "version", hint=_HINT)


def _place(error: ValidationError) -> tuple[Key, ...]:
    """Where in the file the error is: of a key that may not be there, at that key."""
    known = error.schema.get("properties", {}) if error.validator == "additionalProperties" else None
    unknown = [key for key in error.instance if key not in known] if known is not None else []
    return (*error.absolute_path, *unknown[:1])
