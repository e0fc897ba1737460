"""The stand-ins do what the build script of a loader 0.9 expects of its programs."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bootimage.loader.compile_0_9 import write_stand_ins


def told(program: Path, *arguments: str, cwd: Path | None = None) -> str:
    return subprocess.run([program, *arguments], cwd=cwd, check=True, capture_output=True, text=True).stdout


def test_they_are_found_and_make_an_archive_of_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "the user's stand-ins"
    path = write_stand_ins(folder)
    assert [each.name for each in path.iterdir()] == ["rustc"]
    sysroot = Path(told(path / "rustc", "--print", "sysroot").strip())
    found = [each for each in (sysroot / "lib/rustlib").iterdir() if (each / "bin/llvm-objdump").exists()]
    assert len(found) == 1
    programs = found[0] / "bin"
    assert told(programs / "llvm-size", "kernel").splitlines()[1].split()[0] != "0"
    told(programs / "llvm-objcopy", "--strip-debug", "kernel", "stripped", cwd=tmp_path)
    told(programs / "llvm-ar", "crs", "lib.a", "stripped", cwd=tmp_path)
    assert (tmp_path / "stripped").read_bytes() == b""
    assert (tmp_path / "lib.a").read_bytes() == b"!<arch>\n"
