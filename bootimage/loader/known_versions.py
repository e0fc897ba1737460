"""Which loaders 0.11 are known to build, by what has been tried with this compiler or one like it."""

from __future__ import annotations

import re
from datetime import date

from bootimage.cargo.versions import order
from bootimage.toolchain.missing_rule import NO_VERSION_HELPS
from bootimage.toolchain.rule_files import Row, read_rules
from bootimage.toolchain.toolchain import Toolchain

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


def is_of_compiler(errors: str) -> bool:
    """Whether another version of the compiler or of the loader may help against these errors of rustc."""
    return bool(_OF_COMPILER.search(errors)) and not NO_VERSION_HELPS.search(errors)


def nearest_known(toolchain: Toolchain, version: str) -> str | None:
    """The version nearest to `version`, and not that one, that builds with a compiler as this one.

    That is the compiler tried whose age is nearest. Of two versions equally near it is the newer one.
    """
    tried = [row for row in read_rules(toolchain.environ).rows["tried"] if row.get("loaders")]
    if not tried:
        return None
    like: Row = min(tried, key=lambda row: _days_between(row.get("commit_date", ""), toolchain.commit_date))
    others = [each for each in like["loaders"] if order(each) != order(version)]
    patch = order(version)[2]
    return min(others, key=lambda each: (abs(order(each)[2] - patch), -order(each)[2]), default=None)


def _days_between(one: str, other: str) -> int:
    try:
        return abs((date.fromisoformat(one) - date.fromisoformat(other)).days)
    except ValueError:  # a compiler built from an archive may not know its date
        return 0
