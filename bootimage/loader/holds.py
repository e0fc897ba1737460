"""Crates that this compiler cannot build in the version that a published lock file names.

The rows are data (`holds.toml`, each with its reason). A hold swaps version and checksum in the text of
a lock file; the rest of the file stays as it was published.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bootimage.toolchain import Toolchain


@dataclass(frozen=True)
class Hold:
    """One row of holds.toml: `crate` of the compatible `series` is held at `version`."""

    crate: str
    series: str
    version: str
    checksum: str
    since_nightly: str
    since_release: str
    reason: str

    def applies(self, toolchain: Toolchain) -> bool:
        """True when this compiler is older than the first one that builds newer versions."""
        if "nightly" in toolchain.release:
            return toolchain.commit_date < self.since_nightly
        return _numbers(toolchain.release) < _numbers(self.since_release)


@cache
def holds() -> tuple[Hold, ...]:
    """All rows of holds.toml."""
    text = Path(__file__).with_name("holds.toml").read_text(encoding="utf-8")
    return tuple(Hold(**row) for row in tomllib.loads(text)["hold"])


def applied_holds(toolchain: Toolchain) -> tuple[Hold, ...]:
    """The holds that this compiler needs."""
    return tuple(hold for hold in holds() if hold.applies(toolchain))


def hold_back(lock: str, toolchain: Toolchain) -> str:
    """The text of a lock file with every hold applied that this compiler needs."""
    for hold in applied_holds(toolchain):
        lock = _swap(lock, hold)
    return lock


def _swap(lock: str, hold: Hold) -> str:
    entry = re.compile(
        rf'(name = "{re.escape(hold.crate)}"\nversion = )"({re.escape(hold.series)}\.[^"]+)"'
        r'(\nsource = "registry[^\n]*\nchecksum = )"[0-9a-f]{64}"'
    )
    match = entry.search(lock)
    if match is None or _numbers(match[2]) <= _numbers(hold.version):
        return lock
    lock = entry.sub(rf'\1"{hold.version}"\3"{hold.checksum}"', lock)
    # Where a lock file has two versions of a crate, its dependents name the version too.
    return lock.replace(f'"{hold.crate} {match[2]}', f'"{hold.crate} {hold.version}')


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("-")[0]))
