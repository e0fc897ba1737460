"""Crates that this compiler cannot build in the version that a published lock file names.

Which ones is data: the rules about compilers (`compiler_rules.toml`), each with its reason. A hold
exchanges a package in the text of a lock file, which then is the text that cargo itself would write for it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.cargo.lock_file import LockedPackage, LockFile, lock_text, parse_lock_file
from bootimage.cargo.versions import order
from bootimage.toolchain.rule_files import Row
from bootimage.toolchain.toolchain import Toolchain

_FAMILY = re.compile(r"bootloader_api|bootloader-boot-config|bootloader-x86_64-.*")


@dataclass(frozen=True)
class Hold:
    """One row `[[pinned-crate]]` of the rules, where the fields are described."""

    crate: str
    series: str
    bound: Literal["at most", "at least"]
    version: str
    checksum: str
    loaders: tuple[str, ...] | None = None
    dependencies: tuple[str, ...] | None = None
    brings: tuple[LockedPackage, ...] = ()

    def is_for(self, loader: str) -> bool:
        """True when it is for the `loader` version's lock file."""
        return not self.loaders or order(self.loaders[0]) <= order(loader) <= order(self.loaders[1])

    def concerns(self, package: LockedPackage) -> bool:
        """True for a package of a lock file that the hold replaces."""
        if package.name != self.crate or package.checksum is None:  # a git commit stays what it is
            return False
        if not package.version.startswith(f"{self.series}."):
            return False
        found, wanted = order(package.version), order(self.version)
        return found > wanted if self.bound == "at most" else found < wanted


def applied_holds(toolchain: Toolchain, loader: str) -> tuple[Hold, ...]:
    """The holds that this compiler needs for the `loader` version."""
    return tuple(hold for row in toolchain.rules.pinned if (hold := _hold(row)).is_for(loader))


def holds_key(toolchain: Toolchain, loader: str) -> str:
    """The holds for the `loader` version as a part of the keys of all that is made from its lock file."""
    named = (
        (name, version)
        for hold in applied_holds(toolchain, loader)
        for name, version in [
            (hold.crate, hold.version),
            *((each.name, each.version) for each in hold.brings),
        ]
    )
    return " ".join(f"{name} {version}" for name, version in named)


def _hold(row: Row) -> Hold:
    return Hold(
        crate=row["crate"],
        series=row["series"],
        bound=row["bound"],
        version=row["version"],
        checksum=row["checksum"],
        loaders=tuple(row["loaders"]) if "loaders" in row else None,
        dependencies=tuple(row["dependencies"]) if "dependencies" in row else None,
        brings=tuple(LockedPackage(**each) for each in row.get("brings", ())),
    )


def hold_back(text: str, toolchain: Toolchain, loader: str) -> str:
    """The text of a lock file of the `loader` version, with every hold applied that this compiler needs."""
    lock = parse_lock_file(text, Path("Cargo.lock"))
    for hold in applied_holds(toolchain, loader):
        for package in filter(hold.concerns, lock.packages):
            text = lock_text(lock, _exchanged(lock, package, hold))
            lock = parse_lock_file(text, lock.path)
    return text


def _exchanged(lock: LockFile, old: LockedPackage, hold: Hold) -> list[LockedPackage]:
    """The packages of `lock` with `old` exchanged, what came with it, and nothing that nobody needs."""
    new = replace(old, version=hold.version, checksum=hold.checksum)
    brought = (replace(each, source=old.source) for each in hold.brings)
    if hold.dependencies is not None:
        new = replace(new, dependencies=tuple(_nearest(lock, each) for each in hold.dependencies))
    # Names that were unambiguous may not be so any more.
    kept = [_spelt_out(lock, each, {old: new}) for each in lock.packages if each not in (old, new)]
    new = new if hold.dependencies is not None else _spelt_out(lock, new, {})
    changed = LockFile(lock.path, "", tuple({*kept, *brought, new}))
    return sorted(_needed(changed), key=lambda each: (each.name, order(each.version)))


def _nearest(lock: LockFile, written: str) -> str:
    """`NAME VERSION` where the lock file has another version that stands for it; else as it is written."""
    name, _, version = written.partition(" ")
    found = lock.compatible(name, version) if version else None
    return f"{name} {found.version}" if found else written


def _spelt_out(
    lock: LockFile, package: LockedPackage, exchanged: dict[LockedPackage, LockedPackage]
) -> LockedPackage:
    """`package` with its dependencies named in full."""
    found = (lock.resolve(each) for each in package.dependencies)
    named = (exchanged.get(each, each) for each in found)
    return replace(package, dependencies=tuple(f"{each.name} {each.version}" for each in named))


def _needed(lock: LockFile) -> Iterator[LockedPackage]:
    """What the packages on this machine (those without a source) depend on, and they themselves."""
    roots = [each for each in lock.packages if each.source is None]
    yield from {each for root in roots for each in lock.reachable(root)}


def check_family(lock: str, loader: str, path: Path) -> None:
    """Raise BuildError unless the lock file's text has every crate of the loader's family at its version.

    cargo would take any newer 0.11.x for them; loader and kernel would then disagree on what they share.
    """
    wrong = _strangers(parse_lock_file(lock, path).packages, loader)
    if wrong:
        names = ", ".join(f"{each.name} {each.version}" for each in wrong)
        raise BuildError(
            f"the loader {loader} must be built from its own crates alone; its lock file names {names}",
            file=path,
            hint=f"in that folder: cargo update -p {wrong[0].name} --precise {loader}",
        )


def _strangers(packages: Collection[LockedPackage], loader: str) -> list[LockedPackage]:
    family = [each for each in packages if _FAMILY.fullmatch(each.name)]
    return [each for each in family if order(each.version) != order(loader)]
