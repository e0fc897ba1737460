"""`python3 -m bootimage.set_up LEVEL PROJECT ENVIRONMENT KEY`: what ./sconsw calls when its note is void.

LEVEL is `build`, `run` (QEMU too), `test` (all that the tests need) or `bench` (what the tools
need that are compared with). Exit status 1, and the way out, where something is missing that cannot be
installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.base.private_programs import program_folders
from bootimage.set_up.finished_note import Note
from bootimage.set_up.peer_tools import ensure_peers
from bootimage.set_up.python_environment import ensure_environment, ensure_packages, packages_folder
from bootimage.set_up.rust_parts import ensure_debians_rust, ensure_rust
from bootimage.set_up.system_programs import ensure_listed, ensure_qemu
from bootimage.toolchain.rustup import find_rustup

_LOCK = ".set-up.lock"


def set_up(level: str, project: Path, folder: Path, key: str) -> None:
    """Install what `level` needs, and note it in the environment `folder`. Raises BuildError."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f".set-up-{level}"
    with _locked(folder / _LOCK):
        note = Note()
        _install(level, project, folder, note)
        note.programs(*program_folders(os.environ))
        note.write(file, key)


def _install(level: str, project: Path, folder: Path, note: Note) -> None:
    environ = dict(os.environ)
    environ.pop("PYTHONPATH", None)  # ./sconsw's way to this module, and no one else's business
    python = ensure_environment(folder, _LOCK, environ)
    name = "requirements-test.txt" if level == "test" else "requirements.txt"
    ensure_packages(python, project / name, environ)
    note.there(python, packages_folder(python) / "SCons")
    ensure_rust(project, environ, note)
    if level == "test" and find_rustup(environ):
        for channel in ("nightly", "stable"):  # the tests try both
            ensure_rust(project, environ, note, toolchain=channel)
    if level != "build":
        ensure_qemu(environ, note)
    if level == "test":
        ensure_debians_rust(project, environ, note)
        ensure_listed(project / "tests/packages.txt", "tests", environ, note)
    if level == "bench":
        ensure_listed(project / "bench/packages.txt", "bench", environ, note)
        ensure_peers(project, environ, note)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock `path` during the body. Whoever waited for it finds little left to do."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.output("sconsw: waiting for another sconsw, which is setting things up\n")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> int:
    """Set up, and say what is wrong without a traceback."""
    level, project, folder, key = arguments
    try:
        set_up(level, Path(project), Path(folder), key)
    except BuildError as error:
        console.write_error(f"sconsw: {error}\n")
        return 1
    except OSError as error:
        console.write_error(f"sconsw: error: {console.printable(str(error))}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
