"""What a reader must know about the machine and the programs; nothing that tells whose machine it is."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from bench.measure import Command
from bench.peers import BOOTIMAGE
from bench.project import environment

GIB = 1 << 30


def machine_facts(scratch: Path) -> dict[str, str]:
    """Label -> text, for the head of the report."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{memory / GIB:.0f} GiB",
        "file system": _first_line(["stat", "-f", "-c", "%T", str(scratch)], scratch),
        "system": f"{system}, Linux {platform.release()}",
        "compiler": _first_line(["rustc", "--version"], scratch),
        "cargo": _first_line(["cargo", "--version"], scratch),
        "Python, SCons": f"{platform.python_version()}, {version('SCons')}",
        "peers": f"bootloader 0.11.15 by build script; bootimage {BOOTIMAGE} with bootloader 0.9.35",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _first_line(argv: Sequence[str], scratch: Path) -> str:
    command = Command(argv, scratch, environment(), scratch / "facts.log")
    command.run()
    return command.output().splitlines()[0]
