"""CARGO_ENV: what reaches cargo, build scripts and `env!` beyond the clean environment."""

from __future__ import annotations

import re
from typing import Any

import SCons.Errors

from . import face, files

# What the build decides itself, so that cargo would pass over these: pattern -> how it is asked for here.
_OURS = {
    r"RUSTFLAGS|CARGO_ENCODED_RUSTFLAGS|CARGO_BUILD_RUSTFLAGS|CARGO_TARGET_.*_RUSTFLAGS": "RUSTFLAGS=[...]",
    r"CARGO_TARGET_DIR|CARGO_BUILD_TARGET_DIR": 'RUST_BUILD_DIR="..."',
    r"CARGO_BUILD_TARGET": 'RUST_TARGET="..."',
    r"RUSTC|CARGO_BUILD_RUSTC": 'RUSTC="..."',
}


def variables(env: Any) -> dict[str, str]:
    """The variables with their values."""
    return {name: env.subst(str(value)) for name, value in files.table(env, "CARGO_ENV").items()}


def refuse_ours(env: Any) -> None:
    """Raise UserError for a variable that would have no effect."""
    if face.names_only(env):
        return
    for name in files.table(env, "CARGO_ENV"):
        for pattern, instead in _OURS.items():
            if re.fullmatch(pattern, str(name)):
                raise SCons.Errors.UserError(
                    f"CARGO_ENV: {name} has no effect there, for the build decides that itself\n"
                    f"  help: say it with a construction variable: {instead}"
                )
