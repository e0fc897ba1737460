"""A private copy of Debian's packages, with all that they need: for users who may not install anything.

apt resolves and downloads them as for an empty system, and checks them as it does for everyone; they are
unpacked into a folder of their own, tried, and only then given their name. So the copy has its own C
library and is the same on every machine; what goes on outside of it, an upgrade of the system or a version
that another package would forbid, does not touch it. It is removed by deleting its folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.private_programs import is_ours, private_folder
from bootimage.set_up.install import announce, failure
from bootimage.set_up.relocate import relocate

# What must work in a new copy, with its programs on PATH.
_TRIALS = {
    "qemu": "echo quit | qemu-system-x86_64 -display none -S -monitor stdio",
    "linker": "echo 'int main(void) { return 0; }' | cc -x c - -o tried && ./tried",
    "rust": "rustc -vV && cargo --version && echo 'fn main() {}' | rustc - -o tried && ./tried",
}
# The folders that are one with those in /usr on every system of today, whatever a package was made for.
_MERGED = ("bin", "sbin", "lib", "lib64")


def make_copy(
    name: str, packages: Sequence[str], environ: Mapping[str, str], *, why: str, else_: str
) -> None:
    """Make the private copy `name` of `packages`, or make it anew.

    `why` is the reason for it and `else_` the command that would do without: both are shown. Raises
    BuildError, with both ways out, where it cannot be made; what was there before stays then.
    """
    folder = private_folder(environ)
    announce(
        f"unpacking a private copy of {' '.join(packages)} in {folder / name}: {why}",
        f"for all users: {else_}",
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not is_ours(folder):
        raise BuildError(
            "other users can write this folder, whose programs would be run",
            file=folder,
            hint="remove it, or name another folder in XDG_CACHE_HOME",
        )
    with _locked(folder / ".lock"), _new_folder(folder, name) as new:
        try:
            _download(packages, new / "apt", environ)
            _unpack(new / "apt/archives", new / "root")
            relocate(new / "root", new / "bin")
            _try(name, new, environ)
        except BuildError as error:
            hint = f"see to that, and try again; or {else_}"
            raise BuildError(
                f"no private copy of {' '.join(packages)}: {error.message}", hint=hint
            ) from error
        shutil.rmtree(new / "apt")
        _publish(new, folder / name)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _new_folder(folder: Path, name: str) -> Iterator[Path]:
    """A folder for a copy in the making. It goes again unless it was published, with any that was left."""
    for left in folder.glob(f"{name}-*"):
        if (folder / name).resolve() != left.resolve():
            shutil.rmtree(left, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=folder))
    try:
        yield new
    finally:
        if (folder / name).resolve() != new.resolve():
            shutil.rmtree(new, ignore_errors=True)


def _publish(new: Path, link: Path) -> None:
    """Let the copy be known by its name, in one step."""
    before = link.resolve()
    waiting = link.with_name(f".{link.name}.new")
    waiting.unlink(missing_ok=True)
    waiting.symlink_to(new.name)
    waiting.replace(link)
    if before != link:
        shutil.rmtree(before, ignore_errors=True)


def _download(packages: Sequence[str], apt: Path, environ: Mapping[str, str]) -> None:
    (apt / "archives/partial").mkdir(parents=True)
    (apt / "status").touch()  # of a system that has nothing: so all that is needed is downloaded
    words = _options({"Dir::State::status": apt / "status", "Dir::Cache::archives": apt / "archives"})
    get = ["install", "--yes", "--no-install-recommends", "--download-only", *packages]
    quiet = {**environ, "LC_ALL": "C"}
    if first := failure(["apt-get", *words, *get], quiet):
        # The system's lists are missing or old, and not ours to fetch.
        lists, fetched = own_lists(apt, quiet)
        words += lists
        if again := failure(["apt-get", *words, *get], quiet):
            raise BuildError("\n".join(filter(None, [first, fetched, again])))


def own_lists(folder: Path, environ: Mapping[str, str]) -> tuple[list[str], str]:
    """apt's options for lists of ours in `folder`, fetched now; and what went wrong with that, or nothing."""
    (folder / "lists/partial").mkdir(parents=True, exist_ok=True)
    words = _options({"Dir::State::lists": folder / "lists"})
    return words, failure(["apt-get", *words, "update"], environ)


def _options(options: Mapping[str, Path]) -> list[str]:
    if os.geteuid() == 0:
        options = {**options, "APT::Sandbox::User": Path("root")}  # apt's own user cannot write there
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]


def _unpack(archives: Path, root: Path) -> None:
    for name in _MERGED:
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    for archive in sorted(archives.glob("*.deb")):
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as package:
            command = ["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", str(root)]
            done = subprocess.run(command, stdin=package.stdout, stderr=subprocess.PIPE, check=False)
        if done.returncode or package.returncode:
            raise BuildError(f"{archive.name} cannot be unpacked: {done.stderr.decode(errors='replace')}")


def _try(name: str, new: Path, environ: Mapping[str, str]) -> None:
    trial = _TRIALS.get(name)
    if trial is None:
        return
    path = f"{new / 'bin'}{os.pathsep}{environ.get('PATH') or os.defpath}"
    command = ["sh", "-ec", f'cd "$1" && {trial}', "sh", str(new)]
    if output := failure(command, {**environ, "PATH": path}):
        raise BuildError(f"what was unpacked does not work:\n{output}")
    (new / "tried").unlink(missing_ok=True)
