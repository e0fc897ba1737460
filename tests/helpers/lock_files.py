"""Made-up lock files for tests."""

from __future__ import annotations

REGISTRY = "registry+https://registry.example/index"
GIT = "git+https://example.org/bootloader?branch=mine#0123456789abcdef0123456789abcdef01234567"


def locked(
    name: str,
    version: str,
    *dependencies: str,
    source: str | None = REGISTRY,
    checksum: str = "c0ffee",
) -> str:
    """One package of a lock file; `source` None is a package on this machine."""
    listed = "".join(f' "{each}",\n' for each in dependencies)
    return (
        f'[[package]]\nname = "{name}"\nversion = "{version}"\n'
        + (f'source = "{source}"\n' if source else "")
        + (f'checksum = "{checksum}"\n' if source == REGISTRY else "")
        + (f"dependencies = [\n{listed}]\n" if dependencies else "")
    )
