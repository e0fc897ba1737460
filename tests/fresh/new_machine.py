"""A machine on which nobody has installed anything: a root of a Debian suite, made by debootstrap, to try in.

The suite's root is kept and copied for each trial, so that every trial begins with nothing. It needs root's
rights; what is mounted and what is started lies in name spaces of its own, so nothing of it stays.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.suite_root import MIRROR, bootstrap, root_environment, share_network
from bootimage.base.errors import BuildError

USER = "somebody"
PROJECT = "opt/project"
# $1 is the root, $2 who runs the rest, in the project.
_ENTER = """\
mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc"
[ -z "$RUSTUP" ] || { mkdir -p "$1/$HOME/.rustup" && mount --bind "$RUSTUP" "$1/$HOME/.rustup"; }
root=$1 user=$2
shift 2
unset RUSTUP
exec chroot --userspec="$user" "$root" sh -c 'cd /opt/project && exec "$@"' sh "$@"
"""


@dataclass(frozen=True)
class Kind:
    """A kind of machine: a `suite` of Debian, its further `lists`, `packages` that are there already.

    A package may name the list that it comes from, as `qemu-utils/bookworm-backports`. `user` is who works
    there. With `rustup`, this machine's rustup is there.
    """

    suite: str
    lists: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    user: str = "root"
    rustup: bool = False


@dataclass(frozen=True)
class NewMachine:
    """One such machine, in the folder `root`."""

    kind: Kind
    root: Path
    log: Path
    environ: dict[str, str] = field(default_factory=root_environment)

    def run(self, *argv: str, user: str | None = None) -> int:
        """Run a command in the project there, as the kind's user; its output is added to the log."""
        user = user or self.kind.user
        home = "/root" if user == "root" else f"/home/{user}"
        rustup = str(_hosts_rustup()) if self.kind.rustup else ""
        environ = {**self.environ, "HOME": home, "RUSTUP": rustup}
        unshare = ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child"]
        command = [*unshare, "sh", "-ec", _ENTER, "sh", str(self.root), user, *argv]
        with self.log.open("ab") as log:
            log.write(f"+ {' '.join(argv)}\n".encode())
            log.flush()
            done = subprocess.run(
                command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
            )
        return done.returncode

    def prepare(self, project: Path) -> None:
        """Have its lists, its packages, its user, and `project` as a clone has it. Raises BuildError."""
        share_network(self.root)
        (self.root / PROJECT).mkdir(parents=True)
        sources = "".join(f"{line}\n" for line in _sources(self.kind))
        (self.root / "etc/apt/sources.list").write_text(sources)
        if self.kind.packages:
            self._must("apt-get", "update", "-q")
            self._must("apt-get", "install", "-qy", "--no-install-recommends", *self.kind.packages)
            self._must("sh", "-c", "rm -rf /var/lib/apt/lists/*")  # as images of machines come
        if self.kind.user != "root":
            self._must("useradd", "--create-home", self.kind.user)
        _copy_clone(project, self.root / PROJECT)
        self._must("chown", "-R", f"{self.kind.user}:", "/opt/project")

    def _must(self, *argv: str) -> None:
        if self.run(*argv, user="root"):
            raise BuildError(f"{' '.join(argv)} failed", file=self.log)


@contextmanager
def new_machine(kind: Kind, project: Path, scratch: Path, log: Path) -> Iterator[NewMachine]:
    """A machine of this kind, with `project` on it, for the body. Raises BuildError."""
    base = suite_root(kind.suite, scratch)
    with tempfile.TemporaryDirectory(prefix="trial-", dir=scratch) as folder:
        root = Path(folder, "root")
        subprocess.run(["cp", "-a", "--reflink=auto", base, root], check=True)
        Path(folder).chmod(0o755)
        machine = NewMachine(kind, root, log)
        machine.prepare(project)
        yield machine


def suite_root(suite: str, scratch: Path, *, anew: bool = False) -> Path:
    """The root of `suite`, which is made unless it is there. Raises BuildError."""
    if os.geteuid() != 0:
        raise BuildError("a new machine is tried in a root of its own, which root alone can make")
    root = scratch / suite
    if anew:
        shutil.rmtree(root, ignore_errors=True)
    if not root.exists():
        unfinished = scratch / f"{suite}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        bootstrap(suite, unfinished)
        unfinished.rename(root)
    return root


def _sources(kind: Kind) -> Iterator[str]:
    yield f"deb {MIRROR} {kind.suite} main"
    for name in kind.lists:
        place = f"{MIRROR}-security" if name.endswith("-security") else MIRROR
        yield f"deb {place} {name} main"


def _copy_clone(project: Path, to: Path) -> None:
    """What belongs to `project`, as it is in the work tree."""
    for name in _names(project):
        if os.path.lexists(project / name):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(project / name, to / name, follow_symlinks=False)


def _names(project: Path) -> list[str]:
    """The files that git has; where this is no clone, all but what the project makes itself."""
    command = ["git", "-c", f"safe.directory={project}", "ls-files", "-z"]
    if (project / ".git").exists():
        listed = subprocess.run(command, cwd=project, stdout=subprocess.PIPE, check=True)
        return [name for name in listed.stdout.decode().split("\0") if name]
    found = []
    for folder, folders, files in os.walk(project):
        folders[:] = [name for name in folders if name not in _MADE and not name.endswith("_cache")]
        found += [os.path.relpath(os.path.join(folder, name), project) for name in files]  # noqa: PTH118
    return found


_MADE = {".venv", "build", "target", "__pycache__", ".work", ".hypothesis"}
"""Folders that are made by running the project, at whatever place."""


def _hosts_rustup() -> Path:
    return Path(os.environ.get("RUSTUP_HOME") or Path.home() / ".rustup")
