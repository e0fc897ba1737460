"""Has cargo compile again what has changed by its contents, where cargo by itself would not notice.

cargo compares time stamps, and only of the files it knows of. It overlooks a file that was put back with its
old stamp, a link that leads elsewhere now, a linker script, what a macro or a build script reads on its own,
and variables. So the digests of all inputs are kept beside what cargo builds, and a package of which cargo
would overlook a change loses its fingerprints: then cargo takes it for something that was never compiled.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bootimage.base.file_digest import digest_of_files
from bootimage.base.json_text import read_object
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.write_files import write_whole
from bootimage.cargo.dep_info import read_dep_info
from bootimage.cargo.manifest import read_package
from bootimage.cargo.target_folder import forget
from bootimage.kernel.crate_build import CrateBuild

_FOLDER = "inputs"
_LARGEST = 64 << 20


@dataclass(frozen=True)
class _State:
    """What a build depends on that cargo does not compare: the digest of each file, and the variables."""

    files: Mapping[str, str | None]
    """None for a file that had changed before a build which then failed."""
    environment: Mapping[str, str]
    records: tuple[str, ...] = ()
    """The `.d` files of the last build: a newer file which they name is one that cargo looks at."""

    def changed(self, other: _State) -> set[str]:
        """The files that were added, removed or altered from here to `other`."""
        names = self.files.keys() | other.files.keys()
        return {name for name in names if self.files.get(name) != other.files.get(name)}


@contextmanager
def compared_by_contents(
    build: CrateBuild, verb: str, declared: Iterable[Path]
) -> Iterator[Callable[[Iterable[Path]], None]]:
    """Around a run of `cargo VERB` for `build`, which may read the files `declared`.

    The body calls what it gets with the `.d` files of which cargo compares the time stamps.
    """
    table = build.target_dir / _FOLDER / f"{_name(build, verb)}.json"
    before = _read(table)
    now = _state(build, declared, before.records if before else ())
    if before != now:
        changed = _forget_overlooked(build, table, before, now)
        # Should this build not come to its end, nobody knows which contents cargo has seen.
        _write(table, replace(now, files={**now.files, **dict.fromkeys(changed)}))
    records: list[Path] = []
    yield records.extend
    after = replace(now, records=tuple(sorted(map(str, records))))
    if before != after:
        _write(table, after)


def _forget_overlooked(build: CrateBuild, table: Path, before: _State | None, now: _State) -> set[str]:
    """Have cargo compile what it would overlook since `before`; returns all files that have changed."""
    changed = before.changed(now) if before else {*now.files}
    if before is None or before.environment != now.environment:
        overlooked = {*build.packages}
    else:
        seen = _Seen(table, map(Path, before.records), build.workspace_root)
        overlooked = _packages_with(build, (name for name in changed if name not in seen))
    forget(build.target_dir, {read_package(folder).name for folder in overlooked})
    return changed


def _name(build: CrateBuild, verb: str) -> str:
    asked = [verb, build.target.name, build.profile, build.bins, build.features, build.default_features]
    return hashlib.sha256(repr([*asked, build.cargoflags]).encode()).hexdigest()[:16]


def _state(build: CrateBuild, declared: Iterable[Path], records: tuple[str, ...]) -> _State:
    files = {str(path): digest_of_files([("", path)]) for path in declared if path.exists()}
    return _State(files, dict(build.environment), records)


def _read(table: Path) -> _State | None:
    read = read_object(table, limit=_LARGEST)
    files, environment, records = read.get("files"), read.get("environment"), read.get("records")
    if isinstance(files, dict) and isinstance(environment, dict) and isinstance(records, list):
        return _State(files, environment, tuple(map(str, records)))
    return None


def _write(table: Path, state: _State) -> None:
    write_whole(
        table, json.dumps({"files": state.files, "environment": state.environment, "records": state.records})
    )


class _Seen:
    """The files whose change cargo notices: it knows them, and they are newer than the build before."""

    def __init__(self, table: Path, records: Iterable[Path], base: Path) -> None:
        self._last_build = table.stat().st_mtime_ns if table.exists() else 0
        paths = {path for record in records if record.exists() for path in read_dep_info(record).paths}
        self._known = {os.path.realpath(base / path) for path in paths}

    def __contains__(self, path: str) -> bool:
        if os.path.realpath(path) not in self._known:
            return False
        return not os.path.exists(path) or os.stat(path).st_mtime_ns > self._last_build  # noqa: PTH110, PTH116


def _packages_with(build: CrateBuild, files: Iterable[str]) -> set[Path]:
    """The folders of the packages to which the files belong."""
    return {folder for name in files for folder in _packages_of(Path(name), build.packages)}


def _packages_of(path: Path, packages: Sequence[Path]) -> Iterable[Path]:
    """The package that the file belongs to; of one that is in none, any may make use."""
    around = [folder for folder in packages if path.is_relative_to(folder)]
    return [max(around, key=lambda folder: len(folder.parts))] if around else packages
