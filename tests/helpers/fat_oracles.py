"""The programs that judge our bytes: dosfstools, mtools, gdisk and util-linux; and how to write a volume."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bootimage.disk import fat
from bootimage.disk.fat_tree import Source

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "MTOOLSRC": "/dev/null", "TZ": "UTC"}
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def call(*argv: str | Path, status: int = 0, data: str | None = None) -> str:
    """Run a program, expect its exit status, return its standard output."""
    done = subprocess.run(
        argv, env={**ENVIRONMENT, "PATH": PATH}, input=data, capture_output=True, text=True, errors="replace"
    )
    assert done.returncode == status, (argv, done.returncode, done.stdout, done.stderr)
    return done.stdout


def write_volume(out: Path, entries: Mapping[str, Source], start: int = 0, **wishes: Any) -> fat.Volume:
    """Write a volume at `start` bytes of a new file."""
    volume = fat.plan_volume(entries, **{"label": "test", "first_sector": start // 512, **wishes})
    target = os.open(out, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.ftruncate(target, start + volume.size)
    fat.write_volume(volume, target, start)
    os.close(target)
    return volume


def read_back(image: Path, path: str) -> bytes:
    """One file of a volume, as mtools reads it."""
    out = image.with_suffix(".back")
    call("mcopy", "-n", "-i", image, f"::{path}", out)
    data = out.read_bytes()
    out.unlink()
    return data


def assert_sound(image: Path) -> str:
    """fsck.fat finds nothing to mend. Returns what it says."""
    said = call("fsck.fat", "-n", "-v", image)
    assert "differences" not in said and "Free cluster summary wrong" not in said, said
    return said
