"""What cargo and rustc say they read (`.d` files), compared with what was declared before the build.

This comparison is what makes caching sound: a file that was read and not declared could change without
anything being built again.

The format, as both programs write it: rules as make has them, one a line, of which a blank is escaped as
backslash blank and nothing else is; rustc adds `# env-dep:NAME=VALUE` for each variable it looked up.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.cargo.package_files import is_of_system, package_files

_SEVERAL = 10

# A blank ends a path unless a backslash stands before it.
_PATH = re.compile(r"(?:[^ ]|(?<=\\) )+")
_ESCAPE = re.compile(r"\\(.)")


@dataclass(frozen=True)
class DepInfo:
    """One `.d` file: the paths read, as written there, and the variables, None where they are not set."""

    paths: frozenset[str]
    variables: dict[str, str | None]


def read_dep_info(path: Path) -> DepInfo:
    """Read the `.d` file at `path`. A BuildError where it cannot be read."""
    try:
        return parse_dep_info(path.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError as error:
        raise BuildError(f"cannot be read: {error.strerror}", file=path) from error


def parse_dep_info(text: str) -> DepInfo:
    """The contents of a `.d` file."""
    paths: set[str] = set()
    variables: dict[str, str | None] = {}
    for line in text.split("\n"):
        if line.startswith("# env-dep:"):
            name, equals, value = line.removeprefix("# env-dep:").partition("=")
            variables[_plain(name)] = _plain(value) if equals else None
        elif not line.startswith("#"):
            _, _, read = line.partition(": ")
            paths.update(match.group().replace("\\ ", " ") for match in _PATH.finditer(read))
    return DepInfo(frozenset(paths), variables)


def undeclared(
    records: Iterable[Path],
    declared: Iterable[Path],
    *,
    further: Iterable[Path] = (),
    ignored: Iterable[Path] = (),
    base: Path | None = None,
) -> tuple[Path, ...]:
    """The files that the `.d` files `records` name, or `further` ones, and that are not `declared`, sorted.

    A declared folder stands for all below it. For a folder that was read, its files count, but for
    those that no build reads (package_files.py); a folder above `base` counts itself, and is not looked
    through. What lies below an `ignored` folder (what is built, downloaded crates) or is the system's is
    passed over, and so is what does not exist any more. `base` is what relative paths are relative to,
    the workspace's root.
    """
    outside, known = _Folders(ignored), _Folders(declared)
    real_base = os.path.realpath(base or os.curdir)
    read = {path for record in records for path in read_dep_info(record).paths} | {*map(str, further)}
    found = set()
    for written in read:
        path = os.path.join(base or "", written)  # noqa: PTH118 (no cost for the many absolute ones)
        for file in _files_of(path, real_base):
            real = os.path.realpath(file)
            if not (is_of_system(f"{real}/") or outside.hold(real) or known.hold(real)):
                found.add(os.path.normpath(file))
    return tuple(map(Path, sorted(found)))


def undeclared_error(manifest: Path, files: tuple[Path, ...]) -> BuildError:
    """The error for `files` that the build of the package `manifest` read without their being declared."""
    names = [str(path) for path in files]
    listed = ", ".join(names[:_SEVERAL]) + (f" and {len(names) - _SEVERAL} more" if names[_SEVERAL:] else "")
    hint = ", ".join(f'"{name}"' for name in names[:_SEVERAL])
    return BuildError(
        f"the build read what is not declared as its input, so a change there would go unnoticed: {listed}",
        file=manifest,
        hint=f"declare it: RUST_INPUTS=[{hint}]",
    )


class _Folders:
    """Folders and files as the file system knows them, behind all links."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = {os.path.realpath(path) for path in paths}

    def hold(self, real: str) -> bool:
        """True when `real` is one of the paths or lies below one."""
        while real not in self._paths:
            above = os.path.dirname(real)  # noqa: PTH120
            if above == real:
                return False
            real = above
        return True


def _files_of(path: str, base: str) -> Iterator[str]:
    if os.path.isdir(path):  # noqa: PTH112
        real = os.path.realpath(path).rstrip("/")
        if base.startswith(f"{real}/") or is_of_system(f"{real}/"):
            yield path
            return
        yield from package_files(path, other_packages=True)[0]
    elif os.path.exists(path):  # noqa: PTH110
        yield path


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda match: {"n": "\n", "r": "\r"}.get(match[1], match[1]), text)
