"""Which values of a cargo configuration are paths, and what they are relative to.

Taken from cargo's reference, "Config-relative paths" and each key's own entry: paths are relative to the
folder that holds `.cargo`; names of programs are paths only where they hold a slash.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

Keys = tuple[str, ...]

_PATHS = (
    "build.target-dir",
    "build.build-dir",
    "build.dep-info-basedir",
    "http.cainfo",
    "http.proxy-cainfo",
    "patch.*.*.path",
    "path-bases.*",
    "paths",
    "resolver.lockfile-path",
    "source.*.directory",
    "source.*.local-registry",
)
_PROGRAMS = (
    "build.rustc",
    "build.rustc-wrapper",
    "build.rustc-workspace-wrapper",
    "build.rustdoc",
    "host.linker",
    "target.*.linker",
)
# A program with its arguments, as one string or as an array.
_COMMANDS = (
    "host.runner",
    "registries.*.credential-provider",
    "registry.credential-provider",
    "target.*.runner",
)
_SPECIFICATIONS = ("build.target",)


def with_absolute_paths(values: dict[str, Any], root: str) -> dict[str, Any]:
    """The configuration `values` of a file in ROOT/.cargo, with every relative path made absolute."""
    return {key: _absolute(value, (key,), root) for key, value in values.items()}


def takes_text(keys: Keys) -> bool:
    """Whether the value at `keys` is a path or a command, and so no number."""
    return _pattern(keys) in _CHANGES


def _join(root: str, path: str) -> str:
    # Letter for letter as Rust joins ("./a" stays), since `env!` compiles the result in.
    return os.path.join(root, path)  # noqa: PTH118


def _absolute(value: Any, keys: Keys, root: str) -> Any:
    if isinstance(value, dict):
        whole = {key: _absolute(inner, (*keys, key), root) for key, inner in value.items()}
        if keys[0] == "env" and whole.get("relative") is True and isinstance(whole.get("value"), str):
            whole["value"] = _join(root, whole["value"])
        return whole
    change = _CHANGES.get(_pattern(keys))
    return value if change is None else change(value, root)


def _pattern(keys: Keys) -> str:
    """The row of the tables above that `keys` falls under: `target.*.linker` for any target's linker."""
    stars = {"patch": (1, 2), "path-bases": (1,), "registries": (1,), "source": (1,), "target": (1,)}
    places = stars.get(keys[0], ())
    return ".".join("*" if place in places else key for place, key in enumerate(keys))


def _each(change: Callable[[str, str], str]) -> Callable[[Any, str], Any]:
    """`change` for a string, and for each string of an array."""

    def apply(value: Any, root: str) -> Any:
        if isinstance(value, list):
            return [apply(item, root) for item in value]
        return change(value, root) if isinstance(value, str) else value

    return apply


def _path(value: str, root: str) -> str:
    # cargo fills in templates such as {workspace-root} first; they are absolute.
    return value if value.startswith("{") else _join(root, value)


def _program(value: str, root: str) -> str:
    return _join(root, value) if "/" in value else value


def _command(value: Any, root: str) -> Any:
    words = value.split() if isinstance(value, str) else value
    if not isinstance(words, list) or not words or not isinstance(words[0], str) or "/" not in words[0]:
        return value
    # Always an array, since the folder's name may hold blanks.
    return [_join(root, words[0]), *words[1:]]


def _specification(value: str, root: str) -> str:
    return _join(root, value) if value.endswith(".json") else value


_CHANGES: dict[str, Callable[[Any, str], Any]] = {
    **dict.fromkeys(_PATHS, _each(_path)),
    **dict.fromkeys(_PROGRAMS, _each(_program)),
    **dict.fromkeys(_COMMANDS, _command),
    **dict.fromkeys(_SPECIFICATIONS, _each(_specification)),
}
