"""Cargo.lock: which version of each crate a build uses; and the same with one version exchanged.

The format (cargo's "lock file", versions 1 to 4) is TOML: an array `package` of name, version, source and
checksum, with `dependencies` as "NAME", "NAME VERSION" where the name alone is ambiguous, or
"NAME VERSION (SOURCE)" where both are. Version 1 keeps the checksums in a table `metadata`.

The text of a lock file, written as cargo writes it from the packages that it holds.

cargo compares texts under `--locked`, so the order and the shortest unambiguous names are part of it
(cargo's source: ops/lockfile.rs, core/resolver/encode.rs). For the format see `lock_file`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import field
from functools import cached_property, lru_cache
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.toml_file import TomlFile, parse_toml, read_toml
from bootimage.cargo.versions import Order, compatible, order


@dataclass(frozen=True)
class LockedPackage:
    """One package of a lock file. A package without a source lies on this machine (workspace, path)."""

    name: str
    version: str
    source: str | None = None
    checksum: str | None = None
    dependencies: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class LockFile:
    """A lock file: where it lies, its text and its packages in the order of the file."""

    path: Path
    text: str = field(repr=False)
    packages: tuple[LockedPackage, ...]

    def find(self, name: str) -> tuple[LockedPackage, ...]:
        """The packages called `name`, in the order of their versions."""
        return self._named.get(name, ())

    def find_version(self, name: str, version: str) -> list[LockedPackage]:
        """The packages called `name` of exactly this version: several where their sources differ."""
        return self._versions.get((name, version), [])

    # A lock file has thousands of packages, and each is looked up for each that depends on it.
    @cached_property
    def _named(self) -> dict[str, tuple[LockedPackage, ...]]:
        found: dict[str, list[LockedPackage]] = {}
        for package in self.packages:
            found.setdefault(package.name, []).append(package)
        return {name: tuple(sorted(each, key=_version_order)) for name, each in found.items()}

    @cached_property
    def _versions(self) -> dict[tuple[str, str], list[LockedPackage]]:
        found: dict[tuple[str, str], list[LockedPackage]] = {}
        for package in self.packages:
            found.setdefault((package.name, package.version), []).append(package)
        return found

    def compatible(self, name: str, version: str) -> LockedPackage | None:
        """The one package `name` that stands where `version` could: same 1.x, same 0.15.x."""
        return next((package for package in self.find(name) if compatible(package.version, version)), None)

    def resolve(self, written: str) -> LockedPackage:
        """The package that an entry of `dependencies` means; a BuildError where there is none."""
        name, _, rest = written.partition(" ")
        version, _, source = rest.partition(" ")
        for package in self.find_version(name, version) if version else self.find(name):
            if source.strip("()") in ("", package.source):
                return package
        raise BuildError(
            f"a locked package depends on `{written}`, which is not in the lock file",
            file=self.path,
            hint="let cargo mend it: cargo update --workspace",
        )

    def reachable(self, start: LockedPackage) -> frozenset[LockedPackage]:
        """`start` and all that it depends on, directly or not."""
        found, waiting = {start}, [start]
        while waiting:
            new = {self.resolve(written) for written in waiting.pop().dependencies} - found
            found |= new
            waiting += new
        return frozenset(found)


def _version_order(package: LockedPackage) -> Order:
    return order(package.version)


def read_lock_file(path: Path) -> LockFile | None:
    """The lock file at `path`, or None where there is none. A malformed one is a BuildError."""
    return _lock(read_toml(path)) if path.exists() else None


def required_lock_file(path: Path, manifest: Path) -> LockFile:
    """The lock file at `path`, of the package `manifest`. BuildError: there is none, or a malformed one."""
    if lock := read_lock_file(path):
        return lock
    raise BuildError(
        "there is no Cargo.lock, and a build never makes one behind your back",
        file=path,
        hint=f"cargo generate-lockfile --manifest-path {manifest}",
    )


def parse_lock_file(text: str, path: Path) -> LockFile:
    """A lock file's text; `path` is for errors."""
    return _lock(parse_toml(text, path))


def with_version(lock: LockFile, package: LockedPackage, version: str, checksum: str) -> str:
    """The text of `lock` with `package` at another `version` and its `checksum`, all else byte for byte.

    This is the text cargo itself would write, so that `--locked` accepts it: the entries that name
    the package follow, and whatever cargo keeps sorted is sorted. The new version must have the
    dependencies of the old one. Lock files of format 1 (2019 and older) are a BuildError.
    """
    if package.checksum is None or f'checksum = "{package.checksum}"' not in lock.text:
        raise BuildError(
            f"`{package.name} {package.version}` has no checksum to exchange",
            file=lock.path,
            hint="bring the lock file to the current format: cargo update --workspace",
        )
    text = lock.text.replace("\r\n", "\n")
    head, blocks, tail = _taken_apart(text)
    changed = [_with_version(block, package, version, checksum) for block in blocks]
    whole = head + "\n".join(sorted(changed, key=_place_of_block)) + tail
    return whole if text == lock.text else whole.replace("\n", "\r\n")


def _taken_apart(text: str) -> tuple[str, list[str], str]:
    """What comes before the `[[package]]` blocks, these without the blank lines between, what comes after."""
    start = text.index("[[package]]")
    rest = re.search(r"(?m)^\[(?!\[package\]\])", text[start:])
    end = start + rest.start() - 1 if rest else len(text)
    return text[:start], re.split(r"\n(?=\[\[package\]\])", text[start:end]), text[end:]


def _with_version(block: str, package: LockedPackage, version: str, checksum: str) -> str:
    old = f'name = "{package.name}"\nversion = "{package.version}"\n'
    if old in block and f'"{package.checksum}"' in block:
        new = f'name = "{package.name}"\nversion = "{version}"\n'
        return block.replace(old, new).replace(f'"{package.checksum}"', f'"{checksum}"')
    named = re.compile(rf'(?m)^ "{re.escape(f"{package.name} {package.version}")}(?=[" ])')
    if not named.search(block):
        return block
    above, entries, below = block.partition("dependencies = [\n")
    entries, bracket, below = below.partition("]\n")
    lines = named.sub(f' "{package.name} {version}', entries).splitlines(keepends=True)
    return f"{above}dependencies = [\n{''.join(sorted(lines, key=_place_of_entry))}{bracket}{below}"


def _place_of_block(block: str) -> tuple[str, Order]:
    name, version = re.findall(r'(?m)^(?:name|version) = "(.*)"$', block)[:2]
    return name, order(version)


def _place_of_entry(line: str) -> tuple[str, Order, str]:
    name, _, rest = line.strip(' ",\n').partition(" ")
    version, _, source = rest.partition(" ")
    return name, order(version or "0.0.0"), source


# Many packages of a workspace share one lock file.
@lru_cache(maxsize=16)
def _lock(file: TomlFile) -> LockFile:
    count = len(file.get(list, "package") or [])
    return LockFile(file.path, file.text, tuple(_package(file, index) for index in range(count)))


def _package(file: TomlFile, index: int) -> LockedPackage:
    def text(key: str) -> str | None:
        return file.get(str, "package", index, key)

    name, version, source, checksum = (text(key) for key in ("name", "version", "source", "checksum"))
    if name is None or version is None:
        raise file.error("a locked package needs `name` and `version`", "package", index)
    try:
        order(version)
    except ValueError as error:
        raise file.error(str(error), "package", index, "version") from error
    if checksum is None and "metadata" in file.data:
        checksum = file.get(str, "metadata", f"checksum {name} {version} ({source})")
    return LockedPackage(name, version, source, checksum, file.strings("package", index, "dependencies"))


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
