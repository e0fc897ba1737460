"""A conversation with a guest over its serial line: wait for a pattern, send a line, and so on.

Only the logic, without a clock or a line of its own: who holds the line feeds in what came, with the
time, and sends what comes back.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import field

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass

# How much unmatched text a pattern may look back at. It bounds what a guest that writes without end costs.
_LOOK_BACK = 64 * 1024


@dataclass(frozen=True)
class Expect:
    """Wait until the guest has written text that the regular expression `pattern` is found in.

    The text is what came since the last match. `limit` is in seconds.
    """

    pattern: str
    limit: float = 60.0

    def __post_init__(self) -> None:
        _check_text("Expect waits for a regular expression", self.pattern)
        try:
            re.compile(self.pattern.encode())
        except re.error as error:
            raise BuildError(f"the pattern {self.pattern!r} is no regular expression: {error}") from error
        if not _is_time(self.limit):
            raise BuildError(f"the limit of Expect must be a number of seconds, found {self.limit!r}")


@dataclass(frozen=True)
class Send:
    """Send `text` and a line end to the guest."""

    text: str
    end: str = "\n"

    def __post_init__(self) -> None:
        _check_text("Send sends a text", self.text)
        _check_text("the end of what Send sends is a text", self.end)


Step = Expect | Send


def _check_text(wanted: str, found: object) -> None:
    """Users write these values in a SConscript, where nothing else looks at their types."""
    if not isinstance(found, str):
        raise BuildError(f"{wanted}, found {found!r}", hint='write it as a string: "..."')
    try:
        found.encode()
    except UnicodeEncodeError as error:
        raise BuildError(f"{wanted}, and {found!r} cannot be written as UTF-8: {error.reason}") from error


def _is_time(limit: object) -> bool:
    return isinstance(limit, int | float) and not isinstance(limit, bool) and limit > 0


class Conversation:
    """One guest's way through the steps."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = list(steps)
        self._unmatched = b""
        self._since = 0.0

    @property
    def awaited(self) -> Expect | None:
        """What is waited for now, None when the conversation is over."""
        step = self._steps[0] if self._steps else None
        return step if isinstance(step, Expect) else None

    @property
    def over(self) -> bool:
        """True when every step has been taken."""
        return not self._steps

    @property
    def deadline(self) -> float:
        """The time at which what is waited for is overdue."""
        return self._since + self.awaited.limit if self.awaited else math.inf

    def begin(self, now: float) -> bytes:
        """Start the clock; what to send to the guest before it says anything."""
        self._since = now
        return self._answers(now)

    def hear(self, data: bytes, now: float) -> bytes:
        """Take in what the guest wrote; what to send in answer."""
        self._unmatched += data
        answer = self._answers(now)
        self._unmatched = self._unmatched[-_LOOK_BACK:]
        return answer

    def _answers(self, now: float) -> bytes:
        answer = b""
        while self._steps:
            step = self._steps[0]
            if isinstance(step, Send):
                answer += (step.text + step.end).encode()
            elif match := re.search(step.pattern.encode(), self._unmatched):
                self._unmatched = self._unmatched[match.end() :]
            else:
                break
            del self._steps[0]
            self._since = now
        return answer


@dataclass(frozen=True)
class Pass:
    """As the last step of a conversation: the test has passed, though the guest runs on."""


@dataclass(frozen=True)
class Talk:
    """A conversation with the guest: its steps, and whether the test has passed when they are taken."""

    steps: tuple[Step, ...] = field(default=())
    passes: bool = False


def talk(steps: object) -> Talk:
    """The conversation that these steps describe.

    Raises ValueError where they are no list of steps, and for a `Pass` that is not the last.
    """
    *before, last = _steps(steps) or [Pass()]
    spoken = tuple(step for step in (*before, last) if not isinstance(step, Pass))
    if any(isinstance(step, Pass) for step in before):
        raise ValueError("Pass() ends a conversation: nothing may come after it")
    return Talk(spoken, passes=bool(spoken) and isinstance(last, Pass))


def _steps(given: object) -> list[Step | Pass]:
    """What is no step would be passed over by the guest's side, and the test would pass for nothing."""
    if not isinstance(given, list | tuple):
        raise ValueError(f"a list of steps is expected, found {given!r}; put it in brackets: [...]")
    for number, step in enumerate(given, 1):
        if not isinstance(step, Expect | Send | Pass):
            raise ValueError(
                f"step {number} is {step!r}; a step is env.Expect(pattern), env.Send(text) or env.Pass()"
            )
    return list(given)
