"""The Python environment in .venv, with exactly the packages that the requirements files pin."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from bootimage.base.private_programs import copy_folder
from bootimage.set_up.debian import Wanted, provide
from bootimage.set_up.install import install

_LAST = "RECORD"
"""What pip writes last of a package."""

_WHEEL = "python3-pip-whl"
"""Debian's package of pip as a wheel, which its ensurepip installs too."""

_UNFINISHED = ".unfinished"
"""In an environment that is being made: one that was left half-made may look as if it worked."""


def ensure_environment(folder: Path, keep: str, environ: Mapping[str, str]) -> Path:
    """The Python in the environment `folder`, which is made, or made anew where it does not work.

    The file `keep` in it stays as it is. Raises BuildError where none can be made.
    """
    python = folder / "bin/python"
    if not (folder / _UNFINISHED).exists() and _works(python):
        return python
    if not _has_pip(environ):  # Debian has it in a package of its own
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        provide(Wanted("installing Python's venv", (package,), "python", copied=(_WHEEL,)), environ)
    (folder / _UNFINISHED).touch()
    _empty(folder, keep, _UNFINISHED)
    # In a process of its own: this one looked for ensurepip before there was one.
    create = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    install(f"making a Python environment in {folder}", create, environ, shown="python3 -m venv")
    # Not by venv, which keeps to itself why it fails.
    wheel = _private_wheel(environ)
    if wheel is None:
        words = ["-m", "ensurepip", "--upgrade", "--default-pip"]
    else:  # pip installs itself
        words = [f"{wheel}/pip", "install", "--quiet", "--no-index", str(wheel)]
    shown = f"python {'-m ensurepip' if wheel is None else wheel.name}"
    install(f"putting pip into {folder}", [str(python), *words], environ, shown=shown)
    (folder / _UNFINISHED).unlink()
    return python


def _has_pip(environ: Mapping[str, str]) -> bool:
    return find_spec("ensurepip") is not None or _private_wheel(environ) is not None


def _private_wheel(environ: Mapping[str, str]) -> Path | None:
    """The pip of the private copy, where there is one."""
    copy = copy_folder("python", environ)
    return next(copy.glob("root/usr/share/python-wheels/pip-*.whl"), None) if copy else None


def _empty(folder: Path, *kept: str) -> None:
    for each in folder.iterdir():
        if each.name not in kept:
            shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()


def ensure_packages(python: Path, requirements: Path, environ: Mapping[str, str]) -> None:
    """Install what `requirements` pins and the environment of `python` does not have at that version."""
    missing = [
        f"{name} {version}" for name, version in _pins(requirements) if _version(python, name) != version
    ]
    if missing:
        _forget_unfinished(packages_folder(python))
        command = [str(python), "-m", "pip", "install", "-r", str(requirements)]
        quiet = ["--quiet", "--disable-pip-version-check"]
        shown = f"pip install -r {requirements.name}"
        install(f"installing {', '.join(missing)}", [*command, *quiet], environ, shown=shown)


def packages_folder(python: Path) -> Path:
    """The folder of the installed packages of the environment that `python` belongs to."""
    return next((python.parent.parent / "lib").glob("python3*/site-packages"))


def _works(python: Path) -> bool:
    if not python.exists():
        return False
    asked = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([python, "-c", asked], capture_output=True, check=False).returncode == 0


def _pins(requirements: Path) -> Iterator[tuple[str, str]]:
    for line in requirements.read_text().splitlines():
        if line.startswith("-r "):
            yield from _pins(requirements.with_name(line[3:].strip()))
        elif pin := re.match(r"([\w.-]+)==(\S+)", line):
            yield pin[1], pin[2]


def _version(python: Path, name: str) -> str | None:
    found = metadata.distributions(name=name, path=[str(packages_folder(python))])
    return next((each.version for each in found if each.read_text(_LAST) is not None), None)


def _forget_unfinished(packages: Path) -> None:
    """Let pip install again what it has left half-written: it would take that for installed."""
    for about in packages.glob("*.dist-info"):
        if not (about / _LAST).exists():
            shutil.rmtree(about)
