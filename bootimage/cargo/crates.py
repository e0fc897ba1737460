"""The crates of a cargo package (library, binaries, tests, ..., build script) by cargo's rules."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.toml_file import Key, TomlFile
from bootimage.cargo.crate_names import check_crate_name

Kind = Literal["lib", "bin", "example", "test", "bench", "build-script"]


@dataclass(frozen=True)
class Crate:
    """One crate that cargo can build of a package.

    `path` is its root source file, which a node of the user's may yet have to write. `test` says
    whether `cargo test` builds it, `harness` whether it gets the test harness's `main` then.
    """

    kind: Kind
    name: str
    path: Path
    required_features: tuple[str, ...] = ()
    harness: bool = True
    test: bool = True


class _Section:
    """One `[[KIND]]`: where cargo looks for such crates, the key that stops it, `cargo test`'s default."""

    def __init__(
        self, kind: Literal["bin", "example", "test", "bench"], folder: str, switch: str, test: bool
    ) -> None:
        self.kind = kind
        self.folder = folder
        self.switch = switch
        self.test = test


_SECTIONS = (
    _Section("bin", "src/bin", "autobins", True),
    _Section("example", "examples", "autoexamples", False),
    _Section("test", "tests", "autotests", True),
    _Section("bench", "benches", "autobenches", False),
)


def find_crates(file: TomlFile, name: str, edition: str) -> tuple[Crate, ...]:
    """The crates of the package `name` whose manifest is `file`: those it lists, then those that lie there.

    Whether a listed crate's file exists is cargo's to say: it may be written during the build.
    """
    library = _library(file, name)
    several = [crate for section in _SECTIONS for crate in _section(file, section, name, edition)]
    return (*library, *several, *_build_script(file))


def _library(file: TomlFile, package: str) -> Iterator[Crate]:
    listed = file.get(dict, "lib") is not None
    lies_there = (file.path.parent / "src/lib.rs").is_file()
    if listed or (lies_there and file.get(bool, "package", "autolib") is not False):
        name = file.get(str, "lib", "name") if listed else None
        yield _listed(file, "lib", ("lib",), name or package.replace("-", "_"), "src/lib.rs", True)


def _section(file: TomlFile, section: _Section, package: str, edition: str) -> Iterator[Crate]:
    folder = file.path.parent
    lying = dict(_lying_there(folder, section, package))
    listed = list(_all_listed(file, section, lying, package))
    yield from listed
    switch = file.get(bool, "package", section.switch)
    # Edition 2015 stops looking as soon as one crate of the kind is listed.
    if switch if switch is not None else edition != "2015" or not listed:
        taken = {crate.name for crate in listed} | {crate.path for crate in listed}
        for name, path in lying.items():
            if name not in taken and folder / path not in taken:
                yield Crate(section.kind, name, folder / path, test=section.test)


def _all_listed(file: TomlFile, section: _Section, lying: Mapping[str, str], package: str) -> Iterator[Crate]:
    for index in range(len(file.get(list, section.kind) or [])):
        keys = (section.kind, index)
        name = file.get(str, *keys, "name")
        if name is None:
            raise file.error(f"each `[[{section.kind}]]` needs a `name`", *keys)
        path = lying.get(name) or _place(section, name, package)
        yield _listed(file, section.kind, keys, name, path, section.test)


def _listed(file: TomlFile, kind: Kind, keys: tuple[Key, ...], name: str, path: str, test: bool) -> Crate:
    """The crate at `keys` of the manifest; `path` and `test` are what holds where it does not say."""

    def switch(key: str, default: bool) -> bool:
        found = file.get(bool, *keys, key)
        return default if found is None else found

    check_crate_name(file, name, *keys, "name")
    root = file.path.parent / (file.get(str, *keys, "path") or path)
    features = file.strings(*keys, "required-features")
    return Crate(
        kind, name, Path(os.path.normpath(root)), features, switch("harness", True), switch("test", test)
    )


def _lying_there(folder: Path, section: _Section, package: str) -> Iterator[tuple[str, str]]:
    """Name and path of the crates of a kind that cargo finds by itself, the path relative to `folder`."""
    if section.kind == "bin" and (folder / "src/main.rs").is_file():
        yield package, "src/main.rs"
    try:
        entries = sorted(os.scandir(folder / section.folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        stem, suffix = os.path.splitext(entry.name)  # noqa: PTH122 (names, not paths)
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if os.path.isfile(f"{entry.path}/main.rs"):  # noqa: PTH113
                yield entry.name, f"{section.folder}/{entry.name}/main.rs"
        elif suffix == ".rs":
            yield stem, f"{section.folder}/{entry.name}"


def _place(section: _Section, name: str, package: str) -> str:
    """Where a listed crate without a path belongs."""
    return "src/main.rs" if section.kind == "bin" and name == package else f"{section.folder}/{name}.rs"


def _build_script(file: TomlFile) -> Iterator[Crate]:
    declared = file.value("package", "build")
    folder = file.path.parent
    if declared is False or (declared is None and not (folder / "build.rs").is_file()):
        return
    if declared is None or declared is True:
        declared = "build.rs"
    if not isinstance(declared, str):
        raise file.error("`package.build` must be a path or false", "package", "build")
    yield Crate("build-script", f"build-script-{Path(declared).stem}", folder / declared, (), True, False)
