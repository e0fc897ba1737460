"""An edit within `scons --interactive`, which has been started and has read the project before."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Cost, Failed
from bench.project import Project

_PROMPT = b"scons>>> "
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Session:
    """A running `scons --interactive` in the project's folder."""

    project: Project
    process: subprocess.Popen[bytes]

    def build_edited(self) -> Cost:
        """Change the number and type `build`; the cost until the next prompt."""
        return self.project.edited(self.build)

    def build(self) -> Cost:
        """Type `build`; what that costs until the next prompt. Raises Failed where it leaves an image out."""
        start, before = time.perf_counter(), self._processor()
        assert self.process.stdin is not None
        self.process.stdin.write(b"build image\n")
        self.process.stdin.flush()
        said = self.answer()
        wall = time.perf_counter() - start
        if not self.project.is_built() or b"error" in said:
            raise Failed(f"scons --interactive: no image after the build:\n{said.decode(errors='replace')}")
        return Cost(wall, self._processor() - before, self._memory())

    def answer(self) -> bytes:
        """What it writes before the next prompt."""
        assert self.process.stdout is not None
        said = b""
        while not said.endswith(_PROMPT):
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                raise Failed(f"scons --interactive has ended:\n{said.decode(errors='replace')}")
            said += more
        return said

    def _processor(self) -> float:
        """Seconds of processor so far, those of ended children included (proc(5), fields 14 to 17)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS

    def _memory(self) -> int:
        """The largest resident set so far, of the session alone."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        match = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(match[1]) * 1024 if match else 0


@contextmanager
def session(project: Project) -> Iterator[Session]:
    """A session in the project, which is built; its first builds, which load modules, are behind it."""
    process = subprocess.Popen(
        [*project.argv, "--interactive"],
        cwd=project.folder,
        env=dict(project.env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    running = Session(project, process)
    try:
        running.answer()
        running.build()
        running.build_edited()
        yield running
    finally:
        process.kill()
        process.communicate()
