"""Debian's packages: installed for everyone where apt may do so and removes nothing, else a private copy.

apt is asked first what it would do (`--simulate`). Whatever goes wrong after that stops the set-up.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootimage.base import install_hints
from bootimage.base.errors import BuildError
from bootimage.set_up.install import announce, failure, succeeds
from bootimage.set_up.private_copy import make_copy, own_lists

_INSTALL = ("install", "--yes", "--no-install-recommends")
_REAL = ("--no-remove", "-o", "DPkg::Lock::Timeout=300")


@dataclass(frozen=True)
class Wanted:
    """Packages to have: `names`, for what (`what`, as in "installing a linker").

    `copy` is the private copy that will do, and `copied` the packages in it where they are not `names`.
    """

    what: str
    names: tuple[str, ...]
    copy: str
    copied: tuple[str, ...] = ()

    @property
    def by_hand(self) -> str:
        """The command with which a person installs them."""
        command = install_hints.apt_install(self.names)
        return command if os.geteuid() == 0 else f"sudo {command}"


def provide(wanted: Wanted, environ: Mapping[str, str]) -> None:
    """Install the packages, or make the private copy. Raises BuildError where neither can be done."""
    if shutil.which("apt-get", path=environ.get("PATH")) is None:
        raise BuildError(
            f"cannot go on with {wanted.what}: there is no apt-get on this system",
            hint=install_hints.install_command(install_hints.elsewhere(wanted.names)),
        )
    as_root = _as_root(environ)
    obstacle = "only root may install packages" if as_root is None else _obstacle(wanted, as_root, environ)
    if as_root is None or obstacle:
        make_copy(wanted.copy, wanted.copied or wanted.names, environ, why=obstacle, else_=wanted.by_hand)
    else:
        _install(wanted, as_root, environ)


def first_offered(choices: Sequence[tuple[str, ...]], environ: Mapping[str, str]) -> tuple[str, ...]:
    """The first of `choices` whose packages apt can install, all of them; else the last.

    Where the best is not to be had, apt's lists may be old, or lack a source that was never asked: a second
    best is taken from fresh lists only. Without root's rights, these are lists of our own.
    """
    if shutil.which("apt-get", path=environ.get("PATH")) is None or _is_offered(choices[0], environ):
        return choices[0]
    with tempfile.TemporaryDirectory(prefix="rustkernel-lists-") as folder:
        if (as_root := _as_root(environ)) is not None:
            options: list[str] = []
            failure([*as_root, "apt-get", "update"], environ)  # that it failed shows in what comes next
        else:
            options, _ = own_lists(Path(folder), environ)
        return next((names for names in choices if _is_offered(names, environ, options)), choices[-1])


def _is_offered(names: Iterable[str], environ: Mapping[str, str], options: Sequence[str] = ()) -> bool:
    return not _unknown(_simulated(names, environ, options))


def owns(package: str, path: Path, environ: Mapping[str, str]) -> bool:
    """Whether `path` was installed by Debian's `package`."""
    return succeeds(["sh", "-c", 'dpkg-query -S "$1" | grep -q "^$2:"', "sh", str(path), package], environ)


def _as_root(environ: Mapping[str, str]) -> list[str] | None:
    """What to put before a command that only root may run; None without the right to."""
    if os.geteuid() == 0:
        return []
    if succeeds(["sudo", "-n", "true"], environ):
        return ["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"]
    return None


def _obstacle(wanted: Wanted, as_root: list[str], environ: Mapping[str, str]) -> str:
    """Why apt should not install the packages, as it says itself; nothing where it can."""
    output = _simulated(wanted.names, environ)
    if _unknown(output):  # its lists may be missing, as in a container, or too old
        _update(wanted, output, as_root, environ)
        output = _simulated(wanted.names, environ)
    if _unknown(output):
        raise _failed(wanted, output)
    if removed := re.findall(r"^Remv (\S+)", output, re.MULTILINE):
        return f"apt would remove {', '.join(removed)} for it"
    clashes = re.findall(r"^ (\S+) : (?:Breaks|Conflicts|Depends|PreDepends): ", output, re.MULTILINE)
    if clashes:
        return f"apt cannot install it beside {', '.join(dict.fromkeys(clashes))}"
    if "\nE: " in f"\n{output}":
        raise _failed(wanted, output)
    return ""


def _install(wanted: Wanted, as_root: list[str], environ: Mapping[str, str]) -> None:
    announce(wanted.what, install_hints.apt_install(wanted.names))
    quiet = {**environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = [*as_root, "apt-get", *_INSTALL, *_REAL, *wanted.names]
    output = failure(command, quiet)
    if output:  # its lists may be too old to hold a version that is still offered
        _update(wanted, output, as_root, quiet)
        output = failure(command, quiet)
    if output:
        raise _failed(wanted, output)


def _update(wanted: Wanted, before: str, as_root: list[str], environ: Mapping[str, str]) -> None:
    if output := failure([*as_root, "apt-get", "update"], environ):
        raise _failed(wanted, f"{before}\napt-get update:\n{output}")


def _failed(wanted: Wanted, output: str) -> BuildError:
    return BuildError(
        f"{wanted.what} failed:\n{output}", hint=f"see to that, and try again: {wanted.by_hand}"
    )


def _simulated(names: Iterable[str], environ: Mapping[str, str], options: Sequence[str] = ()) -> str:
    """What apt would do to install packages, or why it cannot. Nothing is changed, and anyone may ask."""
    finished = subprocess.run(
        ["apt-get", *options, "--simulate", *_INSTALL, *names],
        env={**environ, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    output = finished.stdout.decode(errors="replace").rstrip()
    return output if finished.returncode == 0 or "E: " in output else f"{output}\nE: exit status"


def _unknown(output: str) -> bool:
    """Whether apt does not know a package, or knows only others that mention it."""
    unknown = ("E: Unable to locate package", "has no installation candidate", "is a virtual package")
    return any(text in output for text in (*unknown, "E: exit status"))
