"""Flags that depend on the version of cargo or rustc: they are rules (`compiler_rules.toml`).

Flags for rustc, as cargo takes them from its environment.

Keep the folders of this machine out of what is compiled, so that every machine makes the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from bootimage.target_spec.target import Target
from bootimage.toolchain.toolchain import Toolchain

Step = Literal["sysroot", "kernel", "loader"]
"""What cargo is run for."""


def json_target_flags(toolchain: Toolchain, target: Target) -> list[str]:
    """What this cargo asks for before it takes a target specification."""
    return toolchain.rules.words("cargo", "json-target") if target.specification is not None else []


def advice_for_plain_cargo(
    toolchain: Toolchain, target: Target | str, unstable: Mapping[str, object]
) -> str | None:
    """What `cargo run` and `cargo test` need, which get no flags from us; None where they need nothing.

    `target` may be named as cargo is told it; `unstable` is that table of cargo's configuration.
    """
    custom = target.endswith(".json") if isinstance(target, str) else target.specification is not None
    if not custom or not toolchain.rules.words("cargo", "json-target") or unstable.get("json-target-spec"):
        return None
    line = "`json-target-spec = true` under `[unstable]` of .cargo/config.toml"
    return f"`cargo run` and `cargo test` take a target specification only with {line}"


def step_flags(toolchain: Toolchain, step: Step, target: Target) -> list[str]:
    """The arguments that the rules have for cargo in this step, for this target."""
    return [*json_target_flags(toolchain, target), *toolchain.rules.words("cargo", step, "always")]


def step_rustflags(toolchain: Toolchain, step: Step) -> list[str]:
    """The arguments that the rules have for rustc in this step."""
    return toolchain.rules.words("rustc", step, "always")


def encoded(flags: Sequence[str]) -> str:
    """The value of CARGO_ENCODED_RUSTFLAGS: spaces in a flag are safe there."""
    return "\x1f".join(flags)


def remap_flags(toolchain: Toolchain, folders: Mapping[Path, str]) -> list[str]:
    """`--remap-path-prefix` for the library source and `folders` (path -> its stand-in).

    The library source gets the name that rustc itself gives it (`/rustc/COMMIT`), which debuggers know.
    """
    source = toolchain.library_tree
    names = {**stand_ins(folders), source: f"/rustc/{toolchain.commit_hash}"}
    return [f"--remap-path-prefix={path}={name}" for path, name in names.items()]


def stand_ins(folders: Mapping[Path, str]) -> dict[Path, str]:
    """The names of `folders`, the more particular last: rustc takes the last that fits.

    Each folder has its name also by its path without links, which is what a program knows of the folder
    that it is started in.
    """
    both = {real: name for path, name in folders.items() if (real := path.resolve())} | dict(folders)
    return dict(sorted(both.items(), key=lambda item: len(item[0].parts)))


def seen_from(root: Path, folders: Iterable[Path]) -> dict[Path, str]:
    """Each folder's path from `root`: what it is called in every clone, wherever that is."""
    return {folder: os.path.relpath(folder, root) for folder in (*folders, root) if folder.parent != folder}
