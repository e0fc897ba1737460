"""What killed processes were writing is removed; what living ones write is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from child_processes import started

from bootimage.base.partial_files import left_in, partial_path
from bootimage.base.write_files import write_whole

REPOSITORY = Path(__file__).parents[2]
WRITES = """
import sys, time
from pathlib import Path
from bootimage.base.write_files import replacing
with replacing(Path(sys.argv[1])) as partial:
    partial.write_text("half")
    print(flush=True)
    time.sleep(60)
"""


def test_left_by_kill_9(tmp_path: Path) -> None:
    file, other = tmp_path / "k.stripped", tmp_path / "k"
    command = [sys.executable, "-c", WRITES, file]
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with started(command, env=environ, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        (partial,) = tmp_path.iterdir()
        write_whole(file, "whole")
        assert partial.read_text() == "half", "its writer lives"
        writer.kill()
    write_whole(other, "whole")
    assert list(left_in(tmp_path)) == [partial], "another file's"
    write_whole(file, "whole")
    assert set(tmp_path.iterdir()) == {file, other}


def ended() -> int:
    """The number of a process that is no more."""
    with started(["true"]) as process:
        process.wait()
        return process.pid


@pytest.mark.parametrize(("age", "left"), [(0, False), (100_000, True)])
def test_of_another_machine(tmp_path: Path, age: int, left: bool) -> None:
    """Its processes cannot be asked for: only what is old is left."""
    mine = partial_path(tmp_path / "k").name
    place = mine.split(".")[2].split("-")[0]
    file = tmp_path / mine.replace(place, "000000").replace(f"-{os.getpid()}-", f"-{ended()}-")
    file.touch()
    os.utime(file, (file.stat().st_mtime - age,) * 2)
    assert list(left_in(tmp_path)) == ([file] if left else [])


def test_what_only_looks_like_it(tmp_path: Path) -> None:
    for name in (".k.4711-0a1b2c3d", ".k", ".k.abcdef-4711-0a1b2c3d.txt", "k.abcdef-1-0a1b2c3d", "..a-1-0"):
        (tmp_path / name).touch()
    assert list(left_in(tmp_path)) == []
    assert list(left_in(tmp_path / "nowhere")) == []
