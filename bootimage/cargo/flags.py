"""cargo's flags that depend on its version."""

from __future__ import annotations

from bootimage.specification.target import Target
from bootimage.toolchain.toolchain import Toolchain


def json_target_flags(toolchain: Toolchain, target: Target) -> list[str]:
    """cargo asks for a flag before it takes a target specification, since nightly 2026-02-01."""
    needed = target.specification is not None and toolchain.commit_date >= "2026-02-01"
    return ["-Zjson-target-spec"] if needed else []
