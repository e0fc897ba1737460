"""Has cargo compile again what has changed by its contents, where cargo by itself would not notice.

cargo compares time stamps, and only of the files it knows of. It overlooks a file that was put back with its
old stamp, a link that leads elsewhere now, a linker script, what a macro or a build script reads on its own,
and variables. So the digests of all inputs are kept beside what cargo builds, and a package of which cargo
would overlook a change loses its fingerprints: then cargo takes it for something that was never compiled.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bootimage.base.file_digest import digest_of_files
from bootimage.base.json_text import read_object
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.write_files import write_whole
from bootimage.cargo.dep_info import read_dep_info
from bootimage.cargo.manifest import read_package
from bootimage.kernel.crate_build import CrateBuild

_FOLDER = "inputs"
_LARGEST = 64 << 20


@dataclass(frozen=True)
class _State:
    """What a build depends on that cargo does not compare: the digest of each file, and the variables."""

    files: Mapping[str, str | None]
    """None for a file that had changed before a build which then failed."""
    environment: Mapping[str, str]

    def changed(self, other: _State) -> set[str]:
        """The files that were added, removed or altered from here to `other`."""
        names = self.files.keys() | other.files.keys()
        return {name for name in names if self.files.get(name) != other.files.get(name)}


@contextmanager
def compared_by_contents(
    build: CrateBuild, verb: str, declared: Iterable[Path], records: Iterable[Path]
) -> Iterator[None]:
    """Around a run of `cargo VERB` for `build`, which may read the files `declared`.

    `records` are the `.d` files of the build before: a newer file which they name is one that cargo looks at.
    """
    table = build.target_dir / _FOLDER / f"{_name(build, verb)}.json"
    before, now = _read(table), _state(build, declared)
    if before == now:
        yield
        return
    changed = before.changed(now) if before else {*now.files}
    if before is None or before.environment != now.environment:
        overlooked = {*build.packages}
    else:
        seen = _Seen(table, records, build.workspace_root)
        overlooked = _packages_with(build, (name for name in changed if name not in seen))
    _forget(build, overlooked)
    # Should this build not come to its end, nobody knows which contents cargo has seen.
    _write(table, _State({**now.files, **dict.fromkeys(changed)}, now.environment))
    yield
    _write(table, now)


def _name(build: CrateBuild, verb: str) -> str:
    asked = [verb, build.target.name, build.profile, build.bins, build.features, build.default_features]
    return hashlib.sha256(repr([*asked, build.cargoflags]).encode()).hexdigest()[:16]


def _state(build: CrateBuild, declared: Iterable[Path]) -> _State:
    files = {str(path): digest_of_files([("", path)]) for path in declared if path.exists()}
    return _State(files, dict(build.environment))


def _read(table: Path) -> _State | None:
    read = read_object(table, limit=_LARGEST)
    files, environment = read.get("files"), read.get("environment")
    return _State(files, environment) if isinstance(files, dict) and isinstance(environment, dict) else None


def _write(table: Path, state: _State) -> None:
    write_whole(table, json.dumps({"files": state.files, "environment": state.environment}))


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


def _forget(build: CrateBuild, packages: Iterable[Path]) -> None:
    """Take the fingerprints of these packages out of cargo's folder."""
    names = [re.escape(read_package(folder).name) for folder in packages]
    if not names or not build.target_dir.is_dir():
        return
    pattern = re.compile(f"({'|'.join(names)})-[0-9a-f]+")
    folders = [*build.target_dir.glob("*/.fingerprint"), *build.target_dir.glob("*/*/.fingerprint")]
    for folder in folders:
        with _locked(folder.parent):
            for entry in folder.iterdir():
                if pattern.fullmatch(entry.name):
                    shutil.rmtree(entry)
    if not folders and any(build.target_dir.glob("*/*/.cargo-lock")):  # a cargo that keeps them elsewhere
        shutil.rmtree(build.target_dir)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Wait for another cargo that builds here now, by the lock that it holds then."""
    newer = folder / ".cargo-build-lock"  # cargo 1.97 has both and holds both
    with (newer if newer.exists() else folder / ".cargo-lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
