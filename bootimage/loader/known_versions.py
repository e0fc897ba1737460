"""The loaders 0.11 known to build (`known_versions.toml`), written by the command that tries them."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

from bootimage.base.toml_text import parse_table
from bootimage.cargo.versions import order
from bootimage.toolchain.toolchain import Toolchain

KNOWN = Path(__file__).with_name("known_versions.toml")
"""The table: for each compiler that was tried, the loader versions that build with it."""

_TABLE = "docs/loaders.md lists which loader versions build with which compilers"


def advice(toolchain: Toolchain, version: str) -> str:
    """What to do about the loader `version` that does not build with this compiler."""
    near = nearest_known(toolchain, version)
    if near is None:
        return _TABLE
    return f"{near} is the nearest that is known to: cargo update -p bootloader_api --precise {near}"


# What a compiler says of source that is too old or too new for it; and what its linker says of a program
# that has become too large. All else (the disk is full, a crate is missing) no other version cures.
_OF_COMPILER = re.compile(
    r"error\[E\d{4}\]|will not fit in region|out of range|overlaps? with|rust-lld` failed"
)
_NEVER = re.compile(r"No space left on device|Permission denied|Cannot allocate memory|signal: \d+")


def is_of_compiler(errors: str) -> bool:
    """Whether another version of the compiler or of the loader may help against these errors of rustc."""
    return bool(_OF_COMPILER.search(errors)) and not _NEVER.search(errors)


def nearest_known(toolchain: Toolchain, version: str) -> str | None:
    """The version nearest to `version`, and not that one, that builds with a compiler as this one.

    That is the compiler tried whose age is nearest. Of two versions equally near it is the newer one.
    """
    compilers = parse_table(KNOWN.read_text(encoding="utf-8")).get("compiler", [])
    tried = [each for each in compilers if each["builds"]]
    if not tried:
        return None
    like: dict[str, Any] = min(
        tried, key=lambda each: _days_between(each["commit_date"], toolchain.commit_date)
    )
    others = [each for each in like["builds"] if order(each) != order(version)]
    patch = order(version)[2]
    return min(others, key=lambda each: (abs(order(each)[2] - patch), -order(each)[2]), default=None)


def _days_between(one: str, other: str) -> int:
    try:
        return abs((date.fromisoformat(one) - date.fromisoformat(other)).days)
    except ValueError:  # a compiler built from an archive may not know its date
        return 0
