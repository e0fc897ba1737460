"""The files of a package's folder that its build may read, without what no build reads.

What is left out wrongly does no harm that stays hidden: after the build, cargo's own record of what was
read is compared with this list (dep_info.py).

Files that belong to the system and not to a project: nobody declares them as inputs.

They change with the system's packages, as the C compiler does. What has read one is not shared with others.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection

from bootimage.base.errors import BuildError

# A folder or file on its file system: st_dev, st_ino.
Identity = tuple[int, int]

# Traces of editors, of version control, of SCons and of Python.
_NOT_READ = re.compile(
    r".*~|#.*#|\.#.*|\..*\.sw[a-p]|\.DS_Store"
    r"|\.git|\.git(ignore|attributes|modules|keep)|\.hg(ignore|tags)|\.jj"
    r"|\.sconsign.*|[Ss][Cc]onstruct(\.py)?|SConscript.*|.*\.pyc"
)
_MOST_FILES = 250_000
_FEWER = "a link may lead to more than is meant, or RUST_INPUTS name too large a folder"
_NOT_ENTERED = ("__pycache__", "site_scons")


def package_files(
    folder: str, skip: Collection[Identity] = (), *, other_packages: bool = False
) -> tuple[list[str], list[str]]:
    """The files below `folder`, and the folders they were looked for in, as paths that begin with `folder`.

    Left out: folders in `skip`, hidden folders other than `.cargo`, folders marked as caches
    (CACHEDIR.TAG), cargo's `target` and Cargo.lock at the top, and, unless `other_packages`, the
    folders of other packages. Links to folders are followed (but for those that lead out of what a
    project consists of, see `_leads_away`), each folder is visited once. A folder that cannot be read
    is a BuildError, unless it is behind a link; so are more files than any package has.
    """
    marks = {"CACHEDIR.TAG"} if other_packages else {"CACHEDIR.TAG", "Cargo.toml"}
    files: list[str] = []
    folders: list[str] = []
    visited, waiting = {*skip, identity(folder)}, [folder]
    linked: set[str] = set()  # folders behind links
    while waiting:
        here = waiting.pop()
        entries = _entries(here, behind_link=here in linked)
        if len(files) > _MOST_FILES:
            raise BuildError(
                f"more than {_MOST_FILES:,} files are below this folder", file=folder, hint=_FEWER
            )
        if here != folder and not marks.isdisjoint(entry.name for entry in entries):
            continue
        folders.append(here)
        for entry in entries:
            mark = _folder(entry)
            if mark is None:
                if _read(entry, top=here == folder):
                    files.append(entry.path)
            elif _entered(entry.name, top=here == folder) and mark not in visited:
                if entry.is_symlink() and _leads_away(entry.path, folder):
                    continue
                if here in linked or entry.is_symlink():
                    linked.add(entry.path)
                visited.add(mark)
                waiting.append(entry.path)
    return files, folders


def identity(path: str | os.PathLike[str]) -> Identity | None:
    """What makes two paths the same file; None where nothing is there."""
    try:
        status = os.stat(path)  # noqa: PTH116 (a hot path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _leads_away(link: str, folder: str) -> bool:
    """Whether a link leads to a folder above `folder`, to a file system's root, or to the system's files.

    No package consists of all that is there; what its build does read there, cargo names after it.
    """
    real = os.path.realpath(link)
    above = os.path.realpath(folder).startswith(f"{real.rstrip('/')}/")
    return above or is_of_system(f"{real}/") or os.path.ismount(real)


def _entries(folder: str, *, behind_link: bool) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        if behind_link:
            return []
        raise BuildError(f"cannot be read: {error.strerror}", file=folder) from error


def _entered(name: str, top: bool) -> bool:
    if name.startswith("."):
        return name == ".cargo"
    return name not in _NOT_ENTERED and not (top and name == "target")


def _folder(entry: os.DirEntry[str]) -> Identity | None:
    """Which folder an entry is or leads to; None for all else, links in a circle among it."""
    try:
        return identity(entry.path) if entry.is_dir() else None
    except OSError:
        return None


def _is_of_kernel(link: str) -> bool:
    return os.path.realpath(link).startswith(("/proc/", "/sys/", "/dev/"))


def _read(entry: os.DirEntry[str], top: bool) -> bool:
    if _NOT_READ.fullmatch(entry.name) or (top and entry.name == "Cargo.lock"):
        return False
    try:
        # Links that lead nowhere, sockets and devices are no files, and those of /proc have no end.
        return entry.is_file() and not (entry.is_symlink() and _is_of_kernel(entry.path))
    except OSError:
        return False


_FOLDERS = ("bin", "dev", "etc", "lib", "lib64", "nix", "opt", "proc", "run", "sbin", "sys", "usr")


def is_of_system(path: str) -> bool:
    """Whether the absolute `path` lies in a folder of the system's."""
    return path.startswith(tuple(f"/{folder}/" for folder in _FOLDERS))
