"""The user's terminal, kept as it was: a QEMU that is killed cannot put its modes back.

Run a program on the user's terminal, as it stands: it reads and writes there itself.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from bootimage.base.errors import BuildError
from bootimage.base.signals import ending_signals
from bootimage.machine.guest_folder import dies_with_parent


@contextmanager
def terminal_kept() -> Iterator[None]:
    """Put the modes of the terminal on standard input, if it is one, back as they were before the body."""
    if not os.isatty(0):
        yield
        return
    before = termios.tcgetattr(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


_GRACE_S = 5.0


class TimedOut(BuildError):
    """The program had not ended in time, and was ended."""


def run_attached(words: Sequence[str], env: Mapping[str, str], limit: float | None = None) -> int:
    """Run the program until it ends, and return its exit code, negative for a signal.

    Raises BuildError where it cannot be started, TimedOut after `limit` seconds. Ctrl-C, SIGTERM and SIGHUP
    end the program too; the terminal's modes are put back however it ends.
    """
    with terminal_kept(), ending_signals():
        try:
            child = subprocess.Popen(words, env=dict(env), preexec_fn=dies_with_parent())
        except OSError as error:
            raise BuildError(f"cannot run {words[0]}: {error.strerror}") from error
        try:
            return child.wait(limit)
        except subprocess.TimeoutExpired:
            raise TimedOut("Test timed out") from None
        finally:
            _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the program if it still runs: asked first, and then made to."""
    if child.poll() is None:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE_S)
    if child.poll() is None:
        child.kill()
        child.wait()
