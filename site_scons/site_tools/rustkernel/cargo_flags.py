"""CARGOFLAGS, in which `--config FILE` names a file that the kernel is made from.

cargo is run elsewhere, so it gets the file's absolute path; no signature sees that.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import SCons.Node

from . import files
from .declared import input_name

_CONFIG = "--config"


def with_config_files(env: Any) -> Any:
    """`env` with nodes for the files in CARGOFLAGS, from the SConscript's folder, also in RUST_INPUTS."""
    words = list(_resolved(env, _words(env)))
    nodes = [word for word in words if isinstance(word, SCons.Node.Node)]
    if not nodes:
        return env
    return env.Override({"CARGOFLAGS": words, "RUST_INPUTS": [*env["RUST_INPUTS"], *nodes]})


def _resolved(env: Any, words: list[Any]) -> Iterator[Any]:
    previous = None
    for word in words:
        if isinstance(word, str) and word.startswith(f"{_CONFIG}="):
            yield from (_CONFIG, _file_or_setting(env, word.partition("=")[2]))
        else:
            yield _file_or_setting(env, word) if previous == _CONFIG else word
        previous = word


def _file_or_setting(env: Any, value: Any) -> Any:
    """The node of the file that `value` names; KEY=VALUE, where there is no such file, stays as it is."""
    node = files.one_file(env, value, "CARGOFLAGS: --config")
    if node.is_derived():
        return node
    source = node.srcnode()
    if isinstance(value, str) and "=" in value and not os.path.isfile(source.abspath):  # noqa: PTH113
        return value
    return source if source.exists() else node  # which another SConscript may still make


def for_cargo(env: Any) -> tuple[str, ...]:
    """The words as cargo gets them."""
    return tuple(str(getattr(word, "abspath", word)) for word in _words(env))


def told(env: Any, manifest: Any) -> list[str]:
    """The words as signatures have them, the same on every machine."""
    return [
        input_name(env, manifest, word.abspath) if isinstance(word, SCons.Node.Node) else str(word)
        for word in _words(env)
    ]


def _words(env: Any) -> list[Any]:
    given = env["CARGOFLAGS"]
    return given.split() if isinstance(given, str) else list(given or [])
