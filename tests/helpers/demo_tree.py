"""Project folders that are built with the real compiler, against a store that all tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
WORK = CHECKOUT / "tests" / ".work"

Stamp = tuple[int, int]


@dataclass(frozen=True)
class Tree:
    """A project folder with an SConstruct. `environ` is added to the environment of each run."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    def scons(self, *arguments: str, fails: bool = False, timeout: float = 900) -> str:
        """Run scons with nobody to watch, and return what it printed."""
        finished = subprocess.run(
            [sys.executable, "-m", "SCons", "-Q", *arguments],
            cwd=self.root,
            env=environment(**self.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        assert (finished.returncode != 0) == fails, finished.stdout
        assert "Traceback" not in finished.stdout
        return finished.stdout

    def outputs(self) -> dict[str, Stamp]:
        """Every file below the build folder but cargo's own, with what changes when it is written again."""
        build = self.root / "build"
        found = (path for path in build.rglob("*") if path.is_file())
        names = {path.relative_to(build).as_posix(): path.stat() for path in found}
        return {name: (s.st_ino, s.st_mtime_ns) for name, s in names.items() if "/cargo/" not in name}

    def rebuilt(self, *arguments: str) -> set[str]:
        """Build, and return which outputs were written."""
        before = self.outputs()
        self.scons(*arguments)
        return {name for name, stamp in self.outputs().items() if before.get(name) != stamp}

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace `old`, which must be there, in a file of the project."""
        path = self.root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


def environment(**more: str) -> dict[str, str]:
    """This process's environment with the tests' own store, and no settings of the user's."""
    ours = ("RUSTKERNEL_", "RUSTFLAGS", "CARGO_ENCODED", "CARGO_TARGET", "VERBOSE", "SCONSFLAGS", "DISPLAY")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "RUSTKERNEL_STORE": str(WORK / "store"), **more}


def copy_demo(folder: Path) -> Path:
    """The demo as a user has it, in a new folder; its site_scons is the checkout's."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("SConstruct", "x86_64-blog_os.json"):
        shutil.copy(CHECKOUT / name, folder)
    shutil.copytree(CHECKOUT / "kernel", folder / "kernel", ignore=shutil.ignore_patterns("target"))
    (folder / "site_scons").symlink_to(CHECKOUT / "site_scons")
    return folder
