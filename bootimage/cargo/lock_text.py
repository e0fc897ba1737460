"""The text of a lock file, written as cargo writes it from the packages that it holds.

cargo compares texts under `--locked`, so the order and the shortest unambiguous names are part of it
(cargo's source: ops/lockfile.rs, core/resolver/encode.rs). For the format see `lock_file`.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from bootimage.cargo.lock_file import LockedPackage, LockFile
from bootimage.cargo.versions import order

_FIRST = "[[package]]"


def lock_text(lock: LockFile, packages: Collection[LockedPackage]) -> str:
    """The text of `lock` with `packages` in place of its own.

    What a package depends on may be written in any unambiguous way. What comes before and after the
    packages stays. Lock files of format 1 (2019 and older) cannot be written.
    """
    text = lock.text.replace("\r\n", "\n")
    start = text.index(_FIRST)
    rest = re.search(r"(?m)^\[(?!\[package\]\])", text[start:])
    tail = "\n" + text[start + rest.start() :] if rest else ""
    whole = LockFile(lock.path, "", tuple(sorted(packages, key=_place)))
    return text[:start] + "\n".join(_block(whole, each) for each in whole.packages) + tail


def _place(package: LockedPackage) -> tuple[object, ...]:
    return package.name, order(package.version), package.source or ""


def _block(whole: LockFile, package: LockedPackage) -> str:
    fields = {"name": package.name, "version": package.version}
    fields |= {"source": package.source} if package.source else {}
    fields |= {"checksum": package.checksum} if package.checksum else {}
    lines = [_FIRST, *(f'{key} = "{value}"' for key, value in fields.items())]
    if package.dependencies:
        found = sorted({whole.resolve(each) for each in package.dependencies}, key=_place)
        lines += ["dependencies = [", *(f' "{_shortest(whole, each)}",' for each in found), "]"]
    return "\n".join([*lines, ""])


def _shortest(whole: LockFile, package: LockedPackage) -> str:
    """How cargo names a package that others depend on: no longer than it must be."""
    if len(whole.find(package.name)) == 1:
        return package.name
    if len(whole.find_version(package.name, package.version)) == 1:
        return f"{package.name} {package.version}"
    return f"{package.name} {package.version} ({package.source})"
