"""Where cargo keeps what it builds: its target folder, in the older layout and in the newer one.

What cargo says itself (messages, `compiler-artifact` and `build-script-executed`) is taken from there; this
is the rest. PROFILE is `TRIPLE/debug` and its like; for what runs on the host, `debug`. Executables and
libraries of the user's packages are in PROFILE itself, in both.

|                          | until cargo 1.99               | since 1.100                              |
|--------------------------|--------------------------------|------------------------------------------|
| what rustc wrote, `.d`   | PROFILE/deps/                  | PROFILE/build/PACKAGE/HASH/out/          |
| fingerprints             | PROFILE/.fingerprint/NAME-HASH | PROFILE/build/PACKAGE/HASH/fingerprint/  |
| a build script's folder  | PROFILE/build/NAME-HASH/out    | PROFILE/build/PACKAGE/HASH/out           |
| what the script printed  | PROFILE/build/NAME-HASH/output | PROFILE/build/PACKAGE/HASH/run/stdout    |

Source: the Cargo Book, "Build cache", and what the cargos do.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bootimage.cargo.package_files import identity

_LIBRARY = re.compile(r"lib(.+)\.(rlib|rmeta|so|dylib)")
_HASH = re.compile(r"-[0-9a-f]{8,}$")
_LOCKS = (".cargo-build-lock", ".cargo-lock")  # cargo 1.97 has both and holds both


def profile_folder(profile: str) -> str:
    """The folder that cargo gives a profile: `debug` for dev (and test), else the profile's name."""
    return {"dev": "debug", "test": "debug", "bench": "release"}.get(profile, profile)


def is_test(executable: Path) -> bool:
    """True for a test's executable, which cargo keeps apart from the others."""
    folder = executable.absolute().parent
    in_new_layout = folder.name == "out" and len(folder.parts) > 3 and folder.parts[-4] == "build"
    return folder.name == "deps" or folder.name.startswith("rustdoctest") or in_new_layout


def record_beside(file: Path) -> Path:
    """The `.d` file of what was built as `file`: rustc's or, beside a link that cargo has made, cargo's."""
    library = _LIBRARY.fullmatch(file.name)
    return file.with_name(f"{library[1] if library else file.name}.d")


def originals(file: Path) -> list[Path]:
    """What rustc wrote and cargo has linked to the name `file`, in PROFILE or beside it; else itself.

    Where there can be no links, cargo copies.
    """
    profile = file.parent.parent if file.parent.name == "examples" else file.parent
    stem = file.stem.replace("-", "_")
    folders = (file.parent, profile / "deps", *_outs(profile))
    found = [each for folder in folders for each in _named(folder, stem) if each != file]
    return _linked(file, found) or [each for each in found if _is_copy(each, file)] or [file]


def _named(folder: Path, stem: str) -> Iterator[Path]:
    """The files that rustc calls `stem`, with a hash or without."""
    with suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208 (many folders)
            begin, _, ending = name.partition(".")
            if name.startswith(stem) and ending != "d" and _HASH.sub("", begin) == stem:
                yield folder / name


def _linked(file: Path, found: Iterable[Path]) -> list[Path]:
    mark = identity(file)
    return [each for each in found if mark is not None and identity(each) == mark]


def _is_copy(one: Path, other: Path) -> bool:
    import filecmp

    try:
        return filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False


def _outs(profile: Path) -> Iterator[Path]:
    """The folders in which rustc writes, in the newer layout; those of build scripts are others."""
    for each in profile.glob("build/*/*/out"):
        if not (each.parent / "run").is_dir():
            yield each


def records(target_dir: Path) -> Iterator[Path]:
    """rustc's `.d` files of all that was ever built here, for the host and for any target."""
    for profile in _folders_with(target_dir, "deps", "build"):
        for folder in (profile / "deps", *_outs(profile)):
            yield from folder.glob("*.d")


def script_output(out_dir: Path) -> Path:
    """What the build script whose OUT_DIR is `out_dir` has printed, as cargo keeps it."""
    newer = out_dir.parent / "run/stdout"
    return newer if newer.is_file() else out_dir.parent / "output"


def forget(target_dir: Path, packages: Collection[str]) -> None:
    """Take the fingerprints of these packages (names) away: cargo then compiles them as if never before.

    Of a cargo that keeps them at another place, all that it has built goes.
    """
    if packages:
        for profile in _folders_with(target_dir, ".fingerprint", "build", *_LOCKS):
            is_profile = any((profile / name).exists() for name in _LOCKS)
            with _locked(profile):
                known = _forget_in(profile, packages)
                if is_profile and not known:
                    _clear(profile)


def _forget_in(profile: Path, packages: Collection[str]) -> bool:
    """False where nothing tells that cargo keeps its fingerprints here as we know it."""
    units = [*_units(profile)]
    for folder, package in units:
        if package in packages and folder.is_dir():
            shutil.rmtree(folder)
    return bool(units) or (profile / ".fingerprint").is_dir()


def _clear(folder: Path) -> None:
    """Remove what is in `folder`, but for the locks: another cargo may be waiting for one."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name not in _LOCKS:
            path.unlink()


def _units(profile: Path) -> Iterator[tuple[Path, str]]:
    """The folder with the fingerprints of each unit that was compiled, and the name of its package."""
    for folder in profile.glob(".fingerprint/*-*"):
        yield folder, folder.name.rpartition("-")[0]
    for folder in profile.glob("build/*/*/out"):
        yield folder.with_name("fingerprint"), folder.parent.parent.name


def _folders_with(target_dir: Path, *names: str) -> list[Path]:
    """The folders of profiles, for the host and for targets: those with one of the `names` in them."""
    found = (*target_dir.glob("*/"), *target_dir.glob("*/*/"))
    return [each for each in found if any((each / name).exists() for name in names)]


@contextmanager
def _locked(profile: Path) -> Iterator[None]:
    """Wait for another cargo that builds here now, by the lock that it holds then."""
    newer, older = (profile / name for name in _LOCKS)
    with (newer if newer.exists() else older).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
