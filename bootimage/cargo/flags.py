"""Flags that depend on the version of cargo or rustc: they are rules (`compiler_rules.toml`)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from bootimage.specification.target import Target
from bootimage.toolchain.toolchain import Toolchain

Step = Literal["sysroot", "kernel", "loader"]


def json_target_flags(toolchain: Toolchain, target: Target) -> list[str]:
    """What this cargo asks for before it takes a target specification."""
    return toolchain.rules.words("cargo", "json-target") if target.specification is not None else []


def lock_file_flags(toolchain: Toolchain, lock: Path) -> list[str]:
    """Build with the lock file `lock` in place of the one beside the manifest."""
    return [word.replace("{lock}", str(lock)) for word in toolchain.rules.words("cargo", "lock-file")]


def step_flags(toolchain: Toolchain, step: Step, target: Target) -> list[str]:
    """The arguments that the rules have for cargo in this step, for this target."""
    return [*json_target_flags(toolchain, target), *toolchain.rules.words("cargo", step, "always")]


def step_rustflags(toolchain: Toolchain, step: Step) -> list[str]:
    """The arguments that the rules have for rustc in this step."""
    return toolchain.rules.words("rustc", step, "always")
