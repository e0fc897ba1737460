"""Build a kernel a second time as somebody else would: to find out whether the same bytes come of it.

The sources are copied to another folder, with another age; home, temporary folder, user's name, time zone
and number of jobs are others too; and nothing is taken from where the first build left it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bootimage.base.jobserver import JobServer
from bootimage.base.lazy_dataclass import dataclass
from bootimage.cargo.package_files import identity, package_files
from bootimage.context import BuildContext
from bootimage.kernel.crate_build import CrateBuild, build_crate
from bootimage.store.store import Store
from bootimage.toolchain.rustup import find_rustup

# The age that all files have in the second build: 2001-09-09.
_LONG_AGO = 1_000_000_000


def second_context(context: BuildContext, folder: Path, *, full: bool) -> BuildContext:
    """The surroundings of a second build, with its home in `folder` and without a network cache.

    `full`: with a store of its own, so that sysroots and loaders are built anew as well.
    """
    environ = context.toolchain.environ
    rustup = find_rustup(environ)
    home, temporary = folder / "another-home", folder / "another-tmp"
    for each in (home, temporary):
        each.mkdir(parents=True)
    # A compiler cache would answer with what the first build has made.
    kept = {name: value for name, value in environ.items() if name != "RUSTC_WRAPPER"}
    other = {
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "USER": "somebody-else",
        "LOGNAME": "somebody-else",
        "TZ": "Pacific/Kiritimati",
        "CARGO_HOME": str(context.toolchain.cargo_home()),
        **({"RUSTUP_HOME": str(rustup.home)} if rustup else {}),
    }
    return BuildContext(
        toolchain=replace(context.toolchain, environ={**kept, **other}),
        store=Store(folder / "store", context.store.limit) if full else context.store,
        remote=None,
        jobs=JobServer(2 if context.jobs.jobs == 1 else 1),
    )


def build_elsewhere(
    context: BuildContext, build: CrateBuild, inputs: Iterable[Path], skip: Iterable[Path], folder: Path
) -> dict[str, Path]:
    """The kernels of `build` by name, built in `folder` from copies of `inputs` (files and folders).

    `skip` are folders that hold what is built. Raises BuildError where the copy does not build.
    """
    files = {*_files(inputs), *_workspace(build, skip)}
    home = context.toolchain.cargo_home()
    move = _Move.of(
        [path for path in files if not path.is_relative_to(home)], build, folder / "another-folder"
    )
    for path in files:
        if not path.is_relative_to(home):
            move.copy(path)
    return build_crate(context, move.build(build, folder / "target"))


@dataclass(frozen=True)
class _Move:
    """From below the folder `old` to the same place below `new`."""

    old: Path
    new: Path

    @staticmethod
    def of(files: list[Path], build: CrateBuild, new: Path) -> _Move:
        """The move of all `files`, and of the folders that `build` names, to below `new`."""
        folders = [build.workspace_root, *build.packages, *([build.top] if build.top else [])]
        return _Move(Path(os.path.commonpath([*folders, *(path.parent for path in files)])), new)

    def path(self, path: Path) -> Path:
        """Where `path` is after the move."""
        return self.new / path.relative_to(self.old)

    def copy(self, path: Path) -> None:
        """Copy a file, with the time that all have."""
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
        os.utime(target, (_LONG_AGO, _LONG_AGO))

    def text(self, text: str) -> str:
        """`text` with the paths in it moved."""
        return text.replace(f"{self.old}/", f"{self.new}/") if self.old.parent != self.old else text

    def texts(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Each of the `texts` with the paths in it moved."""
        return tuple(self.text(each) for each in texts)

    def build(self, build: CrateBuild, target_dir: Path) -> CrateBuild:
        """`build` after the move."""
        return replace(
            build,
            manifest=self.path(build.manifest),
            target_dir=target_dir,
            workspace_root=self.path(build.workspace_root),
            top=self.path(build.top) if build.top else None,
            packages=tuple(self.path(each) for each in build.packages),
            rustflags=self.texts(build.rustflags),
            cargoflags=self.texts(build.cargoflags),
            environment=self._values(build.environment),
        )

    def _values(self, variables: Mapping[str, str]) -> dict[str, str]:
        return {name: self.text(value) for name, value in variables.items()}


def _files(inputs: Iterable[Path]) -> Iterator[Path]:
    for path in inputs:
        yield from (each for each in (path.rglob("*") if path.is_dir() else [path]) if each.is_file())


def _workspace(build: CrateBuild, skip: Iterable[Path]) -> Iterator[Path]:
    """All files of the workspace: cargo wants to see every member, also those that nothing needs."""
    skipped = {mark for path in skip if (mark := identity(path)) is not None}
    files, _folders = package_files(str(build.workspace_root), skipped, other_packages=True)
    yield from map(Path, files)
