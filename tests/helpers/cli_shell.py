"""The commands, run as a shell runs them but in this process, and scripts that note how they are called."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from elf_bytes import elf

from bootimage import cli

PROGRAMS = {
    "bootimage": cli.main,
    "cargo-bootimage": cli.cargo_bootimage,
    "cargo-disk-image": cli.cargo_disk_image,
}


@dataclass(frozen=True)
class Shell:
    """A folder to type commands in; `log` is where the scripts write how they were called."""

    folder: Path
    log: Path
    capsys: pytest.CaptureFixture[str] = field(repr=False)

    def run(self, line: str, *, fails: int = 0) -> str:
        """Run the command and return what it prints: with standard error, where it is to fail."""
        name, *words = shlex.split(line)
        self.capsys.readouterr()
        code = PROGRAMS[name](words)
        captured = self.capsys.readouterr()
        assert code == fails, captured.err
        assert "Traceback" not in captured.err
        return captured.out + captured.err if fails else captured.out

    def calls(self) -> list[dict[str, object]]:
        """How the scripts were called: their arguments, folder and environment; without downloads."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [call for call in map(json.loads, lines) if call["words"][:1] != ["fetch"]]

    def binary(self) -> Path:
        """The kernel's executable, where cargo would have put it."""
        path = self.folder / "target/x86_64-unknown-none/debug/os"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(elf())
        return path


def recorder(path: Path, log: Path, then: str = "") -> Path:
    """A program that notes how it is called, and does `then` (Python)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"#!{sys.executable} -S\n"
        "import json, os, sys\n"
        f"with open({str(log)!r}, 'a') as log:\n"
        "    call = {'name': sys.argv[0], 'words': sys.argv[1:], 'folder': os.getcwd()}\n"
        "    print(json.dumps(call | {'environ': dict(os.environ)}), file=log)\n"
        f"{then}\n"
    )
    path.chmod(0o755)
    return path
