"""Packages that a build script compiles with a cargo of its own, such as the programs that a kernel embeds.

What that cargo makes is no input of the kernel's, but what it makes it from is. No manifest says that there
are such packages. They are found by what a build has read, and are remembered beside what cargo builds: from
then on, all that such a package may be made from is declared as an input of the kernel's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.json_text import read_object
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.toml_file import read_toml
from bootimage.cargo.declared_inputs import declared_inputs
from bootimage.cargo.package_files import is_of_system
from bootimage.cargo.target_folder import record_beside

_FOLDER = "inputs"
# What is at the top of each target folder.
_MARK = ".rustc_info.json"
_RECORDS = ("*/*.d", "*/*/*.d")  # beside what it has built, by profile, or by target and profile


@dataclass(frozen=True)
class Nested:
    """The `manifests` of such packages, and what was read that belongs to none of them."""

    manifests: tuple[Path, ...]
    unexplained: tuple[Path, ...]


def find_nested(read: Iterable[Path], out_dirs: Iterable[Path], own: Collection[Path]) -> Nested:
    """Explain the files `read` by the build scripts that have written to `out_dirs`.

    `own` are the folders of the packages that the kernel is made of. A product of a nested cargo is explained
    by cargo's record beside it, a source by the manifest above it.
    """
    from bootimage.cargo.dep_info import read_dep_info

    products = {path: record for path in read if (record := _record_of(path))}
    sources = [path for path in read if path not in products]
    records = [*products.values(), *(each for folder in out_dirs for each in _records_in(folder))]
    named = {Path(name) for record in records for name in read_dep_info(record).paths}
    manifests = {*_manifests_of([*sources, *named], own)}
    inputs = {os.path.realpath(file) for file in _all_inputs(manifests)}
    return Nested(
        tuple(sorted(manifests)), tuple(path for path in sources if os.path.realpath(path) not in inputs)
    )


def inputs_of(manifests: Iterable[Path]) -> list[Path]:
    """All that these packages may be made from. One whose manifest cannot be read any more has none."""
    found: set[Path] = set()
    for manifest in manifests:
        with suppress(BuildError):
            found |= {*_all_inputs([manifest])}
    return sorted(found)


def remember(target_dir: Path, verb: str, manifests: Iterable[Path]) -> bool:
    """Keep what `cargo VERB` has found, beside what it builds. True where that is news."""
    from bootimage.base.write_files import write_whole

    table, found = _table(target_dir, verb), sorted(map(str, manifests))
    if found == _read(table):
        return False
    write_whole(table, json.dumps({"manifests": found}))
    return True


def remembered(target_dir: Path) -> list[Path]:
    """The manifests that builds in this folder have found."""
    tables = (_table(target_dir, verb) for verb in ("build", "test"))
    return sorted({Path(name) for table in tables if table.is_file() for name in _read(table)})


def _table(target_dir: Path, verb: str) -> Path:
    return target_dir / _FOLDER / f"nested-{verb}.json"


def _read(table: Path) -> list[str]:
    found = read_object(table).get("manifests")
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _all_inputs(manifests: Iterable[Path]) -> Iterator[Path]:
    for manifest in manifests:
        yield from declared_inputs(manifest).files


def _record_of(path: Path) -> Path | None:
    """cargo's record of what `path` was made from; None for what no cargo has made."""
    if not any((folder / _MARK).is_file() for folder in path.parents):
        return None
    return next((each for each in (record_beside(path), path.with_suffix(".d")) if each.is_file()), None)


def _records_in(folder: Path) -> Iterator[Path]:
    """cargo's records of what it has built in target folders in `folder`, or in one that this is."""
    for mark in (*folder.glob(_MARK), *folder.glob(f"*/{_MARK}"), *folder.glob(f"*/*/{_MARK}")):
        for pattern in _RECORDS:
            yield from mark.parent.glob(pattern)


def _manifests_of(files: Iterable[Path], own: Collection[Path]) -> Iterator[Path]:
    from bootimage.cargo.find_manifest import nearest_manifest

    for file in files:
        manifest = None if is_of_system(str(file)) else nearest_manifest(file.parent)
        if manifest and manifest.parent not in own and "package" in read_toml(manifest).data:
            yield manifest
