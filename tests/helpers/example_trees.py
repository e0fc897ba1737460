"""Copies of the examples, built by the real compiler against the store that all tests share, and booted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bootimage.kernel_test.conversation import Expect
from bootimage.kernel_test.run_tests import GuestTest, run_guest_test
from bootimage.kernel_test.verdict import Result
from bootimage.machine.qemu import Machine, find_qemu
from bootimage.machine.uefi_firmware import find_firmware

CHECKOUT = Path(__file__).resolve().parents[2]
STORE = CHECKOUT / "tests" / ".work" / "store"


@dataclass(frozen=True)
class Example:
    """One example in a folder of its own, below a copy of what it uses of the checkout."""

    root: Path

    @property
    def results(self) -> Path:
        """The folder of what was built for development, whatever the target."""
        [found] = (self.root / "build").glob("x86_64-*/debug")
        return found

    def scons(self, *arguments: str, fails: bool = False) -> str:
        """Run scons, and return what it printed."""
        finished = subprocess.run(
            [sys.executable, "-m", "SCons", "-Q", "-j2", *arguments],
            cwd=self.root,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
        )
        assert (finished.returncode != 0) == fails, finished.stdout
        assert "Traceback" not in finished.stdout
        return finished.stdout

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace `old`, which must be there, in a file of the example."""
        path = self.root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def boot(self, image: str, pattern: str) -> Result:
        """Boot an image until its serial output has `pattern` in it."""
        return run_guest_test(
            GuestTest(
                image,
                _machine(self.results / image),
                limit=180,
                conversation=(Expect(pattern, limit=180),),
                conversation_passes=True,
            )
        )


def copy_example(name: str, folder: Path) -> Example:
    """The example `name` with all that it refers to, in the new `folder`."""
    skipped = shutil.ignore_patterns("build", "target", ".sconsign*")
    shutil.copytree(CHECKOUT / "examples" / name, folder / "examples" / name, ignore=skipped)
    shutil.copy(CHECKOUT / "x86_64-blog_os.json", folder)
    (folder / "site_scons").symlink_to(CHECKOUT / "site_scons")
    return Example(folder / "examples" / name)


def _machine(image: Path) -> Machine:
    program = find_qemu(os.environ)
    firmware = find_firmware(os.environ, program=program) if "-uefi-" in image.name else None
    return Machine(program, image, firmware, extra=("-nic", "none"))


def _environment() -> dict[str, str]:
    ours = ("RUSTKERNEL_", "RUSTFLAGS", "CARGO_ENCODED", "CARGO_TARGET", "VERBOSE", "SCONSFLAGS", "DISPLAY")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "RUSTKERNEL_STORE": str(STORE)}
