"""Whole processes, measured: wall-clock time, processor time and peak memory, children included."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MIB = 1 << 20
_LINES_OF_LOG = 25


class Failed(Exception):
    """Something that was to be measured does not work; the message says what, with its last lines."""


@dataclass(frozen=True)
class Cost:
    """What a command cost: seconds on the clock, seconds of processor, and bytes of memory.

    `memory` is the largest resident set of any one process of the command, not their sum. `runs` says
    of how many runs these are the medians.
    """

    wall: float
    cpu: float
    memory: int
    runs: int = 1


@dataclass(frozen=True)
class Command:
    """A command line, the folder and environment it runs in, and where its output goes."""

    argv: Sequence[str | Path]
    folder: Path
    env: Mapping[str, str]
    log: Path

    def run(self) -> Cost:
        """Run it to its end. Raises Failed, with the last lines of its output, if it fails."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            start = time.perf_counter()
            process = self._start(log)
            try:
                _pid, status, usage = os.wait4(process.pid, 0)
            except BaseException:  # Ctrl-C: leave nothing running
                process.terminate()
                process.wait()
                raise
            wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise Failed(f"{self._name()} failed ({process.returncode}):\n{self.last_lines()}")
        return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)

    def _start(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                self.argv,
                cwd=self.folder,
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise Failed(f"cannot start {self._name()}: {error.strerror}") from None

    def last_lines(self) -> str:
        """The end of its output."""
        return "\n".join(self.output().splitlines()[-_LINES_OF_LOG:])

    def output(self) -> str:
        """What it wrote, both streams."""
        return self.log.read_text(errors="replace")

    def _name(self) -> str:
        return " ".join(Path(word).name for word in self.argv[:4])


def interleaved(rounds: int, *sides: Callable[[int], Cost]) -> list[Cost]:
    """Each side's medians over `rounds` rounds of A B A B, so that a slow spell of the machine hits both.

    A side is called with the number of the round.
    """
    costs: list[list[Cost]] = [[] for _side in sides]
    for number in range(rounds):
        for side, seen in zip(sides, costs, strict=True):
            seen.append(side(number))
    return [median(seen) for seen in costs]


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each quantity."""
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        int(statistics.median(cost.memory for cost in costs)),
        len(costs),
    )
