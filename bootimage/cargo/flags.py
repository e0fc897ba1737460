"""cargo's flags that depend on its version."""

from __future__ import annotations

from pathlib import Path

from bootimage.specification.target import Target
from bootimage.toolchain.toolchain import Toolchain


def json_target_flags(toolchain: Toolchain, target: Target) -> list[str]:
    """cargo asks for a flag before it takes a target specification, since nightly 2026-02-01."""
    needed = target.specification is not None and toolchain.commit_date >= "2026-02-01"
    return ["-Zjson-target-spec"] if needed else []


def lock_file_flags(toolchain: Toolchain, lock: Path) -> list[str]:
    """Build with the lock file `lock` in place of the one beside the manifest.

    The setting became stable while 1.97 was a nightly; earlier ones want its -Z flag as well.
    """
    early = _minor(toolchain.release) < 97
    setting = f'resolver.lockfile-path="{lock}"'
    return [*(["-Zlockfile-path"] if early else []), "--config", setting]


def _minor(release: str) -> int:
    return int(release.split(".")[1])
