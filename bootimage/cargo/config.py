"""The user's cargo configuration: the files that cargo reads for a folder, merged as cargo merges them.

Cargo finds `.cargo/config.toml` from its working directory, not from the manifest. We run it elsewhere,
so that it does not find `build-std`, and hand over what else stands in these files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from bootimage.base.errors import BuildError
from bootimage.base.generated_files import is_marked
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.toml_file import KINDS, Key, TomlFile, describe, dotted, read_toml
from bootimage.cargo.config_paths import takes_text, with_absolute_paths

Value = TypeVar("Value")

_MOST_INCLUDED = 64

# Arrays that are the command of a program: the nearer one counts, they are not joined. (So cargo means it;
# 1.95 and 1.97 lose their place while they merge a table, and join such arrays in some runs only.)
_COMMANDS = (
    ("credential-alias", "*"),
    ("doc", "browser"),
    ("host", "runner"),
    ("registries", "*", "credential-provider"),
    ("registry", "credential-provider"),
    ("target", "*", "runner"),
)

# What we decide ourselves: target and folders are given on the command line, the sysroot answers
# build-std, flags go through the environment, where cargo would not look at these any more.
_OURS = {
    "build": ("target", "target-dir", "build-dir", "dep-info-basedir", "rustflags", "build-std"),
    "unstable": ("build-std", "build-std-features", "json-target-spec"),
}


# Of these, what arguments and variables of ours do not outrank.
_NOT_OUTRANKED = {
    "build": ("build-dir", "dep-info-basedir", "build-std"),
    "unstable": ("build-std", "build-std-features"),
}


@dataclass(frozen=True)
class Layer:
    """One configuration file with what it includes; `values` have absolute paths."""

    file: TomlFile
    included: tuple[TomlFile, ...]
    values: Mapping[str, Any]

    @property
    def files(self) -> tuple[TomlFile, ...]:
        """The file itself, then those it includes."""
        return (self.file, *self.included)


@dataclass(frozen=True)
class CargoConfig:
    """The configuration for one folder: its layers, the nearest first."""

    layers: tuple[Layer, ...]
    cargo_home: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that was read."""
        return tuple(file.path for layer in self.layers for file in layer.files)

    @cached_property
    def merged(self) -> Mapping[str, Any]:
        """What cargo makes of all layers, with absolute paths."""
        return _merged(self.layers)

    def get(self, kind: type[Value], *keys: str) -> Value | None:
        """The value of type `kind` at `keys`, None when absent; a BuildError for any other type."""
        found: Any = self.merged
        for depth, key in enumerate(keys):
            found = self._typed(found, dict, keys[:depth]).get(key)
            if found is None:
                return None
        return self._typed(found, kind, keys)

    def table(self, *keys: str) -> Mapping[str, Any]:
        """The table at `keys`; an absent one is empty."""
        return self.get(dict, *keys) or {}

    def _typed(self, found: Any, kind: type[Value], keys: tuple[str, ...]) -> Value:
        if isinstance(found, kind):
            return found
        raise self.error(f"`{dotted(keys)}` must be {KINDS[kind]}, found {describe(found)}", *keys)

    def handed_over(self) -> dict[str, Any]:
        """What a cargo that runs outside of the project is to be given with `--config FILE`.

        That is `merged` without what that cargo finds by itself (cargo's home among it, whose arrays would
        be doubled) and without what the build decides itself.
        """
        return _without_ours(
            _merged(each for each in self.layers if each.file.path not in self._found_anyway)
        )

    def found_anyway(self) -> dict[str, Any] | None:
        """What cargo's home and `/.cargo` say, without what the build decides itself; None: it is all of it.

        Where it is not, cargo must have a home without that: no argument takes back what stands there.
        """
        merged = _merged(each for each in self.layers if each.file.path in self._found_anyway)
        return None if _harmless(merged) else _without_ours(merged)

    @cached_property
    def _found_anyway(self) -> set[Path]:
        return set(config_files(Path("/"), self.cargo_home))

    def error(self, message: str, *keys: Key) -> BuildError:
        """A BuildError at the nearest file that says something at `keys`."""
        for layer in self.layers:
            for file in layer.files:
                if _holds(file.data, keys):
                    return file.error(message, *keys)
        return BuildError(message)


def read_cargo_config(folder: Path, cargo_home: Path) -> CargoConfig:
    """The configuration that cargo uses when it runs in `folder`.

    Raises BuildError: not TOML, a value of a type that cargo does not know there, an included file
    that is missing or includes itself, one key as an array here and a string there.
    """
    files = [read_toml(path) for path in config_files(folder, cargo_home)]
    layers = tuple(_layer(file, (), []) for file in files if not is_marked(file.text))
    return CargoConfig(layers, cargo_home)


def config_files(folder: Path, cargo_home: Path) -> list[Path]:
    """The files that cargo finds by itself when it runs in `folder`, the nearest first, its home's last."""
    folders = [f"{above}/.cargo" for above in (folder, *folder.parents)]
    if str(cargo_home) not in folders:
        folders.append(str(cargo_home))
    return [Path(os.path.normpath(found)) for place in folders if (found := _in_folder(place))]


def _in_folder(place: str) -> str | None:
    """cargo prefers the older name where both exist."""
    found = (f"{place}/{name}" for name in ("config", "config.toml"))
    return next((path for path in found if os.path.isfile(path)), None)  # noqa: PTH113 (a hot path)


def _layer(file: TomlFile, above: tuple[Path, ...], read: list[Path]) -> Layer:
    """The layer of `file`; included by those in `above`; `read` grows with each included file."""
    _check_types(file)
    own = {key: value for key, value in file.data.items() if key != "include"}
    values: Mapping[str, Any] = {}
    included: tuple[TomlFile, ...] = ()
    for path in _includes(file, (*above, file.path)):
        read.append(path)
        if len(read) > _MOST_INCLUDED:  # two files that include the next one twice, and so on: never done
            raise file.error(f"more than {_MOST_INCLUDED} files are included", "include")
        inner = _layer(read_toml(path), (*above, file.path), read)
        values = _merge(values, inner.values, inner.file)
        included = (*included, *inner.files)
    root = str(file.path.parent.parent)
    return Layer(file, included, _merge(values, with_absolute_paths(own, root), file))


def _includes(file: TomlFile, open_files: tuple[Path, ...]) -> Iterator[Path]:
    """The files that `include` names, a path or an array of paths and `{ path, optional }`."""
    entries = file.value("include")
    count = len(entries) if isinstance(entries, list) else 0 if entries is None else 1
    for index in range(count):
        keys: tuple[Key, ...] = ("include", index) if isinstance(entries, list) else ("include",)
        as_table = isinstance(file.value(*keys), dict)
        name = file.get(str, *keys, "path") if as_table else file.get(str, *keys)
        if name is None or not name.endswith(".toml"):
            raise file.error("an included configuration needs a path that ends in .toml", *keys)
        path = Path(os.path.normpath(file.path.parent / name))
        if path in open_files:
            raise file.error(f"{path} includes itself", *keys)
        if path.is_file():
            yield path
        elif not (as_table and file.get(bool, *keys, "optional")):
            raise file.error(f"the included configuration {path} is missing", *keys)


def _check_types(file: TomlFile) -> None:
    def check(value: Any, keys: tuple[Key, ...]) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                check(inner, (*keys, key))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                check(inner, (*keys, index))
        elif not isinstance(value, str | int):
            raise file.error(f"cargo takes no such value for `{dotted(keys)}`: {describe(value)}", *keys)
        elif isinstance(value, str) and "\0" in value:
            raise file.error(f"`{dotted(keys)}` contains a NUL character", *keys)
        elif isinstance(value, int) and takes_text(tuple(map(str, keys))):
            raise file.error(f"`{dotted(keys)}` must be a string, found {describe(value)}", *keys)

    check(file.data, ())


def _merged(layers: Iterator[Layer] | tuple[Layer, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for layer in reversed(list(layers)):
        values = _merge(values, layer.values, layer.file)
    return values


def _merge(far: Mapping[str, Any], near: Mapping[str, Any], file: TomlFile) -> dict[str, Any]:
    """`near` over `far`: tables are merged, arrays joined with the nearer part last; `file` is for errors."""

    def both(far: Any, near: Any, keys: tuple[str, ...]) -> Any:
        if isinstance(far, dict) and isinstance(near, dict):
            inner = {key: both(far[key], near[key], (*keys, key)) for key in far.keys() & near.keys()}
            return {**far, **near, **inner}
        if isinstance(far, list) and isinstance(near, list):
            return near if _is_command(keys) else far + near
        if isinstance(far, dict | list) or isinstance(near, dict | list):
            message = f"`{dotted(keys)}` is {describe(near)} here and {describe(far)} in another file"
            raise file.error(f"{message} of the cargo configuration", *keys)
        return near

    merged = both(dict(far), dict(near), ())
    assert isinstance(merged, dict)
    return merged


def _is_command(keys: tuple[str, ...]) -> bool:
    return any(
        len(row) == len(keys) and all(part in ("*", key) for part, key in zip(row, keys, strict=True))
        for row in _COMMANDS
    )


def _without_ours(values: Mapping[str, Any]) -> dict[str, Any]:
    kept = {table: _without(value, _OURS.get(table, ())) for table, value in values.items()}
    if isinstance(targets := kept.get("target"), dict):
        kept["target"] = {
            name: _without(table, ("rustflags", "build-std")) for name, table in targets.items()
        }
    return {table: value for table, value in kept.items() if value != {}}


def _harmless(values: Mapping[str, Any]) -> bool:
    tables = [(values.get(name, {}), keys) for name, keys in _NOT_OUTRANKED.items()]
    tables += [(table, ("build-std",)) for table in values.get("target", {}).values()]
    return all(key not in table for table, keys in tables if isinstance(table, dict) for key in keys)


def _without(value: Any, keys: tuple[str, ...]) -> Any:
    return (
        {key: inner for key, inner in value.items() if key not in keys} if isinstance(value, dict) else value
    )


def _holds(data: Any, keys: tuple[Key, ...]) -> bool:
    for key in keys:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return True
