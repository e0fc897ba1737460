"""Projects that are built with the stand-ins, in folders of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fake_cargo import StandIns

CHECKOUT = Path(__file__).resolve().parents[2]

Stamp = tuple[int, int]

SCONSTRUCT = """\
env = Environment(tools=["default", "rustkernel"])
kernel = env.RustKernel("kernel", RUST_TARGET="x86_64-my_os.json")
image = env.BootImage(kernel)
env.Alias("image", image)
Default("image")
"""

LOCK = """\
version = 4

[[package]]
name = "bootloader_api"
version = "0.11.17"
source = "registry+https://example.org/index"
checksum = "0000000000000000000000000000000000000000000000000000000000000000"

[[package]]
name = "my_os"
version = "0.1.0"
dependencies = [
 "bootloader_api",
]
"""

MANIFEST = """\
[package]
name = "my_os"
version = "0.1.0"
edition = "2024"

[dependencies]
bootloader = { package = "bootloader_api", version = "0.11.16" }
"""

SPECIFICATION = """\
{
  "llvm-target": "x86_64-unknown-none",
  "data-layout": "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128",
  "arch": "x86_64",
  "target-pointer-width": 64
}
"""

FILES: Mapping[str, str] = {
    "SConstruct": SCONSTRUCT,
    "x86_64-my_os.json": SPECIFICATION,
    "kernel/Cargo.toml": MANIFEST,
    "kernel/Cargo.lock": LOCK,
    "kernel/src/main.rs": "fn main() {}\n",
}
"""The least that makes an image."""

BUILD = "build/x86_64-my_os/debug"


@dataclass(frozen=True)
class Project:
    """A project folder. `environ` is the whole environment of its builds; `tools` the toolchain's."""

    root: Path
    tools: StandIns
    environ: Mapping[str, str] = field(default_factory=dict)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start scons, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "SCons", "-Q", *arguments],
            cwd=self.root,
            env=dict(self.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def scons(self, *arguments: str, status: int = 0) -> str:
        """Run scons and return what it printed; it must end with the exit status `status`."""
        said = ended(process := self.start(*arguments))
        assert process.returncode == status, said
        assert "Traceback" not in said, said
        return said

    def write(self, files: Mapping[str, str]) -> None:
        """Write files by their name below the root."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace `old`, which must be there, in a file."""
        path = self.root / name
        text = path.read_text()
        assert old in text, text
        path.write_text(text.replace(old, new))

    def outputs(self, folder: str = "build") -> dict[str, Stamp]:
        """Every file below `folder` but cargo's own, with what changes when it is written again."""
        build = self.root / folder
        found = (path for path in build.rglob("*") if path.is_file())
        stats = {path.relative_to(build).as_posix(): path.stat() for path in found}
        return {name: (s.st_ino, s.st_mtime_ns) for name, s in stats.items() if "/cargo/" not in name}

    def rebuilt(self, *arguments: str) -> set[str]:
        """Build, and return which outputs were written, by their file name."""
        before = self.outputs()
        self.scons(*arguments)
        return {Path(name).name for name, stamp in self.outputs().items() if before.get(name) != stamp}

    def copy(self, root: Path) -> Project:
        """The project at another place, as `git clone` or `cp -a` would make it."""
        shutil.copytree(self.root, root, symlinks=True, ignore=shutil.ignore_patterns(".sconsign*"))
        for name in self.root.glob(".sconsign*"):
            shutil.copy2(name, root)
        return Project(root, self.tools, self.environ)


def checkout_for_pip(code: Path, folder: Path) -> Path:
    """A checkout in `folder` with all that pip needs; its packages are those in `code`."""
    shutil.copytree(code, folder)
    for path in CHECKOUT.iterdir():
        if path.name.startswith(("README", "LICENSE", "pyproject")):
            shutil.copy(path, folder)
    return folder


def ended(process: subprocess.Popen[str], seconds: float = 120) -> str:
    """What the process and its children print until they end, which they must within so many `seconds`."""
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return said


def environment(home: Path, tools: StandIns, **more: str) -> dict[str, str]:
    """A user's environment, of which nothing is this machine's but its programs."""
    path = os.pathsep.join([str(tools.root / "bin"), "/usr/bin", "/bin"])
    return {
        "PATH": path,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "LANG": "C.UTF-8",
        **more,
    }
