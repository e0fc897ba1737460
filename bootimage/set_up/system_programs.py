"""Programs that the system's packages bring: QEMU and its firmware, and what the tests judge by."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.private_programs import COPIES, copy_folder, search_path
from bootimage.machine.qemu import find_qemu
from bootimage.machine.uefi_firmware import find_firmware
from bootimage.set_up.debian import Wanted, provide
from bootimage.set_up.finished_note import Note

_QEMU = ("qemu-system-x86", "ovmf")
# QEMU's windows, of use only where there is a display.
_WINDOWS = "qemu-system-gui"
# Where Debian keeps programs that are on root's PATH alone.
_SYSTEM_FOLDERS = ":/usr/sbin:/sbin"


def ensure_qemu(environ: Mapping[str, str], note: Note) -> None:
    """See to it that QEMU and UEFI firmware for it are there."""
    if missing := [*_missing_qemu(environ), *_missing_firmware(environ)]:
        names = _with_windows(missing, environ)
        provide(Wanted(f"installing {' and '.join(missing)}", names, copy="qemu", copied=_QEMU), environ)
    note.there(find_qemu(environ), find_firmware(environ).code)


def ensure_listed(file: Path, copy: str, environ: Mapping[str, str], note: Note) -> None:
    """See to it that the programs listed in `file` are there: a package, its program and a comment a line.

    `copy` is the private copy that they go to.
    """
    wanted = list(_listed(file))
    missing = tuple(package for package, program in wanted if find_listed(program, environ) is None)
    if missing:
        alone = tuple(package for package, program in wanted if _find_on(program, environ) is None)
        provide(Wanted(f"installing what the {copy} need", missing, copy, copied=alone), environ)
    for package, program in wanted:
        if (found := find_listed(program, environ)) is None:
            raise BuildError(f"the package {package} has brought no program {program}", file=file)
        note.there(found)


def find_listed(program: str, environ: Mapping[str, str]) -> Path | None:
    """`program`, a name on PATH or the path of a file that a package brings; in a private copy too."""
    if found := _find_on(program, environ):
        return found
    if not program.startswith("/"):
        return _find_on(program, {"PATH": search_path(environ)})
    roots = [folder / "root" for name in COPIES if (folder := copy_folder(name, environ))]
    return next((file for root in roots if (file := root / program[1:]).exists()), None)


def _find_on(program: str, environ: Mapping[str, str]) -> Path | None:
    """As `find_listed`, in the system alone."""
    if program.startswith("/"):
        return Path(program) if Path(program).exists() else None
    found = shutil.which(program, path=environ.get("PATH", "") + _SYSTEM_FOLDERS)
    return Path(found) if found else None


def _missing_qemu(environ: Mapping[str, str]) -> list[str]:
    try:
        find_qemu(environ)
    except BuildError:
        return [_QEMU[0]]
    return []


def _missing_firmware(environ: Mapping[str, str]) -> list[str]:
    try:
        find_firmware(environ)
    except BuildError:
        return [_QEMU[1]]
    return []


def _with_windows(missing: list[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    display = environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")
    return (*missing, _WINDOWS) if display and _QEMU[0] in missing else tuple(missing)


def _listed(file: Path) -> Iterator[tuple[str, str]]:
    for line in file.read_text().splitlines():
        if match := re.match(r"([^#\s]\S*)\s+(\S+)", line):
            yield match[1], match[2]
