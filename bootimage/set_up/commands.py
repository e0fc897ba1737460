"""Run the commands that install something: announced, quiet unless they fail, and as root where needed."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bootimage.base import console, install_hints
from bootimage.base.errors import BuildError

_APT_INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends", "--no-remove")
_APT_WAIT = ("-o", "DPkg::Lock::Timeout=300")


def announce(what: str, command: str) -> None:
    """Tell the user, in one line, what is about to be installed, and how."""
    console.output(f"sconsw: {what} ({command})\n")


def install(
    what: str, command: Sequence[str], environ: Mapping[str, str], *, shown: str | None = None
) -> None:
    """Announce and run `command`. Raises BuildError with its output where it fails.

    `shown` is the command as a person would type it, where that is shorter.
    """
    announce(what, shown or shlex.join(command))
    if told := _failure(command, environ):
        raise BuildError(f"{what} failed:\n{told}", hint=f"see to that, and try again: {shlex.join(command)}")


def apt_install(what: str, packages: Iterable[str], environ: Mapping[str, str]) -> None:
    """Install Debian's `packages`. Raises BuildError, with the command, without the right to."""
    names = list(packages)
    as_root = _as_root(what, names, environ)
    announce(what, install_hints.apt_install(names))
    quiet = {**environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = [*as_root, *_APT_INSTALL, *_APT_WAIT, *names]
    # Its lists may be missing, as in a container, or too old to hold a version that is still offered.
    if _failure(command, quiet) and not (told := _failure([*as_root, "apt-get", "update"], quiet)):
        told = _failure(command, quiet)
    else:
        return
    if told:
        raise BuildError(f"{what} failed:\n{told}", hint=f"see to that, and try again: {_by_hand(names)}")


def apt_update(environ: Mapping[str, str]) -> None:
    """Fetch Debian's lists of packages, where that is allowed; failing is left to what comes next."""
    with contextlib.suppress(BuildError):
        _failure([*_as_root("fetching the lists of packages", [], environ), "apt-get", "update"], environ)


def apt_knows(package: str, environ: Mapping[str, str]) -> bool:
    """Whether Debian's lists on this machine name `package`."""
    return _succeeds(["apt-cache", "show", package], environ)


def apt_owns(package: str, path: Path, environ: Mapping[str, str]) -> bool:
    """Whether `path` was installed by Debian's `package`."""
    return _succeeds(["sh", "-c", 'dpkg-query -S "$1" | grep -q "^$2:"', "sh", str(path), package], environ)


def _succeeds(command: Sequence[str], environ: Mapping[str, str]) -> bool:
    return shutil.which(command[0], path=environ.get("PATH")) is not None and not _failure(command, environ)


def _as_root(what: str, names: list[str], environ: Mapping[str, str]) -> list[str]:
    if shutil.which("apt-get", path=environ.get("PATH")) is None:
        raise BuildError(
            f"cannot go on with {what}: there is no apt-get on this system",
            hint=f"install what Debian calls {' '.join(names)} with this system's own package manager",
        )
    if os.geteuid() == 0:
        return []
    if _succeeds(["sudo", "-n", "true"], environ):
        return ["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"]
    raise BuildError(f"cannot go on with {what}: only root may install packages", hint=_by_hand(names))


def _by_hand(names: list[str]) -> str:
    return f"sudo {install_hints.apt_install(names)}"


def _failure(command: Sequence[str], environ: Mapping[str, str]) -> str:
    """What `command` wrote if it failed, else nothing. On a terminal its progress is shown as it comes."""
    watched = sys.stderr.isatty() and command[0] == "rustup"
    finished = subprocess.run(
        command,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if watched else subprocess.STDOUT,
        check=False,
    )
    if finished.returncode == 0:
        return ""
    told = _without_traceback(finished.stdout.decode(errors="replace").strip())
    return told or f"exit status {finished.returncode}"


def _without_traceback(text: str) -> str:
    """What a program says of its failure, but not where in its own Python code that was."""
    before, found, after = text.partition("Traceback (most recent call last):")
    return before.strip() or after.strip().splitlines()[-1] if found and after.strip() else text
