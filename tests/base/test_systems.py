"""Other operating systems, as far as they can be had by taking away what Linux has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootimage.base.systems import processors

REPOSITORY = Path(__file__).resolve().parents[2]
# What Windows' Python has not.
WINDOWS = """
import sys, os, signal
sys.platform = "win32"
for name in ("fcntl", "pwd", "grp", "termios", "resource", "pty", "tty"):
    sys.modules[name] = None
for name in ("SIGHUP", "SIGKILL"):
    delattr(signal, name)
for name in ("geteuid", "getuid", "fork", "killpg", "sched_getaffinity", "statvfs"):
    delattr(os, name)
"""


def on_windows(script: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "site_scons/site_tools")])
    return subprocess.run(
        [sys.executable, "-c", WINDOWS + script],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("command", ["main", "cargo_bootimage", "cargo_disk_image"])
def test_commands_name_wsl(command: str) -> None:
    done = on_windows(f"from bootimage.cli import {command}; {command}(['build'])")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "runs in WSL 2" in done.stderr and "wsl --install" in done.stderr


def test_the_tool_names_wsl() -> None:
    script = "try:\n    import rustkernel\nexcept Exception as error: print(type(error).__name__, error)"
    done = on_windows(script)
    assert done.stdout.startswith("UserError rustkernel does not run on Windows itself"), done.stderr


def test_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processors() == len(os.sched_getaffinity(0))
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delattr(os, "sched_getaffinity")
    assert processors() == os.cpu_count()
