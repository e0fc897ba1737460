"""The programs that run now, so that a signal to this process ends them too.

Several programs may run at once, in several threads (scons -j). Where Ctrl-C has to end them all, the main
thread calls `watch_signals` first.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable

from bootimage.base.errors import BuildError

Child = subprocess.Popen[bytes]

_GRACE_S = 2.0


def send(child: Child, number: signal.Signals) -> None:
    """Send the signal to the program, and to its own children where it has a group of its own."""
    if child.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(child.pid) == child.pid:
            os.killpg(child.pid, number)
        else:
            child.send_signal(number)


class _Running:
    """The programs that run now, so that a signal to this process can end them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: set[Child] = set()
        self._interrupted: set[Child] = set()
        self._watching = False
        self.signals = 0
        self.beside: Callable[[], None] | None = None

    def start(self, name: str, begin: Callable[[], Child]) -> Child:
        with self._lock:  # so that a signal finds every child there is
            if interrupted():
                raise BuildError(f"{name} was interrupted before it began")
            child = begin()
            self._children.add(child)
            work, self.beside = self.beside, None
        if work is not None:
            threading.Thread(target=work, daemon=True).start()
        return child

    def forget(self, child: Child) -> bool:
        with self._lock:
            self._children.discard(child)
            interrupted = child in self._interrupted
            self._interrupted.discard(child)
            return interrupted

    def interrupt(self) -> None:
        """End every running program: asked first, and made to if it has not ended soon."""
        with self._lock:
            self._interrupted |= self._children
        self._send_to_interrupted(signal.SIGTERM)
        patience = time.monotonic() + _GRACE_S
        while self._interrupted and time.monotonic() < patience:
            time.sleep(0.02)
        self._send_to_interrupted(signal.SIGKILL)

    def _send_to_interrupted(self, number: signal.Signals) -> None:
        with self._lock:
            for child in self._interrupted:
                send(child, number)

    def watch(self) -> bool:
        """Begin to wait for signals, where that is possible, and tell whether they are waited for."""
        if not self._watching and threading.current_thread() is threading.main_thread():
            self._watching = self._begin()
        return self._watching

    def _begin(self) -> bool:
        # SCons's own handlers only raise a flag and wait for the builders, and a worker thread never
        # sees KeyboardInterrupt: a pipe that Python writes each signal's number to tells us in time.
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        before = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        if before != -1:
            signal.set_wakeup_fd(before)
            os.close(read_end)
            os.close(write_end)
            return False
        threading.Thread(target=self._wait, args=(read_end,), daemon=True).start()
        return True

    def _wait(self, read_end: int) -> None:
        while numbers := os.read(read_end, 64):
            if {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} & set(numbers):
                self.signals += 1
                self.interrupt()


class _Begun(threading.local):
    """How many signals had come when this thread began with what it does."""

    signals = 0


_running = _Running()
_begun = _Begun()


def start(name: str, begin: Callable[[], Child]) -> Child:
    """The program `name` that `begin` starts; a signal to this process ends it. BuildError after a signal."""
    return _running.start(name, begin)


def forget(child: Child) -> bool:
    """Drop `child`, which has ended, and tell whether a signal to this process ended it."""
    return _running.forget(child)


def watch_signals() -> bool:
    """From now on, end the running programs when a handled SIGINT, SIGTERM or SIGHUP comes.

    Takes effect when the main thread calls it; tells whether it is in effect.
    """
    return _running.watch()


def end_running() -> None:
    """End every program that runs now: what called `run` for one gets a BuildError."""
    _running.interrupt()


def beside_next(work: Callable[[], None]) -> None:
    """Have `work` done in a thread while the next program runs; nobody waits for its end."""
    _running.beside = work


def begin() -> None:
    """From now on only signals yet to come end what this thread does: one process may build several times."""
    _begun.signals = _running.signals


def interrupted() -> bool:
    """True from the first such signal on: no program starts, and what is none asks and ends by itself."""
    return _running.signals > _begun.signals
