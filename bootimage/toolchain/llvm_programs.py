"""LLVM's programs that kernels need beside the compiler: objcopy and the linker `rust-lld`."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from bootimage.base.private_files import make_private_folder, why_not_trusted
from bootimage.base.user_folders import cache_folder, store_is_off


def find_objcopy(sysroot: Path, host: str, search: str) -> Path | None:
    """The llvm-objcopy of the toolchain, else of the folders in `search` (a PATH), newest first; or None.

    GNU's objcopy is not taken: it reads only the formats it was configured for.
    """
    ours = host_programs(sysroot, host)
    if _runs(ours / "llvm-objcopy"):
        return ours / "llvm-objcopy"
    found = _versioned("llvm-objcopy", search)
    # Last, since it may need help to find its library (see `library_path`).
    rust = ours / "rust-objcopy"
    return found or (rust if _runs(rust) else None)


def library_path(program: Path, sysroot: Path) -> str | None:
    """The LD_LIBRARY_PATH with which the toolchain's own `program` starts, None for any other program.

    rustup's rust-objcopy looks for libLLVM beside itself, where only the component llvm-tools puts it.
    """
    return str(sysroot / "lib") if program.is_relative_to(sysroot / "lib/rustlib") else None


def find_lld(sysroot: Path, host: str, search: str) -> Path | None:
    """What will act as `rust-lld`: the toolchain's, one in `search` (a PATH) or any LLD there; or None."""
    ours = host_programs(sysroot, host) / "rust-lld"
    if _runs(ours):
        return ours
    if named := shutil.which("rust-lld", path=search):
        return Path(named)
    return _versioned("lld", search) or _versioned("ld.lld", search)


def folder_for_rust_lld(environ: Mapping[str, str]) -> Path:
    """A folder for `link_as_rust_lld` in which only this user writes; a lasting one where allowed."""
    lasting = cache_folder(environ) / "rust-lld"
    trusted = not (why_not_trusted(lasting.parent) or why_not_trusted(lasting))
    return lasting if trusted and not store_is_off(environ) else _temporary_folder()


@cache
def _temporary_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="rustkernel-lld-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def link_as_rust_lld(lld: Path, folder: Path) -> Path:
    """Make `folder`/rust-lld lead to `lld`, and return `folder`, which belongs on PATH.

    LLD takes its flavour from rustc's first argument when its own name tells none, as `rust-lld`'s.
    """
    link = folder / "rust-lld"
    if not (link.is_symlink() and link.readlink() == lld.resolve()):
        from bootimage.base.write_files import replacing

        make_private_folder(folder)
        with replacing(link) as new:
            new.symlink_to(lld.resolve())
    return folder


def host_programs(sysroot: Path, host: str) -> Path:
    """The folder of a toolchain's own helpers, which rustc searches first when it links."""
    return sysroot / "lib/rustlib" / host / "bin"


def _versioned(name: str, search: str) -> Path | None:
    """`name` in the PATH `search`, else its newest `name-NN`."""
    if found := shutil.which(name, path=search):
        return Path(found)
    pattern = re.compile(rf"{re.escape(name)}-(\d+)")
    folders = [Path(folder) for folder in search.split(os.pathsep) if folder]
    numbered = [
        (int(match[1]), file)
        for folder in folders
        if folder.is_dir()
        for file in folder.iterdir()
        if (match := pattern.fullmatch(file.name)) and _runs(file)
    ]
    return max(numbered)[1] if numbered else None


def _runs(program: Path) -> bool:
    return program.is_file() and os.access(program, os.X_OK)


def digest_of(program: Path) -> str:
    """The beginning of the SHA-256 of a program's file, which is read once in a process while it stays."""
    status = program.stat()
    return _digest(program, status.st_mtime_ns, status.st_size)


@cache
def _digest(program: Path, _time: int, _size: int) -> str:
    from bootimage.base.file_digest import digest_of_file

    return digest_of_file(program)[:16]
