"""CARGO_ENV: what reaches cargo, build scripts and `env!` beyond the clean environment.

CARGOFLAGS, in which `--config FILE` names a file that the kernel is made from.

cargo is run elsewhere, so it gets the file's absolute path; no signature sees that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import SCons.Errors
import SCons.Node

from . import variable_values
from .kernel_inputs import input_name
from .scons_types import Env

# What the build decides itself, so that cargo would pass over these: pattern -> how it is asked for here.
_OURS = {
    r"RUSTFLAGS|CARGO_ENCODED_RUSTFLAGS|CARGO_BUILD_RUSTFLAGS|CARGO_TARGET_.*_RUSTFLAGS": "RUSTFLAGS=[...]",
    r"CARGO_TARGET_DIR|CARGO_BUILD_TARGET_DIR": 'RUST_BUILD_DIR="..."',
    r"CARGO_BUILD_TARGET": 'RUST_TARGET="..."',
    r"RUSTC|CARGO_BUILD_RUSTC": 'RUSTC="..."',
}


def variables(env: Env) -> dict[str, str]:
    """The variables with their values."""
    return {name: env.subst(str(value)) for name, value in variable_values.table(env, "CARGO_ENV").items()}


def refuse_ours(env: Env) -> None:
    """Raise UserError for a variable that would have no effect."""
    if variable_values.names_only(env):
        return
    for name in variable_values.table(env, "CARGO_ENV"):
        for pattern, instead in _OURS.items():
            if re.fullmatch(pattern, str(name)):
                raise SCons.Errors.UserError(
                    f"CARGO_ENV: {name} has no effect there, for the build decides that itself\n"
                    f"  help: say it with a construction variable: {instead}"
                )


_CONFIG = "--config"


def with_config_files(env: Env) -> Env:
    """`env` with nodes for the files in CARGOFLAGS, from the SConscript's folder, also in RUST_INPUTS."""
    words = list(_resolved(env, _words(env)))
    nodes = [word for word in words if isinstance(word, SCons.Node.Node)]
    if not nodes:
        return env
    return env.Override({"CARGOFLAGS": words, "RUST_INPUTS": [*env["RUST_INPUTS"], *nodes]})


def _resolved(env: Env, words: list[Any]) -> Iterator[Any]:
    previous = None
    for word in words:
        if isinstance(word, str) and word.startswith(f"{_CONFIG}="):
            yield from (_CONFIG, _file_or_setting(env, word.partition("=")[2]))
        else:
            yield _file_or_setting(env, word) if previous == _CONFIG else word
        previous = word


def _file_or_setting(env: Env, value: Any) -> Any:
    """The node of the file that `value` names; KEY=VALUE, where there is no such file, stays as it is."""
    node = variable_values.one_file(env, value, "CARGOFLAGS: --config")
    if node.is_derived():
        return node
    source = node.srcnode()
    if isinstance(value, str) and "=" in value and not os.path.isfile(source.abspath):  # noqa: PTH113
        return value
    return source if source.exists() else node  # which another SConscript may still make


def for_cargo(env: Env) -> tuple[str, ...]:
    """The words as cargo gets them."""
    return tuple(str(getattr(word, "abspath", word)) for word in _words(env))


def told(env: Env, manifest: Any) -> list[str]:
    """The words as signatures have them, the same on every machine."""
    return [
        input_name(env, manifest, word.abspath) if isinstance(word, SCons.Node.Node) else str(word)
        for word in _words(env)
    ]


def _words(env: Env) -> list[Any]:
    given = env["CARGOFLAGS"]
    return given.split() if isinstance(given, str) else list(given or [])
