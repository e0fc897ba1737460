"""Programs that the system's packages bring: QEMU and its firmware, and what the tests judge by."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from bootimage.base import install_hints
from bootimage.base.errors import BuildError
from bootimage.machine.qemu import find_qemu
from bootimage.machine.uefi_firmware import find_firmware
from bootimage.set_up.commands import apt_install
from bootimage.set_up.note import Note

# QEMU's windows, of use only where there is a display.
_WINDOWS = "qemu-system-gui"
# Where Debian keeps programs that are on root's PATH alone.
_SYSTEM_FOLDERS = ":/usr/sbin:/sbin"


def ensure_qemu(environ: Mapping[str, str], note: Note) -> None:
    """See to it that QEMU and UEFI firmware for it are there."""
    missing = [*_missing_qemu(environ), *_missing_firmware(environ)]
    if missing:
        apt_install(f"installing {' and '.join(missing)}", _with_windows(missing, environ), environ)
    note.there(find_qemu(environ), find_firmware(environ).code)


def ensure_listed(file: Path, environ: Mapping[str, str], note: Note) -> None:
    """See to it that the programs listed in `file` are there: a package, its program and a comment a line."""
    wanted = list(_listed(file))
    missing = [package for package, program in wanted if _find(program, environ) is None]
    if missing:
        apt_install("installing what the tests need", missing, environ)
    for package, program in wanted:
        if (found := _find(program, environ)) is None:
            raise BuildError(f"the package {package} has brought no program {program}", file=file)
        note.there(found)


def _missing_qemu(environ: Mapping[str, str]) -> list[str]:
    try:
        find_qemu(environ)
    except BuildError:
        return [install_hints.QEMU["apt-get"]]
    return []


def _missing_firmware(environ: Mapping[str, str]) -> list[str]:
    try:
        find_firmware(environ)
    except BuildError:
        return [install_hints.OVMF["apt-get"]]
    return []


def _with_windows(missing: list[str], environ: Mapping[str, str]) -> list[str]:
    display = environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")
    return [*missing, _WINDOWS] if display and install_hints.QEMU["apt-get"] in missing else missing


def _listed(file: Path) -> Iterator[tuple[str, str]]:
    for line in file.read_text().splitlines():
        if match := re.match(r"([^#\s]\S*)\s+(\S+)", line):
            yield match[1], match[2]


def _find(program: str, environ: Mapping[str, str]) -> Path | None:
    """`program`, a name on PATH or the path of a file that the package brings."""
    if program.startswith("/"):
        return Path(program) if Path(program).exists() else None
    found = shutil.which(program, path=environ.get("PATH", "") + _SYSTEM_FOLDERS)
    return Path(found) if found else None
