"""Run one kernel's test for the user, and remember that it passed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from bootimage import report
from bootimage.files import write_whole
from bootimage.machine.guest_test import GuestTest, run_guest_test
from bootimage.machine.serial_line import LineSink
from bootimage.machine.verdict import Outcome, Result, describe


def run_kernel_test(test: GuestTest, stop: Callable[[], bool]) -> Result:
    """Run the test, show its serial output line by line, each after its name, and then in one how it ended.

    `stop` is asked whether to give up. Raises BuildError where QEMU does not start, Stopped when stopped.
    """
    sink = LineSink(f"{test.name} | ")
    with report.step(f"Testing {test.name}"):
        try:
            result = run_guest_test(test, sink, stop)
        finally:
            sink.close()
    report.say(describe(result).splitlines()[0])
    return result


def write_pass(result: Result, path: Path) -> None:
    """Remember in the file `path` that the test has passed."""
    write_whole(path, json.dumps({"test": result.name, "seconds": result.seconds, "detail": result.detail}))


def read_pass(path: Path) -> Result:
    """The result of an earlier run that passed."""
    known = json.loads(path.read_bytes())
    return Result(known["test"], Outcome.PASSED, known["detail"], known["seconds"], None)
