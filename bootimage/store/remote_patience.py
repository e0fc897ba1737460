"""How long one result is waited for: time is earned by bytes that came, not by bytes that were promised."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")
_GIVEN = 3
"""Time-outs that every result gets, for its record and for looking up the host."""
_BYTES_PER_TIMEOUT = 10 << 20
"""Whoever needs longer than a time-out for this many bytes is slower than building here."""


class Patience:
    """The time for all requests about one result, one after another."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._seconds = _GIVEN * timeout
        self._began: float | None = None
        self._left_behind = False

    def earn(self, count: int) -> None:
        """More time for `count` bytes that came, or were taken. TimeoutError for whoever was left behind."""
        if self._left_behind:
            raise TimeoutError
        self._seconds += self._timeout * count / _BYTES_PER_TIMEOUT

    def allows(self, seconds: float) -> bool:
        """Whether so much time is left."""
        return seconds < self._seconds - self._passed()

    def within(self, act: Callable[[], _Result]) -> _Result:
        """What `act` returns or raises, or TimeoutError. Time between two calls is not counted.

        The time-out of a socket bounds only each wait for a byte, and looking up a host has none: so `act`
        runs in a thread that can be left behind.
        """
        results: list[_Result] = []
        problems: list[BaseException] = []

        def run() -> None:
            try:
                results.append(act())
            except BaseException as problem:
                problems.append(problem)

        thread = threading.Thread(target=run, daemon=True)
        self._began = time.monotonic()
        thread.start()
        while thread.is_alive() and (left := self._seconds - self._passed()) > 0:
            thread.join(left)
        self._seconds -= self._passed()
        self._began = None
        if problems:
            raise problems[0]
        if not results:
            self._left_behind = True
            raise TimeoutError
        return results[0]

    def _passed(self) -> float:
        return 0.0 if self._began is None else time.monotonic() - self._began
