"""How often a network cache may fail: one warning for the first time, and no more requests after a few."""

from __future__ import annotations

import threading

from bootimage.base import console

_FAILURES = 3


class RemoteProblem(Exception):
    """What the server did wrong, as the end of a sentence that begins with its URL.

    `final`: there is no use in asking it again in this run. `hint` says what to do about it.
    """

    def __init__(self, message: str, *, final: bool = False, hint: str | None = None) -> None:
        super().__init__(message)
        self.final = final
        self.hint = hint


class Health:
    """What is known of one server in one use (`purpose`: "reading" or "writing"); shared by threads."""

    def __init__(self, name: str, purpose: str, consequence: str) -> None:
        self._name = name
        self._purpose = purpose
        self._consequence = consequence
        self._failures = 0
        self._guard = threading.Lock()

    @property
    def good(self) -> bool:
        """True while the server is worth asking."""
        return self._failures < _FAILURES

    def failed(self, problem: RemoteProblem) -> None:
        """Note a failure, and tell the user of the first."""
        with self._guard:
            first = self._failures == 0
            self._failures = _FAILURES if problem.final else self._failures + 1
        if first:
            rest = f"; no more {self._purpose} in this run" if problem.final else ""
            console.say(f"warning: network cache {self._name}: {problem}; {self._consequence}{rest}")
            if problem.hint:
                console.say(f"  help: {problem.hint}")
