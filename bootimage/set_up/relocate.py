"""Make unpacked packages run from any folder: each program by a script that starts it with its own libraries.

The script names the copy's own dynamic loader and library folders on the command line, not in
LD_LIBRARY_PATH: that would reach the programs of the system which the program starts.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from bootimage.base.errors import BuildError

# Folders with programs; compilers start those in the last ones.
_PROGRAMS = (
    *("usr/bin", "usr/sbin"),
    *("usr/lib/gcc/*/*", "usr/libexec/gcc/*/*", "usr/lib/llvm-*/bin", "usr/lib/rustlib/*/bin"),
)
_INTERPRETER = re.compile(rb"/lib[\w./-]*/(ld-[\w.-]+\.so\.\d)\0")
# Where a program and its data lie is told to those that do not look beside themselves: a pattern of the
# program's name, a variable, arguments.
_MORE = (
    (
        r"qemu-system-.*",
        "QEMU_MODULE_DIR={libraries}/qemu",
        "-L {root}/usr/share/qemu -L {root}/usr/share/seabios -L {root}/usr/lib/ipxe/qemu",
    ),
    (r"(.*-)?gcc(-\d+)?", "", "--sysroot={root} -B{root}/usr/bin/"),
    (r"cargo", 'CARGO="$0"', ""),  # it would take the dynamic loader for itself
)
# What packages' scripts would have linked.
_ALIASES = {"cc": "gcc"}


def relocate(root: Path, programs: Path) -> None:
    """Let what was unpacked into `root` run from there, and put its programs into the folder `programs`.

    Raises BuildError where `root` holds no C library.
    """
    _turn_links(root)
    libraries = next((each.parent for each in root.glob("usr/lib/*/libc.so.6")), None)
    for folder in (each for pattern in _PROGRAMS for each in root.glob(pattern)):
        for file, interpreter in _dynamic(folder):
            if libraries is None:
                raise BuildError(f"{file.name} was unpacked without a C library")
            _wrap(file, libraries / interpreter, root, libraries)
    _collect(root, programs)


def _turn_links(root: Path) -> None:
    """Let links that begin at `/` lead to the same place below `root`."""
    for folder, folders, files in os.walk(root):
        for link in (Path(folder, name) for name in (*folders, *files)):
            if link.is_symlink() and (target := os.readlink(link)).startswith("/"):  # noqa: PTH115
                link.unlink()
                link.symlink_to(os.path.relpath(f"{root}{target}", folder))


def _dynamic(folder: Path) -> Iterator[tuple[Path, str]]:
    """The programs in `folder` that need a dynamic loader, and its name."""
    for file in sorted(folder.iterdir()):
        if file.is_symlink() or not file.is_file() or not os.access(file, os.X_OK):
            continue
        with file.open("rb") as opened:
            start = opened.read(8192)
        if start.startswith(b"\x7fELF") and (found := _INTERPRETER.search(start)):
            yield file, found[1].decode()


def _wrap(file: Path, loader: Path, root: Path, libraries: Path) -> None:
    real = file.parent / ".programs" / file.name
    real.parent.mkdir(exist_ok=True)
    file.replace(real)
    places = {"root": root, "libraries": libraries}
    quoted = {name: shlex.quote(str(place)) for name, place in places.items()}
    variable, arguments = next(
        (more for pattern, *more in _MORE if re.fullmatch(pattern, file.name)), ("", "")
    )
    export = f"export {variable.format(**quoted)}\n" if variable else ""
    command = [str(loader), "--library-path", f"{libraries}:{root / 'usr/lib'}"]
    file.write_text(
        f'#!/bin/sh\n{export}exec {shlex.join(command)} --argv0 "$0" {shlex.quote(str(real))} '
        f'{arguments.format(**quoted)} "$@"\n'
    )
    file.chmod(0o755)


def _collect(root: Path, programs: Path) -> None:
    programs.mkdir()
    for folder in (root / "usr/bin", root / "usr/sbin"):
        for file in folder.iterdir():
            if file.name != ".programs" and not (programs / file.name).is_symlink():
                (programs / file.name).symlink_to(os.path.relpath(file, programs))
    for alias, name in _ALIASES.items():
        if (programs / name).is_symlink() and not (programs / alias).is_symlink():
            (programs / alias).symlink_to(name)
